package proxy

import (
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"perilune/engine/radius"
)

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_000_000, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// still gives a Forwarder whose timers the test turns.
func still(t *testing.T, o ForwarderOptions, realms ...*Realm) (*Forwarder, *clock) {
	t.Helper()
	c := &clock{}
	o.Now = c.now
	f := newForwarder(o)
	f.Configure(realmsOf(realms...))
	s := f.NewSender()
	t.Cleanup(func() { f.end(s) })
	return f, c
}

// turnFor moves the clock in steps and turns the timers.
func turnFor(f *Forwarder, c *clock, d time.Duration) {
	s := f.NewSender()
	for end := c.at.Load() + int64(d); c.at.Load() < end; {
		c.advance(50 * time.Millisecond)
		f.turn(s, f.now())
	}
}

// someHome gives a home server that nobody answers for.
func someHome(t *testing.T, o ForwarderOptions) (*home, *clock) {
	r := &Realm{Name: "a", Timeout: time.Second, Retries: 1, binding: new(binding),
		Servers: []Server{{Auth: netip.MustParseAddrPort("127.0.0.1:9"), Secret: radius.NewSecret("x")}}}
	f, c := still(t, o, r)
	return (*f.homes.Load())[0], c
}

func (h *home) state() Health { return Health(h.health.Load()) }

// TestHealth follows a home server through losses, silence and answers. Each step is a time in seconds and what
// happens then: a request sent at that time that stays without an answer, or an answer.
func TestHealth(t *testing.T) {
	const unanswered, answer, nothing = 's', 'a', '.'
	type step struct {
		at   float64
		what rune
		want Health
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"one loss", []step{{1, unanswered, Up}, {100, nothing, Up}}},
		{"losses among answers", []step{{1, unanswered, Up}, {2, answer, Up}, {3, unanswered, Up}, {4, answer, Up}, {50, unanswered, Up}}},
		{"doubt, and an answer", []step{{1, unanswered, Up}, {2, unanswered, Doubtful}, {3, answer, Up}}},
		{"many at once are no window", []step{{1, unanswered, Up}, {1, unanswered, Doubtful}, {1, unanswered, Doubtful}, {5, unanswered, Doubtful}}},
		{"silence for the window", []step{{1, unanswered, Up}, {10, unanswered, Doubtful}, {21, unanswered, Down}}},
		{"two are too few", []step{{1, unanswered, Up}, {40, unanswered, Doubtful}, {41, unanswered, Down}}},
		{"revival", []step{{1, unanswered, Up}, {2, unanswered, Doubtful}, {30, unanswered, Down}, {40, answer, Reviving}, {60, answer, Reviving}, {71, nothing, Up}}},
		{"death in revival", []step{{1, unanswered, Up}, {2, unanswered, Doubtful}, {30, unanswered, Down}, {40, answer, Reviving}, {45, unanswered, Reviving}, {46, unanswered, Down}}},
		{"a flapping one takes longer", []step{{1, unanswered, Up}, {2, unanswered, Doubtful}, {30, unanswered, Down}, {40, answer, Reviving}, {41, unanswered, Reviving}, {42, unanswered, Down},
			{50, answer, Reviving}, {81, nothing, Reviving}, {111, nothing, Up}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := someHome(t, ForwarderOptions{})
			for i, s := range test.steps {
				now := int64(s.at * float64(time.Second))
				h.mu.Lock()
				switch s.what {
				case unanswered:
					h.silence(now, now)
				case answer:
					h.alive(now)
				}
				h.age(now)
				h.mu.Unlock()
				if got := h.state(); got != s.want {
					t.Fatalf("step %d: %v, want %v", i, got, s.want)
				}
			}
		})
	}
}

// TestSilenceBeforeAnAnswer: a request that was sent before the last answer says nothing.
func TestSilenceBeforeAnAnswer(t *testing.T) {
	h, _ := someHome(t, ForwarderOptions{})
	h.alive(int64(10 * time.Second))
	for range 100 {
		h.silence(int64(9*time.Second), int64(60*time.Second))
	}
	if h.state() != Up {
		t.Errorf("%v", h.state())
	}
}

// TestShareGrows: a reviving server gets some requests at first, then more.
func TestShareGrows(t *testing.T) {
	h, _ := someHome(t, ForwarderOptions{})
	h.die(0)
	h.alive(0)
	var before float64
	for _, part := range []float64{0, 0.25, 0.5, 0.75, 1} {
		now, n := int64(part*float64(30*time.Second)), 0
		for range 10_000 {
			if h.grade(now) == gradeReady {
				n++
			}
		}
		share := float64(n) / 10_000
		if want := firstShare + (1-firstShare)*part; share < want-0.05 || share > want+0.05 || share <= before {
			t.Errorf("at %v of its time the share is %.2f, want %.2f", part, share, want)
		}
		before = share
	}
}

