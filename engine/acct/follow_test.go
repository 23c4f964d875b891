package acct

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func awaitShown(t testing.TB, s *Store) {
	t.Helper()
	select {
	case <-s.Shown():
	case <-time.After(10 * time.Second):
		t.Fatalf("records are not shown: %+v", s.Status())
	}
}

func eve(id string) []string { return []string{"1 User-Name=eve", "44 Acct-Session-Id=" + id} }

// outage sends what NASes send while the database is away, and looks at what is seen of it.
func outage(t *testing.T, s *Store, restore func()) {
	t.Helper()
	station := func(name string) Claim {
		return Claim{User: "bob", Device: Device{Client: "campus", Calling: name}, Limit: 1, Now: time.Now(), Grace: -1}
	}
	add(t, s, rec(60, Stop, bob, idA, in(7), secs(60)), rec(60, Stop, bob, idA, in(7), secs(60)))
	awaitShown(t, s)
	if got := s.Live().Claim(station("B")); !got.Granted {
		t.Errorf("a Stop that was answered frees no place: %+v", got)
	}
	add(t, s, rec(70, Start, bob, "44 Acct-Session-Id=b", "31 Calling-Station-Id=B"), rec(70, Start, bob, "44 Acct-Session-Id=b", "31 Calling-Station-Id=B"))
	add(t, s, rec(80, Start, eve("e")...), rec(85, Interim, append(eve("e"), in(9))...))
	awaitShown(t, s)
	if got := s.Live().Claim(station("C")); got.Granted || got.Count != 1 {
		t.Errorf("a Start that was answered is not counted once: %+v", got)
	}
	if got := s.Live().Select(Filter{User: "eve"}); len(got) != 1 || got[0].Input != 9 {
		t.Errorf("eve: %+v", got)
	}
	s.Zap(s.Live().Select(Filter{User: "bob"})[0].Unique(), CauseAdminReset, func(error) {})
	eventually(t, "zap", func() bool { return s.Live().Count(Filter{User: "bob"}) == 0 })
	add(t, s, rec(100, AccountingOff), rec(110, Start, eve("f")...))
	awaitShown(t, s)
	if got := s.Live().Select(Filter{}); len(got) != 1 || got[0].SessionID != "f" {
		t.Errorf("after an Accounting-Off: %+v", got)
	}
	if s.Status().Backlog == 0 {
		t.Error("the database was there")
	}
	restore()
	settle(t, s)
	want := s.Live().Select(Filter{})
	if len(want) != 1 || want[0].SessionID != "f" || s.Live().Len() != 1 || len(s.live.shadows.byKey) > 0 {
		t.Errorf("in the end: %+v", want)
	}
	all, err := s.Sessions(Filter{})
	if err != nil || len(all) != 4 || all[3].End-all[3].Begin != 60 || all[3].Input != 7 || all[2].TerminateCause != CauseAdminReset || all[1].TerminateCause != CauseReboot || !all[0].Open() {
		t.Errorf("rows: %+v, %v", all, err)
	}
}

