package server

import (
	"strings"
	"testing"
	"time"
)

// TestFilterFits: globs, verdicts, and MACs in every notation.
func TestFilterFits(t *testing.T) {
	g, o := load(t, traceUsers, nil), offline()
	q := Question{Attributes: attrs(t, g, "User-Name = Bob@Example.org", "User-Password = x", "Calling-Station-Id = 00-11-22-AA-BB-CC", "NAS-Port = 12")}
	for _, c := range []struct {
		filter Filter
		want   int
	}{
		{Filter{User: "bob@*"}, 1},
		{Filter{User: "*@example.???"}, 1},
		{Filter{User: "bob"}, 0},
		{Filter{User: "001122aabbcc"}, 1},
		{Filter{User: "0011.22aa.bbcc"}, 1},
		{Filter{User: "00:11:22:AA:BB:CD"}, 0},
		{Filter{Client: "te*"}, 1},
		{Filter{Client: "te?"}, 0},
		{Filter{Attribute: "Calling-Station-Id", Value: "00:11:22:aa:bb:cc"}, 1},
		{Filter{Attribute: "calling-station-id", Value: "00-11-*"}, 1},
		{Filter{Attribute: "NAS-Port", Value: "1?"}, 1},
		{Filter{Attribute: "Filter-Id"}, 0},
		{Filter{Verdict: "reject"}, 1},
		{Filter{Verdict: "a*"}, 0},
		{Filter{User: "bob*", Client: "test", Verdict: "re*", Attribute: "NAS-Port"}, 1},
	} {
		if got := watched(t, o, g, c.filter, q, 1); got.shown != c.want || got.notShown+got.unlooked != 0 {
			t.Errorf("%+v: %+v, want %d", c.filter, got, c.want)
		}
	}
}

type seenBy struct {
	shown              int
	notShown, unlooked uint64
}

// watched asks a question n times and tells what a watching has seen.
func watched(t *testing.T, o *Offline, g *Generation, f Filter, q Question, n int) (got seenBy) {
	t.Helper()
	w, ok := o.core.Watch(f)
	if !ok {
		t.Fatal("too many watch")
	}
	for range n {
		r := new(Request) // not through Run, which always traces
		datagram, err := o.prepare(g, &q, r)
		if err != nil {
			t.Fatal(err)
		}
		o.core.checkFrom(r, datagram)
		o.core.process(r)
		r.releaseRunner()
	}
	got.notShown, got.unlooked = w.Missed()
	w.Stop()
	for range w.Traces() {
		got.shown++
	}
	return got
}

// TestWatchIsBounded: of many requests a sample, so many in a second, as many as the queue takes; the others are counted.
func TestWatchIsBounded(t *testing.T) {
	now := monday
	g, o := load(t, traceUsers, nil), NewOffline(func() time.Time { return now })
	q := Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x", "NAS-Port = 12")}
	for _, c := range []struct {
		filter Filter
		n      int
		want   seenBy
	}{
		{Filter{Sample: 10}, 95, seenBy{shown: 10}},
		{Filter{Sample: 10, User: "bob"}, 95, seenBy{shown: 10}},
		{Filter{PerSecond: 5}, 20, seenBy{5, 15, 0}},
		{Filter{PerSecond: 5, User: "bob"}, 20, seenBy{5, 15, 0}},
		{Filter{PerSecond: 5, Verdict: "reject"}, 20, seenBy{5, 0, 15}},
		{Filter{PerSecond: 5, Sample: 2}, 20, seenBy{5, 5, 0}},
		{Filter{}, watchQueue + 7, seenBy{watchQueue, 7, 0}},
		{Filter{User: "eve"}, watchLooks + 3, seenBy{0, 0, 3}},
	} {
		now = now.Add(time.Second)
		if got := watched(t, o, g, c.filter, q, c.n); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.filter, got, c.want)
		}
	}
}

// TestWatchers: each sees what fits it; the trace of a request is made once for all.
func TestWatchers(t *testing.T) {
	g, o := load(t, traceUsers, nil), offline()
	all, _ := o.core.Watch(Filter{})
	bob, _ := o.core.Watch(Filter{User: "bob"})
	eve, _ := o.core.Watch(Filter{User: "eve"})
	watched(t, o, g, Filter{}, Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = x")}, 1)
	for _, w := range []*Watching{all, bob, eve} {
		w.Stop()
	}
	a, b := <-all.Traces(), <-bob.Traces()
	if a == nil || a != b || a.User != "bob" {
		t.Errorf("%v, %v", a, b)
	}
	if e, ok := <-eve.Traces(); ok {
		t.Error(e)
	}
	if o.core.watches.list.Load() != nil {
		t.Error("there is somebody left")
	}
}

func TestWild(t *testing.T) {
	for pattern, texts := range map[string]map[string]bool{
		"":      {"": true, "a": false},
		"*":     {"": true, "anything": true},
		"a*c":   {"ac": true, "ABBC": true, "acb": false},
		"?b":    {"ab": true, "b": false, "abc": false},
		"*a*b*": {"xaxbx": true, "ba": false},
	} {
		for text, want := range texts {
			if wild(pattern, []byte(text)) != want {
				t.Errorf("%q %q: %v", pattern, text, !want)
			}
		}
	}
}

// BenchmarkWatched tells what looking costs a request, packet and all: nobody, somebody for another client, and for
// this one with a rate that is used up, and with none.
func BenchmarkWatched(b *testing.B) {
	for _, c := range []struct {
		name   string
		filter *Filter
	}{{"nobody", nil}, {"another client", &Filter{Client: "vpn"}}, {"beyond the rate", &Filter{PerSecond: 1}}, {"all", &Filter{}}} {
		b.Run(c.name, func(b *testing.B) {
			g, o := load(b, traceUsers, nil), offline()
			if c.filter != nil {
				w, _ := o.core.Watch(*c.filter)
				defer w.Stop()
			}
			q := Question{Attributes: attrs(b, g, "User-Name = bob", "User-Password = x", "NAS-Port = 12")}
			for b.Loop() {
				r := new(Request)
				datagram, err := o.prepare(g, &q, r)
				if err != nil {
					b.Fatal(err)
				}
				o.core.checkFrom(r, datagram)
				o.core.process(r)
			}
		})
	}
}

// TestWatchDone: what handlers do after the answer was sent is on the screen of the live request, too, once.
func TestWatchDone(t *testing.T) {
	g := load(t, traceUsers, &scripted{on: map[Phase]func(*Request) *Verdict{
		PhaseDone: func(r *Request) *Verdict { r.Trace.Step("after the answer"); return nil },
	}})
	o := offline()
	w, _ := o.core.Watch(Filter{})
	r := new(Request)
	datagram, err := o.prepare(g, &Question{Attributes: attrs(t, g, "User-Name = bob", "User-Password = hello")}, r)
	if err != nil {
		t.Fatal(err)
	}
	o.core.checkFrom(r, datagram)
	o.core.process(r)
	o.core.done(r)
	w.Stop()
	var texts []string
	for trace := range w.Traces() {
		texts = append(texts, trace.String())
	}
	if len(texts) != 1 || !strings.Contains(texts[0], "after the answer") || !strings.Contains(texts[0], "Access-") {
		t.Errorf("%q", texts)
	}
}
