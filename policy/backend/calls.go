package backend

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"perilune/policy/module"
)

// results are how calls end, as metrics name them.
var results = [...]string{"ok", "timeout", "refused", "busy", "breaker", "status", "misuse"}

// calls counts how the calls of one backend have ended, over all its pools.
type calls struct {
	ended [len(results)]atomic.Uint64

	mu      sync.Mutex // protects breaker
	breaker *breaker   // of the pool that was opened last; nil: none
}

// count notes the end of one call.
func (c *calls) count(err error) {
	i := 0
	var m *module.Misuse
	switch {
	case errors.As(err, &m):
		i = len(results) - 1
	case err != nil:
		i = max(slices.Index(results[:], module.AsFailure(err).Kind), 0)
	}
	c.ended[i].Add(1)
}

func (c *calls) guardedBy(b *breaker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.breaker = b
}

// counter gives the counters of a backend. Names come from configuration and scripts alone. The caller holds no lock
// of p.
func (p *Pools) counter(kind, name string) *calls {
	p.counting.Lock()
	defer p.counting.Unlock()
	key := kind + " " + name
	c := p.counters[key]
	if c == nil {
		c = new(calls)
		p.counters[key] = c
	}
	return c
}

// Calls are how the calls of one backend have ended since the start.
type Calls struct {
	Kind, Name string
	Results    []Result
	Breaker    bool // it has one
	Open       bool // and that is open
}

// A Result is a way for calls to end, and how many did.
type Result struct {
	Name  string
	Count uint64
}

// Calls gives the counters of all backends that were opened since the start, by kind and name.
func (p *Pools) Calls() (list []Calls) {
	p.counting.Lock()
	defer p.counting.Unlock()
	for key, c := range p.counters {
		kind, name, _ := strings.Cut(key, " ")
		one := Calls{Kind: kind, Name: name}
		for i, result := range results {
			one.Results = append(one.Results, Result{result, c.ended[i].Load()})
		}
		c.mu.Lock()
		if c.breaker != nil && c.breaker.fails > 0 {
			one.Breaker, one.Open = true, c.breaker.open()
		}
		c.mu.Unlock()
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Calls) int { return strings.Compare(a.Kind+" "+a.Name, b.Kind+" "+b.Name) })
	return list
}
