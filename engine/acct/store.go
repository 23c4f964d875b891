package acct

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Store keeps accounting: a row for each session, a row for each event, and the table of live sessions.
//
// A record is written to a journal first, one fsync for all that wait together, and is then answered. A single
// goroutine plays the journal into the database right behind, in large transactions that hold the number of the
// last record they contain. So a crash loses nothing and applies nothing twice, and a database that is slow, locked
// or away delays no answer as long as there is room for the journal (Options.Backlog).
//
// All methods may be called from many goroutines.
type Store struct {
	o       StoreOptions
	lock    io.Closer // nobody else uses the directory
	journal *Journal
	live    *Live
	db      backend
	spool   spool

	follower follower
	showing  sync.Mutex // held while live is judged by and changed; before mu

	mu      sync.Mutex // protects what follows
	queue   []byte     // durable lines that are not applied yet
	behind  bool       // queue is not kept: lines are read from the journal
	durable uint64     // number of the last durable record
	backlog int64      // octets that are not applied
	since   time.Time  // when the oldest of them became durable; a little later under load
	taken   time.Time  // when the part that is being applied was cut off from the rest
	held    []heldDone // answers that wait for the database, without a spool
	waiters []waiter
	doneTo  uint64 // number of the last applied record
	shown   uint64 // number of the last record that live has, if that is above doneTo

	wake   chan struct{}
	ending chan struct{}
	ended  chan struct{}
	once   sync.Once
	sick   atomic.Pointer[string] // why the database cannot be written; nil if it can
	counts counts
	reaped atomic.Uint64
	shared shared

	// Only the store's goroutine touches what follows.
	work              work
	opened            uint64 // number of the journal's last record at the start
	pending           string // a part of the journal that is being applied
	to                uint64 // number of its last record
	restored          bool   // what the database had at the start is read
	orphans           bool   // the database is a new one: live sessions must be written anew
	missing           bool   // the journal's file was not there when it was looked for last
	later             string // behind pending: a part was divided to find a record that the database refuses
	refusals          int    // records put aside since the last that was taken
	checked, reapedAt time.Time
	recovered         time.Time // when the database was last written again
}

// StoreOptions are the settings of OpenStore.
type StoreOptions struct {
	Dir       string // of the journal, and of the embedded database; it is made
	Database  string // path of an SQLite database, or postgres://…; empty: acct.db in Dir
	Node      string // name of this server among those that share a PostgreSQL; empty: its host name
	Rules     Rules
	Retention Retention
	Backlog   int64         // octets of records that wait for the database, at most; 0: 1 GiB
	NoSpool   bool          // answer only what is in the database
	Segment   int64         // octets of one file of the journal; 0: 16 MiB
	MaxLive   int           // sessions in memory, at most; 0: 1,000,000 (some 800 octets each)
	Reap      time.Duration // a session whose interims have stopped is closed after this, and three intervals; 0: never
	Pace      time.Duration // least time between two transactions under load; 0: 50 ms
	Retry     time.Duration // between attempts when the database fails; 0: 1 s
	Log       *slog.Logger  // nil: nothing is logged
	Now       func() time.Time
}

// Errors of Append, given to done.
var (
	ErrBacklog  = errors.New("acct: the database is away, and the journal is as large as it may be")
	ErrDatabase = errors.New("acct: the database cannot be written")
)

// counts are kept for metrics.
type counts struct {
	records, repeated, reused, unreadable, refused, batches atomic.Uint64
}

type heldDone struct {
	number uint64
	done   func(error)
}

type waiter struct {
	number uint64
	shown  bool // for live, not for the database
	ready  chan struct{}
}

func (o *StoreOptions) setDefaults() {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.Pace, 50*time.Millisecond)
	set(&o.Retry, time.Second)
	if o.Backlog <= 0 {
		o.Backlog = 1 << 30
	}
	if o.Segment <= 0 {
		o.Segment = 16 << 20
	}
	if o.MaxLive <= 0 {
		o.MaxLive = 1e6
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Database == "" {
		o.Database = filepath.Join(o.Dir, "acct.db")
	}
	if o.Node == "" {
		o.Node, _ = os.Hostname()
	}
}

