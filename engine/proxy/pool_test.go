package proxy

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"perilune/engine/radius"
)

// poolOf gives a pool of n servers of which none is real.
func poolOf(t *testing.T, balance bool, weights ...int) (*pool, *Forwarder) {
	r := &Realm{Name: "a", Timeout: time.Second, Retries: 1, Balance: balance, binding: new(binding)}
	for i, w := range weights {
		addr := netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:1812", i+1))
		r.Servers = append(r.Servers, Server{Name: addr.String(), Auth: addr, Secret: radius.NewSecret("x"), Weight: w})
	}
	f, _ := still(t, ForwarderOptions{}, r)
	return &r.binding.route.Load().pools[KindAuth], f
}

// choices gives the servers that a request would be asked of, in order.
func choices(p *pool, x *Exchange, now int64) (order []int) {
	x.tried = 0
	for i := p.next(x, now); i >= 0; i = p.next(x, now) {
		x.tried |= 1 << i
		order = append(order, i)
	}
	return order
}

func TestOrder(t *testing.T) {
	p, _ := poolOf(t, false, 1, 1, 1)
	var x Exchange
	for _, test := range []struct {
		change func()
		want   string
	}{
		{func() {}, "[0 1 2]"},
		{func() { p.homes[0].doubt(0) }, "[1 2 0]"},
		{func() { p.homes[0].die(0) }, "[1 2]"},
		{func() { p.homes[1].doubt(0) }, "[2 1]"},
		{func() { p.homes[2].die(0) }, "[1]"},
		{func() { p.homes[1].die(0) }, "[]"},
		{func() { p.homes[2].alive(0) }, "[2]"},
	} {
		test.change()
		if got := fmt.Sprint(choices(p, &x, 1)); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

// TestTrialOfAPreferred: the first server of the list, once dead, is tried now and then; a spare one that is not
// needed is not.
func TestTrialOfAPreferred(t *testing.T) {
	p, _ := poolOf(t, false, 1, 1)
	var x Exchange
	p.homes[0].die(0)
	late := int64(deadTrial * 2)
	if got := fmt.Sprint(choices(p, &x, late)); got != "[0 1]" {
		t.Errorf("%s", got)
	}
	if got := fmt.Sprint(choices(p, &x, late)); got != "[1]" {
		t.Errorf("tried twice: %s", got)
	}
	p, _ = poolOf(t, false, 1, 1)
	p.homes[1].die(0)
	if i := p.next(&x, late); i != 0 || x.trial {
		t.Errorf("%d", i)
	}
}

// TestTrialOfAProbed: where Status-Server tells whether a server lives, no user waits for one in doubt as long as
// another one is there; one request a minute tries it, for it may only not answer Status-Server.
func TestTrialOfAProbed(t *testing.T) {
	p, _ := poolOf(t, false, 1, 1)
	var x Exchange
	p.homes[0].status.Store(true)
	p.homes[0].doubt(0)
	if got := fmt.Sprint(choices(p, &x, int64(doubtTrial*5))); got != "[1 0]" {
		t.Errorf("%s", got)
	}
	if got := fmt.Sprint(choices(p, &x, int64(probedTrial*2))); got != "[0 1]" {
		t.Errorf("after a minute: %s", got)
	}
}

// TestWeights: shares follow the weights, and a Sticky keeps its server. When one dies only its share moves.
func TestWeights(t *testing.T) {
	p, _ := poolOf(t, true, 1, 3, 4)
	var x Exchange
	const n = 20_000
	count, of := [3]int{}, [n]int{}
	for i := range n {
		x.Sticky = mix(uint64(i) + 1)
		x.tried = 0
		of[i] = p.next(&x, 1)
		count[of[i]]++
		if again := p.next(&x, 2); again != of[i] {
			t.Fatalf("Sticky %d goes to %d and %d", x.Sticky, of[i], again)
		}
	}
	for i, want := range []float64{1. / 8, 3. / 8, 4. / 8} {
		if share := float64(count[i]) / n; math.Abs(share-want) > 0.02 {
			t.Errorf("server %d has %.3f, want %.3f", i, share, want)
		}
	}
	p.homes[2].die(0)
	for i := range n {
		x.Sticky = mix(uint64(i) + 1)
		if got := p.next(&x, 1); of[i] != 2 && got != of[i] {
			t.Fatalf("Sticky %d moved from %d to %d", x.Sticky, of[i], got)
		}
	}
	x.Sticky = 0
	count = [3]int{}
	for range n {
		count[p.next(&x, 1)]++
	}
	if share := float64(count[0]) / n; math.Abs(share-0.25) > 0.02 || count[2] != 0 {
		t.Errorf("without Sticky: %v", count)
	}
}

// TestConversation: who answers a challenge meets the server that made it, whatever the pool says now.
func TestConversation(t *testing.T) {
	state := ""
	challenges := func(h *fakeHome, q question) {
		if s, ok := q.packet.Attributes.Find(radius.TypeState); ok {
			if string(s) == state {
				h.answer(q, answering{})
			} else {
				h.answer(q, answering{code: radius.CodeAccessReject})
			}
			return
		}
		state = fmt.Sprintf("state %d of %v", q.n, h.addr())
		h.answer(q, answering{code: radius.CodeAccessChallenge, attrs: attribute(radius.TypeState, state)})
	}
	first, second := newFakeHome(t, challenges), newFakeHome(t, challenges)
	r := realmOf(first, second)
	f := startForwarder(t, ForwarderOptions{}, r)
	doubted := homeIn(t, f, first, KindAuth)
	doubted.mu.Lock()
	doubted.doubt(f.now() + int64(time.Hour))
	doubted.mu.Unlock()
	c := newCaller(r)
	if o := c.send(t, f); o != Answered || c.Reply.Code != radius.CodeAccessChallenge || c.Address != second.addr() {
		t.Fatalf("%v %v of %v", o, c.Reply.Code, c.Address)
	}
	doubted.mu.Lock()
	doubted.alive(f.now())
	doubted.mu.Unlock()
	// A reload that turns the weights round changes nothing either.
	turned := realmOf(first, second)
	turned.Balance = true
	turned.Servers[0].Weight = 100
	f.Configure(realmsOf(turned))
	value, _ := c.Reply.Attributes.Find(radius.TypeState)
	c.Realm = turned
	c.attrs = append(c.attrs, attribute(radius.TypeState, string(value))...)
	c.Received = &radius.Packet{Attributes: c.attrs}
	if o := c.send(t, f); o != Answered || c.Reply.Code != radius.CodeAccessAccept || c.Address != second.addr() {
		t.Fatalf("%v %v of %v", o, c.Reply.Code, c.Address)
	}
	if homeIn(t, f, second, KindAuth).talks.Load().has(f.hash(value)) {
		t.Error("the conversation is still remembered")
	}
}

func TestConversationsAreBounded(t *testing.T) {
	var c conversations
	for i := range uint64(100_000) {
		c.add(mix(i) | 1)
	}
	n := 0
	for i := range uint64(100_000) {
		if c.has(mix(i) | 1) {
			n++
		}
	}
	if n > conversationRooms*conversationDepth || n < conversationRooms*conversationDepth/2 {
		t.Errorf("%d are remembered", n)
	}
	last := mix(99_999) | 1
	if !c.has(last) {
		t.Error("the last one is not")
	}
	c.remove(last)
	if c.has(last) {
		t.Error("removed and remembered")
	}
}

// TestConversationWaits: nobody but the server of a conversation is asked, unless it is dead.
func TestConversationWaits(t *testing.T) {
	first, second := newFakeHome(t, accepts), newFakeHome(t, silent)
	r := realmOf(first, second)
	r.Retries = 1
	r.Timeout = hasty
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	c.Received = &radius.Packet{Attributes: attribute(radius.TypeState, "x")}
	known := homeIn(t, f, second, KindAuth)
	known.converse(0, f.hash([]byte("x")))
	if o := c.send(t, f); o != Timeout || c.Attempts != 1 || len(first.requests()) != 0 {
		t.Errorf("%v after %d attempts", o, c.Attempts)
	}
	known.mu.Lock()
	known.die(f.now())
	known.mu.Unlock()
	if o := c.send(t, f); o != Answered || c.Address != first.addr() {
		t.Errorf("%v of %v", o, c.Address)
	}
}
