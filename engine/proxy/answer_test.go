package proxy

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// TestLies: what a home server, or somebody in its name, sends and must not be taken. The right answer comes
// afterwards and is taken.
func TestLies(t *testing.T) {
	for _, test := range []struct {
		name  string
		lie   answering
		count func(*Tally) uint64
	}{
		{"wrong secret", answering{secret: "guessed"}, func(n *Tally) uint64 { return n.Invalid }},
		{"wrong identifier", answering{id: 1}, func(n *Tally) uint64 { return n.Invalid }},
		{"wrong code", answering{code: radius.CodeAccountingResponse}, func(n *Tally) uint64 { return n.Invalid }},
		{"a request", answering{code: radius.CodeAccessRequest}, func(n *Tally) uint64 { return n.Malformed }},
		{"unknown code", answering{code: 99}, func(n *Tally) uint64 { return n.Malformed }},
		{"altered", answering{change: func(b []byte) []byte { b[25]++; return b }}, func(n *Tally) uint64 { return n.Invalid }},
		{"two Message-Authenticators", answering{attrs: radius.AppendAttribute(nil, 80, make([]byte, 16))}, func(n *Tally) uint64 { return n.Invalid }},
		{"short Message-Authenticator", answering{unsigned: true, attrs: radius.AppendAttribute(nil, 80, make([]byte, 15))}, func(n *Tally) uint64 { return n.Invalid }},
		{"EAP without Message-Authenticator", answering{unsigned: true, attrs: attribute(radius.TypeEAPMessage, "eap")}, func(n *Tally) uint64 { return n.Unsigned }},
		{"truncated", answering{change: func(b []byte) []byte { return b[:len(b)-3] }}, func(n *Tally) uint64 { return n.Malformed }},
		{"torn attribute", answering{last: []byte{1}}, func(n *Tally) uint64 { return n.Malformed }},
		{"empty", answering{change: func(b []byte) []byte { return nil }}, func(n *Tally) uint64 { return n.Malformed }},
		{"no Proxy-State", answering{states: func(radius.Attributes) []byte { return nil }}, func(n *Tally) uint64 { return n.Foreign }},
		{"altered Proxy-State", answering{states: func(a radius.Attributes) []byte {
			b := statesOf(a)
			b[len(b)-1]++
			return b
		}}, func(n *Tally) uint64 { return n.Foreign }},
		{"ours is not the last one", answering{last: attribute(radius.TypeProxyState, "late")}, func(n *Tally) uint64 { return n.Foreign }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newFakeHome(t, silent)
			r := realmOf(h)
			r.Timeout = 10 * time.Second
			f := startForwarder(t, ForwarderOptions{}, r)
			c := newCaller(r)
			c.attrs = append(c.attrs, attribute(radius.TypeProxyState, "the client's")...)
			if o := f.Forward(&c.Exchange); o != Pending {
				t.Fatalf("outcome %v", o)
			}
			q := h.wait(t)
			h.answer(q, test.lie)
			known := homeIn(t, f, h, KindAuth)
			eventually(t, "the count", func() bool { n := known.tally(); return test.count(&n) == 1 })
			h.answer(q, answering{code: radius.CodeAccessReject})
			if o := c.wait(t); o != Answered || c.Reply.Code != radius.CodeAccessReject {
				t.Errorf("outcome %v, %v", o, c.Reply.Code)
			}
		})
	}
}

// TestOtherSource: an answer from another port of the home server never arrives (RFC 2865 s3).
func TestOtherSource(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Timeout = 10 * time.Second
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	f.Forward(&c.Exchange)
	q := h.wait(t)
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.WriteToUDPAddrPort(h.build(q, answering{}), q.from)
	h.answer(q, answering{code: radius.CodeAccessReject})
	if c.wait(t); c.Reply.Code != radius.CodeAccessReject {
		t.Errorf("%v was taken", c.Reply.Code)
	}
}

// TestReplay: an answer to an earlier request with the same identifier is not taken for this one.
func TestReplay(t *testing.T) {
	var last [identifiers][]byte
	h := newFakeHome(t, func(h *fakeHome, q question) {
		if old := last[q.packet.Identifier]; old != nil {
			h.conn.WriteToUDPAddrPort(old, q.from)
		}
		b := h.build(q, answering{})
		last[q.packet.Identifier] = b
		h.conn.WriteToUDPAddrPort(b, q.from)
		h.conn.WriteToUDPAddrPort(b, q.from) // and doubled
	})
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	for range 1000 {
		if o := c.send(t, f); o != Answered || c.Attempts != 1 {
			t.Fatalf("outcome %v after %d attempts", o, c.Attempts)
		}
	}
	if n := homeIn(t, f, h, KindAuth).tally(); n.Invalid == 0 || n.Late == 0 || n.Accepts != 1000 {
		t.Errorf("%+v", n)
	}
}

