package acct

import "time"

// lag is how long records may wait for the database before the live table goes on without it.
const lag = time.Second

// A follower shows records in the live table that the database does not take: it is away, locked or slow. It reads them
// from the journal, once, and judges them by what the table shows. When the database takes them it is asked again:
// only its rows decide then, and the table shows them in the end.
type follower struct {
	work   work
	spool  spool
	counts counts // nobody looks at them: the store counts what is written
	wake   chan struct{}
	ended  chan struct{}
	failed string // what was told of last
}

func (f *follower) init(o *StoreOptions, l *Live, path string) {
	f.work.init(&o.Rules, l)
	f.work.face = shown{l}
	f.spool.path = path
	f.wake, f.ended = make(chan struct{}, 1), make(chan struct{})
}

func (f *follower) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// follow shows what the database lacks, until Close.
func (s *Store) follow() {
	f := &s.follower
	defer close(f.ended)
	defer f.spool.close()
	tick := time.NewTicker(lag / 4)
	defer tick.Stop()
	for {
		select {
		case <-f.wake:
		case <-tick.C:
		case <-s.ending:
			return
		}
		for s.lags() && s.showSome() {
			select {
			case <-time.After(s.o.Pace):
			case <-s.ending:
				return
			}
		}
		if s.current() && f.spool.file != nil {
			f.spool.close()
			f.work.parse("", &f.counts)
		}
	}
}

// lags reports that there are records to be shown, which have waited long enough or have nothing to wait for.
func (s *Store) lags() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.durable > max(s.shown, s.doneTo) && (s.sick.Load() != nil || s.backlog > 0 && s.o.Now().Sub(s.since) > lag)
}

// current reports that the database has all that is shown.
func (s *Store) current() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown <= s.doneTo
}

// showSome shows one part of the journal; false if there is none.
func (s *Store) showSome() bool {
	f := &s.follower
	from, durable := s.unseen()
	part, last, err := f.spool.read(from, durable, maxApply)
	if err != nil && err.Error() != f.failed {
		f.failed = err.Error()
		s.o.Log.Error("the journal cannot be read: sessions are counted as the database has them", "err", f.failed)
	}
	if err != nil || part == "" {
		return false
	}
	f.failed = ""
	f.work.parse(part, &f.counts)
	s.showing.Lock()
	defer s.showing.Unlock()
	if now, _ := s.unseen(); now != from {
		return true // the database was quicker
	}
	if f.work.fill(noDatabase{}) != nil {
		return false
	}
	for _, o := range f.work.batch.sessions {
		s.live.show(o)
	}
	s.seen(last)
	return true
}

// unseen gives the number of the last record that the live table has, and of the last that is durable.
func (s *Store) unseen() (from, durable uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.shown, s.doneTo), s.durable
}

// seen counts what the live table has.
func (s *Store) seen(last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = max(s.shown, last)
	s.wakeWaiters()
}

// reconcile shows what the database has, where nothing later is shown: it has the records up to last.
func (s *Store) reconcile(last uint64) {
	s.showing.Lock()
	defer s.showing.Unlock()
	s.live.settle(nil, last)
	s.seen(last)
}

// Shown gives a channel that is closed when Live has all records that are durable now. That is when they are in the
// database (Settled), or sooner if that is away, locked or slow.
func (s *Store) Shown() <-chan struct{} { return s.await(true) }
