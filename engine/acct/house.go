package acct

import (
	"os"
	"time"
)

// keepHouse does, once in a while, what is not urgent.
func (s *Store) keepHouse() {
	if s.sick.Load() != nil {
		s.probe()
	}
	if s.sick.Load() != nil || s.o.Now().Sub(s.checked) < s.o.Retry {
		return
	}
	s.checked = s.o.Now()
	s.watchJournal()
	s.prune()
	s.retain()
	if db, ok := s.db.(sharer); ok {
		if err := db.changes(s.live, false); err != nil {
			s.judge(err)
			return
		}
	}
	s.reap()
}

// watchJournal notices that the journal was removed. That it is missing for a moment is how it is put aside.
func (s *Store) watchJournal() {
	_, err := os.Lstat(s.spool.path)
	was := s.missing
	if s.missing = os.IsNotExist(err); s.missing && was {
		s.o.Log.Error("the journal of accounting was removed; a new one is begun", "file", s.spool.path)
		s.journal.Reopen()
	}
}

// prune removes files of the journal that are in the database, once that is durable there.
func (s *Store) prune() {
	done, err := s.spool.prunable(s.doneTo)
	if len(done) == 0 || err != nil {
		return
	}
	if err := s.db.settle(s.doneTo); err != nil {
		s.judge(err)
		return
	}
	if err := s.spool.prune(s.doneTo); err != nil {
		s.o.Log.Warn("files of the journal that are done with cannot be removed", "err", err.Error())
	}
}

// retained is how many rows one step of retention deletes: some milliseconds. There are more steps as long as they
// take no more than retainFor in one round, so that deleting keeps up with writing.
const (
	retained  = 500
	retainFor = 100 * time.Millisecond
)

// retain deletes a few of the rows that are older than the settings say.
func (s *Store) retain() {
	before := func(d time.Duration) int64 {
		if d <= 0 {
			return 0
		}
		return s.o.Now().Add(-d).Unix()
	}
	r := s.o.Retention
	if r.Sessions <= 0 && r.Events <= 0 {
		return
	}
	for begun := time.Now(); time.Since(begun) < retainFor; {
		n, err := s.db.retain(before(r.Sessions), before(r.Events), retained)
		if err != nil {
			s.judge(err)
		}
		if n < retained || err != nil {
			return
		}
	}
}

// reapedAtOnce is how many sessions one step of the reaper closes.
const reapedAtOnce = 100

// reap closes sessions whose NAS has stopped to send interims. It does nothing while records wait: the interims may
// be among them; nor soon after the database was away, as other servers may have them in their journals.
func (s *Store) reap() {
	now := s.o.Now()
	if s.o.Reap <= 0 || now.Sub(s.reapedAt) < reapEvery || s.queued() > 0 || now.Sub(s.recovered) < s.o.Reap {
		return
	}
	s.reapedAt = now
	n := 0
	for _, o := range s.live.Doubtful(now) {
		if now.Unix()-o.Heard < int64(s.o.Reap/time.Second) {
			continue
		}
		if n++; n > reapedAtOnce {
			s.reapedAt = time.Time{}
			return
		}
		s.Zap(o.Unique(), CauseLost, func(err error) {
			if err == nil {
				s.reaped.Add(1)
			}
		})
	}
}

// reapEvery is how often the reaper looks.
const reapEvery = 10 * time.Second
