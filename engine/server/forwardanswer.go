package server

import (
	"perilune/engine/proxy"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// returned goes on with a request that a home server has answered, or that none did.
func (c *Core) returned(r *Request) {
	o := r.way.outbound
	c.takeAnswer(r, o)
	if r.Packet.Code == radius.CodeAccountingRequest {
		c.accountAnswered(r, o)
		return
	}
	if r.Verdict == 0 {
		c.accessAnswered(r, o)
	}
	if r.pending != waitNothing {
		return
	}
	c.settle(r)
	c.closeAccess(r)
}

// takeAnswer puts what came of the exchange into the request: the received pairs in clear text, and of these the
// propagated ones into the reply.
func (c *Core) takeAnswer(r *Request, o *outbound) {
	x, p := &o.exchange, &o.proxied
	p.Reply.Reset()
	p.Realm, p.Server = o.realm.Name, x.Server
	p.Attempts += x.Attempts
	p.Took += x.Took
	r.Proxied = p
	switch x.Outcome {
	case proxy.Answered:
		s, auth := x.Keys()
		// Nothing but User-Password can fail, and that is in no reply.
		_ = r.Generation.Dictionary.Decode(&p.Reply, x.Reply.Attributes, s, auth)
		r.way.home = x.Reply.Code
		p.Result = resultOf(x.Reply.Code)
		r.keep(o)
		r.markReplied()
	case proxy.Timeout:
		p.Result = "timeout"
	case proxy.AllDead:
		p.Result = "dead"
	default:
		c.unsent(r, x)
	}
	if r.Trace != nil {
		o.traceAnswer(r)
	}
}

// markReplied tells rules that a home server has answered, by Proxy-Replied = Yes as in GNU Radius. It is internal.
func (r *Request) markReplied() {
	if a := r.Generation.prepare().replied; a != nil {
		r.Attributes.Set(a.AnyTag(), []byte{0, 0, 0, 1})
	}
}

// resultOf gives the word for a home server's answer.
func resultOf(code radius.Code) string {
	switch code {
	case radius.CodeAccessAccept:
		return "accept"
	case radius.CodeAccessReject:
		return "reject"
	case radius.CodeAccessChallenge:
		return "challenge"
	}
	return "response"
}

// unsent ends a request that could not be sent on: nobody was asked, and nobody else need be.
func (c *Core) unsent(r *Request, x *proxy.Exchange) {
	r.Proxied.Result = "dead"
	switch x.Outcome {
	case proxy.Full:
		r.refuse(Drop, ReasonBusy)
	case proxy.Looped:
		c.warn(r, "a request has come back to where it was sent on from; the realms go in a circle")
		r.refuse(Drop, ReasonProxyLoop)
	case proxy.Unsendable:
		text := "the packet is too long"
		if x.Err != nil {
			text = x.Err.Error()
		}
		c.warn(r, "request cannot be sent on: "+text)
		if r.refuse(Drop, ReasonEncode); r.Packet.Code == radius.CodeAccessRequest {
			c.reject(r, ReasonEncode)
		}
	default:
		r.refuse(Drop, ReasonDraining)
	}
}

// keep puts what may be propagated of a home server's answer into the reply: all that the reply may carry, or what
// has the flag P (GNU Radius). State and EAP-Message are the server's own business: encodeOwn passes them on.
func (r *Request) keep(o *outbound) {
	flagged, known := r.Generation.Settings.PropagateFlagged, &r.Generation.Dictionary.Known
	for i := range o.proxied.Reply.Pairs {
		p := &o.proxied.Reply.Pairs[i]
		switch p.Attr {
		case known.State:
			if r.way.home == radius.CodeAccessChallenge || !flagged || p.Attr.Propagate {
				r.way.sealed = append(r.way.sealed[:0], p.Value...)
			}
		case known.EAPMessage, known.MessageAuthenticator, known.ProxyState:
		default:
			if (!flagged || p.Attr.Propagate) && !cutVendorSpecific(p) {
				r.Reply.AddShared(*p)
			}
		}
	}
}

// cutVendorSpecific reports a Vendor-Specific without room for the vendor's id and the header of one attribute of it
// (RFC 2865 s5.26): what a NAS makes of that is not to be tried.
func cutVendorSpecific(p *Pair) bool {
	const least = 4 + 2
	a := p.Attr
	return a.Number == uint32(radius.TypeVendorSpecific) && a.Parent == nil && a.Vendor == nil && len(p.Value) < least
}

// forgetAnswer undoes keep: the request goes another way.
func (r *Request) forgetAnswer(o *outbound) {
	if r.way.home != 0 { // without an answer the reply holds what scripts have put there
		o.before.CopyTo(&r.Reply)
	}
	r.way.sealed, r.way.home = r.way.sealed[:0], 0
}

// accessAnswered decides an Access-Request by its home server's answer, or without one.
func (c *Core) accessAnswered(r *Request, o *outbound) {
	v := c.around(PhasePostProxy, r)
	switch {
	case r.Verdict != 0:
		if r.Verdict != Discard && r.Verdict != Drop {
			r.way.home = 0 // the handler's own answer
		}
	case v != nil:
		r.forgetAnswer(o)
		if !c.elsewhere(r, o, v) && !c.undecidable(r) {
			c.local(r)
		}
	case r.way.home == 0:
		c.unanswered(r, o)
	case r.way.home == radius.CodeAccessChallenge:
		r.Verdict = Challenge
	default:
		c.profiles(r)
	}
}

// elsewhere follows a verdict of post_proxy: to another realm, or to no home server at all. False means that the
// request goes on here.
func (c *Core) elsewhere(r *Request, o *outbound, v *Verdict) bool {
	if v.Kind != Proxy {
		line, _ := r.native()
		r.rename(o, v.strips(line) || len(o.name) > 0 && v.Strip == 0)
		return false
	}
	line, strip := c.further(r, o, v)
	if r.Verdict != 0 {
		return true
	}
	if line.Local {
		r.stay(line, strip)
		return false
	}
	return c.sendOn(r, line, strip)
}

// unanswered ends a request that no home server has answered: with nothing, so that the NAS asks its next server, or
// as the realm says.
func (c *Core) unanswered(r *Request, o *outbound) {
	why := ReasonHomeTimeout
	if o.exchange.Outcome == proxy.AllDead {
		why = ReasonNoHomeServer
	}
	if o.realm.Dead == proxy.DeadReject && r.Packet.Code == radius.CodeAccessRequest {
		c.reject(r, why)
		r.Delay = 0
		return
	}
	r.refuse(Drop, why)
}

// profiles lets the users file add to a home server's accept or reject. Its passwords and Auth-Types have no effect:
// who the user is was settled there; a user without an entry is fine.
func (c *Core) profiles(r *Request) {
	c.match(r)
	r.copyAuthData()
	switch {
	case r.Verdict != 0:
	case r.way.home == radius.CodeAccessAccept:
		r.Verdict = Accept // also of EAP: its rounds were the home server's
		r.Trace.Step("accept")
	default:
		c.rejectedAtHome(r)
	}
}

// rejectedAtHome passes a home server's reject on: with its own Reply-Messages, then those of rules. It is not held
// back: the home server has done so.
func (c *Core) rejectedAtHome(r *Request) {
	r.refuse(Reject, ReasonHomeReject)
	dst := &r.way.scratch
	dst.Reset()
	for i := range r.Reply.Pairs {
		if p := r.Reply.Pairs[i]; p.Tag != users.Deferred {
			dst.AddShared(p)
		}
	}
	r.Reply.Pairs, dst.Pairs = dst.Pairs, r.Reply.Pairs // values stay in the reply's memory
	r.say(r.expand(r.Generation.Settings.Texts.of(ReasonHomeReject, r.way.limit)))
}

// accountAnswered goes on with an Accounting-Request: what a home server has taken is recorded here, too, and then
// answered. What none has taken is neither.
func (c *Core) accountAnswered(r *Request, o *outbound) {
	if r.Verdict != 0 {
		return
	}
	v := c.around(PhasePostProxy, r)
	switch {
	case r.Verdict != 0:
		return
	case v != nil && v.Kind != Accept:
		r.forgetAnswer(o)
		if c.elsewhere(r, o, v) {
			return
		}
	case v == nil && r.way.home == 0:
		c.unanswered(r, o)
		return
	}
	c.account(r)
}
