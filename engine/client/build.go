package client

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// Errors of requests that are not sent. A password in a request whose authenticator is not random would be
// hidden with a constant and give the secret away (RFC 2866 s4.1, RFC 5176 s3.6).
var (
	ErrPasswordNotAllowed = errors.New("a password belongs in an Access-Request alone")
	ErrTwoPasswords       = errors.New("User-Password and CHAP-Password exclude each other") // RFC 2865 s4.1
)

// typeEventTimestamp is RFC 2869 s5.3.
const typeEventTimestamp radius.Type = 55

// once is what is drawn for one exchange and stays the same for all its tries at all its servers: a
// retransmission repeats the same octets, by which the server knows it (RFC 5080 s2.2.1).
type once struct {
	id   byte
	auth radius.Authenticator // of Access-Request and Status-Server
	chap byte                 // CHAP identifier
	salt uint16               // the first salt of RFC 2868 s3.5
	at   time.Time
}

func newOnce() once {
	var salt [2]byte
	rand.Read(salt[:])
	return once{
		id: radius.NewIdentifier(), auth: radius.NewAuthenticator(), chap: radius.NewIdentifier(),
		salt: binary.BigEndian.Uint16(salt[:]), at: time.Now(),
	}
}

// build makes the signed packet for one server.
func (r *Request) build(s *radius.Session, o once) ([]byte, error) {
	p := radius.Packet{Code: r.Code, Identifier: o.id}
	if err := r.checkPasswords(); err != nil {
		return nil, err
	}
	if r.randomAuthenticator() {
		p.Authenticator = o.auth
	}
	attrs, err := r.encode(s, &p.Authenticator, o)
	if err != nil {
		return nil, err
	}
	p.Attributes = attrs
	packet, err := p.AppendTo(nil)
	if err != nil {
		return nil, err
	}
	s.SignRequest(packet)
	return packet, nil
}

func (r *Request) randomAuthenticator() bool {
	return r.Code == radius.CodeAccessRequest || r.Code == radius.CodeStatusServer
}

func (r *Request) checkPasswords() error {
	pap, chap := r.has(radius.TypeUserPassword), r.CHAP != nil || r.has(radius.TypeCHAPPassword)
	switch {
	case pap && chap:
		return ErrTwoPasswords
	case (pap || chap) && r.Code != radius.CodeAccessRequest:
		return fmt.Errorf("%v: %w", r.Code, ErrPasswordNotAllowed)
	}
	return nil
}

// has reports whether the caller gave an attribute of RFC 2865's space.
func (r *Request) has(t radius.Type) bool {
	for i := range r.Attributes.Pairs {
		if is(&r.Attributes.Pairs[i], t) {
			return true
		}
	}
	return false
}

func is(p *dictionary.Pair, t radius.Type) bool {
	a := p.Attr
	return a.Number == uint32(t) && a.Vendor == nil && a.Parent == nil && !a.Internal
}

// encode puts Message-Authenticator first, where a forger cannot push it out of place, then the rest in
// order. Acct-Delay-Time is left as it was given: to move it on would need another identifier for each try
// (RFC 2866 s5.2).
func (r *Request) encode(s *radius.Session, auth *radius.Authenticator, o once) (radius.Attributes, error) {
	var dst []byte
	if r.signed() {
		dst = radius.AppendAttribute(dst, radius.TypeMessageAuthenticator, make([]byte, md5.Size))
	}
	salt := func() uint16 { o.salt++; return o.salt | 0x8000 }
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		if is(p, radius.TypeMessageAuthenticator) {
			continue // it is ours to compute, and a second one is refused
		}
		var err error
		if dst, err = dictionary.Encode(dst, p, s, auth, salt); err != nil {
			return nil, err
		}
	}
	if r.CHAP != nil {
		dst = radius.AppendAttribute(dst, radius.TypeCHAPPassword, chap(dst, o.chap, r.CHAP, auth))
	}
	if r.stamped() {
		dst = radius.AppendAttribute(dst, typeEventTimestamp, binary.BigEndian.AppendUint32(nil, uint32(o.at.Unix())))
	}
	return dst, nil
}

// signed reports whether the packet carries a Message-Authenticator: Access-Request by RFC 5080 s2.2.2's
// advice, Status-Server by RFC 5997 s3; the others are proved by their authenticator and carry one only if
// the caller gave it.
func (r *Request) signed() bool {
	return r.Code == radius.CodeStatusServer || r.Code == radius.CodeAccessRequest && !r.NoMessageAuthenticator ||
		r.has(radius.TypeMessageAuthenticator)
}

// stamped reports whether the packet needs an Event-Timestamp of ours, against replay (RFC 5176 s6.3).
func (r *Request) stamped() bool {
	return (r.Code == radius.CodeCoARequest || r.Code == radius.CodeDisconnectRequest) && !r.has(typeEventTimestamp)
}

// chap answers the challenge of RFC 2865 s2.2: MD5 over identifier, password and challenge.
func chap(attrs radius.Attributes, id byte, password []byte, auth *radius.Authenticator) []byte {
	challenge, ok := attrs.Find(radius.TypeCHAPChallenge)
	if !ok {
		challenge = auth[:]
	}
	input := append([]byte{id}, password...)
	sum := md5.Sum(append(input, challenge...))
	return append([]byte{id}, sum[:]...)
}