func TestSeenWhileLocked(t *testing.T) {
	now := func() time.Time { return noon.Add(90 * time.Second) }
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir, Now: now})
	add(t, s, rec(0, Start, bob, idA, "31 Calling-Station-Id=A"))
	settle(t, s)
	other, err := openSQLite(filepath.Join(dir, "acct.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.exec("BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	outage(t, s, func() {
		if err := other.exec("COMMIT"); err != nil {
			t.Error(err)
		}
	})
	if got := sqlite(t, filepath.Join(dir, "acct.db"), "SELECT group_concat(verdict) FROM acctevent"); got != "new,same,repeated,new,repeated,new,same,same,,new" {
		t.Errorf("verdicts: %s", got)
	}
}

func TestSeenWhilePostgresIsStopped(t *testing.T) {
	c := newCluster(t)
	o := StoreOptions{Dir: t.TempDir(), Database: c.url(), Now: func() time.Time { return noon.Add(90 * time.Second) }}
	s := openTest(t, o)
	add(t, s, rec(0, Start, bob, idA, "31 Calling-Station-Id=A"))
	settle(t, s)
	c.stop()
	outage(t, s, c.start)
}

// TestRestartWhilePostgresIsStopped: what the journal has is seen, and all when the database is there.
func TestRestartWhilePostgresIsStopped(t *testing.T) {
	c := newCluster(t)
	o := StoreOptions{Dir: t.TempDir(), Database: c.url(), Segment: 4 << 10}
	s := openTest(t, o)
	add(t, s, rec(0, Start, eve("old")...))
	for i := range 40 { // so that the old one is in no file of the journal
		add(t, s, rec(i, Stop, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i)))
	}
	settle(t, s)
	eventually(t, "old files are removed", func() bool { list, _ := s.spool.segments(); return len(list) == 1 })
	c.stop()
	add(t, s, rec(50, Start, bob, idA), rec(51, Start, bob, "44 Acct-Session-Id=b"))
	s.Close()
	s = openTest(t, o)
	awaitShown(t, s)
	if got := s.Live().Count(Filter{User: "bob"}); got != 2 {
		t.Errorf("%d sessions of the journal are seen, want 2", got)
	}
	add(t, s, rec(60, Stop, bob, idA, in(5)), rec(61, Stop, eve("old")...))
	awaitShown(t, s)
	if got := s.Live().Select(Filter{}); len(got) != 1 || got[0].SessionID != "b" {
		t.Errorf("seen: %+v", got)
	}
	c.start()
	settle(t, s)
	if got := c.query("SELECT string_agg(acctsessionid || ' ' || coalesce(acctinputoctets, 0), ',' ORDER BY acctsessionid) FROM radacct WHERE acctsessionid > '9'"); got != "a 5,b 0,old 0" {
		t.Errorf("rows: %s", got)
	}
	if got := s.Live().Select(Filter{}); len(got) != 1 || len(s.live.shadows.byKey) > 0 {
		t.Errorf("in the end: %+v", got)
	}
}