// TestRatchet: which answers must be signed, and what teaches that.
func TestRatchet(t *testing.T) {
	eap := attribute(radius.TypeEAPMessage, "eap")
	plain, signed, signedEAP := answering{unsigned: true}, answering{}, answering{attrs: eap}
	for _, test := range []struct {
		name    string
		mode    nas.Mode
		answers []answering
		taken   bool // the last one
	}{
		{"no", nas.No, []answering{signed, plain}, true},
		{"yes", nas.Yes, []answering{plain}, false},
		{"yes, signed", nas.Yes, []answering{signed}, true},
		{"auto at first", nas.Auto, []answering{plain, plain}, true},
		{"auto learns", nas.Auto, []answering{signed, plain}, false},
		{"EAP teaches nothing", nas.Auto, []answering{signedEAP, plain}, true},
		{"inherited", nas.Inherit, []answering{signed, plain}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newFakeHome(t, func(h *fakeHome, q question) { h.answer(q, test.answers[min(q.n, len(test.answers)-1)]) })
			r := realmOf(h)
			r.Require, r.Retries, r.Timeout = test.mode, 1, 500*time.Millisecond
			f := startForwarder(t, ForwarderOptions{}, r)
			for i := range test.answers {
				want := Answered
				if i == len(test.answers)-1 && !test.taken {
					want = Timeout
				}
				c := newCaller(r)
				if o := c.send(t, f); o != want {
					t.Fatalf("answer %d: outcome %v, want %v", i, o, want)
				}
			}
		})
	}
}

// TestUnsignedAnswerToEAP: an answer to EAP that lets somebody in must be signed, also one that leaves EAP-Message out.
func TestUnsignedAnswerToEAP(t *testing.T) {
	for _, test := range []struct {
		code  radius.Code
		taken bool
	}{{radius.CodeAccessAccept, false}, {radius.CodeAccessChallenge, false}, {radius.CodeAccessReject, true}} {
		t.Run(test.code.String(), func(t *testing.T) {
			t.Parallel()
			h := newFakeHome(t, func(h *fakeHome, q question) { h.answer(q, answering{code: test.code, unsigned: true}) })
			r := realmOf(h)
			r.Require, r.Retries, r.Timeout = nas.No, 1, 500*time.Millisecond
			f := startForwarder(t, ForwarderOptions{}, r)
			c := newCaller(r)
			c.Received = &radius.Packet{Attributes: attribute(radius.TypeEAPMessage, "eap")}
			want := Timeout
			if test.taken {
				want = Answered
			}
			if o := c.send(t, f); o != want {
				t.Errorf("outcome %v, want %v", o, want)
			}
		})
	}
}

// TestRatchetOutlives: what was learnt is told once, known in the next life, and forgotten by command.
func TestRatchetOutlives(t *testing.T) {
	h := newFakeHome(t, accepts)
	r := realmOf(h)
	r.Require, r.Retries = nas.Auto, 1
	told := make(chan string, 10)
	f := startForwarder(t, ForwarderOptions{Learn: func(a netip.AddrPort) { told <- a.String() }}, r)
	c := newCaller(r)
	for range 3 {
		c.send(t, f)
	}
	if a := <-told; a != h.addr().String() {
		t.Errorf("told of %s", a)
	}
	if !f.Forget(h.addr()) || f.Forget(h.addr()) {
		t.Error("Forget")
	}
	h.play(func(h *fakeHome, q question) { h.answer(q, answering{unsigned: true}) })
	if o := c.send(t, f); o != Answered {
		t.Errorf("forgotten: outcome %v", o)
	}
	next := realmOf(h)
	next.Require, next.Retries, next.Timeout = nas.Auto, 1, hasty
	f = startForwarder(t, ForwarderOptions{Learnt: func(a netip.AddrPort) bool { return a == h.addr() }}, next)
	c = newCaller(next)
	if o := c.send(t, f); o != Timeout {
		t.Errorf("known from before: outcome %v", o)
	}
	if len(told) != 0 {
		t.Errorf("told again")
	}
}

// TestFlood: a home server that sends a thousand lies for each question neither stops answers nor grows
// anything.
func TestFlood(t *testing.T) {
	h := newFakeHome(t, func(h *fakeHome, q question) {
		lie := h.build(q, answering{secret: "guessed"})
		for range 100 {
			h.conn.WriteToUDPAddrPort(lie, q.from)
		}
		h.answer(q, answering{})
	})
	r := realmOf(h)
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	for range 50 {
		if o := c.send(t, f); o != Answered {
			t.Fatalf("outcome %v", o)
		}
	}
}

