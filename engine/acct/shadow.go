package acct

import (
	"maps"
	"slices"
)

// A table that runs ahead of the database has two faces. byKey and its indexes are what logins and people see: all that
// was answered. Behind it stand, in shadow, the same sessions as the database has them: by these the store's goroutine
// judges records when it writes them, so that what was shown meanwhile changes nothing of what is written. A session has
// a shadow from the first record that was shown before it was written until the last of them is.

// shadows are what the database has of sessions that are shown in a later state.
type shadows struct {
	byKey   map[Key]shadow
	clients map[string][]*Session // those of byKey that are open
	until   uint64                // no shadow is needed longer
}

type shadow struct {
	s     *Session // nil: the database has none, or none that is known
	until uint64   // number of the last record that is shown
}

func newShadows() shadows {
	return shadows{byKey: map[Key]shadow{}, clients: map[string][]*Session{}}
}

// set puts s into the shadow of k, which may have one already.
func (t *shadows) set(k Key, s *Session, until uint64) {
	t.unlink(t.byKey[k].s)
	t.byKey[k] = shadow{s, until}
	t.until = max(t.until, until)
	if s != nil && s.Open() {
		s.byClient = len(t.clients[s.Client])
		t.clients[s.Client] = append(t.clients[s.Client], s)
	}
}

func (t *shadows) unlink(s *Session) {
	if s == nil || !s.Open() {
		return
	}
	if moved := cut(t.clients, s.Client, s.byClient); moved != nil {
		moved.byClient = s.byClient
	}
}

// A face is one of the two: Live itself is what the database has, shown is what is seen.
type face interface {
	// get gives the newest session of a key, which must not be changed.
	get(Key) *Session
	// ofClient gives the open sessions of a client, which must not be changed.
	ofClient(name string) []*Session
}

type shown struct{ l *Live }

func (f shown) get(k Key) *Session {
	f.l.mu.RLock()
	defer f.l.mu.RUnlock()
	return f.l.byKey[k]
}

func (f shown) ofClient(name string) []*Session {
	f.l.mu.RLock()
	defer f.l.mu.RUnlock()
	return append([]*Session(nil), f.l.clients[name]...)
}

func (l *Live) get(k Key) *Session {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if h, ok := l.shadows.byKey[k]; ok {
		return h.s
	}
	return l.byKey[k]
}

func (l *Live) ofClient(name string) []*Session {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list := append([]*Session(nil), l.shadows.clients[name]...)
	for _, s := range l.clients[name] {
		if _, ok := l.shadows.byKey[s.Key]; !ok {
			list = append(list, s)
		}
	}
	return list
}

// written gives all open sessions as the database has them.
func (l *Live) written() (list []*Session) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for k, s := range l.byKey {
		if _, ok := l.shadows.byKey[k]; !ok && s.Open() {
			list = append(list, s)
		}
	}
	for _, h := range l.shadows.byKey {
		if h.s != nil && h.s.Open() {
			list = append(list, h.s)
		}
	}
	return list
}

// copyOf gives a session to be changed. Others may move it in the indexes meanwhile.
func (l *Live) copyOf(s *Session) Session {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return *s
}

// show takes a session in a state that the database does not have yet.
func (l *Live) show(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.byKey[s.Key]
	if old != nil && old.Epoch > s.Epoch {
		return
	}
	h, hidden := l.shadows.byKey[s.Key]
	if old == nil && len(l.byKey) >= l.max {
		l.spilled = true
		return
	}
	if !hidden {
		h.s = old
		l.unlink(old)
	}
	l.shadows.set(s.Key, h.s, s.number)
	l.place(s, old, true)
}

// settle ends the shadows of sessions of which nothing is shown that is not written, up to the record last: those of
// some that were just written, and all if nothing at all is.
func (l *Live) settle(some []*Session, last uint64) {
	l.mu.Lock()
	for _, s := range some {
		l.resolve(s.Key, last)
	}
	var rest []Key
	if l.shadows.until != 0 && l.shadows.until <= last {
		rest = slices.Collect(maps.Keys(l.shadows.byKey))
	}
	l.mu.Unlock()
	for part := range slices.Chunk(rest, chunk) {
		l.mu.Lock()
		for _, k := range part {
			l.resolve(k, last)
		}
		l.mu.Unlock()
	}
	l.tidy()
}

// tidy gives back the room that the maps once took.
func (l *Live) tidy() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shadows.until != 0 && len(l.shadows.byKey) == 0 {
		l.shadows = newShadows()
	}
}

// resolve shows what the database has.
func (l *Live) resolve(k Key, last uint64) {
	h, ok := l.shadows.byKey[k]
	if !ok || h.until > last {
		return
	}
	l.shadows.unlink(h.s)
	delete(l.shadows.byKey, k)
	old := l.byKey[k]
	switch {
	case h.s == nil:
		l.unlink(old)
		delete(l.byKey, k)
	case old == nil && len(l.byKey) >= l.max:
		l.spilled = true
	default:
		l.place(h.s, old, false)
	}
}

// over reports that a session which the database has open has ended, by what is shown.
func (l *Live) over(s *Session) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if _, ok := l.shadows.byKey[s.Key]; !ok {
		return false
	}
	now := l.byKey[s.Key]
	return now == nil || !now.Open() || now.Epoch != s.Epoch
}
