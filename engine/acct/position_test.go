package acct

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// whole gives the records of one session.
func whole(id string) []string {
	id = "44 Acct-Session-Id=" + id
	return []string{rec(0, Start, bob, id), rec(60, Interim, bob, id, in(5), secs(60)), rec(90, Stop, bob, id, in(7), secs(90))}
}

// TestLostAnswer: a transaction was committed, and its answer got lost. It is not applied again, whatever the records
// mean the second time, and the live table shows it.
func TestLostAnswer(t *testing.T) {
	for _, where := range []string{"sqlite", "postgres"} {
		t.Run(where, func(t *testing.T) {
			o := StoreOptions{Dir: t.TempDir()}
			ask := func(query string) string { return sqlite(t, filepath.Join(o.Dir, "acct.db"), query) }
			if where == "postgres" {
				c := newCluster(t)
				o.Database, ask = c.url(), c.query
			}
			s, d := openShaky(t, o)
			add(t, s, rec(0, Start, "1 User-Name=eve", "44 Acct-Session-Id=e"))
			settle(t, s)
			d.broken.Store(true) // so that all are one transaction
			// The id is used twice: applied again, the first Start would open a third row.
			records := append(whole("a"), rec(9000, Start, bob, idA), rec(9060, Stop, bob, idA, secs(60)), rec(9100, AccountingOn))
			add(t, s, records...)
			d.mute.Store(true)
			d.broken.Store(false)
			eventually(t, "the commit is unheard of", func() bool { return !d.mute.Load() })
			settle(t, s)
			add(t, s, rec(9200, Start, "1 User-Name=joe", "44 Acct-Session-Id=j"))
			settle(t, s)
			if got, want := ask("SELECT count(*) FROM acctevent"), fmt.Sprint(len(records)+2); got != want {
				t.Errorf("%s events, want %s", got, want)
			}
			if got := ask("SELECT count(*) FROM radacct WHERE username = 'bob'"); got != "2" {
				t.Errorf("%s rows of bob, want 2", got)
			}
			if where == "postgres" && s.Live().Len() != 1 || s.Status().Failure != "" {
				t.Errorf("live: %+v, status %+v", s.Live().Select(Filter{}), s.Status())
			}
		})
	}
}

// TestDatabasePutBack: an older copy of the database takes the place of the one in use. What the journal still has is
// read again; nothing is there twice.
func TestDatabasePutBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "acct.db")
	s := openTest(t, StoreOptions{Dir: dir})
	add(t, s, whole("a")...)
	add(t, s, rec(95, Start, bob, "44 Acct-Session-Id=open"))
	settle(t, s)
	sqlite(t, path, "VACUUM INTO '"+filepath.Join(dir, "backup.db")+"'")
	add(t, s, whole("b")...)
	add(t, s, rec(100, Interim, bob, "44 Acct-Session-Id=open", in(9)))
	settle(t, s)
	if err := os.Rename(filepath.Join(dir, "backup.db"), path); err != nil {
		t.Fatal(err)
	}
	add(t, s, rec(110, Interim, bob, "44 Acct-Session-Id=open", in(10)))
	add(t, s, rec(120, Interim, bob, "44 Acct-Session-Id=a", in(70), secs(90))) // its row is another one's place now, or was
	settle(t, s)
	want := "a|70|1\nb|7|1\nopen|10|0"
	if got := sqlite(t, path, "SELECT acctsessionid,acctinputoctets,acctstoptime IS NOT NULL FROM radacct ORDER BY 1"); got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if got := sqlite(t, path, "SELECT count(*), count(DISTINCT eventid) FROM acctevent"); got != "10|10" {
		t.Errorf("events %s", got)
	}
	if st := s.Status(); st.Failure != "" || st.Backlog != 0 {
		t.Errorf("%+v", st)
	}
}

