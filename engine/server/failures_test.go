package server

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestFailures holds one key to a plain model: a bucket that leaks.
func TestFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 20).Draw(t, "limit")
		span := time.Duration(rapid.IntRange(60, 600).Draw(t, "span")) * time.Second
		var f failures
		f.init()
		hash, now, until := f.hash([]byte("key")), int64(0), int64(0)
		each := int64(span/failureTick) / int64(limit)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.Int64Range(0, 2*each).Draw(t, "pause")
			want := max(0, until-now) > int64(limit-1)*each
			if got := f.over(hash, now, limit, span); got != want {
				t.Fatalf("at %d: over %v, want %v", now, got, want)
			}
			if !want {
				f.add(hash, now, limit, span)
				until = max(until, now) + each
			}
		}
	})
}

// TestFailuresFlood: a flood of names, each with one failure, does not push somebody out who fails all the
// time; the memory stays what it is.
func TestFailuresFlood(t *testing.T) {
	const limit, span = 10, 10 * time.Minute
	var f failures
	f.init()
	hot := f.hash([]byte("hot"))
	for range limit {
		f.add(hot, 0, limit, span)
	}
	var name [8]byte
	for i := range 1_000_000 {
		binary.BigEndian.PutUint64(name[:], uint64(i))
		now := int64(i / 1000) // 20,000 each second, for 50 s
		f.add(f.hash(name[:]), now, limit, span)
	}
	if !f.over(hot, 100, limit, span) {
		t.Error("the flood has pushed the guesser out")
	}
}

// TestFailuresWrap: the counter of ticks goes round after seven years.
func TestFailuresWrap(t *testing.T) {
	const limit, span = 2, time.Minute
	var f failures
	f.init()
	hash, now := f.hash([]byte("key")), int64(1<<32-5)
	f.add(hash, now, limit, span)
	f.add(hash, now+10, limit, span)
	if !f.over(hash, now+11, limit, span) || f.over(hash, now+1300, limit, span) || f.over(hash, now+1<<31, limit, span) {
		t.Error("the limit is not kept over the end of the counter")
	}
	if n := f.count(now+11, limit, span); n != 1 {
		t.Errorf("%d keys are over, want 1", n)
	}
}

// TestFailuresTogether is for the race detector: everybody counts, asks and forgets at once.
func TestFailuresTogether(t *testing.T) {
	const limit, span = 1000, time.Hour
	var f failures
	f.init()
	hash, other := f.hash([]byte("key")), f.hash([]byte("other"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 250 {
				f.add(hash, 0, limit, span)
				f.add(other, 0, limit, span)
				f.over(hash, 0, limit, span)
				f.forget(other)
				f.count(0, limit, span)
			}
		})
	}
	wg.Wait()
	if !f.over(hash, 0, limit, span) || f.over(hash, 72, limit, span) {
		t.Error("failures were lost or counted twice")
	}
}
