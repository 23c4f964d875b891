package reload

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	buildRoom = 64 << 20 // octets of garbage that a build may make beyond what the collector lets it
	leastHeap = 8 << 20  // so that the collector is not held back without bound
)

// holdCollector lets the heap grow by some buildRoom more before it is collected, until restore is called: a build makes
// little that stays and much garbage, and each turn of the collector keeps a processor from packets for milliseconds.
// Garbage that the collector would not have let be is collected before restore returns: who allocates while there is
// too much of it must help the collector, for milliseconds at a time. Under a limit of memory that is near, or without
// a collector, all stays as it is. Calls must not overlap.
func holdCollector() (restore func()) {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(s)
	percent, live, limit := s[0].Value.Uint64(), max(s[1].Value.Uint64(), leastHeap), s[2].Value.Uint64()
	if percent > 1000 || (2*live+buildRoom)*2 > limit {
		return func() {}
	}
	old := debug.SetGCPercent(int(percent + buildRoom*100/live))
	return func() {
		now := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		if metrics.Read(now); now[0].Value.Uint64() > live+live*percent/100 {
			runtime.GC()
		}
		debug.SetGCPercent(old)
	}
}
