package server

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// leading is a home server's accept with a text.
func leading(text string) *awayReply {
	return &awayReply{code: radius.CodeAccessAccept, attrs: attribute(18, text)}
}

// TestForwardPhases: what handlers around forwarding decide. Two home servers answer: the first as the case says,
// the second with a text of its own.
func TestForwardPhases(t *testing.T) {
	to := func(realm string) *Verdict { return &Verdict{Kind: Proxy, Realm: realm} }
	give := func(v *Verdict) func(*Request) *Verdict { return func(*Request) *Verdict { return v } }
	here := &Verdict{Kind: HandleLocally}
	for _, c := range []struct {
		name   string
		on     map[Phase]func(*Request) *Verdict
		answer func(*asked) *awayReply
		user   string
		want   string
		first  int // requests
		second int
		reason Reason
	}{
		{"nothing to say", map[Phase]func(*Request) *Verdict{PhasePostProxy: give(nil)}, always(leading("one")), "bob@one", "Access-Accept one local", 1, 0, 0},
		{"route to a realm", map[Phase]func(*Request) *Verdict{PhaseRoute: give(to("two"))}, nil, "bob", "Access-Accept two local", 0, 1, 0},
		{"route to a pool", map[Phase]func(*Request) *Verdict{PhaseRoute: give(&Verdict{Kind: Proxy, Pool: "two"})}, nil, "bob@one", "Access-Accept two local", 0, 1, 0},
		{"route to an unknown pool", map[Phase]func(*Request) *Verdict{PhaseRoute: give(&Verdict{Kind: Proxy, Pool: "three"})}, nil, "bob@one", "", 0, 0, ReasonNoHomeServer},
		{"route keeps it", map[Phase]func(*Request) *Verdict{PhaseRoute: give(here)}, nil, "bob@one", "Access-Reject local", 0, 0, ReasonDenied},
		{"pre_proxy rejects", map[Phase]func(*Request) *Verdict{PhasePreProxy: give(&Verdict{Kind: Reject})}, nil, "bob@one", "Access-Reject", 0, 0, ReasonHook},
		{"pre_proxy turns it", map[Phase]func(*Request) *Verdict{PhasePreProxy: give(to("two"))}, nil, "bob@one", "Access-Accept two local", 0, 1, 0},
		{"pre_proxy keeps it", map[Phase]func(*Request) *Verdict{PhasePreProxy: give(here)}, nil, "bob@one", "Access-Reject local", 0, 0, ReasonDenied},
		{"post_proxy rejects an accept", map[Phase]func(*Request) *Verdict{PhasePostProxy: give(&Verdict{Kind: Reject})}, always(leading("one")), "bob@one", "Access-Reject", 1, 0, ReasonHook},
		{"post_proxy drops", map[Phase]func(*Request) *Verdict{PhasePostProxy: give(&Verdict{Kind: Drop})}, always(leading("one")), "bob@one", "", 1, 0, ReasonBackend},
		{"post_proxy accepts what was answered", map[Phase]func(*Request) *Verdict{PhasePostProxy: give(&Verdict{Kind: Accept})}, always(&awayReply{code: radius.CodeAccessReject}), "bob@one", "Access-Reject", 1, 0, ReasonHookFailed},
		{"post_proxy accepts in silence", map[Phase]func(*Request) *Verdict{PhasePostProxy: give(&Verdict{Kind: Accept})}, silent, "bob@one", "Access-Accept", 1, 0, 0},
		{"post_proxy turns to another after silence", map[Phase]func(*Request) *Verdict{PhasePostProxy: func(r *Request) *Verdict {
			if r.Proxied.Result == "timeout" {
				return to("two")
			}
			return nil
		}}, silent, "bob@one", "Access-Accept two local", 1, 1, 0},
		{"post_proxy keeps it after a reject", map[Phase]func(*Request) *Verdict{PhasePostProxy: give(here)}, always(&awayReply{code: radius.CodeAccessReject, attrs: attribute(18, "one")}), "bob@one", "Access-Reject local", 1, 0, ReasonDenied},
		{"post_proxy turns in a circle", map[Phase]func(*Request) *Verdict{PhasePostProxy: give(to("two"))}, always(leading("one")), "bob@one", "", 1, 3, ReasonProxyLoop},
		{"reply rejects", map[Phase]func(*Request) *Verdict{PhaseReply: give(&Verdict{Kind: Reject})}, always(leading("one")), "bob@one", "Access-Reject", 1, 0, ReasonHook},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.answer == nil {
				c.answer = silent
			}
			one, two := startAway(t, c.answer), startAway(t, always(leading("two")))
			g := load(t, "bob Auth-Type := Reject\n\tReply-Message += \"local\"\n", &scripted{on: c.on})
			g.Realms = realmsOf(t, "one 127.0.0.1:%d timeout=100ms,retries=1 SECRET\ntwo 127.0.0.1:%d SECRET\n", one, two)
			f := startForwarding(t, g, CoreOptions{})
			wait := soon
			if c.want == "" {
				wait = 300 * time.Millisecond
			}
			got := f.ask(t, f.auth, accessOf(c.user, hidden(homeSecret, "hello")), wait)
			got = strings.NewReplacer("\nReply-Message = \"", " ", "\"", "").Replace(got)
			if got != c.want {
				t.Errorf("reply %q, want %q", got, c.want)
			}
			if c.reason != 0 {
				f.counts(t, func(n *Counters) bool { return n.Reasons[c.reason] == 1 })
			}
			if a, b := len(one.came), len(two.came); a != c.first || b != c.second {
				t.Errorf("%d and %d requests, want %d and %d", a, b, c.first, c.second)
			}
		})
	}
}

