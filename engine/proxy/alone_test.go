package proxy

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"perilune/engine/radius"
)

// aloneAnswer makes the answer of a home server: a code, attributes, and the request's Proxy-States behind them.
func aloneAnswer(request []byte, s *radius.Session, code radius.Code, marks bool) []byte {
	p, err := radius.Parse(request)
	if err != nil {
		panic(err)
	}
	out := append([]byte{byte(code), p.Identifier, 0, 0}, make([]byte, 16)...)
	out = radius.AppendAttribute(out, radius.TypeMessageAuthenticator, make([]byte, 16))
	out = radius.AppendAttribute(out, 18, []byte("hello"))
	for t, value := range p.Attributes.All() {
		if t == radius.TypeProxyState && marks {
			out = radius.AppendAttribute(out, t, value)
		}
	}
	radius.PutLength(out)
	s.SignReply(out, &p.Authenticator)
	return out
}

// TestAlone: outcomes of an exchange with a home server that is a function.
func TestAlone(t *testing.T) {
	realm := &Realm{Name: "example.net", Retries: 3, Servers: []Server{
		{Name: "home1", Auth: netip.MustParseAddrPort("192.0.2.1:1812"), Secret: radius.NewSecret("a secret of two")},
		{Name: "home2", Auth: netip.MustParseAddrPort("192.0.2.2:1812"), Secret: radius.NewSecret("a secret of two")},
	}}
	for _, c := range []struct {
		name     string
		code     radius.Code
		answer   func(request []byte, s *radius.Session) HomeAnswer
		outcome  Outcome
		server   string
		attempts int
		broken   bool
	}{
		{"accept", radius.CodeAccessRequest, func(q []byte, s *radius.Session) HomeAnswer {
			return HomeAnswer{Packet: aloneAnswer(q, s, radius.CodeAccessAccept, true)}
		}, Answered, "home1", 1, false},
		{"no answer", radius.CodeAccessRequest, func([]byte, *radius.Session) HomeAnswer { return HomeAnswer{} }, Timeout, "home2", 6, false},
		{"dead", radius.CodeAccessRequest, func([]byte, *radius.Session) HomeAnswer { return HomeAnswer{Dead: true} }, AllDead, "", 0, false},
		{"no accounting there", radius.CodeAccountingRequest, nil, AllDead, "", 0, false},
		{"wrong code", radius.CodeAccessRequest, func(q []byte, s *radius.Session) HomeAnswer {
			return HomeAnswer{Packet: aloneAnswer(q, s, radius.CodeAccountingResponse, true)}
		}, Timeout, "home1", 1, true},
		{"no Proxy-State", radius.CodeAccessRequest, func(q []byte, s *radius.Session) HomeAnswer {
			return HomeAnswer{Packet: aloneAnswer(q, s, radius.CodeAccessAccept, false)}
		}, Timeout, "home1", 1, true},
		{"wrong secret", radius.CodeAccessRequest, func(q []byte, _ *radius.Session) HomeAnswer {
			var s radius.Session
			s.Use(radius.NewSecret("another"))
			return HomeAnswer{Packet: aloneAnswer(q, &s, radius.CodeAccessAccept, true)}
		}, Timeout, "home1", 1, true},
		{"no packet", radius.CodeAccessRequest, func([]byte, *radius.Session) HomeAnswer { return HomeAnswer{Packet: []byte("x")} }, Timeout, "home1", 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := NewAlone(func() time.Time { return time.Unix(1, 0) })
			x := &Exchange{Code: c.code, Realm: realm, Encode: func(dst []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
				return radius.AppendAttribute(dst, radius.TypeUserPassword, s.HidePassword(nil, []byte("x"), auth)), nil
			}}
			got := a.Exchange(x, func(_ *Server, request []byte, s *radius.Session) HomeAnswer {
				if v, err := s.VerifyRequest(request); err != nil || !v.MessageAuthenticator {
					t.Errorf("the request: %+v, %v", v, err)
				}
				return c.answer(request, s)
			})
			if got != c.outcome || x.Server != c.server || x.Attempts != c.attempts || (x.Err != nil) != c.broken {
				t.Errorf("%v, server %q, %d attempts, %v", got, x.Server, x.Attempts, x.Err)
			}
			if got == Answered && (x.Reply.Attributes.Offset(radius.TypeProxyState) >= 0 || x.Reply.Code != radius.CodeAccessAccept || !x.Signed) {
				t.Errorf("reply %+v", x.Reply)
			}
		})
	}
}

// TestAloneRefuses: a request that has gone in a circle, and one that cannot be made.
func TestAloneRefuses(t *testing.T) {
	realm := &Realm{Name: "x", Servers: []Server{{Name: "h", Auth: netip.MustParseAddrPort("192.0.2.1:1812"), Secret: radius.NewSecret("a secret of two")}}}
	a := NewAlone(nil)
	fail := func(*Server, []byte, *radius.Session) HomeAnswer { t.Error("asked"); return HomeAnswer{} }
	mark := a.forwarder.marks.new()
	looped := &radius.Packet{Attributes: radius.AppendAttribute(nil, radius.TypeProxyState, mark[:])}
	x := &Exchange{Code: radius.CodeAccessRequest, Realm: realm, Received: looped}
	if got := a.Exchange(x, fail); got != Looped {
		t.Errorf("got %v", got)
	}
	want := errors.New("no")
	x = &Exchange{Code: radius.CodeAccessRequest, Realm: realm, Encode: func(dst []byte, _ *radius.Session, _ *radius.Authenticator) ([]byte, error) { return dst, want }}
	if got := a.Exchange(x, fail); got != Unsendable || !errors.Is(x.Err, want) {
		t.Errorf("got %v, %v", got, x.Err)
	}
}
