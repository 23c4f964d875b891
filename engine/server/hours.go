package server

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/users"
)

// hours remembers what the texts of Login-Time mean, for one generation: reading one and looking for the end
// of its span takes longer than all the rest of a request. A text is read once, and looked at once a minute.
// Looking up takes no lock; the map is copied for each new text.
type hours struct {
	known atomic.Pointer[map[string]*loginTime]
	mu    sync.Mutex // protects against a second writer of known
}

// hoursLimit bounds the texts remembered: scripts may make them up.
const hoursLimit = 1024

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
func (h *hours) get(text []byte) *loginTime {
	if m := h.known.Load(); m != nil {
		if l := (*m)[string(text)]; l != nil {
			return l
		}
	}
	l := new(loginTime)
	l.allowed, l.err = users.ParseLoginTime(string(text))
	h.mu.Lock()
	defer h.mu.Unlock()
	grown := map[string]*loginTime{}
	if m := h.known.Load(); m != nil && len(*m) < hoursLimit {
		grown = maps.Clone(*m)
	}
	grown[string(text)] = l
	h.known.Store(&grown)
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
