package proxy

import (
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"perilune/engine/radius"
)

// TestTenThousandOut: ten thousand requests out to one server that does not answer need some forty sockets, no
// goroutine each, and delay nobody who asks another server.
func TestTenThousandOut(t *testing.T) {
	const out = 10_000
	slow, quick := newFakeHome(t, silent), newFakeHome(t, accepts)
	a, b := realmOf(slow), realmOf(quick)
	b.Name, b.Timeout, a.Timeout = "b.net", 10*time.Second, 20*time.Second
	f := startForwarder(t, ForwarderOptions{}, a, b)
	before := runtime.NumGoroutine()
	s := f.NewSender()
	list := make([]*caller, out)
	for i := range list {
		list[i] = newCaller(a)
		if o := s.Forward(&list[i].Exchange); o != Pending {
			t.Fatalf("request %d: %v", i, o)
		}
	}
	s.Flush()
	known := homeIn(t, f, slow, KindAuth).statusNow()
	if known.Outstanding != out || known.Sockets != (out+identifiers-1)/identifiers {
		t.Errorf("%d out over %d sockets", known.Outstanding, known.Sockets)
	}
	if n := runtime.NumGoroutine() - before; n > known.Sockets+2 {
		t.Errorf("%d goroutines more", n)
	}
	c := newCaller(b)
	for range 200 {
		if o := c.send(t, f); o != Answered || c.Attempts != 1 {
			t.Fatalf("the other server: %v after %d attempts", o, c.Attempts)
		}
	}
	f.Close()
	for _, c := range list {
		if o := c.wait(t); o != Closed {
			t.Fatalf("%v", o)
		}
	}
}

// TestRoom: the bounds of one server, of all, and of a realm.
func TestRoom(t *testing.T) {
	fill := func(f *Forwarder, r *Realm) (n int) {
		for ; ; n++ {
			switch o := f.Forward(&newCaller(r).Exchange); o {
			case Pending:
			case Full:
				return n
			default:
				t.Fatalf("%v", o)
			}
		}
	}
	homes := make([]*fakeHome, 4)
	realms := make([]*Realm, 4)
	for i := range homes {
		homes[i] = newFakeHome(t, silent)
		realms[i] = realmOf(homes[i])
		realms[i].Name, realms[i].Timeout = string(rune('a'+i)), 20*time.Second
	}
	realms[3].Inflight = 7
	f := startForwarder(t, ForwarderOptions{MaxPerServer: 300}, realms...)
	if n := fill(f, realms[0]); n != 300 {
		t.Errorf("%d to one server", n)
	}
	if n := fill(f, realms[3]); n != 7 {
		t.Errorf("%d of a realm with inflight=7", n)
	}
	f = startForwarder(t, ForwarderOptions{MaxOutstanding: 800}, realms...)
	var got []int
	for _, r := range realms[:3] {
		got = append(got, fill(f, r))
	}
	// Each takes half of what the others left.
	if !slices.Equal(got, []int{400, 200, 100}) {
		t.Errorf("of 800: %v", got)
	}
	if n := f.Counters(); n.Full != 3 || n.Outstanding != 700 {
		t.Errorf("%+v", n)
	}
}

// TestClientCrowdsNobodyOut: one client does not get the last quarter of a server's room.
func TestClientCrowdsNobodyOut(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Timeout = 20 * time.Second
	f := startForwarder(t, ForwarderOptions{MaxPerServer: 1024}, r)
	fill := func(client string, most int) (n int) {
		for ; n < most; n++ {
			c := newCaller(r)
			c.Source = netip.MustParseAddr(client)
			if o := f.Forward(&c.Exchange); o != Pending {
				break
			}
		}
		return n
	}
	if n := fill("192.0.2.1", 2000); n != 768 {
		t.Errorf("%d of one client", n)
	}
	if n := fill("192.0.2.2", 100); n != 100 {
		t.Errorf("%d of another client", n)
	}
	if n := fill("192.0.2.1", 100); n != 0 {
		t.Errorf("%d more of the first client", n)
	}
}

