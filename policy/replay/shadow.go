package replay

import (
	"errors"
	"sync/atomic"

	"perilune/engine/server"
)

// A Shadow runs live requests through a generation beside the one that answers them, and tells what it would have
// answered. It is a server.Captor: what has no room waits for nobody, and is counted.
type Shadow struct {
	engine *Engine
	stop   func()
	in     chan *server.Captured
	over   chan struct{}
	rate   uint64
	second atomic.Int64
	taken  atomic.Uint64 // in that second
	lost   atomic.Uint64
}

// shadowQueue bounds the requests that wait; each is a copy of two packets.
const shadowQueue = 512

// ShadowRate is how many requests a second a Shadow takes where nobody says otherwise. A copy costs some microseconds
// of the loop, and the decision as much as the request itself.
const ShadowRate = 500

var errCaptors = errors.New("too many look at the requests already")

// NewShadow begins to take requests: rate a second at most, 0: ShadowRate.
func NewShadow(from Traffic, s Subject, rate int, o Options) (*Shadow, error) {
	if rate <= 0 {
		rate = ShadowRate
	}
	o.Workers = 1
	w := &Shadow{engine: New(s, o), in: make(chan *server.Captured, shadowQueue), over: make(chan struct{}), rate: uint64(rate)}
	go w.run()
	stop, ok := from.Capture(w)
	w.stop = stop
	if !ok {
		w.Close()
		return nil, errCaptors
	}
	return w, nil
}

// Wants implements server.Captor.
func (s *Shadow) Wants(r *server.Request) bool {
	second := r.Arrival.Unix()
	if before := s.second.Load(); before != second && s.second.CompareAndSwap(before, second) {
		s.taken.Store(0)
	}
	if s.taken.Add(1) <= s.rate && len(s.in) < shadowQueue {
		return true
	}
	s.lost.Add(1)
	return false
}

// Take implements server.Captor.
func (s *Shadow) Take(k *server.Captured) {
	select {
	case s.in <- k:
	default:
		s.lost.Add(1)
	}
}

func (s *Shadow) run() {
	defer close(s.over)
	for k := range s.in {
		if k == nil { // the end
			return
		}
		s.engine.Put(FromCaptured(k))
	}
}

// Close ends the shadow and gives its report. Requests under way are left out.
func (s *Shadow) Close() *Report {
	if s.stop != nil {
		s.stop()
	}
	s.in <- nil
	<-s.over
	report := s.engine.Close()
	report.Lost = s.lost.Load()
	return report
}