// TestStrangersDatabase: a database that has more records than the journal is not ours; its rows are not touched.
func TestStrangersDatabase(t *testing.T) {
	other := t.TempDir()
	s := openTest(t, StoreOptions{Dir: other})
	for i := range 20 {
		add(t, s, rec(i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i)))
	}
	s.Close()
	dir := t.TempDir()
	s = openTest(t, StoreOptions{Dir: dir})
	add(t, s, rec(0, Start, bob, idA))
	settle(t, s)
	if err := os.Rename(filepath.Join(other, "acct.db"), filepath.Join(dir, "acct.db")); err != nil {
		t.Fatal(err)
	}
	add(t, s, rec(60, Interim, bob, idA, in(5)))
	eventually(t, "the failure is told", func() bool {
		return strings.Contains(s.Status().Failure, "another") || strings.Contains(s.Status().Failure, "this journal")
	})
	if got := sqlite(t, filepath.Join(dir, "acct.db"), "SELECT count(*) FROM acctevent"); got != "20" {
		t.Errorf("%s events", got)
	}
	s.Close()
	s = openTest(t, StoreOptions{Dir: dir})
	settle(t, s)
	add(t, s, rec(70, Interim, bob, idA, in(6)))
	settle(t, s)
	if s.Status().Failure != "" {
		t.Error(s.Status().Failure)
	}
}

// TestOtherPrograms: a program that reads the database and closes it must not take the log away under us, and the
// rows that it deletes are written anew.
func TestOtherPrograms(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "acct.db")
	s := openTest(t, StoreOptions{Dir: dir, Segment: 2000})
	for i := range 20 {
		add(t, s, rec(i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=%d", i)))
		settle(t, s)
		sqlite(t, path, "SELECT count(*) FROM radacct")
		if _, err := os.Stat(path + "-wal"); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
	}
	eventually(t, "old files of the journal are removed", func() bool { list, _ := s.spool.segments(); return len(list) <= 2 })
	sqlite(t, path, "SELECT count(*) FROM radacct")
	if _, err := os.Stat(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	sqlite(t, path, "DELETE FROM radacct WHERE acctsessionid IN ('3', '4')")
	add(t, s, rec(60, Interim, bob, "44 Acct-Session-Id=3", in(8), secs(57)), rec(61, Stop, bob, "44 Acct-Session-Id=4", in(9), secs(57)))
	settle(t, s)
	if got := sqlite(t, path, "SELECT acctsessionid,acctinputoctets FROM radacct WHERE acctsessionid IN ('3', '4') ORDER BY 1"); got != "3|8\n4|9" {
		t.Errorf("rows that were deleted: %s", got)
	}
}

// TestRefused: a record that the database will never take is put aside, and those around it are applied. If it
// refuses all, they wait.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "acct.db")
	s, d := openShaky(t, StoreOptions{Dir: dir})
	sqlite(t, path, `CREATE TRIGGER no BEFORE INSERT ON radacct WHEN NEW.acctsessionid LIKE 'bad%' BEGIN SELECT RAISE(ABORT, 'no'); END`)
	d.broken.Store(true)
	for i := range 30 {
		id := fmt.Sprintf("44 Acct-Session-Id=good%d", i)
		if i%7 == 3 {
			id = fmt.Sprintf("44 Acct-Session-Id=bad%d", i)
		}
		add(t, s, rec(i, Start, bob, id))
	}
	d.broken.Store(false)
	settle(t, s)
	if st := s.Status(); st.Refused != 4 || st.Live != 26 || st.Backlog != 0 || st.Failure != "" {
		t.Errorf("%+v", st)
	}
	aside, err := os.ReadFile(filepath.Join(dir, refusedName))
	if err != nil || strings.Count(string(aside), "bad") != 4 || strings.Contains(string(aside), "good") {
		t.Errorf("%s, %v", aside, err)
	}
	sqlite(t, path, `CREATE TRIGGER never BEFORE INSERT ON radacct BEGIN SELECT RAISE(ABORT, 'never'); END`)
	for i := range 10 {
		add(t, s, rec(i, Start, bob, fmt.Sprintf("44 Acct-Session-Id=more%d", i)))
	}
	eventually(t, "the failure is told", func() bool { return strings.Contains(s.Status().Failure, "never") })
	time.Sleep(50 * time.Millisecond)
	if n := s.Status().Refused; n > 4+refusedInRow {
		t.Errorf("%d put aside", n)
	}
	sqlite(t, path, `DROP TRIGGER never`)
	settle(t, s)
	if st := s.Status(); st.Live+int(st.Refused) != 40 || st.Failure != "" {
		t.Errorf("%+v", st)
	}
}

// TestLogRemoved: SQLite's log vanishes while it is written. What stood in it is read from the journal.
func TestLogRemoved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "acct.db")
	s := openTest(t, StoreOptions{Dir: dir})
	add(t, s, whole("a")...)
	settle(t, s)
	os.Remove(path + "-wal")
	add(t, s, whole("b")...)
	settle(t, s)
	add(t, s, whole("c")...)
	settle(t, s)
	if got := sqlite(t, path, "SELECT count(*), sum(acctinputoctets), (SELECT count(*) FROM acctevent) FROM radacct"); got != "3|21|9" {
		t.Errorf("rows %s", got)
	}
}

