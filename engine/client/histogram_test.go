package client

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestSteps: each number lies in one step, whose top is at most a 32nd above it.
func TestSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 1<<63-1).Draw(t, "n") >> rapid.IntRange(0, 62).Draw(t, "shift")
		i := step(n)
		if high := top(i); high < n || high-n > n/32 {
			t.Errorf("%d is in step %d up to %d", n, i, high)
		}
		if i > 0 && top(i-1) >= n {
			t.Errorf("%d would fit step %d up to %d", n, i-1, top(i-1))
		}
	})
}

// TestQuantile compares with the sorted durations themselves.
func TestQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 200).Draw(t, "durations")
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var h, other histogram
		for i, n := range all {
			if i < cut {
				h.add(time.Duration(n))
			} else {
				other.add(time.Duration(n))
			}
		}
		h.merge(&other)
		slices.Sort(all)
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		if got := int64(h.quantile(q)); got < want || got-want > want/32 {
			t.Errorf("quantile %v is %d; want %d to a 32nd more", q, got, want)
		}
		if worst := all[len(all)-1]; int64(h.worst) != worst || h.total != uint64(len(all)) {
			t.Errorf("worst %d of %d; want %d of %d", h.worst, h.total, worst, len(all))
		}
	})
}

func TestQuantileOfNothing(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Error(got)
	}
	h.add(-time.Second) // a clock that went back
	if h.quantile(1) != 0 || h.total != 1 {
		t.Error(h.quantile(1), h.total)
	}
}

func BenchmarkHistogramAdd(b *testing.B) {
	var h histogram
	b.ReportAllocs()
	for i := range b.N {
		h.add(time.Duration(i))
	}
}
