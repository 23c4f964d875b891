package server

import (
	"encoding/binary"

	"perilune/engine/radius"
)

// Values of Error-Cause (RFC 5176 s3.5).
const (
	causeSessionNotFound    = 503
	causeResourcesUnavail   = 506
	causeAdministrativelyNo = 501
)

// coa answers a CoA- or Disconnect-Request that was sent to us. Without a verdict there is no session that
// it could be for.
func (c *Core) coa(r *Request) {
	if !c.identify(r) {
		return
	}
	if r.stale() {
		r.refuse(Discard, ReasonStale)
		return
	}
	v := c.run(PhaseCoA, r)
	if v == nil {
		r.Reply.Reset()
		r.refuse(Reject, ReasonNoSession)
		c.answerCoA(r, causeSessionNotFound)
		return
	}
	c.apply(r, v)
	cause := v.ErrorCause
	switch {
	case cause != 0:
	case v.Failed:
		cause = causeResourcesUnavail
	default:
		cause = causeAdministrativelyNo
	}
	c.answerCoA(r, cause)
}

// stale reports an Event-Timestamp outside the window of 300 s, the mark of a replayed packet: it is silently
// discarded (RFC 5176 s6.3).
func (r *Request) stale() bool {
	const window = 300
	v, ok := r.Attributes.First(r.Generation.Dictionary.Known.EventTimestamp)
	if !ok || len(v) != 4 {
		return false
	}
	age := r.Arrival.Unix() - int64(binary.BigEndian.Uint32(v))
	return age > window || age < -window
}

// answerCoA encodes ACK or NAK; an Error-Cause that the handler has set itself stays.
func (c *Core) answerCoA(r *Request, cause uint32) {
	if !r.answers() {
		return
	}
	r.Delay = 0
	code := r.Packet.Code + 1 // ACK
	if r.Verdict == Reject {
		code++ // NAK
		attr := r.Generation.Dictionary.Known.ErrorCause
		if _, ok := r.Reply.First(attr); !ok {
			r.Reply.Add(attr.AnyTag(), binary.BigEndian.AppendUint32(nil, cause))
		}
	}
	if err := r.encode(radius.Code(code)); err != nil {
		c.warn(r, "reply cannot be sent: "+err.Error())
		r.refuse(Drop, ReasonEncode)
	}
}