// TestPolling: while readers poll answers come as well, and parked ones are woken.
func TestPolling(t *testing.T) {
	var polling atomic.Bool
	var asked atomic.Int64
	h := newFakeHome(t, accepts)
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{Poll: func() bool { asked.Add(1); return polling.Load() }}, r)
	c := newCaller(r)
	for range 3 {
		if o := c.send(t, f); o != Answered {
			t.Fatalf("%v", o)
		}
		polling.Store(!polling.Load())
		n := asked.Load()
		f.Wake()
		eventually(t, "the reader", func() bool { return asked.Load() > n })
	}
	polling.Store(false)
}

// TestFullServerSpills: a server without room is passed over.
func TestFullServerSpills(t *testing.T) {
	first, second := newFakeHome(t, silent), newFakeHome(t, accepts)
	r := realmOf(first, second)
	r.Timeout = 20 * time.Second
	f := startForwarder(t, ForwarderOptions{MaxPerServer: 2}, r)
	for range 2 {
		f.Forward(&newCaller(r).Exchange)
	}
	c := newCaller(r)
	if o := c.send(t, f); o != Answered || c.Address != second.addr() {
		t.Errorf("%v of %v", o, c.Address)
	}
}

// TestConfigure: an unchanged server keeps its state; one that is gone ends once it is idle, and a request of an
// older generation still finds its way.
func TestConfigure(t *testing.T) {
	h, other := newFakeHome(t, silent), newFakeHome(t, accepts)
	old := realmOf(h)
	old.Timeout = 10 * time.Second
	f, c := still(t, ForwarderOptions{}, old)
	known := homeIn(t, f, h, KindAuth)
	x := newCaller(old)
	if o := f.Forward(&x.Exchange); o != Pending {
		t.Fatalf("%v", o)
	}
	same := realmOf(h)
	same.Name, same.Retries = "renamed", 5
	f.Configure(realmsOf(same))
	if homeIn(t, f, h, KindAuth) != known || len(f.Homes()) != 3 {
		t.Error("the server has lost its state")
	}
	changed := realmOf(h)
	changed.Servers[0].Secret = radius.NewSecret("changed")
	f.Configure(realmsOf(changed, realmOf(other)))
	h.answer(h.wait(t), answering{})
	if o := x.wait(t); o != Answered {
		t.Errorf("%v", o)
	}
	turnFor(f, c, idleExtra+5*time.Second)
	for _, s := range f.Homes() {
		if !s.Configured || s.Address == h.addr() {
			t.Errorf("%v is still there", s.Address)
		}
	}
	h.play(accepts)
	if o := x.send(t, f); o != Answered {
		t.Errorf("of an older generation: %v", o)
	}
	if homeIn(t, f, h, KindAuth) != known {
		t.Error("not taken back")
	}
	turnFor(f, c, idleExtra+5*time.Second)
	if len(known.sockets) != 0 {
		t.Error("its sockets are open")
	}
}

// TestIdleSocketsClose: what a burst opened is closed again, from the last one on.
func TestIdleSocketsClose(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Timeout, r.Retries = time.Second, 1
	f, c := still(t, ForwarderOptions{Window: time.Hour}, r)
	for range 3 * identifiers {
		f.Forward(&newCaller(r).Exchange)
	}
	known := homeIn(t, f, h, KindAuth)
	if n := known.statusNow().Sockets; n != 3 {
		t.Fatalf("%d sockets", n)
	}
	turnFor(f, c, idleExtra+10*time.Second)
	if n := known.statusNow(); n.Sockets != 1 || n.Outstanding != 0 {
		t.Errorf("after a minute %d sockets, %d out", n.Sockets, n.Outstanding)
	}
	turnFor(f, c, idleFirst)
	if n := known.statusNow().Sockets; n != 0 {
		t.Errorf("after ten %d sockets", n)
	}
}

