package client

import (
	"bytes"
	"time"

	"perilune/engine/radius"
)

// arrival is a datagram that has come.
type arrival struct {
	raw []byte
	at  int64 // when the kernel took it in, in nanoseconds since 1970; 0: not known
}

// since gives when it came in nanoseconds since the run began, if it was read at now. The kernel's clock can be set while
// now's cannot go back, so they are compared at the reading alone.
func (a *arrival) since(began, now time.Time) int64 {
	read := int64(now.Sub(began))
	if a.at == 0 {
		return read
	}
	return read - max(now.UnixNano()-a.at, 0)
}

// verifier verifies replies. It makes what each should be, many side by side, and looks whether that has come.
type verifier struct {
	digests radius.Batch
	replies []pending
}

// pending is a reply that is not verified yet.
type pending struct {
	port   int
	raw    []byte // as it came
	should []byte // as it should be, once digests has run
	got    int64  // nanoseconds since the run began
}

// newVerifier has room for one burst.
func newVerifier() verifier { return verifier{replies: make([]pending, 0, burstSize)} }

// add makes room for another reply, whose buffers are used again.
func (v *verifier) add() *pending {
	v.replies = v.replies[:len(v.replies)+1]
	return &v.replies[len(v.replies)-1]
}

// take looks at a datagram; what seems to be a reply to what is out is verified later, together with others.
func (s *shooter) take(i int, raw []byte, got int64) {
	p := &s.ports[i]
	reply, err := radius.Parse(raw)
	if err != nil || !reply.Code.Answers(s.load.code()) || !p.slots[reply.Identifier].out {
		s.bad++
		return
	}
	if len(s.verifier.replies) == cap(s.verifier.replies) {
		s.verify()
	}
	r := s.verifier.add()
	r.port, r.got = i, got
	r.raw = append(r.raw[:0], raw[:reply.Len()]...)
	r.should = append(r.should[:0], r.raw...)
	copy(r.should[4:], p.slots[reply.Identifier].auth[:])
	s.verifier.digests.SignReply(r.should, &s.composer.session)
}

// verify judges the replies that have been taken.
func (s *shooter) verify() {
	s.verifier.digests.Run()
	for i := range s.verifier.replies {
		r := &s.verifier.replies[i]
		p := &s.ports[r.port]
		at := &p.slots[r.raw[1]]
		if !at.out || !s.verified(r, at) {
			s.bad++ // a second reply to one request, too
			continue
		}
		at.out = false
		p.inAir--
		s.inAir--
		s.replies[r.raw[0]]++
		if s.load.wrongly(radius.Code(r.raw[0]), at.wrong) {
			s.wrong++
		}
		s.latencies.add(time.Duration(r.got - at.due))
	}
	s.verifier.replies = s.verifier.replies[:0]
}

// verified asks the session about what is not as it should be, and where a Message-Authenticator more than one, or
// none but an empty secret, would go unseen.
func (s *shooter) verified(r *pending, at *slot) bool {
	if bytes.Equal(r.raw, r.should) && s.load.Secret.Len() > 0 && radius.Attributes(r.raw[radius.HeaderLen:]).Count(radius.TypeMessageAuthenticator) < 2 {
		return true
	}
	_, err := s.composer.session.VerifyReply(r.raw, &at.auth)
	return err == nil
}
