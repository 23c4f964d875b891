package server

import (
	"encoding/binary"
	"math"
	"time"

	"perilune/engine/dictionary"
)

// restrict looks after every accept, whoever gave it, at what limits the user: Expiration, access.deny, the realm's
// quota, Simultaneous-Use, Login-Time, in this order (of several reasons the first one's text is sent). Orders come from control: the matched rules'
// and handlers'.
func (c *Core) restrict(r *Request) {
	r.way.left = math.MaxInt64
	r.Trace.Enter("restrictions")
	c.limits(r, r.Generation.Dictionary.Known.Expiration, c.expiration)
	if r.Verdict == Accept && r.closed() {
		c.reject(r, ReasonClosed)
	}
	c.logins(r)
	c.limits(r, r.Generation.Dictionary.Known.LoginTime, c.loginTime)
}

// limits looks at each order of the attribute, as long as the request is accepted.
func (c *Core) limits(r *Request, a *dictionary.Attribute, look func(*Request, *Pair)) {
	for i := 0; i < len(r.Control.Pairs) && r.Verdict == Accept; i++ {
		if p := &r.Control.Pairs[i]; p.Attr == a {
			look(r, p)
		}
	}
}

// closed reports whether the name stands in access.deny.
func (r *Request) closed() bool {
	set := &r.Generation.Settings
	if len(set.Deny) == 0 {
		return false
	}
	name := r.User()
	if set.IgnoreCase {
		r.way.digest = foldTo(r.way.digest[:0], name)
		name = r.way.digest
	}
	_, denied := set.Deny[string(name)]
	return denied
}

// expiration refuses from the date on, and shortens the session to it.
func (c *Core) expiration(r *Request, p *Pair) {
	if len(p.Value) != 4 {
		return
	}
	left := expires(p.Value) - r.Arrival.Unix()
	if left <= 0 {
		c.reject(r, ReasonExpiredAccount)
		return
	}
	r.shorten(left, "Expiration")
}

// expires gives the Unix time behind four octets.
func expires(v []byte) int64 { return int64(binary.BigEndian.Uint32(v)) }

// loginTime refuses outside the hours, and shortens the session to their end. Hours that a handler made up
// and that cannot be read allow nothing.
func (c *Core) loginTime(r *Request, p *Pair) {
	hours := r.Generation.prepare().hours.get(p.Value, readLoginTime)
	if hours.err != nil {
		c.warn(r, "Login-Time is not understood and so refuses: "+hours.err.Error())
		c.reject(r, ReasonLoginTime)
		return
	}
	left, limited, inside := hours.at(r.Arrival, r.Generation.Settings.Location)
	switch {
	case !inside:
		c.reject(r, ReasonLoginTime)
	case limited:
		r.shorten(int64(left/time.Second), "Login-Time")
	}
}

// shorten lets the session end after some seconds at the latest: of several limits the smallest wins.
func (r *Request) shorten(seconds int64, why string) {
	if seconds >= r.way.left {
		return
	}
	r.way.left = seconds
	if r.Trace != nil {
		r.Trace.Step(why + ": the session may last " + time.Duration(min(seconds, math.MaxInt32)*int64(time.Second)).String())
	}
}

// jitter shortens Session-Timeout by up to the percentage that is set, so that sessions that began together do
// not end in one second. It never lengthens: the time may be a limit.
func (r *Request) jitter(random uint32) {
	attr := r.Generation.Dictionary.Known.SessionTimeout
	percent := uint64(r.Generation.Settings.SessionJitter)
	v, ok := r.Reply.First(attr)
	if percent == 0 || !ok || len(v) != 4 {
		return
	}
	seconds := uint64(binary.BigEndian.Uint32(v))
	off := uint64(random) * (seconds * percent / 100) >> 32
	if off == 0 {
		return
	}
	if r.Trace != nil {
		r.Trace.Step("session-jitter takes off " + time.Duration(off*uint64(time.Second)).String())
	}
	r.way.values = binary.BigEndian.AppendUint32(r.way.values[:0], uint32(seconds-off))
	r.Reply.Set(attr.AnyTag(), r.way.values)
}

// capSession puts the smallest limit into Session-Timeout (RFC 2865 s5.27), unless the reply has a smaller
// one already.
func (r *Request) capSession() {
	if r.Verdict != Accept || r.way.left > math.MaxInt32 || r.way.left <= 0 { // NASes read more as negative
		return
	}
	attr := r.Generation.Dictionary.Known.SessionTimeout
	if v, ok := r.Reply.First(attr); ok && len(v) == 4 && int64(binary.BigEndian.Uint32(v)) <= r.way.left {
		return
	}
	r.way.values = binary.BigEndian.AppendUint32(r.way.values[:0], uint32(r.way.left))
	r.Reply.Set(attr.AnyTag(), r.way.values)
}
