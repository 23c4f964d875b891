package server

import (
	"crypto/rand"
	"encoding/binary"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
)

// microsoft are the attributes of RFC 2548 by their numbers; each is nil in a dictionary without it.
type microsoft struct {
	response, response2, challenge *dictionary.Attribute
	success, failure               *dictionary.Attribute
	policy, types                  *dictionary.Attribute
	keys, send, receive            *dictionary.Attribute
}

func newMicrosoft(d *dictionary.Dictionary) (m microsoft) {
	for number, field := range map[uint32]**dictionary.Attribute{
		1: &m.response, 2: &m.failure, 7: &m.policy, 8: &m.types, 11: &m.challenge, 12: &m.keys,
		16: &m.send, 17: &m.receive, 25: &m.response2, 26: &m.success,
	} {
		*field = d.VendorAttribute(vendorMicrosoft, number)
	}
	return m
}

// An msCredential is the response of MS-CHAP to its challenge, of version 1 or 2.
type msCredential struct {
	version             int
	response, challenge []byte
}

// msCredential finds the one of a request; false if there is none.
func (r *Request) msCredential() (c msCredential, ok bool) {
	if !r.seen.microsoft {
		return c, false
	}
	m := &r.Generation.prepare().microsoft
	if c.response, ok = r.Attributes.First(m.response2); ok {
		c.version = 2
	} else if c.response, ok = r.Attributes.First(m.response); ok {
		c.version = 1
	}
	c.challenge, _ = r.Attributes.First(m.challenge)
	return c, ok
}

// ident gives the octet that goes back with success and error (RFC 2548 s2.1.3).
func (c *msCredential) ident() byte {
	if len(c.response) == 0 {
		return 0
	}
	return c.response[0]
}

// verify compares with an NT hash. The name that version 2 hashes is the one that the peer typed, whatever
// hints have made of it (RFC 2759 s8.2).
func (c *msCredential) verify(r *Request, nt [16]byte) (auth.MSCHAPSuccess, bool) {
	if c.version == 1 {
		return auth.MSCHAP(c.response, c.challenge, nt)
	}
	return auth.MSCHAPv2(c.response, c.challenge, r.ReceivedUser, nt)
}

// verifyMSCHAP compares the credential with a stored password. hashed is true if that is a hash of another kind,
// so that nothing can be compared. On success strings and keys join the reply.
func (r *Request) verifyMSCHAP(c *msCredential, stored auth.Stored) (right, hashed bool) {
	nt, usable := stored.NTHash()
	s, right := c.verify(r, nt)
	if remembered, known := r.remembered(&stored); known {
		right = remembered
	}
	if !right || !usable {
		return false, !usable
	}
	r.succeed(c, &s)
	return true, false
}

// Values of RFC 2548 s2.4.4 and s2.4.5, as a server that demands nothing gives them.
const (
	encryptionAllowed = 1
	encryptAnyLength  = 6 // RC4 with keys of 40 or 128 bits
)

// succeed puts what a right response earns into the reply. What a rule gave under the same name of the policy
// and the types stays.
func (r *Request) succeed(c *msCredential, s *auth.MSCHAPSuccess) {
	m := &r.Generation.prepare().microsoft
	if c.version == 2 && m.success != nil {
		r.way.values = append(append(r.way.values[:0], c.ident()), s.Success...)
		r.Reply.Set(m.success.AnyTag(), r.way.values)
	}
	// A client that does not sign cannot verify either: whoever sits between would get the session's keys to be
	// hidden with a secret that he may guess at leisure.
	if !r.way.verified || r.Client.NoReplyMessageAuthenticator {
		r.way.keyless = true
		r.Trace.Step("no MPPE keys: the client does not use Message-Authenticator")
		return
	}
	if c.version == 1 {
		r.give(m.keys, s.Keys[:])
	} else {
		r.give(m.receive, s.Receive[:])
		r.give(m.send, s.Send[:])
	}
	r.giveNumber(m.policy, encryptionAllowed)
	r.giveNumber(m.types, encryptAnyLength)
}

func (r *Request) give(a *dictionary.Attribute, value []byte) {
	if a != nil {
		r.Reply.Set(a.AnyTag(), value)
	}
}

// giveNumber gives one that no rule gave.
func (r *Request) giveNumber(a *dictionary.Attribute, n uint32) {
	if _, given := r.Reply.First(a); a != nil && !given {
		r.way.values = binary.BigEndian.AppendUint32(r.way.values[:0], n)
		r.Reply.Add(a.AnyTag(), r.way.values)
	}
}

// msFailure puts MS-CHAP-Error into a reject: the code of the reason, and a challenge that was never used. A
// handler's own stays.
func (r *Request) msFailure() {
	c, ok := r.msCredential()
	if !ok {
		return
	}
	m := &r.Generation.prepare().microsoft
	if _, given := r.Reply.First(m.failure); given || m.failure == nil {
		return
	}
	var challenge [16]byte
	rand.Read(challenge[:])
	unused := challenge[:]
	if c.version == 1 {
		unused = challenge[:8]
	}
	code, message := msError(r.Cause)
	text := auth.MSCHAPError(code, unused, message)
	r.Reply.Add(m.failure.AnyTag(), append([]byte{c.ident()}, text...))
}

// msError gives the code of RFC 2759 s6 for a reason, and a text for people. Only who has shown the right password
// hears more than "failed": Auth-Type Reject, where none is looked at, must not tell strangers which names there are.
func msError(why Reason) (code, message string) {
	switch why {
	case ReasonExpiredAccount:
		return "648", "Password expired"
	case ReasonClosed:
		return "647", "Account disabled"
	case ReasonLoginTime:
		return "646", "Not at this hour"
	}
	return "691", "Authentication failed"
}
