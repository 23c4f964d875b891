package server

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"math/rand/v2"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/radius"
)

var errReplyTooLong = errors.New("reply is longer than 4096 octets, and one is never cut")

// encodeAccess makes the answer that the verdict asks for. One that cannot be encoded becomes a reject
// without it, or nothing if even that cannot.
func (c *Core) encodeAccess(r *Request) {
	c.complete(r)
	if r.Verdict == Reject {
		r.msFailure()
	}
	err := r.encode(r.Verdict.replyCode())
	if err == nil {
		return
	}
	c.warn(r, "reply cannot be sent: "+err.Error())
	why := ReasonEncode
	if err == errReplyTooLong {
		why = ReasonTooLong
	}
	r.way.sealed = r.way.sealed[:0]
	r.way.messages.Reset()
	c.reject(r, why)
	r.msFailure()
	if r.encode(radius.CodeAccessReject) != nil {
		r.refuse(Drop, why)
		r.out = r.out[:0]
	}
}

// complete adds to an accept what depends on all the rest of it.
func (c *Core) complete(r *Request) {
	r.capSession()
	if r.Verdict == Accept && !c.dry && r.Generation.Settings.SessionJitter > 0 {
		r.jitter(rand.Uint32())
	}
	if r.Verdict == Accept && r.way.home == 0 { // RFC 4372 s2.1: the home server's is not altered
		c.chargeable(r)
	}
	if r.Verdict == Accept {
		c.addClass(r)
	}
}

// encode builds the whole reply in out: header, Message-Authenticator first, the attributes that the code
// may carry, State, Proxy-State in order, and signs it.
func (r *Request) encode(code radius.Code) error {
	r.Code = code
	b := append(r.out[:0], byte(code), r.Packet.Identifier, 0, 0)
	b = append(b, r.Packet.Authenticator[:]...) // SignReply replaces it
	if r.signs(code) {
		var empty [messageAuthenticatorLen]byte
		b = radius.AppendAttribute(b, radius.TypeMessageAuthenticator, empty[:])
	}
	b, err := r.encodeList(b, code)
	if err == nil {
		b = r.encodeOwn(b, code)
		b, err = finish(b)
	}
	if err != nil {
		r.out = b[:0]
		return err
	}
	r.out, r.way.unsigned = b, true
	if !r.signedLater() {
		r.sign()
	}
	return nil
}

// signedLater says whether the reply may be signed with others, of its batch or of the outbox: nobody looks at it before.
func (r *Request) signedLater() bool {
	return r.desk != nil && (r.desk.slot != nil || r.desk.outbox != nil) &&
		(r.Packet.Code == radius.CodeAccessRequest || r.Packet.Code == radius.CodeAccountingRequest) && r.Trace == nil && len(r.way.captors) == 0 && r.way.twin == nil
}

// sign completes a reply that is not to be signed with others, or goes alone.
func (r *Request) sign() {
	if r.way.unsigned {
		r.Session.SignReply(r.out, &r.Packet.Authenticator)
		r.way.unsigned = false
	}
}

