package program

import (
	"errors"
	"sync/atomic"
)

// Counters count how runs have ended since the start.
type Counters struct {
	OK       uint64 // with status 0
	Failed   uint64 // with another one, or killed for what they printed
	Missing  uint64 // could not be run
	Deadline uint64 // killed at their deadline
	Busy     uint64 // not run for want of a turn, or of room in the backlog
	Asked    uint64 // lines that filters were asked
	Broken   uint64 // times that a filter broke
}

type counters struct {
	ok, failed, missing, deadline, busy, asked, broken atomic.Uint64
}

func (c *counters) count(exit int, err error) {
	var start *StartError
	switch {
	case errors.As(err, &start):
		c.missing.Add(1)
	case errors.Is(err, ErrDeadline):
		c.deadline.Add(1)
	case errors.Is(err, ErrBusy), errors.Is(err, ErrClosed):
		c.busy.Add(1)
	case err != nil || exit != 0:
		c.failed.Add(1)
	default:
		c.ok.Add(1)
	}
}

// Counters gives the counters as they stand.
func (r *Runner) Counters() Counters {
	c := &r.counters
	return Counters{
		OK: c.ok.Load(), Failed: c.failed.Load(), Missing: c.missing.Load(), Deadline: c.deadline.Load(),
		Busy: c.busy.Load(), Asked: c.asked.Load(), Broken: c.broken.Load(),
	}
}
