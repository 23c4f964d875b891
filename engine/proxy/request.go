package proxy

import (
	"fmt"
	"runtime/debug"

	"perilune/engine/radius"
)

// encode makes the packet for a home server in out: Message-Authenticator first where the request carries one,
// the attributes as Encode gives them, CHAP-Challenge, our Proxy-State last. Identifier and signature are
// still missing.
func (x *Exchange) encode(h *home, s *Sender) error {
	x.session.Use(h.secret)
	x.mark = s.forwarder.marks.new()
	x.auth = radius.Authenticator{}
	if x.Code == radius.CodeAccessRequest || x.Code == radius.CodeStatusServer {
		x.auth = s.authenticator() // RFC 2865 s3, 5997 s3; never the client's, which its secret has seen
	}
	b := append(x.out[:0], byte(x.Code), 0, 0, 0)
	b = append(b, x.auth[:]...)
	if x.Code == radius.CodeAccessRequest && !x.plain() || x.Code == radius.CodeStatusServer {
		// RFC 3579 s3.2, 5997 s3; first, so that no octet of a client's choice stands before it.
		b = radius.AppendAttribute(b, radius.TypeMessageAuthenticator, make([]byte, len(x.auth)))
	}
	b, err := x.attributes(b)
	x.out = b
	if err != nil {
		return err
	}
	b = x.challenge(b)
	if !x.probe && !x.Direct {
		b = radius.AppendAttribute(b, radius.TypeProxyState, x.mark[:]) // RFC 2865 s5.33: after all others
	}
	x.out = b
	if len(b) > radius.MaxPacketLen {
		return radius.ErrTooLong
	}
	if !radius.Attributes(b[radius.HeaderLen:]).Valid() {
		return radius.ErrAttributes
	}
	return nil
}

// plain reports that the home server wants no Message-Authenticator. EAP has one in any case (RFC 3579 s3.1).
func (x *Exchange) plain() bool {
	return x.Realm.Plain && !x.asksEAP()
}

// attributes calls Encode. A defect in it costs this request and nothing else: it may run beside all others' timers.
func (x *Exchange) attributes(b []byte) (out []byte, err error) {
	defer func() {
		if defect := recover(); defect != nil {
			out, err = b, fmt.Errorf("defect while a request to be sent on was encoded: %v\n%s", defect, debug.Stack())
		}
	}()
	return x.Encode(b, &x.session, &x.auth)
}

// challenge makes CHAP-Challenge explicit (RFC 2865 s2.2, s5.40): the challenge may be the client's Request
// Authenticator, and the forwarded request has another.
func (x *Exchange) challenge(b []byte) []byte {
	attrs := radius.Attributes(b[radius.HeaderLen:])
	if x.Received == nil || x.Code != radius.CodeAccessRequest || attrs.Offset(radius.TypeCHAPPassword) < 0 ||
		attrs.Offset(radius.TypeCHAPChallenge) >= 0 {
		return b
	}
	return radius.AppendAttribute(b, radius.TypeCHAPChallenge, x.Received.Authenticator[:])
}

// sign completes the packet once the identifier is known.
func (x *Exchange) sign() {
	x.out[1] = x.id
	radius.PutLength(x.out)
	x.session.SignRequest(x.out)
	x.auth = radius.Authenticator(x.out[4:radius.HeaderLen]) // a digest in accounting (RFC 2866 s3)
}
