package server

import (
	"sync"
	"time"
)

// seldom keeps a text that could come with each packet down to one line a minute for each client. It is
// bounded; when it is full it forgets what is older than a minute, or else everything.
type seldom struct {
	mu   sync.Mutex // protects last
	last map[seldomKey]time.Time
}

type seldomKey struct{ client, text string }

const (
	seldomPause = time.Minute
	seldomLimit = 4096
)

func newSeldom() *seldom { return &seldom{last: map[seldomKey]time.Time{}} }

// allow reports whether the text may be written for the client now.
func (s *seldom) allow(client, text string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := seldomKey{client, text}
	if t, ok := s.last[key]; ok && now.Sub(t) < seldomPause && now.Sub(t) >= 0 {
		return false
	}
	if len(s.last) >= seldomLimit {
		s.trim(now)
	}
	s.last[key] = now
	return true
}

func (s *seldom) trim(now time.Time) {
	for k, t := range s.last {
		if now.Sub(t) >= seldomPause {
			delete(s.last, k)
		}
	}
	if len(s.last) >= seldomLimit {
		clear(s.last)
	}
}
