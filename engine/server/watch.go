package server

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	watchQueue = 64 // traces kept for a slow reader; more are lost for it
	watchLimit = 16
	watchLooks = 1000 // requests a second that are traced because somebody may want them
)

// A Watching is somebody who looks at live requests. A reader that is too slow loses traces, never delays a request.
type Watching struct {
	filter Filter
	core   *Core
	out    chan *Traced

	notShown, unlooked atomic.Uint64

	mu      sync.Mutex // protects all below, and sending to out
	stopped bool
	second  int64 // that shown and looks count
	shown   int
	looks   int
	fitted  int // for Filter.Sample
}

// Watch sends a trace of each request that fits, from now until Stop is called. ok is false if too many look already.
func (c *Core) Watch(f Filter) (w *Watching, ok bool) {
	w = &Watching{filter: f, core: c, out: make(chan *Traced, watchQueue)}
	if !c.watches.add(w, watchLimit) {
		return nil, false
	}
	return w, true
}

// Traces gives the requests. It ends with Stop. What is sent must not be changed: others may look at it.
func (w *Watching) Traces() <-chan *Traced { return w.out }

// Missed gives how many requests that fit were not shown since the last call, beyond the bound or for want of room in
// the queue; and how many were not looked at that might have fitted.
func (w *Watching) Missed() (notShown, unlooked uint64) {
	return w.notShown.Swap(0), w.unlooked.Swap(0)
}

// Stop ends it. A second call does nothing.
func (w *Watching) Stop() {
	w.core.watches.remove(w)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.stopped = true
		close(w.out)
	}
}

// look gives the request a Trace if somebody wants it, or may want it.
func (c *Core) look(r *Request) {
	list := c.watches.all()
	if len(list) == 0 || r.Trace != nil {
		return
	}
	for _, w := range list {
		if w.filter.fitsClient(r.Client.Name) && w.wants(r) {
			if r.Trace == nil {
				r.Trace = &Trace{now: c.now}
			}
			r.Trace.watching = append(r.Trace.watching, w)
		}
	}
}

// wants reports whether the request is to be traced for the watching. Users and attributes are compared at the end:
// handlers may change them.
func (w *Watching) wants(r *Request) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tick(r.Arrival)
	if w.filter.early() {
		return w.chooses()
	}
	full := w.filter.PerSecond > 0 && w.shown >= w.filter.PerSecond
	switch likely := w.filter.received(r); {
	case likely && full && w.filter.Attribute == "" && w.filter.Verdict == "":
		w.notShown.Add(1)
		return false
	case likely && !full:
		return true
	}
	if w.looks >= watchLooks || full {
		w.unlooked.Add(1)
		return false
	}
	w.looks++
	return true
}

// chooses reports whether a request that fits is shown: the sample and the bound in a second.
func (w *Watching) chooses() bool {
	w.fitted++
	if w.filter.Sample > 1 && (w.fitted-1)%w.filter.Sample != 0 {
		return false
	}
	if w.filter.PerSecond > 0 && w.shown >= w.filter.PerSecond {
		w.notShown.Add(1)
		return false
	}
	w.shown++
	return true
}

// tick begins a second.
func (w *Watching) tick(at time.Time) {
	if s := at.Unix(); s != w.second {
		w.second, w.shown, w.looks = s, 0, 0
	}
}

// show sends the trace of a finished request to those whom it fits.
func (c *Core) show(r *Request) {
	var made *Traced
	for _, w := range r.Trace.watching {
		if !w.filter.early() && (!w.filter.fits(r) || !w.choosesLate()) {
			continue
		}
		if made == nil {
			made = r.traced(c.now().Sub(r.Arrival))
		}
		w.send(made)
	}
}

func (w *Watching) choosesLate() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chooses()
}

// send never waits.
func (w *Watching) send(t *Traced) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	select {
	case w.out <- t:
	default:
		w.notShown.Add(1)
	}
}

// showRefused sends what is known of a packet that never became a request to those whom it fits.
func (c *Core) showRefused(k *kept) {
	for _, w := range c.watches.all() {
		if !w.filter.fitsRefused(k) || !w.choosesAt(k.time) {
			continue
		}
		w.send(&Traced{Decision: k.decision()})
	}
}

func (w *Watching) choosesAt(at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tick(at)
	return w.chooses()
}
