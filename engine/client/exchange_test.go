package client

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// short is a try that is meant to end without an answer; long one that must not.
const (
	short = 40 * time.Millisecond
	long  = 10 * time.Second
)

func TestExchange(t *testing.T) {
	d := words(t)
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			p := newPeer(t, addr, func(a *ask) {
				a.send(a.reply(radius.CodeAccessAccept, append(messageAuthenticator(), 18, 4, 'h', 'i')...))
			})
			c := &Client{Dictionary: d, Servers: []Server{p.server(long, 1)}}
			r, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest, Attributes: pairs(t, d, "User-Name=bob", "User-Password=x")})
			if err != nil {
				t.Fatal(err)
			}
			if r.Server != p.address() || !strings.HasPrefix(text(r), "Access-Accept tries=1 signed=true") || !strings.HasSuffix(text(r), `Reply-Message = "hi"`) {
				t.Errorf("%s from %s", text(r), r.Server)
			}
		})
	}
}

// TestRoundRobin lets nobody answer: servers are asked in turn, each as often as it has tries.
func TestRoundRobin(t *testing.T) {
	var mu sync.Mutex
	var order strings.Builder
	d := words(t)
	c := &Client{Dictionary: d}
	for i, tries := range []int{3, 1, 2} {
		p := newPeer(t, "127.0.0.1:0", func(*ask) {
			mu.Lock()
			order.WriteByte("ABC"[i])
			mu.Unlock()
		})
		c.Servers = append(c.Servers, p.server(short, tries))
	}
	_, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest, Attributes: pairs(t, d, "User-Name=bob")})
	if !errors.Is(err, ErrNoReply) || !strings.Contains(err.Error(), "after 6 tries") || strings.Count(err.Error(), "nothing within 40ms") != 3 {
		t.Error(err)
	}
	asked := func() string {
		mu.Lock()
		defer mu.Unlock()
		return order.String()
	}
	for last := time.Now().Add(5 * time.Second); len(asked()) < 6 && time.Now().Before(last); {
		time.Sleep(time.Millisecond) // the last packet may be read late
	}
	if got := asked(); got != "ABCACA" {
		t.Errorf("order %s; want ABCACA", got)
	}
}

// TestRetransmissionRepeatsOctets holds for all codes, Acct-Delay-Time and Event-Timestamp included.
func TestRetransmissionRepeatsOctets(t *testing.T) {
	d := words(t)
	for code, attrs := range map[radius.Code][]string{
		radius.CodeAccessRequest:     {"User-Name=bob", "User-Password=x"},
		radius.CodeAccountingRequest: {"Acct-Status-Type=Start", "Acct-Delay-Time=7"},
		radius.CodeCoARequest:        {"User-Name=bob", "Tunnel-Password=x"},
		radius.CodeDisconnectRequest: {"User-Name=bob"},
		radius.CodeStatusServer:      nil,
	} {
		t.Run(code.String(), func(t *testing.T) {
			p := newPeer(t, "127.0.0.1:0", nil)
			c := &Client{Dictionary: d, Servers: []Server{p.server(short, 3)}}
			c.Exchange(t.Context(), &Request{Code: code, Attributes: pairs(t, d, attrs...)})
			got := p.await(3)
			if len(got) != 3 || !bytes.Equal(got[0], got[1]) || !bytes.Equal(got[0], got[2]) {
				t.Errorf("%x", got)
			}
			var s radius.Session
			s.Use(p.secret)
			if _, err := s.VerifyRequest(got[0]); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSecondServer compares what two servers with different secrets get: the same request, hidden and signed
// for each.
func TestSecondServer(t *testing.T) {
	d := words(t)
	one, two := newPeer(t, "127.0.0.1:0", nil), newPeer(t, "127.0.0.1:0", nil)
	two.secret = radius.NewSecret("another")
	c := &Client{Dictionary: d, Servers: []Server{one.server(short, 1), two.server(short, 1)}}
	c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest, Attributes: pairs(t, d, "User-Name=bob", "User-Password=hello")})
	c.Exchange(t.Context(), &Request{Code: radius.CodeAccountingRequest, Attributes: pairs(t, d, "Acct-Status-Type=Start")})
	for i := range 2 {
		a, b := one.await(2)[i], two.await(2)[i]
		if a[1] != b[1] || bytes.Equal(a, b) {
			t.Errorf("packets %x and %x", a, b)
		}
		if access := i == 0; bytes.Equal(a[4:20], b[4:20]) != access {
			t.Errorf("authenticators %x and %x", a[4:20], b[4:20])
		}
	}
	packet, _ := radius.Parse(two.got()[0])
	hidden, _ := packet.Attributes.Find(radius.TypeUserPassword)
	var s radius.Session
	s.Use(two.secret)
	if clear, err := s.RevealPassword(nil, hidden, &packet.Authenticator); err != nil || string(clear) != "hello" {
		t.Errorf("%q, %v", clear, err)
	}
}

// TestRefused sends what is no reply first, and the reply after it: the try goes on.
func TestRefused(t *testing.T) {
	d := words(t)
	wrongMA := func(a *ask) []byte {
		raw := a.reply(radius.CodeAccessAccept, messageAuthenticator()...)
		raw[25]++
		return resign(a, raw)
	}
	eap := radius.AppendAttribute(nil, radius.TypeEAPMessage, []byte{3, 1, 0, 4})
	for _, tc := range []struct {
		name string
		bad  func(*ask) []byte
		want error
	}{
		{"authenticator", func(a *ask) []byte { raw := a.reply(radius.CodeAccessAccept); raw[4]++; return raw }, radius.ErrBadAuthenticator},
		{"identifier", func(a *ask) []byte {
			a.Identifier++
			defer func() { a.Identifier-- }()
			return a.reply(radius.CodeAccessAccept)
		}, ErrIdentifier},
		{"code", func(a *ask) []byte { return a.reply(radius.CodeAccountingResponse) }, ErrCode},
		{"a request", func(a *ask) []byte { return a.reply(radius.CodeAccessRequest) }, ErrCode},
		{"Message-Authenticator", wrongMA, radius.ErrBadMessageAuthenticator},
		{"two of them", func(a *ask) []byte {
			return a.reply(radius.CodeAccessAccept, append(messageAuthenticator(), messageAuthenticator()...)...)
		}, radius.ErrMessageAuthenticators},
		{"EAP without it", func(a *ask) []byte { return a.reply(radius.CodeAccessAccept, eap...) }, ErrNoMessageAuthenticator},
		{"no packet", func(*ask) []byte { return []byte("hello") }, nil},
		{"empty datagram", func(*ask) []byte { return nil }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPeer(t, "127.0.0.1:0", func(a *ask) {
				a.send(tc.bad(a))
				a.send(a.reply(radius.CodeAccessReject))
			})
			var refused error
			c := &Client{Dictionary: d, Servers: []Server{p.server(long, 1)}, Refused: func(server string, err error) { refused = err }}
			r, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest, Attributes: pairs(t, d, "User-Name=bob")})
			if diff := cmp.Diff("Access-Reject tries=1 signed=false", text(r)); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if refused == nil || tc.want != nil && !errors.Is(refused, tc.want) {
				t.Errorf("refused with %v; want %v", refused, tc.want)
			}
		})
	}
}

