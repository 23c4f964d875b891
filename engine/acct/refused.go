package acct

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// refusedName is a file beside the journal: records that the database refuses for what they hold.
const refusedName = "refused.jsonl"

// refusedInRow is how many records may be put aside one after the other. If the database refuses still more, the
// fault is not theirs: somebody has added a constraint or a trigger. Then all wait in the journal until it is mended.
const refusedInRow = 3

// refuses reports that the database will never take what it was given: a constraint, a trigger, a limit.
func refuses(err error) bool {
	if e := (*postgresError)(nil); errors.As(err, &e) && len(e.code) == 5 {
		switch e.code[:2] {
		case "22", "23", "54", "P0": // data, constraint, limit, a trigger's own error
			return true
		}
	}
	e := (*sqliteError)(nil)
	return errors.As(err, &e) && (e.is(18) || e.is(19) || e.is(20)) // too big, constraint, mismatch
}

// divide makes the pending part smaller to find the record that the database refuses, and puts that one aside. It
// gives false if nothing can be done but to wait.
func (s *Store) divide(cause error) bool {
	if !refuses(cause) {
		return false
	}
	if middle := strings.IndexByte(s.pending[len(s.pending)/2:], '\n') + 1 + len(s.pending)/2; middle < len(s.pending) {
		s.retreat(middle)
		return true
	}
	if first := strings.IndexByte(s.pending, '\n') + 1; first < len(s.pending) {
		s.retreat(first)
		return true
	}
	if s.refusals >= refusedInRow {
		return false
	}
	if err := s.putAside(cause); err != nil {
		s.judge(err)
		return false
	}
	s.refusals++
	return true
}

// retreat leaves a part of what is pending for later.
func (s *Store) retreat(n int) {
	s.later = s.pending[n:] + s.later
	s.pending = s.pending[:n]
	s.to = lastNumber(s.pending)
}

// lastNumber gives the number of the last of some lines.
func lastNumber(lines string) uint64 {
	n, _ := lineNumber(lines[strings.LastIndexByte(lines[:len(lines)-1], '\n')+1:])
	return n
}

// putAside writes the one pending record to a file of its own, durably, and makes the database go on behind it.
func (s *Store) putAside(cause error) error {
	path := filepath.Join(s.o.Dir, refusedName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s.pending)
	if err = errors.Join(err, f.Sync(), f.Close(), (disk{}).Sync(s.o.Dir)); err != nil {
		return err
	}
	if err = s.db.begin(s.doneTo, nil, nil, nil); err == nil {
		err = s.db.commit(&batch{last: s.to})
	}
	if err != nil {
		s.db.abort()
		return err
	}
	s.counts.refused.Add(1)
	s.o.Log.Error("the database refuses a record, which was answered; it is put aside", "file", path, "number", s.to, "err", cause.Error())
	s.reconcile(s.to)
	s.finish(len(s.pending), s.to)
	s.pending = ""
	return nil
}
