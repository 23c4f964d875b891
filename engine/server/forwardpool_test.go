package server

import (
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
