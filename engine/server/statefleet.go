package server

import (
	"context"
	"encoding/hex"
	"errors"
	"time"
)

// Counts are numbers that the servers of a fleet share. Add adds to one, which begins at 0 and then lives for ttl, and
// gives the sum; it is atomic for all of them. It may block, until ctx ends.
type Counts interface {
	Add(ctx context.Context, key string, n float64, ttl time.Duration) (float64, error)
}

// The count of a State is the number of its answers, and beyond spentMark that of those who have ended it. Who comes
// second is too late, so that of two right answers to one State, at two servers at the same time, one lets in.
const spentMark = 1 << 20

// countMargin is how long a count lives beyond its State: clocks of a fleet differ.
const countMargin = time.Minute

var errUnknown = errors.New("whether the State is spent cannot be known: the table of the fleet does not answer")

// takeFleet counts one answer to a State of a fleet. An error but errSpent means that nobody can know.
func (c *Core) takeFleet(r *Request, t *ticket, limit int) error {
	if limit <= 0 {
		limit = defaultTries
	}
	n, err := c.addFleet(r, t, 1)
	switch {
	case err != nil:
		return errUnknown
	case n > float64(limit):
		return errSpent
	}
	return nil
}

// addFleet adds to the count of a State, off the loop.
func (c *Core) addFleet(r *Request, t *ticket, n float64) (float64, error) {
	if err := r.Detach(); err != nil {
		return 0, err
	}
	ctx := context.Background()
	if !r.Deadline.IsZero() {
		within, cancel := context.WithTimeout(ctx, r.Deadline.Sub(c.now()))
		defer cancel()
		ctx = within
	}
	return t.fleet.Add(ctx, "state:"+hex.EncodeToString(t.serial[:]), n, t.ends.Sub(c.now())+countMargin)
}

// settleFleet tells the fleet what became of an answer, before that is sent: an accept or a further challenge goes out
// only if this request is the one that has ended the State.
func (c *Core) settleFleet(r *Request) {
	t := &r.way.ticket
	if !t.held || t.fleet == nil {
		return
	}
	switch r.Verdict {
	case Accept, Challenge:
		n, err := c.addFleet(r, t, spentMark)
		if err != nil {
			c.unknownState(r)
		} else if n >= 2*spentMark {
			r.Trace.Step(errSpent.Error())
			c.reject(r, ReasonState)
		}
	case Drop, Discard:
		// The try is given back as well as can be: nobody was told anything.
		if _, err := c.addFleet(r, t, -1); err != nil {
			r.Trace.Step(errUnknown.Error())
		}
	}
}

// unknownState drops a request whose State may be spent or not: the NAS asks again, or its next server.
func (c *Core) unknownState(r *Request) {
	r.refuse(Drop, ReasonBackend)
	r.Trace.Step(errUnknown.Error())
}
