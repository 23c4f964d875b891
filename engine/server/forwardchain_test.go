package server

import (
	"fmt"
	"net"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestForwardChain: two servers in a row, and the home server behind them; Proxy-States and hidden attributes pass.
func TestForwardChain(t *testing.T) {
	h := startAway(t, func(q *asked) *awayReply {
		key := radius.AppendAttribute(nil, 26, append([]byte("\x00\x00\x01\x37\x10\x24"), q.session.HideSalted(nil, 0x8001, []byte("0123456789abcdef"), &q.Authenticator)...))
		return &awayReply{code: radius.CodeAccessAccept, attrs: key}
	})
	behind := load(t, "", nil)
	behind.Realms = realmsOf(t, "net 127.0.0.1:%d nostrip SECRET\n", h)
	second := startForwarding(t, behind, CoreOptions{})
	front := load(t, "", nil)
	front.Realms = realmsOf(t, fmt.Sprintf("net 127.0.0.1:%d nostrip secret=%q\n", second.auth.Port(), homeSecret))
	f := startForwarding(t, front, CoreOptions{})
	got := f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "hello"), attribute(33, "mine")), soon)
	if want := "Access-Accept\nMS-MPPE-Send-Key = 0x30313233343536373839616263646566\nProxy-State = 0x6d696e65"; got != want {
		t.Errorf("reply %q, want %q", got, want)
	}
	q := h.next(t)
	states := 0
	for typ := range q.Attributes.All() {
		if typ == radius.TypeProxyState {
			states++
		}
	}
	if states != 3 {
		t.Errorf("%d Proxy-States at the end of the chain", states)
	}
}

// TestForwardLoop: a request that comes back to where it was sent on from is dropped there.
func TestForwardLoop(t *testing.T) {
	g := load(t, "", nil)
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	relay := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	g.Realms = realmsOf(t, fmt.Sprintf("net 127.0.0.1:%d nostrip,timeout=30s secret=%q\n", relay, homeSecret))
	f := startForwarding(t, g, CoreOptions{})
	go func() { // hands what comes to the server again
		b := make([]byte, radius.MaxPacketLen)
		for {
			n, _, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			conn.WriteToUDPAddrPort(b[:n], f.auth)
		}
	}()
	defer conn.Close()
	f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "hello")), 100*time.Millisecond)
	f.counts(t, func(n *Counters) bool { return n.Reasons[ReasonProxyLoop] == 1 })
	f.forwarder.Close()
}

// TestForwardHandlersHaveTime: a home server that is silent until the deadline leaves some for post_proxy.
func TestForwardHandlersHaveTime(t *testing.T) {
	left := make(chan time.Duration, 1)
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhasePostProxy: func(r *Request) *Verdict {
		left <- time.Until(r.Deadline)
		return &Verdict{Kind: Reject}
	}}}
	h := startAway(t, silent)
	g := load(t, "", p)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s SECRET\n", h)
	g.Settings.ProxyDeadline = 2 * time.Second
	f := startForwarding(t, g, CoreOptions{})
	if got := f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "hello")), soon); got != "Access-Reject" {
		t.Errorf("reply %q", got)
	}
	if d := <-left; d <= 0 {
		t.Errorf("the deadline was over for %v", -d)
	}
}

// TestForwardHandlersWait: handlers that wait after a home server's answer delay nobody else that has one.
func TestForwardHandlersWait(t *testing.T) {
	release, waiting := make(chan struct{}), make(chan struct{}, 8)
	h := startAway(t, always(yes))
	p := &scripted{on: map[Phase]func(*Request) *Verdict{PhasePostProxy: func(r *Request) *Verdict {
		if string(r.User()) != "slow" {
			return nil
		}
		if err := r.Detach(); err != nil {
			t.Error(err)
		}
		waiting <- struct{}{}
		<-release
		return nil
	}}}
	g := load(t, "", p)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s SECRET\n", h)
	f := startForwarding(t, g, CoreOptions{})
	conn := f.dial(t)
	slow := accessOf("slow@net", hidden(homeSecret, "hello"))
	for id := range 3 {
		conn.Write(renumbered(slow, byte(id)))
		<-waiting
		if got := f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "hello")), soon); got != "Access-Accept" {
			t.Errorf("bob behind %d that wait: %q", id+1, got)
		}
	}
	close(release)
	for range 3 {
		conn.SetReadDeadline(time.Now().Add(soon))
		if n, err := conn.Read(make([]byte, radius.MaxPacketLen)); err != nil || n == 0 {
			t.Errorf("an answer that was waited for: %v", err)
		}
	}
}
