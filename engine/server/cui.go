package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// chargeable answers a NAS that asks for Chargeable-User-Identity: with a single NUL for the first time, later
// with what it was given (RFC 4372 s2.1). The identity is the rule's or the handler's, else one of our own. One
// that belongs to somebody else is refused.
func (c *Core) chargeable(r *Request) {
	if !r.Generation.Settings.ChargeableUserIdentity {
		return
	}
	attr := r.Generation.Dictionary.Known.ChargeableUserIdentity
	asked, ok := r.Attributes.First(attr)
	if !ok {
		return
	}
	unknown := len(asked) == 0 || len(asked) == 1 && asked[0] == 0
	if given, ok := r.Reply.First(attr); ok {
		if !unknown && subtle.ConstantTimeCompare(given, asked) != 1 {
			c.foreign(r)
		}
		return
	}
	own := c.seal.identity(0, r)
	switch {
	case unknown:
	case c.seal.identifies(r, asked): // also by the former key: it stays the same during a session
		own = asked
	default:
		c.foreign(r)
		return
	}
	r.Reply.Set(attr.AnyTag(), own)
}

func (c *Core) foreign(r *Request) {
	r.way.sealed = r.way.sealed[:0]
	r.way.messages.Reset()
	c.reject(r, ReasonIdentity)
}

// identity gives the user's identity under a key, for the operator that the NAS names (RFC 4372 s2, 5580
// s4.1): always the same, and of no meaning to others.
func (s *sealer) identity(key int, r *Request) []byte {
	mac := hmac.New(sha256.New, s.keys[key].identity[:])
	mac.Write(r.User())
	mac.Write([]byte{0})
	operator, _ := r.Attributes.First(r.Generation.prepare().operator)
	mac.Write(operator)
	return hex.AppendEncode(nil, mac.Sum(nil)[:16])
}

func (s *sealer) identifies(r *Request, value []byte) bool {
	for i := range s.keys {
		if subtle.ConstantTimeCompare(s.identity(i, r), value) == 1 {
			return true
		}
	}
	return false
}
