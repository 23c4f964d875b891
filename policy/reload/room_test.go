package reload

import (
	"runtime"
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

// TestGarbageOfABuild: what a build has left beyond what the collector lets be is gone when it may run again.
func TestGarbageOfABuild(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	runtime.GC()
	restore := holdCollector()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	room := make([][]byte, 0, 64)
	for range cap(room) {
		room = append(room, make([]byte, 1<<20))
	}
	runtime.KeepAlive(room)
	room = nil
	restore()
	runtime.ReadMemStats(&after)
	if after.NumGC == before.NumGC || after.HeapAlloc > before.HeapAlloc+32<<20 {
		t.Errorf("%d collections, %d octets more", after.NumGC-before.NumGC, after.HeapAlloc-before.HeapAlloc)
	}
}
