package server

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares a text with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// fitting checks that a text fits a terminal, and puts a fixed time in its first line.
func fitting(t *testing.T, text string) string {
	t.Helper()
	if n := strings.Count(text, "\n"); n > 24 {
		t.Errorf("%d lines", n)
	}
	return fittingWidth(t, text)
}

func fittingWidth(t *testing.T, text string) string {
	t.Helper()
	for l := range strings.Lines(text) {
		if l = strings.TrimRight(l, "\n"); utf8.RuneCountInString(l) > screenWidth {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(l), l)
		}
	}
	return text
}

const traceUsers = `
DEFAULT NAS-Port < 10, Auth-Type := Accept
        Filter-Id = "console"
bob     Cleartext-Password := "hello", Login-Time := "Mo1100-1300"
        Reply-Message = "hi", Service-Type = Framed-User, NAS-Port = 3
eve     Cleartext-Password := "evil", NAS-Port == 7
`

// TestExplain: what an administrator reads about a request.
func TestExplain(t *testing.T) {
	p := &scripted{on: map[Phase]func(*Request) *Verdict{
		PhaseHints: func(r *Request) *Verdict {
			var before dictionary.List
			r.Attributes.CopyTo(&before)
			r.Trace.Began("hints.lua:7", `hook "lower"`)
			ref, _ := r.Generation.Dictionary.Resolve("User-Name")
			r.Attributes.Set(ref, []byte(strings.ToLower(string(r.User()))))
			r.Trace.Step("trace: the name was " + string(r.ReceivedUser))
			r.Trace.Ended("", Change{"request", &before, &r.Attributes})
			r.Trace.Skip(TraceSkip{Hook: "hints.lua:12", Name: "vpn", Key: "client", Wants: "client = vpn-*", Found: "has test", Near: true})
			r.Trace.Skip(TraceSkip{Hook: "hints.lua:20", Name: "visitors", Key: "realm"})
			r.Trace.Skip(TraceSkip{Hook: "hints.lua:31", Name: "suffix", Key: "user"})
			return nil
		},
	}}
	for name, password := range map[string]string{"explain-accept.txt": "hello", "explain-reject.txt": "wrong"} {
		g := load(t, traceUsers, p)
		out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = BOB", "User-Password = "+password, "NAS-Port = 12")})
		if strings.Contains(out.String(), `"`+password) {
			t.Errorf("the password is shown")
		}
		golden(t, name, fitting(t, out.String()))
	}
	g := load(t, traceUsers, inPhase(PhaseReply, &Verdict{Kind: Reject, Reason: "too many", Hook: "limits.lua:3"}))
	out := ask(t, offline(), g, Question{Attributes: attrs(t, g, "User-Name = eve", "User-Password = evil", "NAS-Port = 7", "NAS-Port = 3")})
	golden(t, "explain-hook.txt", fitting(t, out.String()))
}

// TestTraceIsBounded: one screen, whatever happens.
func TestTraceIsBounded(t *testing.T) {
	var trace Trace
	var long dictionary.List
	g := load(t, "", nil)
	ref, _ := g.Dictionary.Resolve("Attr-200")
	for range 100 {
		long.Add(ref, make([]byte, 250))
	}
	for range 500 {
		trace.List("request", &long)
	}
	steps := trace.Steps()
	if n := len(steps) - 1; n > traceSteps || len(steps[0].Changes) != traceChanges+1 || steps[n].Text != fmt.Sprintf("%d more steps", 500-n) {
		t.Errorf("%d steps, %d changes, last %q", len(steps), len(steps[0].Changes), steps[len(steps)-1].Text)
	}
	if width := len(steps[0].Changes[0]); width > traceWidth+3 {
		t.Errorf("a line of %d octets", width)
	}
	var nobody *Trace
	nobody.Step("x")
	nobody.Diff("h", "request", &long, &long)
	if nobody.Steps() != nil || nobody.Hooks() != nil || nobody.String() != "" {
		t.Error("nil has a memory")
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a b c", "a b c", ""},
		{"a b c", "a x c", "-b +x"},
		{"a b", "a b c", "+c"},
		{"a a", "a", "-a"},
		{"", "a", "+a"},
		{"a b", "b a", "-a +a"},
		{"u p x s", "v p x s o", "-u +v +o"},
		{"a b c d e", "b x d", "-a -c +x -e"},
	} {
		got := strings.Join(difference(strings.Fields(c.before), strings.Fields(c.after)), ",")
		got = strings.ReplaceAll(strings.ReplaceAll(got, " ", ""), ",", " ")
		if got != c.want {
			t.Errorf("%q to %q: %q, want %q", c.before, c.after, got, c.want)
		}
	}
}

