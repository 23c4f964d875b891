package server

import (
	"maps"
	"sync"
	"sync/atomic"
)

// byText remembers what texts of rules and handlers mean, for one generation: reading one takes longer than all
// the rest of a request. Looking up takes no lock; the map is copied for each new text.
type byText[V any] struct {
	known atomic.Pointer[map[string]*V]
	mu    sync.Mutex // protects against a second writer of known
}

// textLimit bounds the texts remembered: scripts may make them up.
const textLimit = 1024

// get gives what read made of the text when it was first met.
func (t *byText[V]) get(text []byte, read func(text string) *V) *V {
	if m := t.known.Load(); m != nil {
		if v := (*m)[string(text)]; v != nil {
			return v
		}
	}
	v := read(string(text))
	t.mu.Lock()
	defer t.mu.Unlock()
	grown := map[string]*V{}
	if m := t.known.Load(); m != nil && len(*m) < textLimit {
		grown = maps.Clone(*m)
	}
	grown[string(text)] = v
	t.known.Store(&grown)
	return v
}
