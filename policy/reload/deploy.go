package reload

import (
	"context"
	"fmt"
	"time"

	"perilune/policy/replay"
)

// A Deploy is a reload that is careful: what it builds is tried on live requests first, or must be confirmed after.
type Deploy struct {
	Trigger string
	Force   bool // build even if nothing has changed

	Shadow time.Duration  // how long the candidate is tried beside the active generation; 0: not at all
	Core   replay.Traffic // whose requests those are
	Rate   int            // of them a second, at most; 0: replay.ShadowRate
	Yes    bool           // put it in place whatever the shadow finds
	Never  bool           // and never: only tell

	Confirm time.Duration // roll back unless confirmed in this time; 0: it counts as confirmed
}

// Deploy builds from the files, tries what it has built as d demands, and puts it in place if all is well. With a
// shadow that is: nothing would change, and some request came; or d.Yes. It blocks until it is done; if ctx ends
// before, nothing is put in place. Another reload may come first; then what was tried is thrown away.
func (r *Reloader) Deploy(ctx context.Context, d Deploy) Report {
	r.building.Lock()
	defer r.building.Unlock()
	b := r.built(r.fromDisk, d.Trigger, d.Force)
	if d.Shadow > 0 && b.fine() && !b.unchanged {
		base := r.active
		r.building.Unlock()
		b.report.Shadow, b.stopped = r.shadow(ctx, &d, b.candidate)
		r.building.Lock()
		if r.active != base {
			b.stopped = fmt.Errorf("generation %d was put in place meanwhile; what was tried is not", r.active.Number)
		}
		if b.stopped == nil {
			b.stopped = d.verdict(b.report.Shadow)
		}
	}
	r.confirm = d.Confirm
	defer func() { r.confirm = 0 }()
	return r.finish(b)
}

// shadow tries a candidate until its time is over, another generation is put in place, or nobody waits any more.
func (r *Reloader) shadow(ctx context.Context, d *Deploy, c *Candidate) (*replay.Report, error) {
	if !r.shadowing.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("another shadow is at work")
	}
	defer r.shadowing.Store(false)
	s, err := replay.NewShadow(d.Core, replay.Subject{Generation: c.Generation, Program: c.Program, Backend: c.Config.Backend}, d.Rate, replay.Options{Busy: r.o.Busy})
	if err != nil {
		return nil, err
	}
	r.log().Info("a shadow tries the files on live requests", "for", d.Shadow, "trigger", d.Trigger)
	turned := r.turn()
	timer := time.NewTimer(d.Shadow)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-turned:
	case <-ctx.Done():
		err = fmt.Errorf("the shadow was broken off")
	}
	report := s.Close()
	r.log().Info("the shadow is over", "requests", report.Requests, "changed", report.Changed, "not_comparable", report.Incomparable, "left_out", report.Lost)
	return report, err
}

// verdict says why the result of a shadow keeps a candidate out; nil if it does not.
func (d *Deploy) verdict(report *replay.Report) error {
	switch {
	case d.Never:
		return fmt.Errorf("only a shadow was asked for")
	case d.Yes:
		return nil
	case report.Requests == 0:
		return fmt.Errorf("no request came in %v; -yes puts it in place untried", d.Shadow)
	case report.Differs():
		return fmt.Errorf("%d of %d requests would change; -yes puts it in place all the same", report.Changed+report.Following, report.Requests)
	}
	return nil
}

// turn gives a channel that is closed when another generation is put in place.
func (r *Reloader) turn() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turned == nil {
		r.turned = make(chan struct{})
	}
	return r.turned
}

// turnOver tells who waits for another generation.
func (r *Reloader) turnOver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turned != nil {
		close(r.turned)
		r.turned = nil
	}
}