// TestRepeatedElsewhere: what was said before a restart, or to another server of a shared database, is known by its row.
func TestRepeatedElsewhere(t *testing.T) {
	again := []string{rec(5, Start, bob, idA, delay(5)), rec(66, Interim, bob, idA, in(5), secs(60), delay(6)), rec(97, Stop, bob, idA, in(7), secs(90), delay(7))}
	t.Run("restart", func(t *testing.T) {
		o := StoreOptions{Dir: t.TempDir()}
		for i, r := range whole("a") {
			s := openTest(t, o)
			add(t, s, r)
			settle(t, s)
			s.Close()
			s = openTest(t, o)
			add(t, s, again[i])
			settle(t, s)
			s.Close()
		}
		if got := sqlite(t, filepath.Join(o.Dir, "acct.db"), "SELECT group_concat(verdict) FROM acctevent"); got != "new,repeated,same,repeated,same,repeated" {
			t.Error(got)
		}
	})
	t.Run("shared", func(t *testing.T) {
		c := newCluster(t)
		a, b := openTest(t, StoreOptions{Database: c.url(), Node: "a"}), openTest(t, StoreOptions{Database: c.url(), Node: "b"})
		for i, r := range whole("a") {
			add(t, a, r)
			settle(t, a)
			add(t, b, again[i])
			settle(t, b)
		}
		if got := c.query("SELECT string_agg(verdict, ',' ORDER BY eventid) FROM acctevent"); got != "new,repeated,same,repeated,same,repeated" {
			t.Error(got)
		}
	})
}

// TestReaperWasWrong: a session that was given up for silence is heard of again.
func TestReaperWasWrong(t *testing.T) {
	var now atomic.Int64
	now.Store(noon.Unix() + 120)
	s := openTest(t, StoreOptions{Reap: 10 * time.Minute, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	add(t, s, rec(0, Start, bob, idA), rec(60, Interim, bob, idA, in(5), secs(60)), rec(120, Interim, bob, idA, in(6), secs(120)))
	settle(t, s)
	now.Add(3600)
	eventually(t, "the silent session ends", func() bool { now.Add(1); return s.Live().Len() == 0 })
	add(t, s, rec(4000, Interim, bob, idA, in(7), secs(4000)))
	settle(t, s)
	all, err := s.Sessions(Filter{})
	if err != nil || len(all) != 1 || !all[0].Open() || all[0].Input != 7 || all[0].TerminateCause != "" || s.Live().Len() != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	// One that was asked for before it was heard of again does nothing.
	now.Store(noon.Unix() + 4010)
	s.Zap(all[0].Unique(), CauseLost, func(error) {})
	add(t, s, rec(4060, Stop, bob, idA, in(8), secs(4060)))
	settle(t, s)
	if all, err = s.Sessions(Filter{}); err != nil || all[0].Seconds != 4060 || all[0].TerminateCause != "" {
		t.Errorf("%+v, %v", all, err)
	}
}