// TestManyCallers sends from several goroutines to servers of all moods: each exchange ends exactly once.
func TestManyCallers(t *testing.T) {
	moody := func(h *fakeHome, q question) {
		switch q.n % 7 {
		case 0:
		case 1:
			h.answer(q, answering{secret: "guessed"})
			h.answer(q, answering{})
		case 2:
			time.AfterFunc(150*time.Millisecond, func() { h.answer(q, answering{}) })
		default:
			h.answer(q, answering{})
			h.answer(q, answering{})
		}
	}
	r := realmOf(newFakeHome(t, moody), newFakeHome(t, moody), newFakeHome(t, silent))
	r.Balance, r.Retries = true, 2
	r.Timeout = hasty
	f := startForwarder(t, ForwarderOptions{}, r)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := f.NewSender()
			list := make([]*caller, 40)
			for round := range 3 {
				for i := range list {
					if round == 0 {
						list[i] = newCaller(r)
					}
					if o := s.Forward(&list[i].Exchange); o != Pending {
						t.Errorf("%v", o)
					}
				}
				s.Flush()
				for _, c := range list {
					if o := c.wait(t); o != Answered && o != Timeout {
						t.Errorf("%v", o)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := f.binding(r).inflight.Load(); n != 0 {
		t.Errorf("%d are still under way", n)
	}
}

func (f *Forwarder) binding(r *Realm) *route { return r.binding.route.Load() }

// TestIdentifiersAreRandom: all 256 are used, none twice at once, and not in order.
func TestIdentifiersAreRandom(t *testing.T) {
	k := &socket{}
	for i := range k.unused {
		k.unused[i] = ^uint64(0)
	}
	rapid.Check(t, func(t *rapid.T) {
		var taken []byte
		inOrder := true
		for range identifiers {
			id := k.take()
			if slices.Contains(taken, id) {
				t.Fatalf("%d is given twice", id)
			}
			if n := len(taken); n > 0 && id != taken[n-1]+1 {
				inOrder = false
			}
			taken = append(taken, id)
		}
		if inOrder || k.used != identifiers {
			t.Fatalf("in order: %t, used %d", inOrder, k.used)
		}
		for _, i := range rapid.Permutation(taken).Draw(t, "order") {
			k.give(i, 0)
		}
		if k.used != 0 {
			t.Fatalf("used %d", k.used)
		}
	})
}

// TestWheelAgainstAList compares the wheel with a list that is searched.
func TestWheelAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w wheel
		pending := map[*Exchange]bool{}
		now := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			for range rapid.IntRange(0, 5).Draw(t, "adds") {
				x := &Exchange{}
				x.due = now + rapid.Int64Range(0, int64(30*time.Second)).Draw(t, "wait")
				w.add(x)
				pending[x] = true
			}
			for x := range pending {
				if rapid.IntRange(0, 9).Draw(t, "remove") == 0 {
					w.remove(x)
					delete(pending, x)
				}
			}
			now += rapid.Int64Range(0, int64(8*time.Second)).Draw(t, "pause")
			for more := true; more; {
				more = w.turn(now, 3, func(x *Exchange) {
					if !pending[x] || tickOf(x.due) > tickOf(now) {
						t.Fatalf("expired: known %t, due %d at %d", pending[x], x.due, now)
					}
					delete(pending, x)
				})
			}
			for x := range pending {
				if tickOf(x.due) <= tickOf(now)-1 {
					t.Fatalf("due %d and not expired at %d", x.due, now)
				}
			}
		}
	})
}

// FuzzProxyState: what is added is found and taken off again, whatever stands around it.
func FuzzProxyState(f *testing.F) {
	f.Add([]byte{33, 3, 1}, []byte{33, 4, 1, 2})
	f.Add([]byte{1, 2}, []byte{80, 3, 0})
	f.Add([]byte{}, []byte{33})
	f.Fuzz(func(t *testing.T, before, after []byte) {
		fw := newForwarder(ForwarderOptions{})
		fw.marks.loops(before) // any octets
		lastProxyState(before)
		m := fw.marks.new()
		if !radius.Attributes(before).Valid() || !radius.Attributes(after).Valid() || lastProxyState(after) >= 0 {
			t.Skip()
		}
		whole := append(slices.Clone(before), radius.AppendAttribute(nil, radius.TypeProxyState, m[:])...)
		whole = append(whole, after...)
		if !marked(whole, &m) || !fw.marks.loops(whole) {
			t.Fatal("the mark is not found")
		}
		if got := unmark(whole); !slices.Equal(got, append(slices.Clone(before), after...)) {
			t.Errorf("%x", got)
		}
	})
}