// finish sets the length.
func finish(b []byte) ([]byte, error) {
	if len(b) > radius.MaxPacketLen {
		return b, errReplyTooLong
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b, nil
}

// signs reports whether the reply gets Message-Authenticator, which then is the first attribute, so that
// no octet of an attacker's choice can stand before it.
func (r *Request) signs(code radius.Code) bool {
	switch code {
	case radius.CodeAccountingResponse: // RFC 5997 s3: not even to Status-Server
		return false
	case radius.CodeDisconnectACK, radius.CodeDisconnectNAK, radius.CodeCoAACK, radius.CodeCoANAK:
		return r.seen.authenticators > 0
	}
	// RFC 3579 s3.2: required in all answers to EAP.
	return !r.Client.NoReplyMessageAuthenticator || r.seen.eap || r.Packet.Code == radius.CodeStatusServer && r.way.verified
}

// encodeList appends the reply list, as far as the code may carry it.
func (r *Request) encodeList(b []byte, code radius.Code) ([]byte, error) {
	if r.way.salt == nil {
		r.way.salt = r.nextSalt
	}
	n := r.Generation.prepare()
	free := code == radius.CodeAccessAccept && len(r.way.text) == 0
	for i := 0; i < len(r.Reply.Pairs); i++ {
		if free {
			if b, i = n.appendFree(b, r.Reply.Pairs, i); i == len(r.Reply.Pairs) {
				break
			}
		}
		p := &r.Reply.Pairs[i]
		if r.omits(p, code, n) {
			continue
		}
		var err error
		if b, err = dictionary.Encode(b, p, &r.Session, &r.Packet.Authenticator, r.way.salt); err != nil {
			return b, err
		}
		if len(b) > radius.MaxPacketLen {
			return b, errReplyTooLong
		}
	}
	return b, nil
}

// roomForOne is how long a reply may be before another attribute of any length.
const roomForOne = radius.MaxPacketLen - 255

// omits reports whether a pair of the reply list is left to encodeOwn, or left out.
func (r *Request) omits(p *Pair, code radius.Code, n *native) bool {
	if r.isText(p) { // encodeOwn's
		return true
	}
	if carries(code, p.Attr, r.Client, n.microsoft.failure) && !r.withholds(p, code) {
		return false
	}
	r.way.runsAfter = r.way.runsAfter || p.Attr == n.orders.after
	if r.Trace != nil && !p.Attr.Internal {
		r.Trace.leftOut(p.Attr.Name)
	}
	return true
}

// freeInAccepts finds the attributes that stand in every Access-Accept just as in its reply list, whatever the request
// says.
func (n *native) freeInAccepts(d *dictionary.Dictionary) {
	n.free = make([]bool, len(d.Attributes()))
	for i, a := range d.Attributes() {
		depends := a == d.Known.ChargeableUserIdentity || a.Secret // see withholds
		n.free[i] = !depends && a.Bare() && carries(radius.CodeAccessAccept, a, nil, nil)
	}
}

// appendFree appends the pairs from the i-th on, up to one that takes a closer look, and gives the place of that.
func (n *native) appendFree(b []byte, pairs []Pair, i int) ([]byte, int) {
	free := n.free
	for ; i < len(pairs) && len(b) <= roomForOne; i++ {
		a, value := pairs[i].Attr, pairs[i].Value
		if uint(a.Index) >= uint(len(free)) || !free[a.Index] || uint(len(value)-1) >= radius.MaxValueLen {
			break
		}
		b = radius.AppendAttribute(b, radius.Type(a.Number), value)
	}
	return b, i
}

// withholds says which attributes the request itself keeps out of its reply.
func (r *Request) withholds(p *Pair, code radius.Code) bool {
	known := &r.Generation.Dictionary.Known
	switch {
	case p.Attr == known.ReplyMessage: // RFC 3579 s2.6.5: not beside EAP-Message
		return r.seen.eap && code == radius.CodeAccessReject
	case p.Attr == known.ChargeableUserIdentity: // RFC 4372 s2.1: only to a NAS that asks for it
		_, asked := r.Attributes.First(known.ChargeableUserIdentity)
		return !asked
	case p.Attr.Encrypt != dictionary.EncryptNone || p.Attr.Secret: // a call check proves nothing, so it learns no secret
		return r.callCheck()
	}
	return false
}

// callCheck reports Service-Type Call-Check (RFC 2865 s5.6), as sent or as a handler made it.
func (r *Request) callCheck() bool {
	const (
		callCheck       = 10
		typeServiceType = radius.Type(6)
	)
	now, _ := r.Attributes.First(r.Generation.Dictionary.Known.ServiceType)
	sent, _ := r.Packet.Attributes.Find(typeServiceType)
	return uint32Of(now) == callCheck || uint32Of(sent) == callCheck
}

// uint32Of reads a value of four octets; others are 0.
func uint32Of(v []byte) uint32 {
	if len(v) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

// encodeOwn appends what the server alone writes.
func (r *Request) encodeOwn(b []byte, code radius.Code) []byte {
	if len(r.way.sealed) > 0 && (code == radius.CodeAccessAccept || code == radius.CodeAccessChallenge || r.way.told != nil) {
		b = radius.AppendAttribute(b, radius.TypeState, r.way.sealed)
	}
	switch {
	case r.way.home == code && code != 0:
		b = r.passEAP(b)
	case r.seen.eap && code == radius.CodeAccessReject:
		b = r.encodeFailure(b)
	}
	if r.seen.proxyState {
		b = r.returnProxyState(b)
	}
	return r.encodeTexts(b, code)
}

// returnProxyState appends the request's Proxy-States: all, unmodified, in order (RFC 2865 s5.33).
func (r *Request) returnProxyState(b []byte) []byte {
	for t, v := range r.Packet.Attributes.All() {
		if t == radius.TypeProxyState {
			b = radius.AppendAttribute(b, t, v)
		}
	}
	return b
}

// passEAP appends the EAP-Messages of the home server, whose conversation it is.
func (r *Request) passEAP(b []byte) []byte {
	for t, v := range r.way.outbound.exchange.Reply.Attributes.All() {
		if t == radius.TypeEAPMessage {
			b = radius.AppendAttribute(b, t, v)
		}
	}
	return b
}

// encodeFailure answers an EAP-Response with EAP-Failure under its identifier (RFC 3579 s2.6.3, 3748 s4.2).
func (r *Request) encodeFailure(b []byte) []byte {
	const failure = 4
	message, _ := r.Packet.Attributes.Find(radius.TypeEAPMessage)
	if len(message) < 2 {
		return b
	}
	return radius.AppendAttribute(b, radius.TypeEAPMessage, []byte{failure, message[1], 0, 4})
}

// nextSalt gives salts for RFC 2868 s3.5: the high bit set, unique in the packet, begun at random.
func (r *Request) nextSalt() uint16 {
	if r.way.salts == 0 {
		var seed [2]byte
		crand.Read(seed[:])
		r.way.salts = binary.BigEndian.Uint16(seed[:])
	}
	r.way.salts++
	return r.way.salts | 0x8000
}

// A typeSet is a set of attribute types.
type typeSet [4]uint64

func types(list ...radius.Type) (s typeSet) {
	for _, t := range list {
		s[t>>6] |= 1 << (t & 63)
	}
	return s
}

func (s *typeSet) has(n uint32) bool { return n < 256 && s[n>>6]&(1<<(n&63)) != 0 }

// What a reply may carry (RFC 2865 s5.44, 3579 s3.3, 5080 s2.6.1, 5176 s3.6). The server alone writes State,
// Proxy-State, EAP-Message and Message-Authenticator, so they stand in none of the lists.
var (
	// Access-Accept: all but the server's own, credentials, and what only requests have: NAS-IP-Address,
	// NAS-Port, Called- and Calling-Station-Id, NAS-Identifier, NAS-Port-Type; nor what only accounting has (RFC
	// 2866 s5.13, 2869 s5.19: Acct-* and the Gigawords) and what only refusals have (RFC 5176 s3.5: Error-Cause).
	notInAccept = types(2, 3, 4, 5, 24, 30, 31, 32, 33, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 60, 61, 79, 80, 101)
	inReject    = types(18, 101)            // Reply-Message, Error-Cause
	inChallenge = types(18, 26, 27, 28, 76) // and Vendor-Specific, Session-Timeout, Idle-Timeout, Prompt
	inCoA       = types(6, 26, 49, 55, 101) // Service-Type, Acct-Terminate-Cause, Event-Timestamp, Error-Cause
)

// carries reports whether a reply of the code may carry the attribute.
func carries(code radius.Code, a *dictionary.Attribute, client *nas.Client, msError *dictionary.Attribute) bool {
	if a.Internal {
		return false
	}
	vendor := a.Vendor != nil || a.Number == uint32(radius.TypeVendorSpecific) && a.Parent == nil
	switch code {
	case radius.CodeAccessAccept:
		return vendor || a.Parent != nil || !notInAccept.has(a.Number)
	case radius.CodeAccessReject:
		if vendor {
			return a == msError || client.RejectVSA
		}
		return a.Parent == nil && inReject.has(a.Number)
	case radius.CodeAccessChallenge:
		return vendor || a.Parent == nil && inChallenge.has(a.Number)
	case radius.CodeAccountingResponse:
		return vendor
	}
	return vendor || a.Parent == nil && inCoA.has(a.Number)
}
