package client

import (
	"errors"
	"fmt"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// What a datagram was refused for, besides the errors of package radius.
var (
	ErrIdentifier             = errors.New("identifier of another request")
	ErrCode                   = errors.New("code does not answer the request")
	ErrNoMessageAuthenticator = errors.New("reply has no Message-Authenticator")
)

// check proves that a datagram answers the request: identifier, code, authenticators.
func (x *exchange) check(c *call, datagram []byte) (*Reply, error) {
	p, err := radius.Parse(datagram)
	if err != nil {
		return nil, err
	}
	if p.Identifier != x.once.id {
		return nil, fmt.Errorf("%w: %d; expected %d", ErrIdentifier, p.Identifier, x.once.id)
	}
	if !p.Code.Answers(x.req.Code) {
		return nil, fmt.Errorf("%w: %v to %v", ErrCode, p.Code, x.req.Code)
	}
	var request radius.Authenticator
	copy(request[:], c.packet[4:radius.HeaderLen])
	verified, err := c.session.VerifyReply(datagram[:p.Len()], &request)
	if err != nil {
		return nil, err
	}
	if !verified.MessageAuthenticator && x.mustSign(p.Attributes) {
		return nil, ErrNoMessageAuthenticator
	}
	reply := &Reply{Code: p.Code, Identifier: p.Identifier, MessageAuthenticator: verified.MessageAuthenticator}
	var shared dictionary.List
	if err := x.client.Dictionary.Decode(&shared, p.Attributes, &c.session, &request); err != nil {
		return nil, err
	}
	shared.CopyTo(&reply.Attributes)
	return reply, nil
}

// mustSign reports whether a reply is refused without Message-Authenticator: with EAP-Message always
// (RFC 3579 s3.1), else as the client was told.
func (x *exchange) mustSign(attrs radius.Attributes) bool {
	if _, eap := attrs.Find(radius.TypeEAPMessage); eap {
		return true
	}
	return x.client.RequireMessageAuthenticator && x.req.randomAuthenticator()
}
