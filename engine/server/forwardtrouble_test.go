package server

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// TestForwardFlapping: a server that works by fits costs no request its answer as long as another one works.
func TestForwardFlapping(t *testing.T) {
	var up atomic.Bool
	flapping := startAway(t, func(*asked) *awayReply {
		if up.Load() {
			return yes
		}
		return nil
	})
	steady := startAway(t, always(yes))
	g := load(t, "", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d,127.0.0.1:%d timeout=100ms,retries=1 SECRET\n", flapping, steady)
	fo := proxy.ForwarderOptions{Window: 300 * time.Millisecond, Revival: 200 * time.Millisecond}
	f := startBounded(t, g, CoreOptions{}, fo, 0)
	for i := range 60 {
		up.Store(i/10%2 == 0)
		if got := f.ask(t, f.auth, renumbered(accessOf("bob@net", hidden(homeSecret, "hello")), byte(i)), soon); got != "Access-Accept" {
			t.Fatalf("request %d: %q", i, got)
		}
	}
	if len(flapping.came) == 0 || len(steady.came) == 0 {
		t.Errorf("the one was asked %d times, the other %d times", len(flapping.came), len(steady.came))
	}
}

// TestForwardLies: a flood of answers that are not right hides none that is, and none of it gets to the NAS.
func TestForwardLies(t *testing.T) {
	lies := []*awayReply{
		{code: radius.CodeAccessAccept, secret: "guessed"}, {code: radius.CodeAccountingResponse}, {code: radius.CodeAccessReject, secret: "guessed", attrs: attribute(18, "no")},
	}
	forger := make(chan *net.UDPConn, 1)
	h := startAway(t, func(q *asked) *awayReply {
		conn := <-forger
		for i := range 100 {
			conn.WriteToUDPAddrPort(lies[i%len(lies)].packet(q), q.from)
		}
		conn.WriteToUDPAddrPort([]byte("no packet at all"), q.from)
		forger <- conn
		return &awayReply{code: radius.CodeAccessAccept, attrs: attribute(18, "welcome")}
	})
	forger <- h.conn // forged with the address of the home server
	g := load(t, "", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=5s,retries=1 SECRET\n", h)
	f := startForwarding(t, g, CoreOptions{})
	for i := range 20 {
		if got := f.ask(t, f.auth, renumbered(accessOf("bob@net", hidden(homeSecret, "hello")), byte(i)), soon); got != "Access-Accept\nReply-Message = \"welcome\"" {
			t.Fatalf("request %d: %q", i, got)
		}
	}
	var invalid, accepts uint64
	for _, home := range f.forwarder.Homes() {
		invalid, accepts = invalid+home.Invalid, accepts+home.Accepts
	}
	if invalid == 0 || accepts != 20 {
		t.Errorf("%d answers count as invalid, %d as accepts", invalid, accepts)
	}
}

// TestForwardNoRoom: what finds no room is dropped at once, with the reason in the log and before `explain --last`;
// what has room still gets its answer.
func TestForwardNoRoom(t *testing.T) {
	for _, c := range []struct {
		name        string
		fo          proxy.ForwarderOptions
		outstanding int
	}{
		{"in the forwarder", proxy.ForwarderOptions{MaxOutstanding: 1}, 0},
		{"where requests wait", proxy.ForwarderOptions{}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			release := make(chan struct{})
			h := startAway(t, func(*asked) *awayReply { <-release; return yes })
			g := load(t, "", nil)
			g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s,retries=1,dead=reject SECRET\n", h)
			f := startBounded(t, g, CoreOptions{}, c.fo, c.outstanding)
			conn := f.dial(t)
			first := accessOf("bob@net", hidden(homeSecret, "hello"))
			conn.Write(first)
			h.next(t)
			conn.Write(renumbered(accessOf("eve@net", hidden(homeSecret, "hello")), 77))
			f.counts(t, func(n *Counters) bool { return n.Reasons[ReasonBusy] == 1 && n.Verdicts[Drop] == 1 })
			var told []string
			for _, d := range f.core.Recent("eve@net", 10) {
				told = append(told, d.User+" "+d.Verdict+" "+d.Reason)
				if d.Home != "" {
					t.Errorf("home %q was not asked", d.Home)
				}
			}
			if diff := cmp.Diff([]string{"eve@net drop busy"}, told); diff != "" {
				t.Errorf("recent (-want +got)\n%s", diff)
			}
			close(release)
			if got := f.answer(t, conn, first, soon); got != "Access-Accept" {
				t.Errorf("reply %q", got)
			}
			if d := f.core.Recent("bob@net", 1); len(d) != 1 || d[0].Realm != "net" || d[0].Home != "127.0.0.1" || !strings.Contains(d[0].String(), " realm=net home=127.0.0.1 ") {
				t.Errorf("recent %v", d)
			}
			f.end()
			if log := f.log.String(); !strings.Contains(log, "user=eve verdict=drop reason=busy") || strings.Count(log, "user=eve") != 1 {
				t.Errorf("log %s", log)
			}
			if n := len(h.came); n > 0 {
				t.Errorf("%d more requests", n)
			}
		})
	}
}
