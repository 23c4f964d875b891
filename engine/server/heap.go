package server

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// A Heap watches the memory of the process against its limit. While it is nearly full no request may begin to wait,
// and scripts that have allocated much are ended. A nil *Heap has no limit. It is safe for use by many goroutines.
type Heap struct {
	limit  uint64
	looked atomic.Int64 // when, in ns of time
	full   atomic.Bool

	mu         sync.Mutex // protects the rest
	sample     [1]metrics.Sample
	collecting bool
	rests      time.Time // until then nothing is collected for fullness
}

// heapLook is how long a look at the heap holds: it costs as much as a small request.
const heapLook = 5 * time.Millisecond

// NewHeap watches a limit in octets of the whole process; nil for 0, which is no limit. It counts as full when objects
// take three quarters of the limit: the rest is for stacks, for what the collector has not yet given back and for what
// grows until the next look.
func NewHeap(limit int64) *Heap {
	if limit <= 0 {
		return nil
	}
	h := &Heap{limit: uint64(limit) / 4 * 3}
	h.sample[0].Name = "/memory/classes/heap/objects:bytes"
	return h
}

// Full reports whether the heap has nearly reached the limit.
func (h *Heap) Full() bool {
	if h == nil {
		return false
	}
	now, before := time.Now().UnixNano(), h.looked.Load()
	if now-before < int64(heapLook) || !h.looked.CompareAndSwap(before, now) {
		return h.full.Load()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	metrics.Read(h.sample[:])
	full := h.sample[0].Value.Uint64() >= h.limit
	h.full.Store(full)
	if full && !h.collecting && time.Now().After(h.rests) {
		h.collecting = true
		go h.collect()
	}
	return full
}

// collect frees what nobody has any more: most of what fills the heap is that, and without it an idle server would go on
// refusing until the collector's turn comes. It is at work for a twentieth of the time at most.
func (h *Heap) collect() {
	begun := time.Now()
	runtime.GC()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.collecting, h.rests = false, time.Now().Add(20*time.Since(begun))
	h.looked.Store(0)
}
