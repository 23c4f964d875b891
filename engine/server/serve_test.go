package server

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"perilune/engine/acct"
	"perilune/engine/radius"
)

// serve runs a whole server with real sockets until the test ends.
func serve(t *testing.T, g *Generation, c *Core) (auth, accounting netip.AddrPort) {
	t.Helper()
	any := netip.MustParseAddrPort("127.0.0.1:0")
	s, err := New(c, Options{Listeners: []Listener{{Kind: "auth", Addr: any}, {Kind: "acct", Addr: any}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Swap(g)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	addrs := s.Addrs()
	return addrs[0], addrs[1]
}

// exchange sends one request and gives the verified reply; nil if there is none in time.
func exchange(t *testing.T, to netip.AddrPort, datagram []byte, wait time.Duration) []byte {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer conn.Close()
	conn.Write(datagram)
	conn.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, radius.MaxPacketLen)
	n, err := conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	var s radius.Session
	s.Use(radius.NewSecret(homeSecret))
	if _, err := s.VerifyReply(b[:n], (*radius.Authenticator)(datagram[4:20])); err != nil {
		t.Error(err)
	}
	return b[:n]
}

// TestServe: all parts together, by the wire.
func TestServe(t *testing.T) {
	var mu sync.Mutex
	var done []string
	p := &scripted{on: map[Phase]func(*Request) *Verdict{
		PhaseDone: func(r *Request) *Verdict {
			mu.Lock()
			defer mu.Unlock()
			done = append(done, r.Packet.Code.String()+" "+r.Verdict.String())
			return nil
		},
	}}
	g := load(t, "bob Cleartext-Password := \"hello\"\n\tReply-Message = \"hi\"\nslow Crypt-Password := \""+costly+"\"\n", p)
	path := filepath.Join(t.TempDir(), "acct")
	journal, err := acct.Open(path, acct.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCore(CoreOptions{Recorder: journal, StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	authAt, acctAt := serve(t, g, c)
	const wait = 10 * time.Second
	for _, step := range []struct {
		to       netip.AddrPort
		datagram []byte
		want     radius.Code
	}{
		{authAt, onWire(1, homeSecret, "first", attribute(1, "bob"), hidden(homeSecret, "hello")), radius.CodeAccessAccept},
		{authAt, onWire(1, homeSecret, "first", attribute(1, "bob"), hidden(homeSecret, "nope")), radius.CodeAccessReject},
		{authAt, onWire(1, homeSecret, "first", attribute(1, "slow"), hidden(homeSecret, "Hello world!")), radius.CodeAccessAccept},
		{authAt, onWire(1, homeSecret, "first", attribute(1, "slow"), hidden(homeSecret, "x")), radius.CodeAccessReject},
		{authAt, onWire(12, homeSecret, "first"), radius.CodeAccessAccept},
		{acctAt, onWire(12, homeSecret, "first"), radius.CodeAccountingResponse},
		{acctAt, onWire(4, homeSecret, "", attribute(1, "bob"), attribute(44, "s1")), radius.CodeAccountingResponse},
	} {
		reply := exchange(t, step.to, step.datagram, wait)
		if reply == nil || radius.Code(reply[0]) != step.want {
			t.Fatalf("%v: got %v, want %v", radius.Code(step.datagram[0]), reply, step.want)
		}
	}
	if reply := exchange(t, authAt, onWire(1, homeSecret, "", attribute(1, "bob"), hidden(homeSecret, "hello")), 100*time.Millisecond); reply != nil {
		t.Error("the ratchet let an unsigned request in")
	}
	b, err := os.ReadFile(path)
	if err != nil || strings.Count(string(b), "\n") != 1 || !strings.Contains(string(b), `["Acct-Session-Id","s1"]`) {
		t.Errorf("journal: %v %s", err, b)
	}
	journal.Close()
	if reply := exchange(t, acctAt, onWire(4, homeSecret, "", attribute(44, "s2")), 100*time.Millisecond); reply != nil {
		t.Error("answered without a record")
	}
	for end := time.Now().Add(wait); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		n := len(done)
		mu.Unlock()
		if n == 6 || time.Now().After(end) {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(done) // requests that wait are told of when they are over; Status-Server never
	want := "Access-Request accept,Access-Request accept,Access-Request reject,Access-Request reject," +
		"Accounting-Request accept,Accounting-Request drop"
	if got := strings.Join(done, ","); got != want {
		t.Errorf("done: %s\nwant: %s", got, want)
	}
	t.Cleanup(func() { c.Close() })
}
