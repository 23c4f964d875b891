package acct

import (
	"fmt"
	"os"
	"strings"
)

// A Reader looks at a database that no server of this machine may be using, and changes nothing in it.
type Reader struct {
	db interface {
		query(f Filter, closed bool, each func(*Session) bool) error
	}
	end func()
}

// OpenReader opens the database of a Store to look at it: the path of an SQLite database or postgres://…. Records
// that a crash has left in the journal are not in it before the server's next start.
func OpenReader(database string) (*Reader, error) {
	if strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://") {
		p, err := openPostgres(database, "", nil)
		if err != nil {
			return nil, err
		}
		return &Reader{p, func() { p.close() }}, nil
	}
	if info, err := os.Stat(database); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", database)
	}
	s := &sqliteStore{path: database}
	return &Reader{s, s.closeReader}, nil
}

// Sessions is Store.Sessions; open ones alone if closed is false.
func (r *Reader) Sessions(f Filter, closed bool) (found []Session, err error) {
	err = r.db.query(f, closed, func(o *Session) bool {
		found = append(found, *o)
		return f.Limit <= 0 || len(found) < f.Limit
	})
	return found, err
}

// Totals is Store.Totals.
func (r *Reader) Totals(f Filter) (t Totals, err error) {
	f.Limit = 0
	err = r.db.query(f, true, func(o *Session) bool {
		t.add(o)
		return true
	})
	return t, err
}

// Close ends the look.
func (r *Reader) Close() { r.end() }
