package server

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"perilune/engine/auth"
)

// costly is "Hello world!" by SHA-512 crypt with its usual 5000 rounds (the algorithm's public test vector).
const costly = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"

// TestCostlyHash: a hash takes its turn; a full queue is a drop, never a reject, since the password may be
// right; and an unknown name costs as much from then on.
func TestCostlyHash(t *testing.T) {
	g, o := load(t, "bob Crypt-Password := \""+costly+"\"\n", nil), offline()
	q := func(user, password string) Question {
		return Question{Attributes: attrs(t, g, "User-Name = "+user, "User-Password = "+password)}
	}
	if o.core.dummy.stored.Load().Costly() {
		t.Error("costly from the start")
	}
	if out := ask(t, o, g, q("bob", "Hello world!")); out.Kind != Accept {
		t.Fatalf("%s", out)
	}
	if !o.core.dummy.stored.Load().Costly() {
		t.Error("an unknown name takes less time than a wrong password")
	}
	o.core.hashes.limit = 0
	for _, user := range []string{"bob", "nobody"} {
		if out := ask(t, o, g, q(user, "hello")); out.Kind != Drop || out.Reason != "hash-queue" {
			t.Errorf("%s with a full queue: %s", user, out)
		}
	}
}

// TestHashQueue: turns are bounded, waiting is bounded, and nobody waits past the deadline.
func TestHashQueue(t *testing.T) {
	q := newHashQueue(1, 2)
	before := runtime.GOMAXPROCS(0)
	if !q.enter(0) {
		t.Fatal("no turn in an empty queue")
	}
	if q.enter(time.Millisecond) {
		t.Error("two turns on one core")
	}
	waits := make(chan bool)
	for range 2 {
		go func() { waits <- q.enter(time.Minute) }()
	}
	for q.waiting.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if q.enter(time.Minute) {
		t.Error("waited in a full queue")
	}
	for range 2 {
		q.leave()
		if !<-waits {
			t.Error("no turn after somebody left")
		}
	}
	if got := runtime.GOMAXPROCS(0); got != before+1 {
		t.Errorf("%d processors while hashes are computed, want one more than %d", got, before)
	}
	q.leave()
	q.close()
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d processors afterwards, want %d", got, before)
	}
}

// TestDummyOnlyRises, and fits nothing.
func TestDummyOnlyRises(t *testing.T) {
	d := newDummy()
	for _, c := range []struct {
		stored string
		micros int
	}{{costly, 2500}, {"clear", 2500}} {
		s, err := auth.Parse("", []byte(c.stored))
		if err != nil {
			t.Fatal(err)
		}
		d.raise(&s)
		if got := d.stored.Load().Cost().Micros(); got != c.micros || d.stored.Load().Verify([]byte("Hello world!")) {
			t.Errorf("after %.4s: %d µs, want %d", c.stored, got, c.micros)
		}
	}
}

// TestSeldom: one line a minute for each client and text, and a bound on what is remembered.
func TestSeldom(t *testing.T) {
	s := newSeldom()
	for _, c := range []struct {
		client, text string
		after        time.Duration
		want         bool
	}{
		{"a", "x", 0, true}, {"a", "x", time.Second, false}, {"b", "x", time.Second, true}, {"a", "y", time.Second, true},
		{"a", "x", time.Minute, true}, {"a", "x", time.Minute, false}, {"a", "x", -time.Hour, true}, // the clock was set back
	} {
		if got := s.allow(c.client, c.text, monday.Add(c.after)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	for i := range 3 * seldomLimit {
		s.allow(fmt.Sprint(i), "x", monday)
	}
	if len(s.last) > seldomLimit {
		t.Errorf("%d remembered", len(s.last))
	}
}

// TestReasonNames: every reason has a name, and no two the same; counters and metrics rely on it.
func TestReasonNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range NumReasons {
		name := r.String()
		if seen[name] && name != "" || name != strings.ToLower(name) {
			t.Errorf("%d: %q", r, name)
		}
		seen[name] = true
		if name != "" && reasonNamed(name) != r {
			t.Errorf("%q is found as %v", name, reasonNamed(name))
		}
	}
	if reasonNamed("of a script") != ReasonNone || NumReasons.String() != "" {
		t.Error("names of nothing")
	}
}
