package acct

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// run plays the journal into the database until Close.
func (s *Store) run() {
	defer close(s.ended)
	tick := time.NewTicker(s.o.Retry)
	defer tick.Stop()
	for {
		select {
		case <-s.wake:
		case <-tick.C:
			s.keepHouse()
		case <-s.ending:
			s.drain()
			return
		}
		if s.sick.Load() != nil && !s.retry(tick) {
			return
		}
		for s.step() {
			if !s.rest() {
				s.drain()
				return
			}
		}
	}
}

// retry waits before the next attempt with a database that failed.
func (s *Store) retry(tick *time.Ticker) bool {
	select {
	case <-tick.C:
		return true
	case <-s.ending:
		s.drain()
		return false
	}
}

// rest lets records gather, so that a transaction under load is large. A lone record does not wait: the rest
// comes after it. It gives false when the store ends.
func (s *Store) rest() bool {
	t := time.NewTimer(s.o.Pace)
	defer t.Stop()
	if s.queued() >= maxApply {
		return true
	}
	select {
	case <-t.C:
		return true
	case <-s.ending:
		return false
	}
}

func (s *Store) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.behind {
		return maxApply
	}
	return len(s.queue)
}

// drain applies what is left, as long as the database takes it, for some seconds: the journal has the rest.
func (s *Store) drain() {
	for end := time.Now().Add(5 * time.Second); s.step() && time.Now().Before(end); {
	}
	s.release(ErrClosed)
}

// step applies one part of the journal; false if there is nothing to do, or the database fails.
func (s *Store) step() bool {
	if !s.restored && !s.catchUp() || s.pending == "" && !s.take() {
		return false
	}
	if s.pending == "" {
		return true
	}
	err := s.apply()
	if errors.Is(err, errOwner) {
		err = s.renew(s.doneTo)
		s.judge(err)
		return err == nil
	}
	if moved := (*movedError)(nil); errors.As(err, &moved) {
		err = s.rewind(moved.at)
		s.judge(err)
		return err == nil
	}
	if err != nil && s.divide(err) {
		return true
	}
	s.judge(err)
	if err != nil {
		s.release(ErrDatabase)
		return false
	}
	s.finish(len(s.pending), s.to)
	s.pending, s.refusals = "", 0
	return true
}

// take gets the next part: from memory, or from the journal's files if there is more than memory holds.
func (s *Store) take() bool {
	if s.later != "" {
		s.pending, s.to, s.later = s.later, lastNumber(s.later), ""
		return true
	}
	s.mu.Lock()
	behind, durable := s.behind, s.durable
	s.taken = s.o.Now()
	if !behind {
		s.cutQueue()
	}
	s.mu.Unlock()
	if !behind {
		return s.pending != ""
	}
	chunk, last, err := s.spool.read(s.doneTo, durable, maxApply)
	if err != nil {
		s.judge(err)
		return false
	}
	if chunk == "" {
		return s.caughtUp(durable)
	}
	s.pending, s.to = chunk, last
	return true
}

// cutQueue takes whole lines off the queue's front.
func (s *Store) cutQueue() {
	n := len(s.queue)
	if n == 0 {
		return
	}
	if n > maxApply {
		n = strings.LastIndexByte(string(s.queue[:maxApply]), '\n') + 1
	}
	s.pending = string(s.queue[:n])
	s.queue = append(s.queue[:0], s.queue[n:]...)
	s.to = lastNumber(s.pending)
}

// finish counts what is applied and wakes who waits for it.
func (s *Store) finish(octets int, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doneTo = last
	s.backlog = max(0, s.backlog-int64(octets))
	s.since = s.taken
	s.wakeWaiters()
}

func (s *Store) wakeWaiters() {
	s.waiters = slices.DeleteFunc(s.waiters, func(w waiter) bool {
		ready := s.has(w.number, w.shown)
		if ready {
			close(w.ready)
		}
		return ready
	})
	n := 0
	for n < len(s.held) && s.held[n].number <= s.doneTo {
		n++
	}
	if n == 0 {
		return
	}
	ready := append([]heldDone(nil), s.held[:n]...)
	s.held = append(s.held[:0], s.held[n:]...)
	go func() {
		for _, h := range ready {
			h.done(nil)
		}
	}()
}

// release refuses all answers that wait for the database.
func (s *Store) release(err error) {
	s.mu.Lock()
	held := s.held
	s.held = nil
	s.mu.Unlock()
	for _, h := range held {
		h.done(err)
	}
}

// judge keeps the state of the database and tells of changes, once each.
func (s *Store) judge(err error) {
	was := s.sick.Load()
	switch {
	case err != nil:
		text := err.Error()
		s.sick.Store(&text)
		s.follower.signal()
		if was == nil || *was != text {
			s.o.Log.Error("accounting database cannot be written; records wait in the journal", "err", text, "spool", !s.o.NoSpool)
		}
	case was != nil:
		s.sick.Store(nil)
		if s.work.shared {
			s.recovered = s.o.Now()
		}
		s.o.Log.Info("accounting database is written again")
	}
}

// apply writes the pending part in one transaction and then shows it in the live table.
func (s *Store) apply() error {
	err := s.reach()
	if err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		if err = s.transact(); err == nil || !again(err) || tries == 5 {
			return err
		}
	}
}

// transact is one attempt.
func (s *Store) transact() error {
	w := &s.work
	if bad := w.parse(s.pending, &s.counts); bad > 0 {
		s.o.Log.Warn("the journal has lines that are no accounting records; they are left out", "lines", bad)
	}
	w.after = s.doneTo
	if err := w.fill(s.db); err != nil {
		s.db.abort()
		return err
	}
	if s.orphans {
		w.adopt()
	}
	w.batch.last = s.to
	if err := s.db.commit(&w.batch); err != nil {
		s.db.abort()
		return err
	}
	s.orphans = false
	s.showing.Lock()
	defer s.showing.Unlock()
	w.publish(&s.counts)
	s.seen(s.to)
	return nil
}
