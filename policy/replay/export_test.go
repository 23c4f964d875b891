package replay

import (
	"io"
	"strings"
)

// A Decider decides cases one after the other, without goroutines: for fuzzing.
type Decider struct{ w *worker }

// NewDecider makes one.
func NewDecider(s Subject) *Decider {
	return &Decider{newWorker(&Engine{subject: s})}
}

// Decide gives what came of a case, with the examples of its report.
func (d *Decider) Decide(c *Case) Finding {
	f := d.w.decide(c)
	g := newGatherer(1)
	g.add(c, f)
	g.report(0).Write(io.Discard)
	return f
}

// Defect reports a Finding that is the server's fault.
func (f *Finding) Defect() bool { return strings.HasPrefix(f.Cause, defect) }

// Lines gives the lines of a text as Read does, on the goroutine of the caller.
func Lines(text string, key *Key) (cases []*Case, errs []error) {
	rd := newReader(strings.NewReader(text))
	for !rd.over {
		b := rd.fill()
		b.parse("r", key)
		cases, errs = append(cases, b.cases...), append(errs, b.errs...)
	}
	return cases, errs
}
