package client

import (
	"crypto/md5"
	"fmt"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// build makes the signed packet for one server.
func (r *Request) build(s *radius.Session, id byte, auth radius.Authenticator) ([]byte, error) {
	p := radius.Packet{Code: r.Code, Identifier: id}
	if r.Code == radius.CodeAccessRequest || r.Code == radius.CodeStatusServer {
		p.Authenticator = auth
	}
	attrs, err := r.encode(s, &p.Authenticator)
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

// encode puts Message-Authenticator first, where a forger cannot push it out of place, then the rest in
// order.
func (r *Request) encode(s *radius.Session, auth *radius.Authenticator) (radius.Attributes, error) {
	var dst []byte
	if r.signed() {
		dst = radius.AppendAttribute(dst, radius.TypeMessageAuthenticator, make([]byte, md5.Size))
	}
	salt := uint16(0x8000)
	next := func() uint16 { salt++; return salt }
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		var err error
		if dst, err = dictionary.Encode(dst, p, s, auth, next); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Attr.Name, err)
		}
	}
	if r.CHAP != nil {
		dst = radius.AppendAttribute(dst, radius.TypeCHAPPassword, chap(dst, r.CHAP, auth))
	}
	return dst, nil
}

// signed reports whether the packet carries a Message-Authenticator: Access-Request by RFC 5080 s2.2.2's
// advice, Status-Server by RFC 5997 s3; the others are proved by their authenticator.
func (r *Request) signed() bool {
	return r.Code == radius.CodeStatusServer || r.Code == radius.CodeAccessRequest && !r.NoMessageAuthenticator
}

// chap answers the challenge of RFC 2865 s2.2: MD5 over identifier, password and challenge.
func chap(attrs radius.Attributes, password []byte, auth *radius.Authenticator) []byte {
	challenge, ok := attrs.Find(radius.TypeCHAPChallenge)
	if !ok {
		challenge = auth[:]
	}
	id := radius.NewIdentifier()
	input := append([]byte{id}, password...)
	sum := md5.Sum(append(input, challenge...))
	return append([]byte{id}, sum[:]...)
}
