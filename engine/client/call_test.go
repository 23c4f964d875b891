package client

import (
	"context"
	"crypto/md5"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"perilune/engine/radius"
)

func md5Of(octets []byte, secret string) [md5.Size]byte {
	return md5.Sum(append(octets[:len(octets):len(octets)], secret...))
}

// closedPort gives an address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// TestRefusedPort goes on to the next server at once, though the first has a long timeout.
func TestRefusedPort(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", func(a *ask) { a.send(a.reply(radius.CodeAccessAccept)) })
	closed := Server{Address: closedPort(t), Secret: p.secret, Timeout: long, Tries: 3}
	c := &Client{Dictionary: words(t), Servers: []Server{closed, p.server(long, 3)}}
	began := time.Now()
	r, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	if err != nil || r.Tries != 2 || time.Since(began) > long/2 {
		t.Errorf("%s, %v after %v", text(r), err, time.Since(began))
	}
}

// TestRefusedPortKeepsTime uses its tries at their pace, and the last one ends early.
func TestRefusedPortKeepsTime(t *testing.T) {
	c := &Client{Dictionary: words(t), Servers: []Server{{Address: closedPort(t), Timeout: short, Tries: 3}}}
	began := time.Now()
	_, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	took := time.Since(began)
	if !errors.Is(err, ErrNoReply) || !strings.Contains(err.Error(), "after 3 tries") || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
	if took < 2*short {
		t.Errorf("3 tries were over in %v", took)
	}
}

// TestRestartedServer is refused first and answered once the server is back.
func TestRestartedServer(t *testing.T) {
	addr := closedPort(t)
	c := &Client{Dictionary: words(t), Servers: []Server{{Address: addr, Secret: radius.NewSecret(testSecret), Timeout: short, Tries: 200}}}
	began := make(chan struct{})
	type result struct {
		*Reply
		error
	}
	done := make(chan result)
	go func() {
		close(began)
		r, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
		done <- result{r, err}
	}()
	<-began
	newPeer(t, addr, func(a *ask) { a.send(a.reply(radius.CodeAccessAccept)) })
	if r := <-done; r.error != nil {
		t.Error(r.error)
	}
}

// TestPendingRefusal writes although the kernel still has an ICMP error for the socket.
func TestPendingRefusal(t *testing.T) {
	addr := closedPort(t)
	c := call{server: Server{Address: addr}, packet: []byte("x"), addrs: []string{addr}}
	defer c.close()
	if err := c.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.send(); err != nil {
		t.Fatal(err)
	}
	if err := c.send(); err != nil {
		t.Errorf("the second sending: %v", err)
	}
}

// TestAddresses asks the second address of a name whose first refuses, within one try.
func TestAddresses(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", func(a *ask) { a.send(a.reply(radius.CodeAccessAccept)) })
	c := &Client{Dictionary: words(t), Servers: []Server{p.server(long, 1)}}
	x, err := c.begin(&Request{Code: radius.CodeAccessRequest})
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	x.calls[0].addrs = []string{closedPort(t), p.address()}
	r, err := x.try(t.Context(), &x.calls[0])
	if err != nil || r.Code != radius.CodeAccessAccept {
		t.Errorf("%s, %v", text(r), err)
	}
}

// TestUnresolvable counts the name's tries and lets the others go on.
func TestUnresolvable(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0", func(a *ask) {
		if a.n == 2 {
			a.send(a.reply(radius.CodeAccessAccept))
		}
	})
	none := Server{Address: "no such name:1812", Timeout: short, Tries: 2}
	c := &Client{Dictionary: words(t), Servers: []Server{none, p.server(short, 2)}}
	r, err := c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	if err != nil || r.Tries != 4 {
		t.Errorf("%s, %v", text(r), err)
	}
	c.Servers = c.Servers[:1]
	_, err = c.Exchange(t.Context(), &Request{Code: radius.CodeAccessRequest})
	if !errors.Is(err, ErrNoReply) || !strings.Contains(err.Error(), "after 2 tries: no such name:1812: lookup") {
		t.Error(err)
	}
}

func TestPause(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := pause(ctx, time.Nanosecond); err != nil {
		t.Error(err)
	}
	cancel()
	if err := pause(ctx, long); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := pause(ctx, -1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
