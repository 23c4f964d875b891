package module

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"perilune/policy/sandbox"
)

// nameServer answers on loopback: known.example and its address exist, slow.example is never answered, everything
// else does not exist. It gives a resolver that asks it.
func nameServer(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := nameReply(buf[:n]); reply != nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// nameReply answers one question, nil to stay silent.
func nameReply(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true},
		Questions: m.Questions,
	}
	head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
	switch name := q.Name.String(); {
	case name == "slow.example.":
		return nil
	case name == "known.example." && q.Type == dnsmessage.TypeA:
		reply.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}}}}
	case name == "known.example.":
	case name == "7.2.0.192.in-addr.arpa." && q.Type == dnsmessage.TypePTR:
		reply.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("known.example.")}}}
	default:
		reply.RCode = dnsmessage.RCodeNameError
	}
	out, err := reply.Pack()
	if err != nil {
		return nil
	}
	return out
}

func TestResolver(t *testing.T) {
	waited := 0
	e := &Env{Resolver: nameServer(t), Wait: func() error { waited++; return nil }}
	check(t, e, []fact{
		{`local a = net.lookup("known.example.") out(#a, a[1])`, "1 192.0.2.7"},
		{`out(net.lookup("unknown.example."))`, "nil"},
		{`out(net.reverse("192.0.2.7"), net.reverse("192.0.2.8"))`, "known.example nil"},
		{`out(net.try_lookup("known.example.")[1], net.try_reverse("192.0.2.7"))`, "192.0.2.7 known.example"},
		{`out(net.try_reverse("no address"))`, "nil refused: lookup no address: unrecognized address"},
		{`net.lookup({})`, "error: t.lua:1: argument 1 is table, expected string"},
	})
	if waited != 7 {
		t.Errorf("waited %d times, want 7", waited)
	}
}

// TestResolverDeadline checks that a silent name server costs no more than the run's deadline, and which error that is.
func TestResolverDeadline(t *testing.T) {
	s := sandbox.New(sandbox.Limits{LoadTime: 50 * time.Millisecond}, sandbox.Host{Data: &Env{Resolver: nameServer(t)}})
	defer s.Close()
	Open(s)
	p, errs := sandbox.Compile("t.lua", []byte(`net.lookup("slow.example.")`), sandbox.Options{Globals: Globals()})
	if errs.Failed() {
		t.Fatal(errs)
	}
	start := time.Now()
	err := s.Load(p)
	e, ok := err.(*sandbox.Error)
	if !ok || e.Kind != sandbox.Backend || e.Msg != "net: timeout: the resolver did not answer" {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestWithoutEnv(t *testing.T) {
	s := sandbox.New(sandbox.Limits{}, sandbox.Host{})
	defer s.Close()
	Open(s)
	p, _ := sandbox.Compile("t.lua", []byte(`local ok, e = pcall(time.now) assert(e == "t.lua:1: there are no modules here", e) net.aton("10.0.0.1")`), sandbox.Options{Globals: Globals()})
	if err := s.Load(p); err != nil {
		t.Error(err)
	}
}
