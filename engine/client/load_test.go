package client

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// ordered is a load that tests vary.
func ordered(p *peer) *Load {
	return &Load{
		Address: p.address(), Secret: p.secret, Duration: 100 * time.Millisecond, Sockets: 3, Outstanding: 8,
		Users: 50, NameFormat: "user%03d", Password: "pw%d", Wait: time.Minute,
	}
}

// judge accepts the right password of each user and rejects every third.
func judge(a *ask) {
	name, _ := a.Attributes.Find(radius.TypeUserName)
	hidden, _ := a.Attributes.Find(radius.TypeUserPassword)
	var s radius.Session
	s.Use(a.secret)
	password, err := s.RevealPassword(nil, hidden, &a.Authenticator)
	var n int
	fmt.Sscanf(string(name), "user%03d", &n)
	switch {
	case err != nil || string(name) != fmt.Sprintf("user%03d", n) || string(password) != fmt.Sprintf("pw%d", n):
		a.t.Errorf("user %q, password %q: %v", name, password, err)
	case n%3 == 0:
		a.send(a.reply(radius.CodeAccessReject))
	default:
		a.send(a.reply(radius.CodeAccessAccept, messageAuthenticator()...))
	}
}

func TestLoadClosedLoop(t *testing.T) {
	for _, sign := range []bool{false, true} {
		p := newPeer(t, "127.0.0.1:0", judge)
		l := ordered(p)
		l.Sign = sign
		r, err := l.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Sent == 0 || r.Answered() != r.Sent || r.Lost+r.Bad > 0 || r.Sent != uint64(len(p.got())) {
			t.Errorf("%d sent, %d answered, %d lost, %d bad, %d got", r.Sent, r.Answered(), r.Lost, r.Bad, len(p.got()))
		}
		if r.Replies[radius.CodeAccessAccept] == 0 || r.Replies[radius.CodeAccessReject] == 0 || len(r.Replies) != 2 {
			t.Errorf("replies %v", r.Replies)
		}
		if r.Took < l.Duration || r.Quantile(0.5) <= 0 || r.Quantile(0.5) > r.Worst() {
			t.Errorf("took %v, p50 %v, worst %v", r.Took, r.Quantile(0.5), r.Worst())
		}
	}
}

// TestLoadSigned has a Message-Authenticator that verifies.
func TestLoadSigned(t *testing.T) {
	l := &Load{Secret: radius.NewSecret(testSecret), Address: "127.0.0.1:9", Sockets: 1, Users: 1, NameFormat: "a", Password: "b", Sign: true}
	c := l.composer(0, 1)
	var at slot
	first, second := c.compose(nil, 1, &at), c.compose(nil, 2, &at)
	for _, raw := range [][]byte{first, second} {
		if v, err := signer(testSecret).VerifyRequest(raw); err != nil || !v.MessageAuthenticator {
			t.Errorf("%x: %v, %v", raw, v, err)
		}
	}
	if string(first[4:20]) == string(second[4:20]) {
		t.Error("an authenticator was used twice")
	}
}

func TestLoadOpenLoop(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", judge)
	l := ordered(p)
	l.Rate, l.Duration = 600, 200*time.Millisecond
	r, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// 120 are due; one more for each socket at the edge, fewer only if the machine stood still at the end
	if r.Sent < 60 || r.Sent > 123 || r.Answered()+r.Lost != r.Sent || r.Bad > 0 {
		t.Errorf("%d sent, %d answered, %d lost, %d bad", r.Sent, r.Answered(), r.Lost, r.Bad)
	}
}

// TestLoadCountsLost drops every fourth request. Places of lost ones are taken by others after Wait.
func TestLoadCountsLost(t *testing.T) {
	var dropped atomic.Uint64
	p := newPeer(t, "127.0.0.1:0", func(a *ask) {
		if a.n%4 == 0 {
			dropped.Add(1)
			return
		}
		a.send(a.reply(radius.CodeAccessAccept))
	})
	l := ordered(p)
	l.Wait, l.Duration = 20*time.Millisecond, 200*time.Millisecond
	r, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost < dropped.Load() || r.Answered()+r.Lost != r.Sent {
		t.Errorf("%d sent, %d answered, %d lost; %d were dropped", r.Sent, r.Answered(), r.Lost, dropped.Load())
	}
	if r.Lost <= uint64(l.Outstanding) {
		t.Errorf("only %d were lost: their places were not used again", r.Lost)
	}
}

// TestLoadCountsBad gets replies that a wrong secret signed, and noise.
func TestLoadCountsBad(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", func(a *ask) {
		raw := a.reply(radius.CodeAccessAccept)
		raw[4]++
		a.send(raw)
		a.send([]byte("noise"))
		a.send(a.reply(radius.CodeAccountingResponse))
	})
	l := ordered(p)
	l.Wait, l.Duration = 10*time.Millisecond, 30*time.Millisecond
	r, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Answered() != 0 || r.Lost != r.Sent || r.Bad == 0 {
		t.Errorf("%d sent, %d answered, %d lost, %d bad", r.Sent, r.Answered(), r.Lost, r.Bad)
	}
}