// OpenStore opens the journal and the database, makes what is missing, restores the live sessions, and begins to
// apply what an earlier run has left in the journal. An embedded database that cannot be opened is an error; a
// PostgreSQL that is away is not, if there is a spool.
func OpenStore(o StoreOptions) (*Store, error) {
	o.setDefaults()
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	db, err := openBackend(&o)
	if err != nil {
		lock.Close()
		return nil, err
	}
	return openStore(o, db, lock)
}

// openStore is OpenStore over a database.
func openStore(o StoreOptions, db backend, lock io.Closer) (*Store, error) {
	path := filepath.Join(o.Dir, "spool.jsonl")
	s := &Store{
		lock: lock,
		o:    o, db: db, live: newLive(o.MaxLive), spool: spool{path: path},
		wake: make(chan struct{}, 1), ending: make(chan struct{}), ended: make(chan struct{}),
	}
	s.work.init(&s.o.Rules, s.live)
	s.follower.init(&s.o, s.live, path)
	_, s.work.shared = db.(sharer)
	if db, ok := db.(placer); ok {
		s.shared.places = db.places()
	}
	err := s.restore()
	if newer := (*newerError)(nil); err != nil && s.work.shared && !o.NoSpool && !errors.As(err, &newer) {
		s.judge(err)
		err = nil
	}
	if err == nil {
		err = s.openJournal(path)
	}
	if err != nil {
		db.close()
		lock.Close()
		return nil, err
	}
	go s.run()
	if s.o.NoSpool { // what the database does not have was not answered
		close(s.follower.ended)
	} else {
		go s.follow()
	}
	return s, nil
}

// restore takes from the database what an earlier run has left.
func (s *Store) restore() error {
	done, err := s.db.applied()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.doneTo = done
	s.mu.Unlock()
	now := s.o.Now().Unix()
	err = s.db.restore(func(o *Session) {
		o.Heard = max(o.Heard, now) // its silence may have been ours
		s.live.put(o)
	})
	s.restored = err == nil
	return err
}

func openBackend(o *StoreOptions) (backend, error) {
	if strings.HasPrefix(o.Database, "postgres://") || strings.HasPrefix(o.Database, "postgresql://") {
		node, err := nodeName(o)
		if err != nil {
			return nil, err
		}
		return openPostgres(o.Database, node, func() (string, error) { return newNode(o) })
	}
	return openSQLiteStore(o.Database)
}

// openJournal finds where the journal ends and goes on from there.
func (s *Store) openJournal(path string) error {
	last, octets, err := s.spool.last(s.doneTo)
	if err != nil {
		return err
	}
	s.opened = last
	s.durable, s.backlog, s.behind, s.since = last, octets, last > s.doneTo || !s.restored, s.o.Now()
	s.journal, err = Open(path, Options{
		MaxSize: s.o.Segment, Log: s.o.Log, Now: s.o.Now, Retry: s.o.Retry, First: last + 1, Written: s.written,
		Directory: ahead{room: 1 << 20},
	})
	return err
}

// Append adds a record of AppendRecord or AppendClose, which must not change until done is called: once, with nil
// when the record cannot be lost any more, or with why it was refused. done runs on another goroutine, also for
// errors, and must not block.
func (s *Store) Append(record []byte, done func(error)) {
	if err := s.room(); err != nil {
		go done(err)
		return
	}
	if s.o.NoSpool {
		done = s.hold(done)
	}
	s.journal.Append(record, done)
}

func (s *Store) room() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.backlog > s.o.Backlog {
		return ErrBacklog
	}
	return nil
}