// TestForwardChanges: pre_proxy changes what is sent and nothing that is here; post_proxy sees all that came, and what it
// puts into the reply is sent.
func TestForwardChanges(t *testing.T) {
	told := make(chan [3]string, 1)
	p := &scripted{on: map[Phase]func(*Request) *Verdict{
		PhaseHuntgroups: func(r *Request) *Verdict {
			r.Reply.Add(r.Generation.Dictionary.Known.ReplyMessage.AnyTag(), []byte("before"))
			return nil
		},
		PhasePreProxy: func(r *Request) *Verdict {
			known := &r.Generation.Dictionary.Known
			r.Attributes.Set(known.UserName.AnyTag(), []byte("sent"))
			r.Attributes.Add(known.NASIdentifier.AnyTag(), []byte("us"))
			return nil
		},
		PhasePostProxy: func(r *Request) *Verdict {
			lines := func(l *dictionary.List) string { return strings.Join(texts(l), "\n") }
			told <- [3]string{lines(&r.Attributes), lines(&r.Proxied.Reply), r.Realm + " " + r.Proxied.Realm + " " + r.Proxied.Result}
			r.Reply.Add(r.Generation.Dictionary.Known.ReplyMessage.AnyTag(), []byte("after"))
			return nil
		},
	}}
	h := startAway(t, always(&awayReply{code: radius.CodeAccessAccept, attrs: joined(attribute(18, "up"), attribute(4, "\x7f\x00\x00\x01"))}))
	g := load(t, "", p)
	g.Realms = realmsOf(t, "DEFAULT 127.0.0.1:%d SECRET\n", h)
	f := startForwarding(t, g, CoreOptions{})
	got := f.ask(t, f.auth, accessOf("bob@Some.Net", hidden(homeSecret, "hello")), soon)
	if want := "Access-Accept\nReply-Message = \"before\"\nReply-Message = \"up\"\nReply-Message = \"after\""; got != want {
		t.Errorf("reply %q, want %q", got, want)
	}
	q := h.next(t)
	if d := cmp.Diff([]string{`User-Name = "sent"`, `User-Password = "hello"`, `NAS-Identifier = "us"`}, q.lines(t, g)); d != "" {
		t.Errorf("sent (-want +got)\n%s", d)
	}
	saw := <-told
	if saw[2] != "some.net DEFAULT accept" || !strings.Contains(saw[1], "NAS-IP-Address = 127.0.0.1") {
		t.Errorf("post_proxy saw %q", saw)
	}
	if strings.Contains(saw[0], "sent") || strings.Contains(saw[0], "NAS-Identifier") {
		t.Errorf("the request here became %q", saw[0])
	}
}

// TestForwardFlagged: with the flag P as in GNU Radius only what has it is kept; a challenge's State always is.
func TestForwardFlagged(t *testing.T) {
	reply := &awayReply{code: radius.CodeAccessAccept, attrs: joined(attribute(18, "up"), attribute(25, "class"), attribute(8, "\x0a\x00\x00\x01"))}
	h := startAway(t, always(reply))
	g := load(t, "", nil)
	g.Settings.PropagateFlagged = true
	g.Realms = realmsOf(t, "net 127.0.0.1:%d SECRET\n", h)
	f := startForwarding(t, g, CoreOptions{})
	if got, want := f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "x")), soon), "Access-Accept\nReply-Message = \"up\""; got != want {
		t.Errorf("reply %q, want %q", got, want)
	}
}

// TestForwardUnfit: what a home server may not tell a NAS is not handed on: what only requests and accounting have, and
// a Vendor-Specific that is cut off.
func TestForwardUnfit(t *testing.T) {
	number := func(n radius.Type) []byte { return attribute(n, "\x00\x00\x00\x05") }
	reply := &awayReply{code: radius.CodeAccessAccept, attrs: joined(attribute(18, "up"), number(5), number(40), number(41), number(42), number(46),
		attribute(44, "s"), attribute(50, "m"), number(51), number(53), number(101), attribute(26, "\x00"), attribute(26, "\x00\x00\x00\x09"),
		attribute(26, "\x00\x00\x00\x09\x01"), attribute(26, "\x00\x00\x00\x09\x01\x03a"), number(85))}
	h := startAway(t, always(reply))
	g := load(t, "", nil)
	g.Realms = realmsOf(t, "net 127.0.0.1:%d SECRET\n", h)
	f := startForwarding(t, g, CoreOptions{})
	want := "Access-Accept\nReply-Message = \"up\"\nCisco-AVPair = \"a\"\nAcct-Interim-Interval = 5"
	if got := f.ask(t, f.auth, accessOf("bob@net", hidden(homeSecret, "x")), soon); got != want {
		t.Errorf("reply %q, want %q", got, want)
	}
}
