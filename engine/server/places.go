package server

import (
	"context"
	"math"
	"time"

	"perilune/engine/acct"
)

// Places books logins where all servers that share a store see them. *acct.Store is one.
type Places interface {
	// Shared reports whether there are other servers.
	Shared() bool
	// Place claims a place among the sessions of all servers. It waits for the database.
	Place(context.Context, acct.Claim) (acct.Booking, error)
	// Unplace frees a place whose Accept is not sent after all. It does not wait.
	Unplace(user string, d acct.Device)
}

// placeWait is how long a login waits for what other servers know. Then this server's sessions decide.
const placeWait = time.Second

// everywhere asks the shared store about a login that this server's sessions allow. The request gives way to
// others while it waits.
func (c *Core) everywhere(r *Request, claim *acct.Claim, got *acct.Booking) {
	if c.places == nil || !c.places.Shared() || !got.Granted || claim.Limit == math.MaxInt || r.Detach() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), placeWait)
	defer cancel()
	all, err := c.places.Place(ctx, *claim)
	switch {
	case err != nil:
		r.Trace.Step("sessions: the shared database does not answer; this server's sessions decide")
	case !all.Granted:
		if !got.Renewed {
			c.sessions.Release(claim.User, claim.Device)
		}
		*got = all
	}
}
