package proxy

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSlow: a home server whose every answer comes after our patience is slow, not dead, however many requests
// end without one; and it costs those of other realms nothing.
func TestSlow(t *testing.T) {
	slow := newFakeHome(t, func(*fakeHome, question) {})
	quick := newFakeHome(t, accepts)
	a, b := realmOf(slow), realmOf(quick)
	a.Retries, a.Timeout, b.Name, b.Timeout = 1, hasty, "b.net", 10*time.Second
	f := startForwarder(t, ForwarderOptions{Window: time.Second}, a, b)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		c := newCaller(b)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if o := c.send(t, f); o != Answered || c.Attempts != 1 {
				t.Errorf("the quick one: %v after %d attempts", o, c.Attempts)
				return
			}
		}
	})
	for range 8 {
		var list []*caller
		for range 50 {
			c := newCaller(a)
			if o := f.Forward(&c.Exchange); o != Pending {
				t.Fatalf("%v", o)
			}
			list = append(list, c)
			time.Sleep(2 * time.Millisecond)
		}
		for _, c := range list {
			if o := c.wait(t); o != Timeout {
				t.Fatalf("%v", o)
			}
		}
		for len(slow.came) > 0 {
			slow.answer(<-slow.came, answering{})
		}
	}
	close(stop)
	wg.Wait()
	known := homeIn(t, f, slow, KindAuth)
	if known.state() == Down {
		t.Errorf("it is %v", known.state())
	}
	eventually(t, "late answers", func() bool { return known.tally().Late > 300 })
}

// TestFlapping: with a server that works by fits and one that always does, every request is answered.
func TestFlapping(t *testing.T) {
	var up atomic.Bool
	flapping := newFakeHome(t, func(h *fakeHome, q question) {
		if up.Load() {
			h.answer(q, answering{})
		}
	})
	steady := newFakeHome(t, accepts)
	r := realmOf(flapping, steady)
	r.Retries, r.Status = 3, true
	r.Timeout = hasty
	f := startForwarder(t, ForwarderOptions{Window: 300 * time.Millisecond, Revival: 200 * time.Millisecond}, r)
	c := newCaller(r)
	for i := range 60 {
		up.Store(i/10%2 == 0)
		if o := c.send(t, f); o != Answered {
			t.Fatalf("request %d: %v, the first is %v", i, o, homeIn(t, f, flapping, KindAuth).state())
		}
	}
}

// TestReloadUnderLoad exchanges the realms while requests are under way: none is lost.
func TestReloadUnderLoad(t *testing.T) {
	first, second := newFakeHome(t, accepts), newFakeHome(t, accepts)
	f := startForwarder(t, ForwarderOptions{})
	var active atomic.Pointer[Realm]
	configure := func(i int) {
		r := realmOf(first, second)
		r.Timeout, r.Balance = 2*time.Second, i%2 == 0
		if i%3 == 0 {
			r.Servers = r.Servers[:1]
		}
		f.Configure(realmsOf(r))
		active.Store(r)
	}
	configure(0)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := newCaller(nil)
			for {
				select {
				case <-stop:
					return
				default:
				}
				c.Realm = active.Load()
				if o := c.send(t, f); o != Answered {
					t.Errorf("%v", o)
					return
				}
			}
		})
	}
	for i := range 300 {
		configure(i)
		f.Homes()
		time.Sleep(time.Millisecond)
	}
	close(stop)
	wg.Wait()
}

// TestIPv6: a home server at ::1, and the address to send from.
func TestIPv6(t *testing.T) {
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skip("no IPv6 here")
	}
	h := newFakeHome(t, accepts)
	six := &fakeHome{conn: conn, secret: h.secret, script: accepts, came: make(chan question, 16)}
	done := make(chan struct{})
	go six.run(done)
	t.Cleanup(func() { conn.Close(); <-done })
	a, b := realmOf(six), realmOf(h)
	b.Name = "b.net"
	f := startForwarder(t, ForwarderOptions{From: netip.MustParseAddr("127.0.0.3")}, a, b)
	for _, r := range []*Realm{a, b} {
		if o := newCaller(r).send(t, f); o != Answered {
			t.Errorf("%s: %v", r.Name, o)
		}
	}
	if from := h.wait(t).from.Addr(); from != netip.MustParseAddr("127.0.0.3") {
		t.Errorf("sent from %v", from)
	}
	if from := six.wait(t).from.Addr(); from != netip.MustParseAddr("::1") {
		t.Errorf("sent from %v", from)
	}
}