// TestLoadPadding takes replies with octets beyond their Length (RFC 2865 s3).
func TestLoadPadding(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", func(a *ask) { a.send(append(a.reply(radius.CodeAccessAccept), 0, 0)) })
	l := ordered(p)
	l.Duration = 10 * time.Millisecond
	if r, err := l.Run(t.Context()); err != nil || r.Bad > 0 || r.Lost > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestLoadNobody has no listener: everything is lost, and the end comes in time.
func TestLoadNobody(t *testing.T) {
	l := ordered(newPeer(t, "127.0.0.1:0", nil))
	l.Address, l.Wait, l.Duration = closedPort(t), 10*time.Millisecond, 30*time.Millisecond
	r, err := l.Run(t.Context())
	if err != nil || r.Answered() != 0 || r.Lost != r.Sent || r.Sent == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestLoadInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := newPeer(t, "127.0.0.1:0", func(a *ask) {
		cancel()
		a.send(a.reply(radius.CodeAccessAccept))
	})
	l := ordered(p)
	l.Duration = time.Hour
	if r, err := l.Run(ctx); err != nil || r.Took > time.Minute {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestShares deals the requests in flight out to the sockets.
func TestShares(t *testing.T) {
	for want, l := range map[string]Load{
		"[3 3 2]": {Sockets: 3, Outstanding: 8},
		"[1 0 0]": {Sockets: 3, Outstanding: 1},
		"[256]":   {Sockets: 1, Outstanding: 256},
	} {
		var got []int
		for i := range l.Sockets {
			got = append(got, l.share(i))
		}
		if diff := cmp.Diff(want, fmt.Sprint(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestLoadRefusesNonsense(t *testing.T) {
	good := Load{Address: "127.0.0.1:9", Duration: 1, Sockets: 1, Outstanding: 1, Users: 1, NameFormat: "u", Wait: 1}
	for name, spoil := range map[string]func(*Load){
		"sockets":     func(l *Load) { l.Sockets = 0 },
		"users":       func(l *Load) { l.Users = 0 },
		"duration":    func(l *Load) { l.Duration = 0 },
		"wait":        func(l *Load) { l.Wait = -1 },
		"rate":        func(l *Load) { l.Rate = -1 },
		"outstanding": func(l *Load) { l.Outstanding = 257 },
		"none":        func(l *Load) { l.Outstanding = 0 },
		"no name":     func(l *Load) { l.NameFormat = "" },
		"name":        func(l *Load) { l.NameFormat = strings.Repeat("u", 254) },
		"password":    func(l *Load) { l.Password = strings.Repeat("p", 128) + "%d" },
		"method":      func(l *Load) { l.Method = "eap" },
		"expect":      func(l *Load) { l.Expect = radius.CodeAccountingResponse },
		"of acct":     func(l *Load) { l.Method, l.Expect = MethodAcct, radius.CodeAccessAccept },
		"wrong":       func(l *Load) { l.WrongPasswords = 1001 },
		"acct wrong":  func(l *Load) { l.Method, l.WrongPasswords = MethodAcct, 1 },
		"address":     func(l *Load) { l.Address = "127.0.0.1" },
	} {
		l := good
		spoil(&l)
		if _, err := l.Run(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNumbered(t *testing.T) {
	for _, tc := range []struct {
		format string
		n      int
		want   string
	}{
		{"demo", 5, "demo"},
		{"user%d@x", 5, "user5@x"},
		{"user%07d", 5, "user0000005"},
		{"%02d", 1234, "1234"},
		{"100%", 5, "100%"},
		{"50%s and %d", 5, "50%s and 5"},
		{"%7d", 5, "%7d"},
		{"%0999d", 5, "%0999d"},
		{"%d-%d", 5, "5-%d"},
		{"%%d", 5, "%5"},
		{"", 5, ""},
	} {
		f := parseNumbered(tc.format)
		if got := string(f.appendTo(nil, tc.n)); got != tc.want {
			t.Errorf("%q with %d is %q; want %q", tc.format, tc.n, got, tc.want)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	for _, method := range []string{MethodPAP, MethodCHAP, MethodAcct} {
		b.Run(method, func(b *testing.B) {
			l := &Load{Method: method, Secret: radius.NewSecret(testSecret), Users: 100, NameFormat: "user%07d", Password: "pw%07d"}
			c := l.composer(0, 1)
			var buf []byte
			var at slot
			b.ReportAllocs()
			for i := range b.N {
				buf = c.compose(buf[:0], byte(i), &at)
			}
		})
	}
}

// TestLoadManySockets: each of hundreds of sockets asks, in few goroutines, closed and open.
func TestLoadManySockets(t *testing.T) {
	for rate, least := range map[int]int{0: 500, 5000: 100} { // what is late goes out in longer runs on fewer sockets
		ports := map[int]bool{}
		p := newPeer(t, "127.0.0.1:0", func(a *ask) {
			ports[a.from.Port] = true
			a.send(a.reply(radius.CodeAccessAccept))
		})
		l := ordered(p)
		l.Sockets, l.Outstanding, l.Rate, l.Duration = 500, 500, rate, 300*time.Millisecond
		r, err := l.Run(t.Context())
		p.stop()
		if err != nil {
			t.Fatal(err)
		}
		if r.Bad+r.Lost > 0 || len(ports) < least {
			t.Errorf("%d sockets asked; %v", len(ports), r)
		}
	}
}

// TestSchedule deals an odd rate out to shooters without drift.
func TestSchedule(t *testing.T) {
	for _, tc := range []struct {
		s    schedule
		want time.Duration
	}{
		{schedule{0, 1, 3}, 0},
		{schedule{2, 1, 3}, 666_666_666},
		{schedule{300_001, 2, 3}, 100_000*time.Second + 333_333_333},
		{schedule{1_000_000_000_000, 1, 1_000_000_000}, 1000 * time.Second},
	} {
		if got := tc.s.due(); got != tc.want {
			t.Errorf("%+v: %d; want %d", tc.s, got, tc.want)
		}
	}
}
