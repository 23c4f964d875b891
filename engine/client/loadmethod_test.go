package client

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// always answers each request with code.
func always(code radius.Code) func(*ask) { return func(a *ask) { a.send(a.reply(code)) } }

// loaded runs a load against a handler.
func loaded(t *testing.T, handle func(*ask), change func(*Load)) (*LoadResult, *peer) {
	t.Helper()
	p := newPeer(t, "127.0.0.1:0", handle)
	l := ordered(p)
	change(l)
	r, err := l.Run(t.Context())
	p.stop()
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent == 0 || r.Answered()+r.Lost != r.Sent {
		t.Errorf("%d sent, %d answered, %d lost", r.Sent, r.Answered(), r.Lost)
	}
	return r, p
}

// TestLoadCHAP computes each response anew.
func TestLoadCHAP(t *testing.T) {
	r, _ := loaded(t, func(a *ask) {
		if _, ok := a.Attributes.Find(radius.TypeCHAPPassword); !ok || !right(a) {
			t.Error("the response is wrong")
		}
		a.send(a.reply(radius.CodeAccessAccept))
	}, func(l *Load) { l.Method, l.Duration = MethodCHAP, 50*time.Millisecond })
	if r.Bad+r.Lost > 0 {
		t.Errorf("%+v", r)
	}
}

// TestLoadAccounting: authenticators verify, and each session's records come in their order, with one user and
// growing octets.
func TestLoadAccounting(t *testing.T) {
	for _, sign := range []bool{false, true} {
		c := accountant{sessions: map[string][]byte{}, users: map[string]string{}, octets: map[string]uint32{}}
		r, _ := loaded(t, c.take, func(l *Load) { l.Method, l.Sign, l.Duration = MethodAcct, sign, 500*time.Millisecond })
		if r.Bad+r.Lost+r.Wrong > 0 || r.Replies[radius.CodeAccountingResponse] != r.Sent {
			t.Errorf("%+v", r)
		}
		whole := 0
		for id, statuses := range c.sessions {
			if want := "\x01\x03\x02"[:min(len(statuses), 3)]; string(statuses) != want {
				t.Fatalf("session %s has the records %v", id, statuses)
			}
			if len(statuses) == 3 {
				whole++
			}
		}
		if whole == 0 {
			t.Errorf("none of %d sessions is whole: %v", len(c.sessions), r)
		}
	}
}

// An accountant keeps what a load told it.
type accountant struct {
	mu       sync.Mutex // protects all below
	sessions map[string][]byte
	users    map[string]string
	octets   map[string]uint32
}

func (c *accountant) take(a *ask) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := signer(testSecret).VerifyRequest(a.datagram()); err != nil {
		a.t.Error(err)
	}
	find := func(t radius.Type) []byte {
		v, ok := a.Attributes.Find(t)
		if !ok {
			a.t.Errorf("a record lacks attribute %d", t)
		}
		return v
	}
	id, status := string(find(typeAcctSessionID)), find(radius.TypeAcctStatusType)[3]
	user := string(find(radius.TypeUserName))
	if was, known := c.users[id]; known && was != user {
		a.t.Errorf("session %s is of %s and of %s", id, was, user)
	}
	c.users[id] = user
	c.sessions[id] = append(c.sessions[id], status)
	for t, want := range map[radius.Type]uint32{typeAcctDelayTime: 0, radius.TypeNASIPAddress: 127<<24 | 1} {
		if got := binary.BigEndian.Uint32(find(t)); got != want {
			a.t.Errorf("attribute %d is %d; want %d", t, got, want)
		}
	}
	find(typeFramedIPAddress)
	if status != statusStart {
		octets := binary.BigEndian.Uint32(find(typeAcctInputOctets))
		if octets <= c.octets[id] {
			a.t.Errorf("octets of %s: %d after %d", id, octets, c.octets[id])
		}
		c.octets[id] = octets
	}
	a.send(a.reply(radius.CodeAccountingResponse, messageAuthenticator()...))
}

// TestLoadExpects counts answers that are not what was expected.
func TestLoadExpects(t *testing.T) {
	for _, tc := range []struct {
		expect radius.Code
		wrong  bool
	}{
		{0, false},
		{radius.CodeAccessAccept, false},
		{radius.CodeAccessReject, true},
		{radius.CodeAccessChallenge, true},
	} {
		r, _ := loaded(t, always(radius.CodeAccessAccept), func(l *Load) { l.Expect, l.Duration = tc.expect, 20*time.Millisecond })
		if (r.Wrong == r.Sent) != tc.wrong || (r.Wrong == 0) == tc.wrong || r.Bad > 0 {
			t.Errorf("%v: %+v", tc.expect, r)
		}
	}
}

