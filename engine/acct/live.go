package acct

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Live is the table of open sessions, and of those that closed lately, in memory. It is safe for use by many
// goroutines; what it gives out are copies. Accounting changes it within some 50 ms of the answer, or within some two
// seconds when the database begins to fail.
type Live struct {
	mu      sync.RWMutex
	byKey   map[Key]*Session // the newest of each key
	users   map[string][]*Session
	clients map[string][]*Session
	realms  tally // of open sessions
	closed  []Key // a ring of keys whose session closed
	oldest  int
	open    int
	max     int  // sessions in byKey, at most
	spilled bool // some were left out
	booked  bookings
	shadows shadows // what the database has of sessions that are shown in a later state
}

// chunk is how many sessions are looked at before others get a turn.
const chunk = 1024

// keptClosed is how many closed sessions stay in memory, so that what comes late finds them without the store.
const keptClosed = 1 << 14

func newLive(max int) *Live {
	return &Live{
		max:   max,
		byKey: map[Key]*Session{}, users: map[string][]*Session{}, clients: map[string][]*Session{},
		realms: tally{}, booked: bookings{byUser: map[string][]booking{}, realms: tally{}}, shadows: newShadows(),
	}
}

// Len gives the number of open sessions.
func (l *Live) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.open
}

// Spilled reports whether sessions were left out for want of room: the database alone has them.
func (l *Live) Spilled() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.spilled
}

// put takes a session as the database has it. It belongs to the table from then on and is never changed again: a
// newer state is another Session.
func (l *Live) put(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h, ok := l.shadows.byKey[s.Key]; ok {
		if h.s == nil || h.s.Epoch <= s.Epoch {
			l.shadows.set(s.Key, s, h.until)
		}
		return
	}
	old := l.byKey[s.Key]
	if old != nil && old.Epoch > s.Epoch {
		return // an older session of the key, which is closed
	}
	if old == nil && len(l.byKey) >= l.max {
		l.spilled = true // the database has it
		return
	}
	l.place(s, old, true)
}

// place shows a session instead of old, which may be nil. news tells that it may be the first that is seen of it: then
// it ends the place that was booked.
func (l *Live) place(s, old *Session, news bool) {
	l.unlink(old)
	l.byKey[s.Key] = s
	other := old == nil || old.Epoch != s.Epoch
	if s.Open() {
		l.link(s)
		if other && news {
			l.booked.confirm(s)
		}
	} else if other || old.Open() {
		l.retire(s.Key)
		if other && news { // it was over before it was seen
			d := s.Device()
			l.booked.drop(s.User, func(b booking) bool { return b.device.Same(d) })
		}
	}
}

// refresh takes a row that another server has changed.
func (l *Live) refresh(s *Session) {
	if old := l.get(s.Key); old != nil && old.Epoch == s.Epoch {
		s.last = old.last
	}
	l.put(s)
}

func (l *Live) link(s *Session) {
	s.live = true
	s.byUser, s.byClient = len(l.users[s.User]), len(l.clients[s.Client])
	l.users[s.User] = append(l.users[s.User], s)
	l.clients[s.Client] = append(l.clients[s.Client], s)
	l.realms.add(s.Realm, 1)
	l.open++
}

func (l *Live) unlink(s *Session) {
	if s == nil || !s.live {
		return
	}
	s.live = false
	if moved := cut(l.users, s.User, s.byUser); moved != nil {
		moved.byUser = s.byUser
	}
	if moved := cut(l.clients, s.Client, s.byClient); moved != nil {
		moved.byClient = s.byClient
	}
	l.realms.add(s.Realm, -1)
	l.open--
}

// cut takes one out of a list of an index and gives the session that moved to its place, if any.
func cut(index map[string][]*Session, name string, at int) *Session {
	list := index[name]
	last := len(list) - 1
	moved := list[last]
	list[at], list[last] = moved, nil
	if last == 0 {
		delete(index, name)
		return nil
	}
	index[name] = list[:last]
	return moved
}

// retire keeps a closed session for a while.
func (l *Live) retire(k Key) {
	if len(l.closed) < keptClosed {
		l.closed = append(l.closed, k)
		return
	}
	old := l.closed[l.oldest]
	if s := l.byKey[old]; s != nil && !s.Open() && old != k {
		delete(l.byKey, old)
		if h, ok := l.shadows.byKey[old]; ok && h.s == nil && len(l.shadows.byKey) > l.max {
			delete(l.shadows.byKey, old) // room is bounded; it may be seen once more, until it is written
		}
	}
	l.closed[l.oldest] = k
	l.oldest = (l.oldest + 1) % keptClosed
}

