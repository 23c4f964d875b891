package policy

import (
	"sync"
	"time"

	"perilune/engine/raddb"
)

// failures bounds the log lines about handlers that fail: each request may make one, and whoever sends requests
// chooses how many. One line a second is written for a handler and a place where it fails; the next line there
// says how many were left out. What the requests become, and the counters, are the same with or without a line.
type failures struct {
	mu   sync.Mutex // protects last
	last map[failurePlace]*failureLine
}

// A failurePlace is one kind of failure. Its text is no part of it: that may have what a user sent in it.
type failurePlace struct {
	h  *handler
	at raddb.Pos
}

type failureLine struct {
	written time.Time
	leftOut uint64
}

const (
	failurePause = time.Second
	failureKinds = 1024 // that are remembered; when there are more, all are forgotten
)

// allow reports whether a line may be written, and how many were left out before it.
func (f *failures) allow(h *handler, at raddb.Pos, now time.Time) (leftOut uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := failurePlace{h, at}
	line := f.last[key]
	if line == nil {
		if f.last == nil || len(f.last) >= failureKinds {
			f.last = map[failurePlace]*failureLine{}
		}
		f.last[key] = &failureLine{written: now}
		return 0, true
	}
	if past := now.Sub(line.written); past < failurePause && past >= 0 {
		line.leftOut++
		return 0, false
	}
	leftOut, *line = line.leftOut, failureLine{written: now}
	return leftOut, true
}

// now gives the time of the scripts' clock.
func (pr *Program) now() time.Time {
	if pr.o.Now != nil {
		return pr.o.Now()
	}
	return time.Now()
}
