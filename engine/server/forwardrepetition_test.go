package server

import (
	"strings"
	"testing"
	"time"

	"perilune/engine/radius"
)

// A repetition is who repeats what has no answer yet, and how many packets of three the home server sees then.
type repetition struct {
	name, options string
	came          int
}

var repetitions = []repetition{{"by us", "timeout=30s", 1}, {"by the NAS", "retransmit=client", 3}}

// startRepeated starts forwarding to a home server that answers the last packet of a repetition, after the release.
func startRepeated(t *testing.T, g *Generation, c repetition) (f *forwarding, h *away, release chan struct{}) {
	t.Helper()
	release = make(chan struct{})
	h = startAway(t, func(q *asked) *awayReply {
		if q.n+1 == c.came {
			<-release
			return yes
		}
		return nil
	})
	g.Realms = realmsOf(t, "net 127.0.0.1:%d "+c.options+" SECRET\n", h)
	return startForwarding(t, g, CoreOptions{}), h, release
}

// TestForwardRepetition: what the NAS repeats is absorbed, or is the only thing that is repeated.
func TestForwardRepetition(t *testing.T) {
	for _, c := range repetitions {
		t.Run(c.name, func(t *testing.T) {
			f, h, release := startRepeated(t, load(t, "", nil), c)
			conn := f.dial(t)
			datagram := accessOf("bob@net", hidden(homeSecret, "hello"))
			var ids []byte
			for i := range 3 {
				conn.Write(datagram)
				if i < c.came {
					q := h.next(t)
					ids = append(ids, q.Identifier)
				}
			}
			f.counts(t, func(n *Counters) bool { return n.Reasons[ReasonDuplicate] == 2 })
			close(release)
			if got := f.answer(t, conn, datagram, soon); got != "Access-Accept" {
				t.Errorf("reply %q", got)
			}
			for _, id := range ids {
				if id != ids[0] {
					t.Errorf("identifiers %v", ids)
				}
			}
			if n := len(h.came); n > 0 {
				t.Errorf("%d more requests", n)
			}
			if got := f.repeat(t, conn, datagram); got != "Access-Accept" { // now it is in the cache, or will be in a moment
				t.Errorf("reply to the last one %q", got)
			}
		})
	}
}

// TestForwardTwins: what the NAS repeats under another identifier counts as a repetition where attributes are compared.
func TestForwardTwins(t *testing.T) {
	for _, c := range repetitions {
		t.Run(c.name, func(t *testing.T) {
			f, h, release := startRepeated(t, flagged(t, "", nil), c)
			conn := f.dial(t)
			first := accessOf("bob@net", hidden(homeSecret, "hello"))
			last := renumbered(first, 77)
			var came []asked
			for i, datagram := range [][]byte{first, first, last} { // the same packet, and then another
				conn.Write(datagram)
				if i < c.came {
					came = append(came, h.next(t))
				}
			}
			f.counts(t, func(n *Counters) bool { return n.Reasons[ReasonDuplicate] == 2 })
			close(release)
			replies := map[byte]bool{}
			conn.SetReadDeadline(time.Now().Add(soon))
			for range 2 {
				b := make([]byte, radius.MaxPacketLen)
				if _, err := conn.Read(b); err != nil {
					t.Fatal(err)
				}
				replies[b[1]] = b[0] == byte(radius.CodeAccessAccept)
			}
			if !replies[first[1]] || !replies[77] {
				t.Errorf("replies to %v", replies)
			}
			for _, q := range came {
				if q.Identifier != came[0].Identifier || q.Authenticator != came[0].Authenticator {
					t.Error("what went out again is another packet")
				}
			}
			if n := len(h.came); n > 0 {
				t.Errorf("%d more requests", n)
			}
		})
	}
}

// TestForwardSuperseded: a newer request with the key of one that is out wins; the old answer is thrown away.
func TestForwardSuperseded(t *testing.T) {
	release := make(chan struct{})
	h := startAway(t, func(q *asked) *awayReply {
		if q.n == 0 {
			<-release
		}
		return yes
	})
	g := load(t, "", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s SECRET\n", h)
	f := startForwarding(t, g, CoreOptions{})
	conn := f.dial(t)
	conn.Write(accessOf("bob@net", hidden(homeSecret, "hello")))
	h.next(t)
	p := radius.Packet{Code: 1, Identifier: 9, Authenticator: radius.Authenticator{9, 9}, Attributes: joined(attribute(80, strings.Repeat("\x00", 16)), attribute(1, "eve"))}
	newer, _ := p.AppendTo(nil)
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	s.SignRequest(newer)
	conn.Write(newer)
	if got := f.answer(t, conn, newer, soon); got != "Access-Reject" {
		t.Errorf("reply %q", got)
	}
	close(release)
	f.counts(t, func(n *Counters) bool { return n.Superseded == 1 })
}
