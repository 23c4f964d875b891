package acct

import (
	"errors"
	"fmt"
	"time"
)

// A backend is a database that holds radacct and the events.
type backend interface {
	// applied gives the number of the last record of ours that is in the database.
	applied() (uint64, error)
	// open gives all open sessions. Those that share the database with other servers give theirs too.
	restore(each func(*Session)) error
	// begin starts a transaction and gives the newest row of each key: locked, if others write too. In a database
	// of our own only those are looked up that known does not have. after is the last record that the caller knows
	// to be in the database; if another one is, begin gives a *movedError.
	begin(after uint64, keys []Key, known func(Key) *Session, found func(*Session)) error
	// ofClient gives the open sessions of a client that are not known to the caller already.
	ofClient(name string, found func(*Session)) error
	// stranger gives, within the transaction, the open row that another program has made for the session of an event;
	// nil if there is none.
	stranger(e *Event) (*Session, error)
	// commit writes and ends the transaction. Sessions without a Row get one. The journal must be kept until settle.
	commit(b *batch) error
	// settle makes durable what was committed, up to the record after.
	settle(after uint64) error
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
	// changes brings live up to date with what they have written, and if own is set also with what we have.
	changes(live *Live, own bool) error
	// renew takes another name for this server's journal, of which the records up to after are in the database. It
	// is for a directory that was copied or put back: two journals with one name would hide each other's records.
	renew(after uint64) error
}

// A movedError tells that the last record in the database is not the one that was expected: a transaction
// was committed though its answer got lost, or the database was put back to an earlier state.
type movedError struct{ at uint64 }

// Error implements error.
func (e *movedError) Error() string {
	return fmt.Sprintf("the database has the journal's records up to number %d; another number was expected", e.at)
}

// errOwner tells that another server goes on under our name: it has a copy of our directory.
var errOwner = errors.New("another server uses a copy of this server's accounting directory")

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
