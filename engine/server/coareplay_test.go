package server

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestReplay: RFC 5176 s6.3. The retransmission of a client gets the answer again; who plays the packet from
// elsewhere, or late, gets nothing; and the NAS is asked once.
func TestReplay(t *testing.T) {
	c := startCoA(t, "dynamic-authorization=yes", nil, always(&awayReply{code: radius.CodeDisconnectACK}))
	c.start(t)
	b := c.request(t, radius.CodeDisconnectRequest, "User-Name = bob", "Event-Timestamp = "+itoaStamp(time.Now()))
	conn := c.dial(t)
	for range 3 {
		if got := c.repeat(t, conn, b); got != "Disconnect-ACK" {
			t.Fatal(got)
		}
	}
	if got := c.ask(t, c.dial(t), b, quiet); got != "" {
		t.Errorf("replayed: %s", got)
	}
	for _, age := range []time.Duration{-310 * time.Second, 310 * time.Second} {
		b := c.request(t, radius.CodeDisconnectRequest, "User-Name = bob", "Event-Timestamp = "+itoaStamp(time.Now().Add(age)))
		if got := c.ask(t, c.dial(t), b, quiet); got != "" {
			t.Errorf("%v: %s", age, got)
		}
	}
	c.nas.next(t)
	if len(c.nas.came) != 0 {
		t.Error("the NAS was asked twice")
	}
}

// TestUndated: a request that does not say when it was made is taken, unless settings want to know.
func TestUndated(t *testing.T) {
	for _, stamped := range []bool{false, true} {
		g := load(t, "", nil)
		g.Settings.Dynamic.Stamped = stamped
		r := &Request{Generation: g, Arrival: monday}
		if r.stale() != stamped {
			t.Errorf("require-timestamp = %v", stamped)
		}
	}
}

func TestReplaysAreBounded(t *testing.T) {
	var r replays
	now := monday
	source := netip.MustParseAddrPort("192.0.2.1:1")
	other := netip.MustParseAddrPort("192.0.2.1:2")
	number := func(n int) (a radius.Authenticator) { binary.BigEndian.PutUint32(a[:], uint32(n)); return a }
	for i := range 3 * maxReplays {
		if r.again(number(i), source, now) {
			t.Fatalf("%d is new", i)
		}
	}
	if n := len(r.now) + len(r.earlier); n > 2*maxReplays {
		t.Errorf("%d remembered", n)
	}
	last := number(3*maxReplays - 1)
	if r.again(last, source, now) || !r.again(last, other, now) || !r.again(last, other, now.Add(replayMemory)) {
		t.Error("the last one must be known for two windows")
	}
	if r.again(last, other, now.Add(3*replayMemory)) {
		t.Error("remembered for too long")
	}
}
