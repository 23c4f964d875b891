package server

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
)

// silent answers nothing.
func silent(*asked) *awayReply { return nil }

var (
	yes   = &awayReply{code: radius.CodeAccessAccept}
	taken = &awayReply{code: radius.CodeAccountingResponse}
)

// TestForwardNoAnswer: nobody answers, or not in a way that counts.
func TestForwardNoAnswer(t *testing.T) {
	pap := hidden(homeSecret, "hello")
	for _, c := range []struct {
		name, options string
		answer        func(*asked) *awayReply
		want          string
		reason        Reason
		verdict       Kind
	}{
		{"timeout", "timeout=100ms,retries=2", silent, "", ReasonHomeTimeout, Drop},
		{"timeout, reject", "timeout=100ms,retries=1,dead=reject", silent, "Access-Reject", ReasonHomeTimeout, Reject},
		{"wrong secret", "timeout=100ms,retries=1", always(&awayReply{code: radius.CodeAccessAccept, secret: "another"}), "", ReasonHomeTimeout, Drop},
		{"wrong code", "timeout=100ms,retries=1", always(taken), "", ReasonHomeTimeout, Drop},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := startAway(t, c.answer)
			g := load(t, "", nil)
			g.Realms = realmsOf(t, "net 127.0.0.1:%d "+c.options+" SECRET\n", h)
			f := startForwarding(t, g, CoreOptions{})
			wait := soon
			if c.want == "" {
				wait = 400 * time.Millisecond
			}
			if got := f.ask(t, f.auth, accessOf("bob@net", pap), wait); got != c.want {
				t.Errorf("reply %q, want %q", got, c.want)
			}
			f.counts(t, func(n *Counters) bool { return n.Reasons[c.reason] == 1 && n.Verdicts[c.verdict] == 1 })
		})
	}
}

// counts waits until the counters are as they should be.
func (f *forwarding) counts(t testing.TB, ok func(*Counters) bool) {
	t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		snap := f.server.Snapshot()
		total := snap.Total()
		if ok(&total) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("counters %+v", total)
		}
	}
}

// TestForwardFailOver: the second server is asked with a packet of its own, and its name is logged.
func TestForwardFailOver(t *testing.T) {
	dead, alive := startAway(t, silent), startAway(t, always(yes))
	g := load(t, "", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d,127.0.0.1:%d timeout=100ms,retries=1 SECRET\n", dead, alive)
	f := startForwarding(t, g, CoreOptions{})
	if got := f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "hello")), soon); got != "Access-Accept" {
		t.Fatalf("reply %q", got)
	}
	first, second := dead.next(t), alive.next(t)
	if first.Authenticator == second.Authenticator {
		t.Error("both servers got the same authenticator")
	}
	if got := second.lines(t, g); !cmp.Equal(got, []string{`User-Name = "bob"`, `User-Password = "hello"`}) {
		t.Errorf("second server got %q", got)
	}
	f.end()
	if line := f.log.String(); !strings.Contains(line, " realm=net home=127.0.0.1 attempts=2 ") {
		t.Errorf("log %s", line)
	}
}

// TestForwardAccounting: the home server's response first, then the record, then the answer.
func TestForwardAccounting(t *testing.T) {
	start := func(user string) []byte {
		return onWire(radius.CodeAccountingRequest, homeSecret, "", attribute(40, "\x00\x00\x00\x01"), attribute(1, user), attribute(44, "s1"), attribute(41, "\x00\x00\x00\x05"))
	}
	for _, c := range []struct {
		name, realms, user string
		answer             func(*asked) *awayReply
		want, sent         string
		records            int64
	}{
		{"taken", "net 127.0.0.1:1:%d SECRET", "bob@net", always(taken), "Accounting-Response",
			"Acct-Status-Type = Start\nUser-Name = \"bob\"\nAcct-Session-Id = \"s1\"\nAcct-Delay-Time = 5", 1},
		{"silence", "net 127.0.0.1:1:%d timeout=100ms,retries=1 SECRET", "bob@net", silent, "",
			"Acct-Status-Type = Start\nUser-Name = \"bob\"\nAcct-Session-Id = \"s1\"\nAcct-Delay-Time = 5", 0},
		{"silence, reject", "net 127.0.0.1:1:%d timeout=100ms,retries=1,dead=reject SECRET", "bob@net", silent, "", "*", 0},
		{"not there", "net 127.0.0.1:1:%d noacct SECRET", "bob@net", always(taken), "Accounting-Response", "", 1},
		{"malformed realm", "DEFAULT 127.0.0.1:1:%d SECRET", "bob@", always(taken), "Accounting-Response", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := startAway(t, c.answer)
			g := load(t, "", nil)
			g.Realms = realmsOf(t, c.realms+"\n", h)
			rec := &countingRecorder{}
			f := startForwarding(t, g, CoreOptions{Recorder: rec})
			wait := soon
			if c.want == "" {
				wait = 400 * time.Millisecond
			}
			if got := f.ask(t, f.acct, start(c.user), wait); got != c.want {
				t.Errorf("reply %q, want %q", got, c.want)
			}
			if c.sent == "" && len(h.came) > 0 {
				t.Error("it was sent on")
			}
			if c.sent != "" && c.sent != "*" {
				q := h.next(t)
				if d := cmp.Diff(c.sent, strings.Join(q.lines(t, g), "\n")); d != "" {
					t.Errorf("sent on (-want +got)\n%s", d)
				}
			}
			if n := rec.n.Load(); n != c.records {
				t.Errorf("%d records", n)
			}
		})
	}
}

