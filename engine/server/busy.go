package server

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// giveWayEvery is how often Yield gives way to other threads and processes: each time costs this one the rest of its
// slice, so that others on the same processor would get all of it.
const giveWayEvery = time.Millisecond

// Busy counts what computes for long: loaders, long hooks, costly hashes. Go's scheduler does not look at the
// network while any goroutine is runnable, so a reader that is parked there would wait for tens of
// milliseconds. While all processors are busy, readers don't park: they poll their sockets and yield.
//
// Whoever computes for more than about 0.2 ms calls Enter, then Yield every 50 to 100 µs, then Leave.
// The zero Busy is ready to use; a nil *Busy yields and counts nothing.
type Busy struct {
	n     atomic.Int32
	mu    sync.Mutex
	gave  atomic.Int64 // when Yield gave way to other threads last, in Unix nanoseconds
	wakes []func()     // bring parked readers to the polling state; protected by mu
}

// Enter says that a long computation begins. Calls nest and may come from many goroutines.
func (b *Busy) Enter() {
	if b == nil || int(b.n.Add(1)) != runtime.GOMAXPROCS(0) {
		return // with a processor to spare the network is watched
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, wake := range b.wakes {
		wake()
	}
}

// Yield lets others run: readers above all.
func (b *Busy) Yield() {
	runtime.Gosched()
	if b == nil {
		return
	}
	now := time.Now().UnixNano()
	if last := b.gave.Load(); (now-last >= int64(giveWayEvery) || now < last) && b.gave.CompareAndSwap(last, now) {
		giveWay()
	}
}

// Leave ends what Enter began.
func (b *Busy) Leave() {
	if b != nil {
		b.n.Add(-1)
	}
}

// Count gives the number of computations under way.
func (b *Busy) Count() int {
	if b == nil {
		return 0
	}
	return int(b.n.Load())
}

// Poll reports whether a reader should poll instead of parking: all processors have something to do, so
// none is left to watch the network.
func (b *Busy) Poll() bool {
	n := b.n.Load()
	return n > 0 && int(n) >= runtime.GOMAXPROCS(0)
}

// Watch registers a function that wakes a reader, so that it looks at Poll.
func (b *Busy) Watch(wake func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wakes = append(b.wakes, wake)
}

// unwatch forgets all readers.
func (b *Busy) unwatch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wakes = nil
}
