package server

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// fakeCounts are the counts of a fleet, in memory.
type fakeCounts struct {
	mu   sync.Mutex
	n    map[string]float64
	ttl  time.Duration
	fail func(n float64) bool
}

func (f *fakeCounts) Add(_ context.Context, key string, n float64, ttl time.Duration) (float64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil && f.fail(n) {
		return 0, errors.New("refused")
	}
	if f.n == nil {
		f.n = map[string]float64{}
	}
	f.n[key] += n
	f.ttl = ttl
	return f.n[key], nil
}

// newFleet is newRounds for two servers that share key and counts; the challenge is of the first.
func newFleet(t *testing.T) (first, second *rounds, counts *fakeCounts) {
	first = newRounds(t)
	counts = &fakeCounts{}
	first.g.Settings.Spent = counts
	other := *first
	other.o = NewOffline(func() time.Time { return first.now })
	other.o.core.seal = first.o.core.seal
	first.o.core.dry, other.o.core.dry = false, false
	return first, &other, counts
}

// TestStateOfAFleet: what one server has seen of a State holds at the other.
func TestStateOfAFleet(t *testing.T) {
	t.Run("spent", func(t *testing.T) {
		a, b, counts := newFleet(t)
		b.want("bob", "123456", a.state, "accept")
		a.want("bob", "123456", a.state, "reject state")
		b.want("bob", "123456", a.state, "reject state")
		if counts.ttl <= 0 || counts.ttl > 10*time.Minute {
			t.Errorf("counted for %v", counts.ttl)
		}
	})
	t.Run("three tries", func(t *testing.T) {
		a, b, _ := newFleet(t)
		a.want("bob", "000000", a.state, "reject code")
		b.want("bob", "000000", a.state, "reject code")
		a.want("bob", "000000", a.state, "reject code")
		b.want("bob", "123456", a.state, "reject state")
	})
	t.Run("a drop spends nothing", func(t *testing.T) {
		a, b, _ := newFleet(t)
		for range 10 {
			a.want("bob", "backend", a.state, "drop backend")
		}
		b.want("bob", "123456", a.state, "accept")
	})
	t.Run("next challenge ends it", func(t *testing.T) {
		a, b, _ := newFleet(t)
		out := a.want("bob", "again", a.state, "challenge")
		b.want("bob", "123456", a.state, "reject state")
		b.want("bob", "123456", out.State, "accept")
	})
	t.Run("nobody can know", func(t *testing.T) {
		a, _, counts := newFleet(t)
		counts.fail = func(float64) bool { return true }
		a.want("bob", "123456", a.state, "drop backend")
		counts.fail = nil
		a.want("bob", "123456", a.state, "accept")
	})
	t.Run("nobody can be told", func(t *testing.T) {
		a, _, counts := newFleet(t)
		counts.fail = func(n float64) bool { return n > 1 }
		a.want("bob", "123456", a.state, "drop backend")
		counts.fail = nil
		a.want("bob", "123456", a.state, "accept")
	})
	t.Run("two at once", func(t *testing.T) {
		a, _, counts := newFleet(t)
		counts.fail = func(n float64) bool {
			if n == spentMark { // meanwhile the other one was faster
				for key := range counts.n {
					counts.n[key] += spentMark + 1
				}
			}
			return false
		}
		a.want("bob", "123456", a.state, "reject state")
	})
	t.Run("tests ask nobody", func(t *testing.T) {
		a, _, counts := newFleet(t)
		counts.fail = func(float64) bool { return true }
		a.o.core.dry = true
		a.want("bob", "123456", a.state, "accept")
	})
	t.Run("a State of others is nobody's count", func(t *testing.T) {
		a, _, counts := newFleet(t)
		counts.fail = func(float64) bool { return true }
		a.want("bob", "x", []byte("of somebody else"), "reject state")
	})
}