type countingRecorder struct{ n atomic.Int64 }

func (r *countingRecorder) Append(_ []byte, done func(error)) { r.n.Add(1); done(nil) }
func (r *countingRecorder) Healthy() bool                     { return true }

// TestForwardDelayTime: a packet to a second server is a new one, and tells how long the request has waited (RFC 2866
// s5.2). A request without Acct-Delay-Time gets one.
func TestForwardDelayTime(t *testing.T) {
	dead, alive := startAway(t, silent), startAway(t, always(taken))
	g := load(t, "", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:1:%d,127.0.0.1:2:%d timeout=1300ms,retries=1 SECRET\n", dead, alive)
	f := startForwarding(t, g, CoreOptions{})
	if got := f.ask(t, f.acct, onWire(radius.CodeAccountingRequest, homeSecret, "", attribute(40, "\x00\x00\x00\x01"), attribute(1, "bob@net")), soon); got != "Accounting-Response" {
		t.Fatalf("reply %q", got)
	}
	first, second := dead.next(t), alive.next(t)
	if _, ok := first.Attributes.Find(41); ok {
		t.Error("the first packet has Acct-Delay-Time")
	}
	if v, _ := second.Attributes.Find(41); string(v) != "\x00\x00\x00\x01" {
		t.Errorf("the second has %x", v)
	}
}

// TestForwardRepetition: what the NAS repeats is absorbed, or is the only thing that is repeated.
func TestForwardRepetition(t *testing.T) {
	for _, c := range []struct {
		name, options string
		came          int
	}{{"by us", "timeout=30s", 1}, {"by the NAS", "retransmit=client", 3}} {
		t.Run(c.name, func(t *testing.T) {
			release := make(chan struct{})
			h := startAway(t, func(q *asked) *awayReply {
				if q.n+1 == c.came {
					<-release
					return yes
				}
				return nil
			})
			g := load(t, "", nil)
			g.Realms = realmsOf(t, "net 127.0.0.1:%d "+c.options+" SECRET\n", h)
			f := startForwarding(t, g, CoreOptions{})
			conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.auth))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
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
			conn.Write(datagram) // now it is in the cache
			if got := f.answer(t, conn, datagram, soon); got != "Access-Accept" {
				t.Errorf("reply to the last one %q", got)
			}
		})
	}
}

// TestForwardTwins: what the NAS repeats under another identifier counts as a repetition where attributes are compared.
func TestForwardTwins(t *testing.T) {
	for _, c := range []struct {
		name, options string
		came          int
	}{{"by us", "timeout=30s", 1}, {"by the NAS", "retransmit=client", 3}} {
		t.Run(c.name, func(t *testing.T) {
			release := make(chan struct{})
			h := startAway(t, func(q *asked) *awayReply {
				if q.n+1 == c.came {
					<-release
					return yes
				}
				return nil
			})
			g := flagged(t, "", nil)
			g.Realms = realmsOf(t, "net 127.0.0.1:%d "+c.options+" SECRET\n", h)
			f := startForwarding(t, g, CoreOptions{})
			conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.auth))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
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
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.auth))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
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

// TestForwardReload: what is out ends on its generation, also if the new one has other home servers.
func TestForwardReload(t *testing.T) {
	release := make(chan struct{})
	first := startAway(t, func(*asked) *awayReply { <-release; return yes })
	second := startAway(t, always(&awayReply{code: radius.CodeAccessReject}))
	g := load(t, "bob\n\tReply-Message := \"old\"\n", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d timeout=30s SECRET\n", first)
	f := startForwarding(t, g, CoreOptions{})
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.auth))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
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
		conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.auth))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
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
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.auth))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
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
