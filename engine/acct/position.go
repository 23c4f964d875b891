package acct

import (
	"errors"
	"fmt"
)

// catchUp does what OpenStore could not do with a database that was away.
func (s *Store) catchUp() bool {
	err := s.restore()
	if err == nil && s.doneTo > s.opened {
		// The journal was put back to an earlier state; what it has got since has numbers that are taken.
		err = s.renew(s.opened)
		s.restored = err == nil
	}
	s.judge(err)
	if err == nil {
		s.reconcile(s.doneTo)
	}
	return err == nil
}

// renew gives the journal another name in the database.
func (s *Store) renew(after uint64) error {
	if err := s.db.(sharer).renew(after); err != nil {
		return err
	}
	s.o.Log.Warn("the accounting directory is a copy, or was put back; its journal has another name in the database now", "from", after+1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doneTo = after
	return nil
}

// rewind goes on behind another record than the last that was applied here: a commit whose answer got lost had
// gone through, or the database was put back. What it lacks is read from the journal, as far as that has it.
func (s *Store) rewind(at uint64) error {
	s.mu.Lock()
	durable, was := s.durable, s.doneTo
	s.mu.Unlock()
	if at > durable {
		return fmt.Errorf("the database has records up to number %d, the journal ends with %d; expected a database of this journal, or a restart to begin with this one", at, durable)
	}
	s.o.Log.Warn("the accounting database stands at another record than expected; going on from there", "expected", was, "found", at)
	if db, ok := s.db.(sharer); ok {
		if err := db.changes(s.live, true); err != nil {
			return err
		}
	}
	_, octets, err := s.spool.last(at)
	if err != nil {
		return err
	}
	s.spool.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doneTo, s.pending, s.later, s.backlog, s.behind, s.queue = at, "", "", octets, true, nil
	s.wakeWaiters()
	return nil
}

// reach makes sure that there is a database.
func (s *Store) reach() error {
	fresh, err := s.db.usable()
	if err == nil && fresh {
		s.orphans = true
		s.live.forgetClosed()
		s.o.Log.Error("accounting database was gone or replaced; a new one is written", "database", s.o.Database)
	}
	return err
}

// probe tries a database that failed, when no record does. A transaction that begins is no success as long as one
// waits: on a full disk all begin, and none ends.
func (s *Store) probe() {
	if s.pending != "" {
		return
	}
	err := s.reach()
	if err == nil {
		err = s.db.begin(s.doneTo, nil, nil, nil)
		s.db.abort()
	}
	if moved := (*movedError)(nil); !errors.As(err, &moved) && !errors.Is(err, errOwner) { // that is for the next record to see
		s.judge(err)
	}
}

// caughtUp ends the reading of files if nothing was written meanwhile.
func (s *Store) caughtUp(durable uint64) (more bool) {
	if !s.endReading(durable) {
		return true
	}
	s.reconcile(durable)
	return false
}

func (s *Store) endReading(durable uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.durable != durable {
		return false
	}
	if s.doneTo < durable {
		s.o.Log.Error("records that were answered are not in the journal any more: somebody has changed its files", "from", s.doneTo+1, "to", durable)
	}
	s.behind, s.backlog, s.doneTo = false, 0, durable
	s.spool.close()
	s.wakeWaiters()
	return true
}