// hold makes an answer wait until the record is in the database.
func (s *Store) hold(done func(error)) func(error) {
	return func(err error) {
		if err == nil && s.sick.Load() != nil {
			err = ErrDatabase
		}
		if err != nil {
			done(err)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.durable <= s.doneTo {
			go done(nil)
			return
		}
		s.held = append(s.held, heldDone{s.durable, done})
	}
}

// written takes a group that is durable in the journal.
func (s *Store) written(lines []byte, last uint64) {
	s.mu.Lock()
	s.durable = last
	if s.backlog == 0 {
		s.since = s.o.Now()
	}
	s.backlog += int64(len(lines))
	if !s.behind && len(s.queue)+len(lines) > maxQueue {
		s.behind, s.queue = true, nil
	}
	if !s.behind {
		s.queue = append(s.queue, lines...)
	}
	s.mu.Unlock()
	s.signal()
	if s.sick.Load() != nil {
		s.follower.signal()
	}
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// The bounds of memory and of a transaction, in octets of records.
const (
	maxQueue = 16 << 20
	maxApply = 2 << 20
)

// Live gives the table of sessions.
func (s *Store) Live() *Live { return s.live }

// Healthy reports whether records can be answered: the journal can be written and has room, and the database too if
// there is no spool.
func (s *Store) Healthy() bool {
	return s.journal.Healthy() && s.room() == nil && (!s.o.NoSpool || s.sick.Load() == nil)
}

// Reopen opens the journal by its name again, after somebody has renamed it.
func (s *Store) Reopen() { s.journal.Reopen() }

// Sessions gives sessions from the database, the newest first: also closed ones. It may wait for the disk. For live
// sessions Live.Select is quicker.
func (s *Store) Sessions(f Filter) (found []Session, err error) {
	err = s.db.query(f, true, func(o *Session) bool {
		found = append(found, *o)
		return f.Limit <= 0 || len(found) < f.Limit
	})
	return found, err
}

// Totals are sums over sessions.
type Totals struct {
	Sessions, Open int
	Time           time.Duration // of closed sessions, and of open ones as far as their NAS has told
	Input, Output  uint64        // octets
	First, Last    time.Time     // begins of the oldest and the newest
}

// Totals adds up the sessions that match, but for Limit. It reads them all from the database.
func (s *Store) Totals(f Filter) (t Totals, err error) {
	f.Limit = 0
	err = s.db.query(f, true, func(o *Session) bool {
		t.add(o)
		return true
	})
	return t, err
}

func (t *Totals) add(o *Session) {
	t.Sessions++
	if o.Open() {
		t.Open++
	}
	t.Time += time.Duration(o.Seconds) * time.Second
	t.Input += o.Input
	t.Output += o.Output
	if t.First = time.Unix(o.Begin, 0).UTC(); t.Last.IsZero() {
		t.Last = t.First // the newest comes first
	}
}

// Zap closes an open session as cause says, such as CauseAdminReset, durably: done tells when. A Stop that comes
// later corrects the row.
func (s *Store) Zap(unique, cause string, done func(error)) {
	s.Append(AppendClose(nil, s.o.Now(), unique, cause), done)
}

// Settled gives a channel that is closed when all records that are durable now are in the database and in Live.
func (s *Store) Settled() <-chan struct{} { return s.await(false) }

// has reports that a record is in the database, or in Live.
func (s *Store) has(number uint64, shown bool) bool {
	return number <= s.doneTo || shown && number <= s.shown
}

func (s *Store) await(shown bool) <-chan struct{} {
	ready := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(s.durable, shown) {
		close(ready)
		return ready
	}
	s.waiters = append(s.waiters, waiter{s.durable, shown, ready})
	s.signal()
	return ready
}

// Close writes and answers what waits in the journal, applies what it can, once, and closes all.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		err = s.journal.Close()
		close(s.ending)
		<-s.ended
		<-s.follower.ended
		s.spool.close()
		if s.shared.places != nil {
			s.shared.places.close()
		}
		err = errors.Join(err, s.db.close(), s.lock.Close())
	})
	return err
}
