package policy

import (
	"iter"
	"maps"
	"slices"
	"time"

	"perilune/policy/sandbox"
)

// A Timer is one every().
type Timer struct {
	Name     string
	Interval time.Duration
}

// Every gives the timers in order of registration.
func (pr *Program) Every() (list []Timer) {
	for _, h := range pr.handlers {
		if h.kind == kindEvery {
			list = append(list, Timer{h.name, h.interval})
		}
	}
	return list
}

// SetCoverage has the view's states count the lines that they run; nil: they don't. It comes before the view's first
// state is made.
func (pr *Program) SetCoverage(c *sandbox.Coverage) { pr.cover = c }

// Compiled gives the scripts, and what they require.
func (pr *Program) Compiled() iter.Seq[*sandbox.Program] {
	return func(yield func(*sandbox.Program) bool) {
		for _, s := range pr.scripts {
			if !yield(s.program) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(pr.library.programs)) {
			if !yield(pr.library.programs[name]) {
				return
			}
		}
	}
}
