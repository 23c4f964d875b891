package proxy

import (
	"bytes"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestSender: requests to several servers through one Sender arrive in the order of each server's, once each,
// whatever their size; nothing leaves before Flush unless the Sender is full.
func TestSender(t *testing.T) {
	homes := []*fakeHome{newFakeHome(t, accepts), newFakeHome(t, accepts), newFakeHome(t, accepts)}
	var realms []*Realm
	for i, h := range homes {
		r := realmOf(h)
		r.Name, r.Timeout = string(rune('a'+i)), 10*time.Second
		realms = append(realms, r)
	}
	f := startForwarder(t, ForwarderOptions{}, realms...)
	s := f.NewSender()
	large := bytes.Repeat(radius.AppendAttribute(nil, 26, make([]byte, 253)), 12)
	var list []*caller
	for i := range 50 {
		c := newCaller(realms[i%3])
		c.attrs = radius.AppendAttribute(nil, radius.TypeUserName, []byte{byte(i)})
		if i%10 == 9 {
			c.attrs = append(c.attrs, large...)
		}
		if o := s.Forward(&c.Exchange); o != Pending {
			t.Fatalf("%v", o)
		}
		list = append(list, c)
	}
	for _, h := range homes {
		if n := len(h.requests()); n != 0 {
			t.Errorf("%d left before Flush", n)
		}
	}
	s.Flush()
	s.Flush()
	for i, c := range list {
		if o := c.wait(t); o != Answered {
			t.Errorf("request %d: %v", i, o)
		}
	}
	for place, h := range homes {
		next := byte(place)
		for _, q := range h.requests() {
			if name, _ := q.packet.Attributes.Find(radius.TypeUserName); name[0] != next {
				t.Errorf("server %d got %d, want %d", place, name[0], next)
			}
			next += 3
		}
		if int(next) < len(list) {
			t.Errorf("server %d got the last before %d", place, next)
		}
	}
}

// TestSenderIsNotTheExchange: what waits in a Sender is a copy. The exchange may be over, and at another request,
// before it leaves.
func TestSenderIsNotTheExchange(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Timeout = time.Minute
	f, _ := still(t, ForwarderOptions{}, r)
	s, c := f.NewSender(), newCaller(r)
	s.Forward(&c.Exchange)
	sent := bytes.Clone(c.out)
	known := homeIn(t, f, h, KindAuth)
	known.mu.Lock()
	known.take(&c.Exchange, f.now())
	known.mu.Unlock()
	clear(c.out)
	s.Flush()
	if got := h.wait(t).raw; !bytes.Equal(got, sent) {
		t.Errorf("%x left, want %x", got, sent)
	}
}

// TestAuthenticators: they are random, and none comes twice.
func TestAuthenticators(t *testing.T) {
	s := newForwarder(ForwarderOptions{}).NewSender()
	seen := map[radius.Authenticator]bool{}
	for range 1000 {
		a := s.authenticator()
		if seen[a] || a.IsZero() {
			t.Fatalf("%x", a)
		}
		seen[a] = true
	}
}
