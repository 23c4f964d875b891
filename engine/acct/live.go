package acct

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Live is the table of open sessions, and of those that closed lately, in memory. It is safe for use by many
// goroutines; what it gives out are copies. Accounting changes it within some 50 ms of the answer.
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
}

// chunk is how many sessions are looked at before others get a turn.
const chunk = 1024

// keptClosed is how many closed sessions stay in memory, so that what comes late finds them without the store.
const keptClosed = 1 << 14

func newLive(max int) *Live {
	return &Live{
		max:   max,
		byKey: map[Key]*Session{}, users: map[string][]*Session{}, clients: map[string][]*Session{},
		realms: tally{}, booked: bookings{byUser: map[string][]booking{}, realms: tally{}},
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

// get gives the newest session of a key; only the store's goroutine may call it, and must not change what it gets.
func (l *Live) get(k Key) *Session { return l.byKey[k] }

// put takes a session, which belongs to the table from then on and is never changed again: a newer state is
// another Session.
func (l *Live) put(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.byKey[s.Key]
	if old != nil && old.Epoch > s.Epoch {
		return // an older session of the key, which is closed
	}
	if old != nil {
		l.unlink(old)
	} else if len(l.byKey) >= l.max {
		l.spilled = true // the database has it
		return
	}
	l.byKey[s.Key] = s
	if s.Open() {
		l.link(s)
		if old == nil || old.Epoch != s.Epoch {
			l.booked.confirm(s)
		}
	} else if old == nil || old.Open() || old.Epoch != s.Epoch {
		l.retire(s.Key)
		if old == nil || old.Epoch != s.Epoch { // it was over before it was seen
			d := s.Device()
			l.booked.drop(s.User, func(b booking) bool { return b.device.Same(d) })
		}
	}
}

// refresh takes a row that another server has changed.
func (l *Live) refresh(s *Session) {
	if old := l.byKey[s.Key]; old != nil && old.Epoch == s.Epoch {
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
	if !s.live {
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
	}
	l.closed[l.oldest] = k
	l.oldest = (l.oldest + 1) % keptClosed
}

// forgetClosed drops the sessions that have ended: the places of their rows are not those of another database.
func (l *Live) forgetClosed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.byKey, func(_ Key, s *Session) bool { return !s.Open() })
}

// ofClient gives the open sessions of a client; as get.
func (l *Live) ofClient(name string) []*Session { return l.clients[name] }

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
	Limit   int       // 0: no limit
}

func (f *Filter) match(s *Session) bool {
	return (f.User == "" || s.User == f.User || s.UserName == f.User) &&
		(f.Client == "" || s.Client == f.Client) &&
		(f.NAS == "" || s.NASAddress == f.NAS || s.NASIdentifier == f.NAS || s.Client == f.NAS) &&
		(f.Realm == "" || s.Realm == f.Realm) &&
		(f.Calling == "" || sameStation(s.CallingStationID, f.Calling)) &&
		(f.ID == "" || s.SessionID == f.ID || len(f.ID) == 32 && s.Unique() == f.ID) &&
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