// forgetClosed drops the sessions that have ended: the places of their rows are not those of another database.
func (l *Live) forgetClosed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.byKey, func(k Key, s *Session) bool {
		_, hidden := l.shadows.byKey[k]
		return !hidden && !s.Open()
	})
	for k, h := range l.shadows.byKey {
		if h.s != nil && !h.s.Open() {
			l.shadows.byKey[k] = shadow{nil, h.until}
		}
	}
}

// A Filter chooses sessions; empty fields choose all.
type Filter struct {
	User    string // canonical, or as received
	Client  string
	NAS     string // nasipaddress, NAS-Identifier or client
	Realm   string
	Calling string // Calling-Station-Id; a MAC address in any writing
	ID      string // Acct-Session-Id, or the whole of acctuniqueid
	Since   time.Time
	Until   time.Time // sessions that began in [Since, Until) or were open then
	Began   time.Time // those of Live alone that began then or later; zero: all
	Limit   int       // 0: no limit
}

func (f *Filter) match(s *Session) bool {
	return (f.User == "" || s.User == f.User || s.UserName == f.User) &&
		(f.Client == "" || s.Client == f.Client) &&
		(f.NAS == "" || s.NASAddress == f.NAS || s.NASIdentifier == f.NAS || s.Client == f.NAS) &&
		(f.Realm == "" || s.Realm == f.Realm) &&
		(f.Calling == "" || sameStation(s.CallingStationID, f.Calling)) &&
		(f.ID == "" || s.SessionID == f.ID || len(f.ID) == 32 && s.Unique() == f.ID) &&
		(f.Began.IsZero() || s.Begin >= f.Began.Unix()) &&
		(f.Since.IsZero() || s.Open() || s.End >= f.Since.Unix()) &&
		(f.Until.IsZero() || s.Begin < f.Until.Unix())
}

// Select gives the open sessions that match, the newest first. What changes meanwhile may be missed.
func (l *Live) Select(f Filter) []Session { return l.SelectIf(f, nil) }

// SelectIf is Select of those sessions that are wanted, too. wanted must be quick, and keep nothing; what it refuses
// costs no copy. nil wants all.
func (l *Live) SelectIf(f Filter, wanted func(*Session) bool) []Session {
	var found []Session
	l.each(&f, func(s *Session) {
		if f.match(s) && (wanted == nil || wanted(s)) {
			found = append(found, *s)
		}
	})
	slices.SortFunc(found, func(a, b Session) int {
		return cmp.Or(cmp.Compare(b.Begin, a.Begin), cmp.Compare(a.Unique(), b.Unique()))
	})
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
	}
	return found
}

// Count gives how many open sessions match.
func (l *Live) Count(f Filter) int {
	n := 0
	l.each(&f, func(s *Session) {
		if f.match(s) {
			n++
		}
	})
	return n
}

// Doubtful gives the open sessions that should have been heard of (Session.Doubtful), for the reaper.
func (l *Live) Doubtful(now time.Time) []Session {
	var found []Session
	l.each(&Filter{}, func(s *Session) {
		if s.Doubtful(now.Unix()) {
			found = append(found, *s)
		}
	})
	return found
}

// each gives the open sessions that a filter can match: those of one list at a time, and not long ones at once, so
// that logins don't wait.
func (l *Live) each(f *Filter, do func(*Session)) {
	l.mu.RLock()
	_, known := l.users[f.User]
	names := []string{f.Client}
	if f.Client == "" {
		names = slices.Collect(maps.Keys(l.clients))
	}
	l.mu.RUnlock()
	if f.User != "" && known {
		l.walk(l.users, f.User, do)
		return
	}
	for _, name := range names {
		l.walk(l.clients, name, do)
	}
}

func (l *Live) walk(index map[string][]*Session, name string, do func(*Session)) {
	for at, more := 0, true; more; at += chunk {
		more = l.walkSome(index, name, at, do)
	}
}

func (l *Live) walkSome(index map[string][]*Session, name string, at int, do func(*Session)) (more bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list := index[name]
	if at >= len(list) {
		return false
	}
	end := min(at+chunk, len(list))
	for _, s := range list[at:end] {
		do(s)
	}
	return end < len(list)
}
