package reload

import (
	"runtime/debug"
	"testing"
)

// TestHoldCollector: the collector waits during a build and no longer, and not at all near a limit.
func TestHoldCollector(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	restore := holdCollector()
	if during := debug.SetGCPercent(150); during <= 100 {
		t.Errorf("%d %% during a build", during)
	}
	restore()
	if after := debug.SetGCPercent(100); after != 100 {
		t.Errorf("%d %% after it", after)
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(64 << 20))
	restore = holdCollector()
	if near := debug.SetGCPercent(100); near != 100 {
		t.Errorf("%d %% near a limit", near)
	}
	restore()
}
