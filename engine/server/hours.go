package server

import (
	"sync/atomic"
	"time"

	"perilune/engine/users"
)

// A loginTime is one text of Login-Time, which is looked at once a minute.
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