// TestTrials: a server in doubt or dead is tried with a live request now and then, once each time.
func TestTrials(t *testing.T) {
	h, _ := someHome(t, ForwarderOptions{})
	h.doubt(0)
	if g := h.grade(0); g != gradeLast {
		t.Errorf("just doubted: %v", g)
	}
	h.die(0)
	if g := h.grade(int64(time.Second)); g != gradeNone {
		t.Errorf("just dead: %v", g)
	}
	late := int64(deadTrial + deadTrial/2)
	if g := h.grade(late); g != gradeTrial || !h.claim(late) || h.claim(late) {
		t.Errorf("later: %v", g)
	}
	if g := h.grade(late); g != gradeNone {
		t.Errorf("tried: %v", g)
	}
	h.status.Store(true)
	h.die(0)
	if g := h.grade(late); g != gradeNone {
		t.Errorf("with Status-Server: %v", g)
	}
	if g := h.grade(3 * late); g != gradeTrial {
		t.Errorf("with Status-Server, later: %v", g)
	}
}

// TestDeathAndProbes plays the life of a home server that falls silent and comes back, with a clock of its own.
func TestDeathAndProbes(t *testing.T) {
	var log strings.Builder
	var mu sync.Mutex
	h := newFakeHome(t, silent)
	r := realmOf(h)
	r.Timeout, r.Retries, r.Status = time.Second, 1, true
	f, c := still(t, ForwarderOptions{Name: "proxy.example.net", Log: slog.New(slog.NewTextHandler(&lockedWriter{&mu, &log}, nil))}, r)
	known := homeIn(t, f, h, KindAuth)
	ask := func() Outcome {
		x := newCaller(r)
		o := f.Forward(&x.Exchange)
		if o == Pending {
			turnFor(f, c, 1500*time.Millisecond)
			o = x.wait(t)
		}
		return o
	}
	for range 20 {
		if o := ask(); o == AllDead {
			break
		} else if o != Timeout {
			t.Fatalf("outcome %v", o)
		}
	}
	if known.state() != Down || ask() != AllDead {
		t.Fatalf("it is %v", known.state())
	}
	if at := time.Duration(f.now()); at < 20*time.Second || at > 40*time.Second {
		t.Errorf("dead after %v", at)
	}
	turnFor(f, c, time.Minute) // dead, and probed
	n := known.tally()
	if n.Probes < 8 || n.Probes > 20 || n.ProbesGood != 0 {
		t.Errorf("%+v", n)
	}
	for range n.Sent + n.Probes {
		if q := h.wait(t); q.packet.Code == radius.CodeStatusServer {
			n.Probes--
			checkProbe(t, h, q)
		}
	}
	if n.Probes != 0 {
		t.Errorf("%d probes did not come", n.Probes)
	}
	h.play(accepts)
	for i := 0; known.state() == Down; i++ {
		turnFor(f, c, 100*time.Millisecond)
		time.Sleep(time.Millisecond) // for the answer, which takes its own time
		if i > 1000 {
			t.Fatal("it is not revived")
		}
	}
	if known.state() != Reviving {
		t.Fatalf("it is %v", known.state())
	}
	turnFor(f, c, 31*time.Second)
	if known.state() != Up {
		t.Errorf("it is %v", known.state())
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"does not answer", "is dead", "answers again", "is up"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("%q is not logged once:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), fakeSecret) {
		t.Error("the log has the secret")
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	b  *strings.Builder
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// checkProbe: RFC 5997 s3, signed, and nothing of a user.
func checkProbe(t *testing.T, h *fakeHome, q question) {
	t.Helper()
	var s radius.Session
	s.Use(h.secret)
	if v, err := s.VerifyRequest(q.raw); err != nil || !v.MessageAuthenticator {
		t.Errorf("probe: %v, %v", v, err)
	}
	got := types(q.packet.Attributes)
	if len(got) != 2 || got[0] != radius.TypeMessageAuthenticator || got[1] != radius.TypeNASIdentifier {
		t.Errorf("probe with %v", got)
	}
}

// TestUnreachable: what the network says makes doubt, not death.
func TestUnreachable(t *testing.T) {
	h := newFakeHome(t, silent)
	addr := h.addr()
	h.conn.Close()
	r := realmOf()
	r.Servers = []Server{{Name: "gone", Auth: addr, Secret: h.secret}}
	r.Timeout = 5 * time.Second
	f := startForwarder(t, ForwarderOptions{}, r)
	c := newCaller(r)
	f.Forward(&c.Exchange)
	known := (*f.homes.Load())[0]
	eventually(t, "the message", func() bool { return known.tally().Unreachable > 0 })
	if known.state() != Doubtful {
		t.Errorf("it is %v", known.state())
	}
}
