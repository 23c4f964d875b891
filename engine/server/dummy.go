package server

import (
	"sync/atomic"

	"perilune/engine/auth"
)

// A dummy is what an unknown user's password is verified against: of the greatest cost met so far, over
// all generations, so that it takes the same way and time as a wrong password.
type dummy struct {
	stored atomic.Pointer[auth.Stored]
	clear  auth.Stored
}

func newDummy() *dummy {
	d := &dummy{clear: auth.Dummy(auth.Cost{})}
	d.stored.Store(&d.clear)
	return d
}

// raise makes the dummy as costly as s.
func (d *dummy) raise(s *auth.Stored) {
	d.raiseTo(s.Cost())
}

// raiseTo makes the dummy of that cost, if it is the greater one. It need not have been made by newDummy.
func (d *dummy) raiseTo(cost auth.Cost) {
	if now := d.stored.Load(); now == nil && cost.Micros() > 0 || now != nil && cost.Micros() > now.Cost().Micros() {
		costlier := auth.Dummy(cost)
		d.stored.Store(&costlier)
	}
}

// nothing gives a password that nothing fits, for a request that has no stored one: for PAP as costly as the
// costliest that this generation's files or any request so far have shown, for CHAP and MS-CHAP a clear one, as
// they can be compared with no other.
func (c *Core) nothing(r *Request) auth.Stored {
	if _, pap := r.Attributes.First(r.Generation.Dictionary.Known.UserPassword); !pap {
		return c.dummy.clear
	}
	seen := c.dummy.stored.Load()
	if read := r.Generation.costliest.stored.Load(); read != nil && read.Cost().Micros() > seen.Cost().Micros() {
		return *read
	}
	return *seen
}
