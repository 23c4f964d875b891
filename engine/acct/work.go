package acct

import "strings"

// work is what one transaction does: events in their order, and the sessions that they change.
type work struct {
	rules  *Rules
	live   *Live
	face   face // of live: what the database has, unless this only shows
	shared bool // others write too: what the database says counts, not live

	after  uint64 // number of the last record in the database
	events []Event
	keys   []Key
	keyed  []bool           // whether an event has the key of the same place
	needed []Key            // each once
	base   map[Key]*Session // newest session of a key before this transaction, where live has none
	now    map[Key]*Session // and within it; may be changed
	number uint64           // of the record that is taken
	batch  batch
}

func (w *work) init(r *Rules, l *Live) {
	w.rules, w.live, w.face = r, l, l
	w.base, w.now = map[Key]*Session{}, map[Key]*Session{}
}

// parse reads the lines of a part of the journal, and counts those that cannot be read.
func (w *work) parse(lines string, c *counts) (bad int) {
	w.events, w.keys, w.keyed, w.needed = w.events[:0], w.keys[:0], w.keyed[:0], w.needed[:0]
	clear(w.base)
	clear(w.now)
	clear(w.batch.sessions)
	w.batch = batch{events: w.batch.events[:0], sessions: w.batch.sessions[:0]}
	for len(lines) > 0 {
		end := strings.IndexByte(lines, '\n')
		if end < 0 {
			end = len(lines) - 1
		}
		w.events = append(w.events, Event{})
		e := &w.events[len(w.events)-1]
		if err := e.Parse(lines[:end]); err != nil {
			bad++
			w.events = w.events[:len(w.events)-1]
		} else {
			w.identify(e)
		}
		lines = lines[end+1:]
	}
	c.unreadable.Add(uint64(bad))
	return bad
}

// identify finds the key of an event.
func (w *work) identify(e *Event) {
	var k Key
	ok := false
	switch {
	case e.Status == Close:
		k, _, ok = ParseUnique(e.Unique)
	case e.Status.ofSession():
		k, ok = w.rules.Identity.Identify(e)
	}
	w.keys, w.keyed = append(w.keys, k), append(w.keyed, ok)
	if _, seen := w.base[k]; ok && !seen {
		w.base[k] = nil
		w.needed = append(w.needed, k)
	}
}

// fill begins the transaction and takes the events one after the other.
func (w *work) fill(db backend) error {
	if err := db.begin(w.after, w.needed, w.face.get, w.found); err != nil {
		return err
	}
	for i := range w.events {
		out := entryEvent{Event: &w.events[i], none: true}
		w.number = out.Seq
		out.at, _ = w.rules.When(out.Event)
		if w.keyed[i] {
			if err := w.session(db, &out, w.keys[i]); err != nil {
				return err
			}
		} else if out.Status.ofNAS() && !out.Apart {
			if err := w.reboot(db, &out); err != nil {
				return err
			}
		}
		w.batch.events = append(w.batch.events, out)
	}
	return nil
}

// newest gives the newest session of a key, which must not be changed.
func (w *work) newest(k Key) *Session {
	if s := w.now[k]; s != nil {
		return s
	}
	if s := w.base[k]; s != nil {
		return s
	}
	if w.shared {
		return nil
	}
	return w.face.get(k)
}

// found takes a row of the database. What is not kept there comes from memory.
func (w *work) found(s *Session) {
	if l := w.face.get(s.Key); l != nil && l.Epoch == s.Epoch {
		s.last = l.last
	}
	w.base[s.Key] = s
}

// change gives the newest session of a key to be changed: a copy, as the transaction may fail.
func (w *work) change(k Key) *Session {
	if s := w.now[k]; s != nil {
		s.number = w.number
		return s
	}
	s := w.live.copyOf(w.newest(k))
	s.described, s.live = false, false
	w.keep(&s)
	return &s
}

func (w *work) keep(s *Session) {
	s.number = w.number
	w.now[s.Key] = s
	w.batch.sessions = append(w.batch.sessions, s)
}

// session takes an event of one session.
func (w *work) session(db backend, e *entryEvent, k Key) error {
	old := w.newest(k)
	if e.Status == Close {
		w.close(e, k, old)
		return nil
	}
	e.none, e.what = false, w.rules.Judge(old, e.Event)
	epoch := uint32(0)
	switch e.what {
	case Reused:
		epoch = old.Epoch + 1
		if old.Open() {
			old = w.change(k)
			old.Finish(old.displaced(w.rules.begin(e.Event, e.at)), CauseReboot)
		}
		w.keep(w.rules.Make(e.Event, k, epoch))
	case Fresh:
		if adopted, err := w.adoptRow(db, e, k); err != nil {
			return err
		} else if !adopted {
			w.keep(w.rules.Make(e.Event, k, epoch))
		}
	case Same:
		w.rules.Merge(w.change(k), e.Event)
	case Stale:
		return nil
	}
	e.unique = w.newest(k).Unique()
	return nil
}

// close takes a record of ours that ends a session.
func (w *work) close(e *entryEvent, k Key, s *Session) {
	if s == nil || s.Unique() != e.Unique {
		return
	}
	e.none, e.unique, e.what = false, e.Unique, Repeated
	if !s.Open() || e.TerminateCause == CauseLost && !s.Doubtful(e.Arrival.Unix()) { // it was heard of meanwhile
		return
	}
	e.what = Same
	s = w.change(k)
	end := e.at
	if e.TerminateCause == CauseLost {
		end = s.displaced(end)
	}
	s.Finish(end, strings.Clone(e.TerminateCause))
}

// reboot takes an Accounting-On or -Off.
func (w *work) reboot(db backend, e *entryEvent) error {
	cause := strings.Clone(rebootCause(e.Event))
	end := func(s *Session) {
		if w.newest(s.Key) == s && w.rules.Speaks(e.Event, s) {
			w.change(s.Key).Finish(e.at, cause)
		}
	}
	if !w.shared {
		for _, s := range w.face.ofClient(e.Client) {
			end(s)
		}
	}
	for _, s := range w.now {
		end(s)
	}
	for _, s := range w.base {
		if s != nil {
			end(s)
		}
	}
	if !w.shared && !w.live.Spilled() {
		return nil
	}
	return db.ofClient(e.Client, func(s *Session) {
		if w.newest(s.Key) == nil {
			w.found(s)
			end(s)
		}
	})
}

// adopt writes all live sessions anew, into a database that has none of them.
func (w *work) adopt() {
	w.batch.adopted = true
	for _, s := range w.batch.sessions {
		s.Row = 0
	}
	for _, s := range w.live.written() {
		if w.now[s.Key] == nil {
			w.change(s.Key).Row = 0
		}
	}
}

// publish shows what is committed.
func (w *work) publish(c *counts) {
	for _, s := range w.batch.sessions {
		w.live.put(s)
	}
	w.live.settle(w.batch.sessions, w.batch.last)
	c.batches.Add(1)
	c.records.Add(uint64(len(w.batch.events)))
	for i := range w.batch.events {
		e := &w.batch.events[i]
		switch {
		case e.none:
		case e.what == Repeated:
			c.repeated.Add(1)
		case e.what == Reused:
			c.reused.Add(1)
		}
	}
}
