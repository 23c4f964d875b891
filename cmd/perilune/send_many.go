package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"perilune/engine/radius"
)

// tally sums up what the requests of -count brought.
type tally struct {
	mu       sync.Mutex // protects what follows
	left     int
	sent     int
	replies  map[radius.Code]int
	unheard  int // without a valid reply
	last     error
	took     time.Duration
	exitCode int
}

// begin takes one request of those that are left.
func (t *tally) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left == 0 {
		return false
	}
	t.left--
	t.sent++
	return true
}

func (t *tally) end(code radius.Code, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.unheard, t.last, t.exitCode = t.unheard+1, err, exitFailed
		return
	}
	t.replies[code]++
	t.exitCode = max(t.exitCode, exitOf(code))
}

// many sends the request -count times, -parallel at once, and sums up. A challenge is not answered.
func (x *sender) many(ctx context.Context) int {
	t := &tally{left: x.count, replies: map[radius.Code]int{}}
	began := time.Now()
	var wg sync.WaitGroup
	for range x.parallel {
		wg.Go(func() {
			for ctx.Err() == nil && t.begin() {
				reply, err := x.client.Exchange(ctx, x.request(&x.pairs))
				if err != nil {
					t.end(0, err)
				} else {
					t.end(reply.Code, nil)
				}
			}
		})
	}
	wg.Wait()
	t.took = time.Since(began)
	if t.left > 0 {
		t.exitCode = exitFailed
	}
	x.sum(t)
	return t.exitCode
}

func (x *sender) sum(t *tally) {
	named := map[string]int{}
	for c, n := range t.replies {
		named[c.String()] = n
	}
	if x.json {
		json.NewEncoder(x.s.out).Encode(tallyJSON{t.sent, named, t.unheard, t.took.Seconds()})
		return
	}
	fmt.Fprintf(x.s.out, "%d requests in %v\n", t.sent, t.took.Round(time.Millisecond))
	for _, name := range slices.Sorted(maps.Keys(named)) {
		fmt.Fprintf(x.s.out, "  %-20s %d\n", name, named[name])
	}
	if t.unheard > 0 {
		fmt.Fprintf(x.s.out, "  %-20s %d (%v)\n", "no valid reply", t.unheard, t.last)
	}
}

// tallyJSON is the sum as -json prints it.
type tallyJSON struct {
	Sent       int            `json:"sent"`
	Replies    map[string]int `json:"replies"`
	Unanswered int            `json:"unanswered"`
	Seconds    float64        `json:"seconds"`
}