// TestLateAfterReuse: the answer to a request that has left, whose identifier another one has by now, is a sign of
// life and nothing else.
func TestLateAfterReuse(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Retries = 1
	r.Timeout = hasty
	f, c := still(t, ForwarderOptions{}, r)
	first := newCaller(r)
	f.Forward(&first.Exchange)
	known := homeIn(t, f, h, KindAuth)
	turnFor(f, c, time.Second)
	if o := first.wait(t); o != Timeout {
		t.Fatalf("%v", o)
	}
	k := first.socket
	k.unused = [len(k.unused)]uint64{} // all but that identifier are taken
	k.unused[first.id/64] = 1 << (first.id % 64)
	r.binding.route.Load().timeout = int64(time.Hour)
	second := newCaller(r)
	f.Forward(&second.Exchange)
	old, now := h.wait(t), h.wait(t)
	if old.packet.Identifier != now.packet.Identifier {
		t.Fatal("the identifier is another")
	}
	c.advance(time.Second)
	at := known.statusNow().Answered
	for range 2 {
		h.answer(old, answering{})
	}
	eventually(t, "the late answers", func() bool { n := known.tally(); return n.Late == 1 && n.Invalid == 1 || n.Late == 2 })
	if !known.statusNow().Answered.After(at) {
		t.Error("no sign of life")
	}
	h.answer(now, answering{code: radius.CodeAccessReject})
	if o := second.wait(t); o != Answered || second.Reply.Code != radius.CodeAccessReject {
		t.Errorf("%v %v", o, second.Reply.Code)
	}
}

// TestSettleAfterReuse: an answer whose identifier was given away while it was verified is late.
func TestSettleAfterReuse(t *testing.T) {
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Timeout = time.Minute
	f, _ := still(t, ForwarderOptions{}, r)
	c := newCaller(r)
	f.Forward(&c.Exchange)
	q := h.wait(t)
	rd := newReader(c.socket)
	if !rd.parse(h.build(q, answering{})) {
		t.Fatal("no answer")
	}
	rd.lookUp(0)
	rd.verify(&rd.answers[0])
	s := &c.socket.slots[c.id]
	rd.home.mu.Lock()
	s.old, s.late, s.mark, s.auth = s.auth, true, f.marks.new(), radius.NewAuthenticator()
	rd.home.mu.Unlock()
	rd.settle(f.now())
	if rd.answers[0].x != nil {
		t.Error("the answer was taken for another request")
	}
	if n := rd.home.tally(); n.Late != 1 || s.late {
		t.Errorf("%+v", n)
	}
}

// FuzzAnswer: no octets from a home server do harm, and only a right answer ends the exchange.
func FuzzAnswer(f *testing.F) {
	fw := newForwarder(ForwarderOptions{})
	r := &Realm{Name: "a", Timeout: time.Second, Retries: 1, Require: nas.No, binding: new(binding),
		Servers: []Server{{Auth: netip.MustParseAddrPort("127.0.0.1:9"), Secret: radius.NewSecret(fakeSecret)}}}
	fw.Configure(realmsOf(r))
	h := (*fw.homes.Load())[0]
	f.Cleanup(func() {
		fw.empty(h)
		fw.readers.Wait()
	})
	fake := &fakeHome{secret: radius.NewSecret(fakeSecret)}
	q := question{packet: radius.Packet{Code: radius.CodeAccessRequest}}
	for _, a := range []answering{{}, {attrs: attribute(radius.TypeEAPMessage, "x")}, {last: attribute(radius.TypeProxyState, "x")}, {unsigned: true}} {
		f.Add(fake.build(q, a), true)
		f.Add(fake.build(q, a), false)
	}
	f.Add([]byte{2, 0, 0, 20}, false)
	f.Fuzz(func(t *testing.T, octets []byte, sign bool) {
		octets = octets[:min(len(octets), radius.MaxPacketLen)]
		c := newCaller(r)
		if o := fw.Forward(&c.Exchange); o != Pending {
			t.Fatalf("outcome %v", o)
		}
		k := c.socket
		if len(octets) >= radius.HeaderLen {
			octets[1] = c.id
		}
		right := false
		if sign && len(octets) >= radius.HeaderLen {
			octets = append(octets[:min(len(octets), radius.MaxPacketLen-18)], radius.AppendAttribute(nil, radius.TypeProxyState, c.mark[:])...)
			radius.PutLength(octets)
			var s radius.Session
			s.Use(fake.secret)
			s.SignReply(octets, &c.auth)
			p, err := radius.Parse(octets)
			if err == nil {
				_, err = s.VerifyReply(octets, &c.auth)
			}
			var last []byte
			for t, v := range p.Attributes.All() {
				if t == radius.TypeProxyState {
					last = v
				}
			}
			right = err == nil && p.Code.Answers(c.Code) && bytes.Equal(last, c.mark[:])
		}
		rd := newReader(k)
		if rd.parse(octets) {
			rd.lookUp(0)
			rd.verify(&rd.answers[0])
			rd.settle(fw.now())
			if x := rd.answers[0].x; x != nil {
				h.deliver(&rd.answers[0], fw.now())
			}
		}
		select {
		case o := <-c.done:
			if !right || o != Answered || !c.Reply.Attributes.Valid() || bytes.Contains(c.Reply.Attributes, c.mark[:]) {
				t.Errorf("%x was taken: %v", octets, o)
			}
		default:
			if right && !bytes.Contains(octets, []byte{byte(radius.TypeEAPMessage)}) {
				t.Errorf("%x was not taken", octets)
			}
			fw.empty(h)
			h.mu.Lock()
			h.closed = false
			h.mu.Unlock()
			<-c.done
		}
	})
}
