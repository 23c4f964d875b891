package server

import (
	"encoding/binary"
	"time"

	"perilune/engine/radius"
)

// coa is the way of a CoA- or Disconnect-Request that was sent to us: the phase of that name, whose verdict is an
// answer of our own or names a NAS; without one the request goes to the NAS that has the session. It may leave
// the request to wait for that.
func (c *Core) coa(r *Request) {
	if !c.identify(r) {
		return
	}
	if r.stale() || !c.dry && c.replays.again(r.Packet.Authenticator, r.Source, r.Arrival) {
		r.refuse(Discard, ReasonStale)
		return
	}
	switch v := c.run(PhaseCoA, r); {
	case v == nil:
		c.relay(r)
	case v.Kind == Proxy:
		c.relayAs(r, v)
	default:
		c.settleCoA(r, v)
	}
}

// settleCoA gives the answer that a handler has decided.
func (c *Core) settleCoA(r *Request, v *Verdict) {
	c.apply(r, v)
	cause := v.ErrorCause
	switch {
	case cause != 0:
	case v.Failed:
		cause = causeNoResources
	default:
		cause = causeProhibited
	}
	c.answerCoA(r, cause)
}

// stale reports an Event-Timestamp outside the window of 300 s, the mark of a replayed packet: it is silently
// discarded (RFC 5176 s6.3). So is a request without one, if settings say so.
func (r *Request) stale() bool {
	v, ok := r.Attributes.First(r.Generation.Dictionary.Known.EventTimestamp)
	if !ok || len(v) != 4 {
		return r.Generation.Settings.Dynamic.Stamped
	}
	age := time.Duration(r.Arrival.Unix()-int64(binary.BigEndian.Uint32(v))) * time.Second
	return age > replayWindow || age < -replayWindow
}

// refuseCoA answers NAK.
func (c *Core) refuseCoA(r *Request, cause uint32) {
	r.Reply.Reset()
	why := ReasonNotRoutable
	switch cause {
	case causeNoSession, causeMismatch, causeSeveralSessions, causeMissingAttribute:
		why = ReasonNoSession
	case causeProhibited:
		why = ReasonProhibited
	case causeUnsupportedAttribute, causeUnsupportedService, causeInvalidValue:
		why = ReasonUnsupported
	case causeNoResources:
		why = ReasonBusy
	}
	r.refuse(Reject, why)
	c.answerCoA(r, cause)
}

// answerCoA encodes ACK or NAK; an Error-Cause that the reply has stays, and 0 adds none.
func (c *Core) answerCoA(r *Request, cause uint32) {
	if !r.answers() {
		return
	}
	r.Delay = 0
	code := r.Packet.Code + 1 // ACK
	if r.Verdict == Reject {
		code++ // NAK
		attr := r.Generation.Dictionary.Known.ErrorCause
		if _, ok := r.Reply.First(attr); !ok && cause != 0 && attr != nil {
			r.Reply.Add(attr.AnyTag(), binary.BigEndian.AppendUint32(nil, cause))
		}
	}
	if r.Trace != nil && cause != 0 && r.Verdict == Reject {
		r.Trace.Step("Error-Cause " + ErrorCauseName(cause))
	}
	if err := r.encode(radius.Code(code)); err != nil {
		c.warn(r, "reply cannot be sent: "+err.Error())
		r.refuse(Drop, ReasonEncode)
	}
}