// TestSeenBehind: more waits than memory may hold.
func TestSeenBehind(t *testing.T) {
	s, d := openShaky(t, StoreOptions{Segment: 4 << 20})
	d.broken.Store(true)
	filler := "0 Filler=" + strings.Repeat("x", 60<<10)
	for i := range 400 {
		add(t, s, rec(i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i), filler))
		if i%2 == 0 {
			add(t, s, rec(i, Stop, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i)))
		}
	}
	awaitShown(t, s)
	if n := s.Live().Len(); n != 200 {
		t.Errorf("%d seen, want 200", n)
	}
	d.broken.Store(false)
	for settled := s.Settled(); ; {
		if n := s.Live().Len(); n != 200 {
			t.Fatalf("%d seen while the database catches up, want 200", n)
		}
		select {
		case <-settled:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// TestRefusedIsNotSeen: a record that is put aside leaves nothing behind in the table.
func TestRefusedIsNotSeen(t *testing.T) {
	dir := t.TempDir()
	s, d := openShaky(t, StoreOptions{Dir: dir})
	sqlite(t, filepath.Join(dir, "acct.db"), "CREATE TRIGGER no BEFORE INSERT ON radacct WHEN new.username = 'eve' BEGIN SELECT RAISE(ABORT, 'no'); END")
	d.broken.Store(true)
	add(t, s, rec(0, Start, bob, idA), rec(1, Start, eve("e")...), rec(2, Start, bob, "44 Acct-Session-Id=b"))
	awaitShown(t, s)
	if n := s.Live().Len(); n != 3 {
		t.Errorf("%d seen, want 3", n)
	}
	d.broken.Store(false)
	settle(t, s)
	if s.Live().Len() != 2 || s.Live().Count(Filter{User: "eve"}) != 0 || s.Status().Refused != 1 {
		t.Errorf("seen: %+v", s.Live().Select(Filter{}))
	}
}

// TestAnyOutage: random records and outages; what is seen and written is what it is without.
func TestAnyOutage(t *testing.T) {
	tests := 0
	rapid.Check(t, func(r *rapid.T) {
		if tests++; tests > 25 { // each takes a database
			return
		}
		s, d := openShaky(t, StoreOptions{})
		quiet := openTest(t, StoreOptions{})
		plain := newMemory(Rules{})
		defer s.Close()
		defer quiet.Close()
		for i := range rapid.IntRange(1, 60).Draw(r, "records") {
			switch rapid.IntRange(0, 9).Draw(r, "event") {
			case 0:
				d.broken.Store(true)
			case 1:
				d.atEnd.Store(true)
			case 2:
				d.broken.Store(false)
				d.atEnd.Store(false)
			case 3:
				awaitShown(t, s)
				if diff := cmp.Diff(plain.w.live.Select(Filter{}), s.Live().Select(Filter{}), sameSessions...); diff != "" {
					r.Fatalf("seen after %d records (-want +got):\n%s", i, diff)
				}
			}
			record := drawRecord(r)
			add(t, s, record)
			add(t, quiet, record)
			plain.play(r, false, record)
		}
		d.broken.Store(false)
		d.atEnd.Store(false)
		settle(t, s)
		settle(t, quiet)
		got, err := s.Sessions(Filter{})
		want, err2 := quiet.Sessions(Filter{})
		if diff := cmp.Diff(want, got, sameSessions[0]); diff != "" || err != nil || err2 != nil {
			r.Fatalf("rows (-want +got):\n%s%v%v", diff, err, err2)
		}
		if diff := cmp.Diff(quiet.Live().Select(Filter{}), s.Live().Select(Filter{}), sameSessions[0]); diff != "" {
			r.Fatalf("in the end (-want +got):\n%s", diff)
		}
	})
}

// TestPlaceWhileBehind: the shared database has a session open that has ended, as is seen here.
func TestPlaceWhileBehind(t *testing.T) {
	c := newCluster(t)
	s, d := openShaky(t, StoreOptions{Database: c.url()})
	db, err := openPostgres(c.url(), "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.shared.places = db.places()
	add(t, s, rec(0, Start, bob, idA, "5 NAS-Port=1"))
	settle(t, s)
	if got := login(t, s, "bob", "2", 1); got.Granted {
		t.Errorf("a second login: %+v", got)
	}
	d.broken.Store(true)
	add(t, s, rec(9, Stop, bob, idA, "5 NAS-Port=1"))
	awaitShown(t, s)
	if got := login(t, s, "bob", "2", 1); !got.Granted {
		t.Errorf("after the Stop: %+v", got)
	}
	d.broken.Store(false)
}

// TestSeenWhileSlow: the database neither takes records nor fails.
func TestSeenWhileSlow(t *testing.T) {
	s, d := openShaky(t, StoreOptions{})
	add(t, s, rec(0, Start, bob, idA))
	settle(t, s)
	d.gate.Lock()
	add(t, s, rec(60, Stop, bob, idA), rec(70, Start, bob, "44 Acct-Session-Id=b"))
	awaitShown(t, s)
	if got := s.Live().Select(Filter{}); len(got) != 1 || got[0].SessionID != "b" || s.Status().Failure != "" {
		t.Errorf("%+v, %+v", got, s.Status())
	}
	d.gate.Unlock()
	settle(t, s)
	if got := s.Live().Select(Filter{}); len(got) != 1 || got[0].Row == 0 {
		t.Errorf("in the end: %+v", got)
	}
}

// TestUnansweredIsNotSeen: without a spool the table has what was answered.
func TestUnansweredIsNotSeen(t *testing.T) {
	s, d := openShaky(t, StoreOptions{NoSpool: true})
	d.broken.Store(true)
	if err := answer(s, rec(0, Start, bob, idA)); err != ErrDatabase {
		t.Errorf("answer: %v", err)
	}
	select {
	case <-s.Shown():
		t.Error("shown, and not in the database")
	case <-time.After(2 * s.o.Pace):
	}
	if n := s.Live().Len(); n != 0 {
		t.Errorf("%d seen", n)
	}
	d.broken.Store(false)
	settle(t, s)
}