// resign makes the Response Authenticator right again for octets that were changed.
func resign(a *ask, raw []byte) []byte {
	attrs := bytes.Clone(raw[radius.HeaderLen:])
	attrs[0] = 255 // so that SignReply leaves it alone
	p := radius.Packet{Code: radius.Code(raw[0]), Identifier: raw[1], Attributes: attrs}
	out, _ := p.AppendTo(nil)
	out[radius.HeaderLen] = byte(radius.TypeMessageAuthenticator)
	copy(out[4:20], a.Authenticator[:])
	sum := md5Of(out, testSecret)
	copy(out[4:20], sum[:])
	return out
}

// TestStranger answers from another port: the kernel keeps it away.
func TestStranger(t *testing.T) {
	d := words(t)
	p := newPeer(t, "127.0.0.1:0", func(a *ask) {
		stranger, err := net.DialUDP("udp", nil, a.from)
		if err != nil {
			a.t.Error(err)
			return
		}
		defer stranger.Close()
		stranger.Write(a.reply(radius.CodeAccessAccept))
		a.send(a.reply(radius.CodeAccessReject))
	})
	c := &Client{Dictionary: d, Servers: []Server{p.server(long, 1)}}
	r, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	if err != nil || r.Code != radius.CodeAccessReject {
		t.Errorf("%s, %v", text(r), err)
	}
}

// TestWrongSecret says what the matter most probably is.
func TestWrongSecret(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", func(a *ask) { a.send(a.reply(radius.CodeAccessReject)) })
	s := p.server(short, 1)
	s.Secret = radius.NewSecret("mistyped")
	c := &Client{Dictionary: words(t), Servers: []Server{s}}
	_, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	want := "no valid reply after 1 try: " + p.address() + ": nothing valid within 40ms; refused was: radius: authenticator is wrong"
	if !errors.Is(err, ErrNoReply) || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

func TestRequireMessageAuthenticator(t *testing.T) {
	d := words(t)
	p := newPeer(t, "127.0.0.1:0", func(a *ask) {
		if a.Code == radius.CodeAccountingRequest {
			a.send(a.reply(radius.CodeAccountingResponse))
			return
		}
		a.send(a.reply(radius.CodeAccessAccept))
	})
	c := &Client{Dictionary: d, Servers: []Server{p.server(short, 1)}, RequireMessageAuthenticator: true}
	_, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	if err == nil || !strings.Contains(err.Error(), ErrNoMessageAuthenticator.Error()) {
		t.Errorf("an unsigned Accept gave %v", err)
	}
	if _, err = c.Exchange(t.Context(), &Request{Code: radius.CodeAccountingRequest}); err != nil {
		t.Errorf("accounting has none: %v", err)
	}
}

// TestLateReply takes the answer to the first try while the second waits.
func TestLateReply(t *testing.T) {
	var first []byte
	p := newPeer(t, "127.0.0.1:0", func(a *ask) {
		if a.n == 1 {
			first = a.reply(radius.CodeAccessAccept)
			return
		}
		a.send(first)
	})
	c := &Client{Dictionary: words(t), Servers: []Server{p.server(short, 100)}}
	r, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	if err != nil || r.Tries < 2 {
		t.Errorf("%s, %v", text(r), err)
	}
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := newPeer(t, "127.0.0.1:0", func(*ask) { cancel() })
	c := &Client{Dictionary: words(t), Servers: []Server{p.server(long, 3)}}
	if _, err := c.Exchange(ctx, &Request{Code: radius.CodeAccessRequest}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := len(p.got()); n != 1 {
		t.Errorf("%d packets", n)
	}
}

func TestNoServers(t *testing.T) {
	c := &Client{Dictionary: words(t)}
	if _, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest}); !errors.Is(err, ErrNoServers) {
		t.Error(err)
	}
	c.Servers = []Server{{Address: "127.0.0.1:1"}}
	if _, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest}); !errors.Is(err, ErrNoReply) {
		t.Error(err)
	}
}
