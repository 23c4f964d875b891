package backend

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"perilune/policy/module"
)

// A memoryWindow counts in the memory of this process. What is added lies in the bucket of its time; the oldest bucket
// is forgotten as a whole, so that something counts for the span, or up to a bucket less.
type memoryWindow struct {
	now      func() time.Time
	base     time.Time
	width    int64 // of a bucket, in nanoseconds
	distinct bool
	seed     maphash.Seed
	shards   [windowShards]windowShard
}

// Bounds of a window. A shard that is full forgets the keys that were counted longest ago.
const (
	windowShards = 32
	shardKeys    = defaultKeys / windowShards
	shardOctets  = defaultOctets / windowShards
)

// Window implements module.Backends.
func (l *Lease) Window(name string, o module.WindowOptions) (module.Window, error) {
	o, err := l.spans.agree(name, o)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("window %s %v %d %v", name, o.Span, o.Buckets, o.Distinct)
	return take(l, key, func() (*memoryWindow, error) { return newWindow(l.pools.now, o), nil })
}

// windowSpans are how a generation opens its windows, by name.
type windowSpans struct {
	mu   sync.Mutex // protects list
	list map[string]module.WindowOptions
}

// agree takes what a script names. All that name options must name the same.
func (s *windowSpans) agree(name string, o module.WindowOptions) (module.WindowOptions, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, known := s.list[name]
	if known && o == (module.WindowOptions{}) {
		return have, nil
	}
	o.Span = cmp.Or(o.Span, 15*time.Minute)
	o.Buckets = cmp.Or(o.Buckets, 15)
	switch {
	case o.Span/time.Duration(o.Buckets) < time.Millisecond:
		return o, fmt.Errorf("span: %v in %d buckets; expected at least 1ms for each", o.Span, o.Buckets)
	case known && have != o:
		return o, fmt.Errorf("opened elsewhere with span=%v, buckets=%d, distinct=%t; expected the same options, or none, everywhere",
			have.Span, have.Buckets, have.Distinct)
	case s.list == nil:
		s.list = map[string]module.WindowOptions{}
	}
	s.list[name] = o
	return o, nil
}

func newWindow(now func() time.Time, o module.WindowOptions) *memoryWindow {
	w := &memoryWindow{
		now: now, base: now(), seed: maphash.MakeSeed(), distinct: o.Distinct,
		width: int64(o.Span) / int64(o.Buckets),
	}
	for i := range w.shards {
		w.shards[i].open(o.Buckets)
	}
	return w
}

// Close frees the window.
func (w *memoryWindow) Close() error { return nil }

// outlives reports that something was counted.
func (w *memoryWindow) outlives() bool {
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		n := len(s.keys)
		s.mu.Unlock()
		if n > 0 {
			return true
		}
	}
	return false
}

// Reset empties the window.
func (w *memoryWindow) Reset() {
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		s.open(s.buckets)
		s.mu.Unlock()
	}
}

// bucket gives the number of the bucket of now.
func (w *memoryWindow) bucket() int64 { return int64(w.now().Sub(w.base)) / w.width }

// Distinct implements module.Window.
func (w *memoryWindow) Distinct() bool { return w.distinct }

// Add implements module.Window.
func (w *memoryWindow) Add(key string, n float64, value string) float64 {
	s, at := &w.shards[maphash.String(w.seed, key)%windowShards], w.bucket()
	var hash uint64
	if w.distinct {
		hash = maphash.String(w.seed, value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.touch(key)
	s.advance(c, at)
	if w.distinct {
		s.see(c, hash)
	} else {
		*s.count(c, c.last) += n
	}
	s.shrink(c)
	return s.sum(c, at)
}

// Get implements module.Window.
func (w *memoryWindow) Get(key string) float64 {
	s, at := &w.shards[maphash.String(w.seed, key)%windowShards], w.bucket()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.keys[key]
	if c == nil {
		return 0
	}
	return s.sum(c, at)
}
