package acct

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// shakyDB is a database that fails when it is told to.
type shakyDB struct {
	backend
	broken  atomic.Bool // at the beginning of a transaction
	atEnd   atomic.Bool // when it is committed
	mute    atomic.Bool // once, after it has committed
	commits atomic.Int32
	failed  atomic.Int32 // commits that did not
	gate    sync.RWMutex // transactions begin when it is not locked
}

var errDB = errors.New("database is broken")

func (d *shakyDB) begin(after uint64, keys []Key, known func(Key) *Session, found func(*Session)) error {
	d.gate.RLock()
	defer d.gate.RUnlock()
	if d.broken.Load() {
		return errDB
	}
	return d.backend.begin(after, keys, known, found)
}

func (d *shakyDB) commit(b *batch) error {
	if d.atEnd.Load() {
		d.failed.Add(1)
		return errDB
	}
	d.commits.Add(1)
	err := d.backend.commit(b)
	if err == nil && d.mute.Swap(false) {
		err = errDB
	}
	return err
}

func openShaky(t *testing.T, o StoreOptions) (*Store, *shakyDB) {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Retry, o.Pace = 5*time.Millisecond, time.Millisecond
	o.setDefaults()
	db, err := openBackend(&o)
	if err != nil {
		t.Fatal(err)
	}
	d := &shakyDB{backend: db}
	lock, err := lockFile(filepath.Join(o.Dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	var all backend = d
	if shared, ok := db.(sharer); ok {
		all = struct {
			*shakyDB
			sharer
		}{d, shared}
	}
	s, err := openStore(o, all, lock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, d
}

// eventually waits for what another goroutine does.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func answer(s *Store, record string) error {
	c := make(chan error, 1)
	s.Append([]byte(record), func(err error) { c <- err })
	return <-c
}

func TestDatabaseAway(t *testing.T) {
	for _, where := range []string{"begin", "commit"} {
		t.Run(where, func(t *testing.T) {
			dir := t.TempDir()
			s, d := openShaky(t, StoreOptions{Dir: dir})
			flag := &d.broken
			if where == "commit" {
				flag = &d.atEnd
			}
			add(t, s, rec(0, Start, bob, idA))
			settle(t, s)
			flag.Store(true)
			add(t, s, rec(60, Interim, bob, idA, in(5)), rec(90, Start, "1 User-Name=eve", "44 Acct-Session-Id=b"))
			eventually(t, "failure is told", func() bool { return s.Status().Failure != "" })
			if !s.Healthy() {
				t.Error("with a spool the store still answers")
			}
			awaitShown(t, s)
			if s.Live().Select(Filter{User: "bob"})[0].Input != 5 || s.Live().Count(Filter{User: "eve"}) != 1 {
				t.Error("live table lacks what was answered")
			}
			flag.Store(false)
			settle(t, s)
			if st := s.Status(); st.Failure != "" || st.Backlog != 0 || st.Live != 2 {
				t.Errorf("after recovery: %+v", st)
			}
			if got := sqlite(t, filepath.Join(dir, "acct.db"), "SELECT count(*),sum(acctinputoctets) FROM radacct; SELECT group_concat(verdict) FROM acctevent"); got != "2|5\nnew,same,new" {
				t.Errorf("rows: %s", got)
			}
		})
	}
}

func TestNoSpool(t *testing.T) {
	s, d := openShaky(t, StoreOptions{NoSpool: true})
	if err := answer(s, rec(0, Start, bob, idA)); err != nil {
		t.Fatal(err)
	}
	if s.Live().Len() != 1 {
		t.Error("answered before it was in the database")
	}
	d.broken.Store(true)
	if err := answer(s, rec(60, Interim, bob, idA, in(5))); err != ErrDatabase {
		t.Errorf("answer without a database: %v", err)
	}
	if s.Healthy() {
		t.Error("healthy without a database and a spool")
	}
	d.broken.Store(false)
	eventually(t, "recovery", s.Healthy)
	if err := answer(s, rec(60, Interim, bob, idA, in(5))); err != nil {
		t.Error(err)
	}
	if got := s.Live().Select(Filter{}); got[0].Input != 5 {
		t.Errorf("live: %+v", got)
	}
}

func TestBacklogIsBounded(t *testing.T) {
	s, d := openShaky(t, StoreOptions{Backlog: 2000})
	d.broken.Store(true)
	refused := 0
	for i := range 20 {
		if answer(s, rec(i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i))) == ErrBacklog {
			refused++
		}
	}
	if refused < 5 || s.Healthy() {
		t.Errorf("%d of 20 refused; healthy: %v", refused, s.Healthy())
	}
	d.broken.Store(false)
	eventually(t, "recovery", s.Healthy)
	settle(t, s)
	if n := s.Live().Len(); n != 20-refused {
		t.Errorf("%d live, %d were answered", n, 20-refused)
	}
}

// TestBehind: more waits than memory may hold, over several files of the journal, and over a restart.
func TestBehind(t *testing.T) {
	dir := t.TempDir()
	s, d := openShaky(t, StoreOptions{Dir: dir, Segment: 4 << 20})
	d.broken.Store(true)
	filler := "0 Filler=" + strings.Repeat("x", 60<<10)
	const n = 400
	for i := range n {
		add(t, s, rec(i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i), filler))
	}
	s.mu.Lock()
	behind := s.behind
	s.mu.Unlock()
	if !behind {
		t.Error("memory holds it all")
	}
	d.broken.Store(false)
	settle(t, s)
	if live := s.Live().Len(); live != n {
		t.Errorf("%d live, want %d", live, n)
	}
	eventually(t, "old files are removed", func() bool { list, _ := s.spool.segments(); return len(list) <= 1 })
	d.broken.Store(true)
	for i := range 100 {
		add(t, s, rec(n+i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=%d", n+i), filler))
	}
	s.Close()
	s, _ = openShaky(t, StoreOptions{Dir: dir})
	settle(t, s)
	if live := s.Live().Len(); live != n+100 {
		t.Errorf("after a restart %d live, want %d", live, n+100)
	}
	if got := sqlite(t, filepath.Join(dir, "acct.db"), "SELECT count(*) FROM acctevent"); got != fmt.Sprint(n+100) {
		t.Errorf("%s events, want %d", got, n+100)
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir})
	other, err := openSQLite(filepath.Join(dir, "acct.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.exec("BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	add(t, s, rec(0, Start, bob, idA))
	eventually(t, "the lock is told", func() bool { return strings.Contains(s.Status().Failure, "locked") })
	if err := other.exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	if s.Live().Len() != 1 {
		t.Error("record is lost")
	}
}

func TestVanished(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "acct.db")
	s := openTest(t, StoreOptions{Dir: dir})
	add(t, s, rec(0, Start, bob, idA))
	settle(t, s)
	if _, err := s.Sessions(Filter{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"acct.db", "acct.db-wal", "acct.db-shm"} {
		os.Remove(filepath.Join(dir, name))
	}
	add(t, s, rec(1, Start, "1 User-Name=eve", "44 Acct-Session-Id=b"), rec(60, Interim, bob, idA, in(5)))
	settle(t, s)
	if got := sqlite(t, path, "SELECT username,acctinputoctets FROM radacct ORDER BY 1"); got != "bob|5\neve|0" {
		t.Errorf("new database: %s", got)
	}
	if all, err := s.Sessions(Filter{}); err != nil || len(all) != 2 {
		t.Errorf("Sessions: %d, %v", len(all), err)
	}
	add(t, s, rec(70, Stop, bob, idA, in(9)))
	settle(t, s)
	if got := sqlite(t, path, "SELECT acctinputoctets FROM radacct WHERE acctstoptime IS NOT NULL"); got != "9" {
		t.Errorf("stop in the new database: %q", got)
	}
}

func TestJournalRemoved(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir})
	add(t, s, rec(0, Start, bob, idA))
	path := filepath.Join(dir, "spool.jsonl")
	os.Remove(path)
	eventually(t, "a new journal", func() bool {
		add(t, s, rec(1, Interim, bob, idA))
		_, err := os.Stat(path)
		return err == nil
	})
	settle(t, s)
}

func TestFullDisk(t *testing.T) {
	db, err := openSQLiteStore(filepath.Join(t.TempDir(), "acct.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	m := newMemory(Rules{})
	write := func(n int) error {
		big := strings.Repeat("x", n)
		m.w.parse(rec(0, Start, bob, idA, "0 Filler="+big)+"\n", &counts{})
		if err := m.w.fill(db); err != nil {
			return err
		}
		m.w.batch.last = 1
		return db.commit(&m.w.batch)
	}
	pages, err := db.c.number("PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.c.number(fmt.Sprintf("PRAGMA max_page_count = %d", pages+2)); err != nil {
		t.Fatal(err)
	}
	err = write(100 << 10)
	var e *sqliteError
	if !errors.As(err, &e) || !e.is(13) {
		t.Fatalf("a full database: %v", err)
	}
	db.abort()
	if _, err := db.c.number("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if err := write(100 << 10); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	openTest(t, StoreOptions{Dir: dir}).Close()
	sqlite(t, filepath.Join(dir, "acct.db"), "PRAGMA user_version = 99")
	if _, err := OpenStore(StoreOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "schema 99") {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	now := atomic.Int64{}
	now.Store(noon.Unix())
	s := openTest(t, StoreOptions{Dir: dir, Retention: Retention{Sessions: time.Hour, Events: 2 * time.Hour}, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	for i := range retained + 100 {
		add(t, s, rec(i, Stop, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i)))
	}
	add(t, s, rec(0, Start, bob, idA), rec(3000, Stop, bob, "44 Acct-Session-Id=late"))
	settle(t, s)
	path := filepath.Join(dir, "acct.db")
	count := func(table string) string { return sqlite(t, path, "SELECT count(*) FROM "+table) }
	if got := count("radacct"); got != fmt.Sprint(retained+102) {
		t.Fatalf("%s rows", got)
	}
	go func() {
		for range 200 {
			now.Add(25)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	eventually(t, "old rows are deleted", func() bool { return count("radacct") == "2" })
	now.Add(7200)
	eventually(t, "old events are deleted", func() bool { now.Add(1); return count("acctevent") == "0" })
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir})
	if _, err := OpenStore(StoreOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("two servers with one journal: %v", err)
	}
	s.Close()
	openTest(t, StoreOptions{Dir: dir})
}

func TestZap(t *testing.T) {
	s := openTest(t, StoreOptions{Now: func() time.Time { return noon.Add(time.Hour) }})
	add(t, s, rec(0, Start, bob, idA))
	settle(t, s)
	unique := s.Live().Select(Filter{})[0].Unique()
	for range 2 {
		s.Zap(unique, CauseAdminReset, func(error) {})
	}
	s.Zap("nobody", CauseAdminReset, func(error) {})
	eventually(t, "the session ends", func() bool { return s.Live().Len() == 0 })
	add(t, s, rec(3601, Stop, bob, idA, delay(2), secs(3599), "49 Acct-Terminate-Cause=User-Request"))
	settle(t, s)
	all, err := s.Sessions(Filter{})
	if err != nil || len(all) != 1 || all[0].Seconds != 3599 || all[0].TerminateCause != "User-Request" {
		t.Errorf("after the Stop: %+v, %v", all, err)
	}
}

func TestReaper(t *testing.T) {
	var now atomic.Int64
	now.Store(noon.Unix() + 120)
	o := StoreOptions{Dir: t.TempDir(), Reap: 10 * time.Minute, Now: func() time.Time { return time.Unix(now.Load(), 0) }}
	s := openTest(t, o)
	add(t, s, rec(0, Start, bob, idA), rec(60, Interim, bob, idA, secs(60)), rec(120, Interim, bob, idA, secs(120)), rec(0, Start, bob, "44 Acct-Session-Id=silent"))
	settle(t, s)
	s.Close()
	now.Add(10000)
	s = openTest(t, o)
	for range 20 {
		now.Add(20)
		time.Sleep(2 * time.Millisecond)
	}
	if s.Live().Len() != 2 {
		t.Error("a restart looks like silence of the NAS")
	}
	now.Add(600)
	eventually(t, "the silent session ends", func() bool { now.Add(1); return s.Live().Len() == 1 && s.Status().Reaped == 1 })
	all, err := s.Sessions(Filter{ID: "a"})
	if err != nil || all[0].TerminateCause != CauseLost || all[0].Seconds != 180 {
		t.Errorf("reaped: %+v, %v", all, err)
	}
	if open := s.Live().Select(Filter{ID: "silent"}); len(open) != 1 {
		t.Error("a session without interims was reaped")
	}
}

// TestSpilled: more sessions than memory may hold are kept in the database alone, and end there.
func TestSpilled(t *testing.T) {
	s := openTest(t, StoreOptions{MaxLive: 2})
	for i := range 5 {
		add(t, s, rec(i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i)))
	}
	add(t, s, rec(50, Interim, bob, "44 Acct-Session-Id=4", in(9)), rec(60, AccountingOn))
	settle(t, s)
	all, err := s.Sessions(Filter{})
	if err != nil || len(all) != 5 || all[0].Input != 9 {
		t.Fatalf("%d sessions, %v", len(all), err)
	}
	for _, o := range all {
		if o.Open() {
			t.Errorf("%s is open", o.SessionID)
		}
	}
}

// TestTroubleToldOnce: as long as records wait, only their success is one. A database that can be opened and takes
// nothing, as on a full disk, is not told well in between.
func TestTroubleToldOnce(t *testing.T) {
	var told counted
	s, d := openShaky(t, StoreOptions{Log: slog.New(slog.NewTextHandler(&told, nil))})
	d.atEnd.Store(true)
	add(t, s, rec(0, Start, bob, idA))
	for tries := d.failed.Load(); d.failed.Load() < tries+5; {
		time.Sleep(time.Millisecond)
	}
	if again, trouble := told.lines("written again"), told.lines("cannot be written"); again != 0 || trouble != 1 {
		t.Errorf("told %d times of trouble, %d times of its end", trouble, again)
	}
	d.atEnd.Store(false)
	settle(t, s)
	eventually(t, "the end", func() bool { return told.lines("written again") == 1 })
}

// counted is a log whose lines tests count.
type counted struct {
	mu   sync.Mutex
	text strings.Builder
}

func (c *counted) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *counted) lines(text string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Count(c.text.String(), text)
}
