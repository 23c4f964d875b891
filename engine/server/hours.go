package server

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/users"
)

// byText remembers what texts of rules and handlers mean, for one generation: reading one takes longer than all
// the rest of a request. Looking up takes no lock; the map is copied for each new text.
type byText[V any] struct {
	known atomic.Pointer[map[string]*V]
	mu    sync.Mutex // protects against a second writer of known
}

// textLimit bounds the texts remembered: scripts may make them up.
const textLimit = 1024

// get gives what read made of the text when it was first met.
func (t *byText[V]) get(text []byte, read func(text string) *V) *V {
	if m := t.known.Load(); m != nil {
		if v := (*m)[string(text)]; v != nil {
			return v
		}
	}
	v := read(string(text))
	t.mu.Lock()
	defer t.mu.Unlock()
	grown := map[string]*V{}
	if m := t.known.Load(); m != nil && len(*m) < textLimit {
		grown = maps.Clone(*m)
	}
	grown[string(text)] = v
	t.known.Store(&grown)
	return v
}

// hours remembers the texts of Login-Time. Each is looked at once a minute.
type hours struct{ byText[loginTime] }

// A loginTime is one text of Login-Time.
type loginTime struct {
	allowed users.LoginTime
	err     error // why the text cannot be read
	last    atomic.Pointer[span]
}

// A span is what was found for one minute: it holds for the rest of that minute, since spans begin and end
// with minutes.
type span struct {
	minute  int64     // Unix time / 60
	ends    time.Time // of the span that minute lies in, if limited
	limited bool
	inside  bool
}

// get gives the meaning of a text.
func (h *hours) get(text []byte) *loginTime { return h.byText.get(text, readLoginTime) }

func readLoginTime(text string) *loginTime {
	l := new(loginTime)
	l.allowed, l.err = users.ParseLoginTime(text)
	return l
}

// at reports whether now is inside the hours and how long they last from now, to the second.
func (l *loginTime) at(now time.Time, zone *time.Location) (left time.Duration, limited, inside bool) {
	minute := now.Unix() / 60
	s := l.last.Load()
	if s == nil || s.minute != minute {
		left, limited, inside := l.allowed.Within(now, zone)
		s = &span{minute, now.Add(left), limited, inside}
		l.last.Store(s)
	}
	return max(s.ends.Sub(now), time.Second), s.limited, s.inside
}