// TestLoadWrongPasswords: a tenth of the passwords is wrong, and a server that accepts them is found out.
func TestLoadWrongPasswords(t *testing.T) {
	for _, method := range []string{MethodPAP, MethodCHAP} {
		refused := uint64(0)
		r, _ := loaded(t, func(a *ask) {
			if !right(a) {
				refused++
				a.send(a.reply(radius.CodeAccessReject))
				return
			}
			a.send(a.reply(radius.CodeAccessAccept))
		}, func(l *Load) { l.Method, l.WrongPasswords, l.Expect = method, 100, radius.CodeAccessAccept })
		if r.Wrong > 0 || r.Replies[radius.CodeAccessReject] != refused || refused < r.Sent/10-3 || refused > r.Sent/10 {
			t.Errorf("%s: %+v; %d were refused", method, r, refused)
		}
		r, _ = loaded(t, always(radius.CodeAccessAccept), func(l *Load) { l.Method, l.WrongPasswords = method, 1000 })
		if r.Wrong != r.Sent {
			t.Errorf("%s: %d of %d accepted ones are wrong", method, r.Wrong, r.Sent)
		}
	}
}

// right reports whether a request of an ordered load has its user's password.
func right(a *ask) bool {
	name, _ := a.Attributes.Find(radius.TypeUserName)
	var n int
	fmt.Sscanf(string(name), "user%03d", &n)
	clear := fmt.Appendf(nil, "pw%d", n)
	if hidden, ok := a.Attributes.Find(radius.TypeUserPassword); ok {
		got, err := signer(testSecret).RevealPassword(nil, hidden, &a.Authenticator)
		return err == nil && string(got) == string(clear)
	}
	got, _ := a.Attributes.Find(radius.TypeCHAPPassword)
	want := md5.Sum(append(append([]byte{got[0]}, clear...), a.Authenticator[:]...))
	return string(got[1:]) == string(want[:])
}

// TestLoadEmptyPassword has a wrong one, too.
func TestLoadEmptyPassword(t *testing.T) {
	r, _ := loaded(t, func(a *ask) {
		hidden, _ := a.Attributes.Find(radius.TypeUserPassword)
		clear, err := signer(testSecret).RevealPassword(nil, hidden, &a.Authenticator)
		if diff := cmp.Diff("x", string(clear)); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		a.send(a.reply(radius.CodeAccessReject))
	}, func(l *Load) { l.Password, l.WrongPasswords, l.Duration = "", 1000, 20*time.Millisecond })
	if r.Wrong > 0 {
		t.Errorf("%+v", r)
	}
}

// TestLoadFreeRADIUS has an independent server judge CHAP and accounting, at a rate under what it holds in its
// default configuration (256 requests).
func TestLoadFreeRADIUS(t *testing.T) {
	authAddr, acctAddr, _ := startFreeRADIUS(t)
	for _, tc := range []struct {
		name, address string
		load          Load
		want          radius.Code
	}{
		{"pap", authAddr, Load{Expect: radius.CodeAccessAccept, WrongPasswords: 100}, 0},
		{"chap", authAddr, Load{Method: MethodCHAP, Expect: radius.CodeAccessAccept, WrongPasswords: 100, Sign: true}, 0},
		{"acct", acctAddr, Load{Method: MethodAcct}, radius.CodeAccountingResponse},
		{"acct signed", acctAddr, Load{Method: MethodAcct, Sign: true}, radius.CodeAccountingResponse},
	} {
		l := tc.load
		l.Address, l.Secret, l.Duration, l.Wait = tc.address, radius.NewSecret(testSecret), 100*time.Millisecond, 10*time.Second
		l.Sockets, l.Rate, l.Users, l.NameFormat, l.Password = 2, 300, 10, "user%d", "hello"
		r, err := l.Run(t.Context())
		if err != nil || r.Sent == 0 || r.Bad+r.Lost+r.Wrong > 0 || tc.want != 0 && r.Replies[tc.want] != r.Sent {
			t.Errorf("%s: %+v, %v", tc.name, r, err)
		}
	}
}
