package acct

import "time"

// A backend is a database that holds radacct and the events.
type backend interface {
	// applied gives the number of the last record of ours that is in the database.
	applied() (uint64, error)
	// open gives all open sessions. Those that share the database with other servers give theirs too.
	restore(each func(*Session)) error
	// begin starts a transaction and gives the newest row of each key: locked, if others write too. In a database
	// of our own only those are looked up that known does not have.
	begin(keys []Key, known func(Key) *Session, found func(*Session)) error
	// ofClient gives the open sessions of a client that are not known to the caller already.
	ofClient(name string, found func(*Session)) error
	// commit writes and ends the transaction. Sessions without a Row get one. If synced is true it is durable when
	// commit returns; else the journal must be kept.
	commit(b *batch, synced bool) error
	// abort ends a transaction that failed.
	abort()
	// usable checks what changes behind our back, such as a file that was removed, and opens it again; fresh tells
	// that it is another, empty database.
	usable() (fresh bool, err error)
	// retain deletes at most n rows, and as many events, that ended before the times; 0 keeps all.
	retain(rows, events int64, n int) (deleted int, err error)
	// query gives rows for people, the newest first, until each says false.
	query(f Filter, closed bool, each func(*Session) bool) error
	close() error
}

// A sharer is a backend that other servers write into as well.
type sharer interface {
	// changes brings live up to date with what they have written.
	changes(live *Live) error
}

// A batch is what one transaction writes.
type batch struct {
	events   []entryEvent
	sessions []*Session
	last     uint64 // number of the last record
	adopted  bool   // sessions without a Row may be there nevertheless
}

// An entryEvent is one row of the event table.
type entryEvent struct {
	*Event
	at     int64  // its time, seconds
	unique string // of its session; empty if it has none
	what   Verdict
	none   bool // no session
}

// verdict is the column of that name: new, reused, same, repeated, stale, or empty.
func (e *entryEvent) verdict() string {
	if e.none {
		return ""
	}
	return [...]string{"new", "reused", "same", "repeated", "stale"}[e.what]
}

// Retention says how long rows are kept. 0 is for ever.
type Retention struct {
	Sessions time.Duration // after their end
	Events   time.Duration // after their arrival
}