// TestWatch: live requests that fit a filter, and nothing for anybody else.
func TestWatch(t *testing.T) {
	g, o := load(t, traceUsers, nil), offline()
	run := func(user string) {
		r := new(Request) // not through Run, which always traces
		datagram, err := o.prepare(g, &Question{Attributes: attrs(t, g, "User-Name = "+user, "User-Password = secret12", "NAS-Port = 12")}, r)
		if err != nil {
			t.Fatal(err)
		}
		o.core.checkFrom(r, datagram)
		o.core.process(r)
	}
	for _, c := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "bob eve"},
		{Filter{User: "BOB"}, "bob"},
		{Filter{Client: "test"}, "bob eve"},
		{Filter{Client: "other"}, ""},
		{Filter{Attribute: "nas-port"}, "bob eve"},
		{Filter{Attribute: "NAS-Port", Value: "12"}, "bob eve"},
		{Filter{Attribute: "NAS-Port", Value: "13"}, ""},
		{Filter{Attribute: "User-Password", Value: "secret12"}, ""}, // no oracle
	} {
		w, ok := o.core.Watch(c.filter)
		if !ok {
			t.Fatal("too many")
		}
		run("bob")
		run("eve")
		w.Stop()
		w.Stop()
		run("bob")
		var got []string
		for trace := range w.Traces() {
			got = append(got, trace.User)
			text := trace.String()
			blob, err := json.Marshal(trace)
			if err != nil || strings.Contains(text+string(blob), "secret12") || !strings.Contains(text, "reason=") {
				t.Errorf("%v\n%s\n%s", err, text, blob)
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.filter, diff)
		}
	}
	for range watchLimit {
		o.core.Watch(Filter{})
	}
	if _, ok := o.core.Watch(Filter{}); ok {
		t.Error("no bound")
	}
	for range watchQueue + 5 { // nobody reads: nobody waits
		run("bob")
	}
}

// TestWatchRefused: a wrong secret is seen by those who look for the user.
func TestWatchRefused(t *testing.T) {
	g, c := load(t, "", nil), core(t, CoreOptions{})
	bob, _ := c.Watch(Filter{User: "BOB", Client: "home"})
	eve, _ := c.Watch(Filter{User: "eve"})
	c.receive(incoming(g, "auth"), onWire(1, "not-the-secret!!", "first", attribute(1, "bob")))
	bob.Stop()
	eve.Stop()
	if got, ok := <-bob.Traces(); !ok || got.Reason != "bad-message-authenticator" || got.Verdict != "discard" {
		t.Errorf("%+v", got)
	}
	if got, ok := <-eve.Traces(); ok {
		t.Errorf("for eve: %+v", got)
	}
}

// TestRecent: what just happened to a user or a device, newest first; strangers push nobody out.
func TestRecent(t *testing.T) {
	g := load(t, traceUsers, nil)
	c := core(t, CoreOptions{Ring: 64})
	send := func(serial uint64, datagram []byte) {
		r := incoming(g, "auth")
		r.Serial, r.Arrival = serial, monday.Add(time.Duration(serial)*time.Second)
		if c.receive(r, datagram) == 0 {
			c.process(r)
		}
	}
	mac := attribute(31, "00-11-22-AA-BB-CC")
	send(1, onWire(1, homeSecret, "first", attribute(1, "bob"), hidden(homeSecret, "wrong"), mac))
	send(2, onWire(1, homeSecret, "first", attribute(1, "Bob"), hidden(homeSecret, "hello")))
	send(3, onWire(1, "not-the-secret!!", "first", attribute(1, "bob"), hidden(homeSecret, "hello")))
	for range 500 {
		send(4, onWire(1, "not-the-secret!!", "first", attribute(1, strings.Repeat("x", 200))))
	}
	got := []string{}
	for _, d := range c.Recent("bob", 10) {
		got = append(got, d.Verdict+" "+d.Reason)
	}
	if diff := cmp.Diff([]string{"reject unknown-user", "reject password"}, got); diff != "" {
		t.Errorf("bob (-want +got):\n%s", diff)
	}
	if last := c.Recent("00:11:22:aa:bb:cc", 10); len(last) != 1 || last[0].ID != 1 {
		t.Errorf("by MAC: %+v", last)
	}
	send(5, onWire(1, "not-the-secret!!", "first", attribute(1, "bob")))
	if last := c.Recent("bob", 1); len(last) != 1 || !strings.Contains(last[0].String(), "discard reason=bad-message-authenticator user=bob client=home") {
		t.Errorf("wrong secret: %v", last)
	}
	if n := c.Erase("bob"); n != 3 || len(c.Recent("bob", 10)) != 0 {
		t.Errorf("%d erased", n)
	}
}

// TestSecretDiff: that a secret changed is shown, not what it is.
func TestSecretDiff(t *testing.T) {
	g := load(t, "", nil)
	before, after := attrs(t, g, "User-Password = alpha"), attrs(t, g, "User-Password = beta")
	var trace Trace
	trace.Diff("hints.lua:1", "request", &before, &after)
	trace.Diff("hints.lua:2", "request", &after, &after)
	got, err := json.Marshal(&trace)
	if want := `[{"hook":"hints.lua:1","changes":["request ~ a secret value"]}]`; err != nil || string(got) != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
}

// TestInstead: what a rule found instead reads as a sentence.
func TestInstead(t *testing.T) {
	for found, want := range map[string]string{
		"":                           "has nothing",
		"NAS-Port = 25":              "has NAS-Port = 25",
		"no NAS-Port":                "has no NAS-Port",
		"the request is not in it":   "the request is not in it",
		"no entry of it matches":     "no entry of it matches",
		`User-Name = "the request "`: `has User-Name = "the request "`,
	} {
		if got := instead(found); got != want {
			t.Errorf("%q: %s, want %s", found, got, want)
		}
	}
}
