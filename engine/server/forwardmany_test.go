package server

import (
	"context"
	"testing"
	"time"

	"perilune/engine/radius"
)

// TestForwardReload: what is out ends on its generation, also if the new one has other home servers.
func TestForwardReload(t *testing.T) {
	release := make(chan struct{})
	first := startAway(t, func(*asked) *awayReply { <-release; return yes })
	second := startAway(t, always(&awayReply{code: radius.CodeAccessReject}))
	g := load(t, "bob\n\tReply-Message := \"old\"\n", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s SECRET\n", first)
	f := startForwarding(t, g, CoreOptions{})
	conn := f.dial(t)
	datagram := accessOf("bob@net", hidden(homeSecret, "hello"))
	conn.Write(datagram)
	first.next(t)
	next := load(t, "bob\n\tReply-Message := \"new\"\n", nil)
	next.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s SECRET\n", second)
	f.forwarder.Configure(next.Realms)
	f.server.Swap(next)
	if got := f.ask(t, f.auth, datagram, soon); got != "Access-Reject\nReply-Message = \"new\"" {
		t.Errorf("new request: %q", got)
	}
	close(release)
	if got := f.answer(t, conn, datagram, soon); got != "Access-Accept\nReply-Message = \"old\"" {
		t.Errorf("old request: %q", got)
	}
	if err := f.end(); err != nil { // before the users file of its last generation is freed
		t.Error(err)
	}
}

// TestForwardManyAtOnce: a slow home server has thousands of requests, and a local user is answered meanwhile; then the
// server stops, and nothing is left of them.
func TestForwardManyAtOnce(t *testing.T) {
	const many = 1000
	h := startAway(t, silent)
	g := load(t, "bob Cleartext-Password := \"hello\"\n", nil)
	g.Settings.MaxInflight = 16 // of one client: what is out does not count
	g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s SECRET\n", h)
	f := startForwarding(t, g, CoreOptions{})
	for i := 0; i < many; i += 250 {
		conn := f.dial(t)
		datagram := accessOf("bob@net", hidden(homeSecret, "hello"))
		for id := range 250 {
			conn.Write(renumbered(datagram, byte(id)))
			if id%50 == 49 {
				for range 50 {
					h.next(t)
				}
			}
		}
	}
	if n := f.server.Snapshot(); n.Forwarded != many || n.Waiting != 0 {
		t.Errorf("%d at home servers, %d waiting", n.Forwarded, n.Waiting)
	}
	begin := time.Now()
	if got := f.ask(t, f.auth, accessOf("bob", hidden(homeSecret, "hello")), soon); got != "Access-Accept" {
		t.Errorf("reply %q", got)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("a local user waited %v", took)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	go func() {
		<-ctx.Done()
		f.forwarder.Close() // as the daemon does once the patience is over
	}()
	f.end()
	if n := f.server.Snapshot(); n.Forwarded != 0 {
		t.Errorf("%d are left", n.Forwarded)
	}
}

// renumbered gives a request another identifier and signs it anew.
func renumbered(datagram []byte, id byte) []byte {
	b := append([]byte(nil), datagram...)
	b[1] = id
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	s.SignRequest(b)
	return b
}
