package acct

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is the arrival of records of tests, unless they say otherwise.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// rec is a record of a client campus, at a number of seconds after noon.
func rec(seconds int, status Status, pairs ...string) string {
	at := noon.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339Nano)
	return line(fmt.Sprintf(`"time":"%s","id":1,"client":"campus","source":"192.0.2.1:1646","status":%d`, at, status),
		append([]string{"4 NAS-IP-Address=192.0.2.1", "32 NAS-Identifier=sw"}, pairs...)...)
}

func openTest(t testing.TB, o StoreOptions) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Pace == 0 {
		o.Pace = time.Millisecond
	}
	if o.Retry == 0 {
		o.Retry = 10 * time.Millisecond
	}
	s, err := OpenStore(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// add appends records one after the other, each to be durable.
func add(t testing.TB, s *Store, records ...string) {
	t.Helper()
	for _, r := range records {
		answer := make(chan error, 1)
		s.Append([]byte(r), func(err error) { answer <- err })
		if err := <-answer; err != nil {
			t.Fatalf("Append: %v", err)
		}
	}
}

func settle(t testing.TB, s *Store) {
	t.Helper()
	select {
	case <-s.Settled():
	case <-time.After(20 * time.Second):
		t.Fatalf("records are not applied: %+v", s.Status())
	}
}

// sqlite asks the database by the sqlite3 program, as people do.
func sqlite(t *testing.T, path, query string) string {
	t.Helper()
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal("sqlite3 is not installed, and PERILUNE_TOOLS=require")
		}
		t.Skip("sqlite3 is not installed")
	}
	out, err := exec.Command(tool, "-cmd", ".timeout 10000", path, query).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir})
	add(t, s,
		rec(0, Start, "1 User-Name=bob", "44 Acct-Session-Id=a", "5 NAS-Port=7", "8 Framed-IP-Address=10.0.0.1"),
		rec(1, Start, "1 User-Name=eve", "44 Acct-Session-Id=b"),
		rec(60, Interim, "1 User-Name=bob", "44 Acct-Session-Id=a", "42 Acct-Input-Octets=100", "46 Acct-Session-Time=60"),
		rec(60, Interim, "1 User-Name=bob", "44 Acct-Session-Id=a", "42 Acct-Input-Octets=100", "46 Acct-Session-Time=60"),
		rec(90, Stop, "1 User-Name=eve", "44 Acct-Session-Id=b", "46 Acct-Session-Time=89", "49 Acct-Terminate-Cause=User-Request"),
		rec(95, 9, "1 User-Name=bob"))
	settle(t, s)
	if got := s.Live().Select(Filter{}); len(got) != 1 || got[0].User != "bob" || got[0].Input != 100 {
		t.Errorf("live sessions: %+v", got)
	}
	path := filepath.Join(dir, "acct.db")
	want := "bob|a|192.0.2.1|7|1767355200|1767355260||60|100|10.0.0.1\neve|b|192.0.2.1||1767355201|1767355290|1767355290|89|0|"
	if diff := cmp.Diff(want, sqlite(t, path, "SELECT username,acctsessionid,nasipaddress,nasportid,acctstarttime,acctupdatetime,acctstoptime,acctsessiontime,acctinputoctets,framedipaddress FROM radacct ORDER BY 1")); diff != "" {
		t.Errorf("radacct (-want +got):\n%s", diff)
	}
	want = "Start|new\nStart|new\nInterim-Update|same\nInterim-Update|repeated\nStop|same\n9|"
	if diff := cmp.Diff(want, sqlite(t, path, "SELECT status,verdict FROM acctevent ORDER BY eventid")); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openTest(t, StoreOptions{Dir: dir})
	if got := s.Live().Select(Filter{User: "bob"}); len(got) != 1 || got[0].Input != 100 || got[0].Row != 1 {
		t.Errorf("after a restart: %+v", got)
	}
	add(t, s, rec(120, AccountingOn))
	settle(t, s)
	if n := s.Live().Len(); n != 0 {
		t.Errorf("%d sessions outlive their NAS", n)
	}
	sums, err := s.Totals(Filter{Since: noon})
	if want := (Totals{Sessions: 2, Time: 209 * time.Second, Input: 100, First: noon, Last: noon.Add(time.Second)}); err != nil || sums != want {
		t.Errorf("totals %+v, %v; want %+v", sums, err, want)
	}
	if some, err := s.Sessions(Filter{Limit: 1, NAS: "sw"}); err != nil || len(some) != 1 || some[0].User != "eve" {
		t.Errorf("the newest session: %+v, %v", some, err)
	}
	all, err := s.Sessions(Filter{Limit: 5})
	if err != nil || len(all) != 2 || all[1].TerminateCause != CauseReboot || all[1].Seconds != 120 {
		t.Errorf("sessions: %+v, %v", all, err)
	}
}

// TestFreeRADIUSQueries runs what FreeRADIUS 3.2 asks of radacct in SQLite: Simultaneous-Use, and what its counters
// and a dashboard add up.
func TestFreeRADIUSQueries(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir})
	add(t, s,
		rec(0, Start, bob, idA, "8 Framed-IP-Address=10.0.0.1", "31 Calling-Station-Id=02-00-00-00-00-01", "7 Framed-Protocol=PPP"),
		rec(0, Start, bob, "44 Acct-Session-Id=b"), rec(60, Stop, bob, "44 Acct-Session-Id=b", in(5), secs(60)))
	settle(t, s)
	path := filepath.Join(dir, "acct.db")
	for _, c := range []struct{ query, want string }{
		{`SELECT COUNT(*) FROM radacct a LEFT OUTER JOIN nasreload n USING (nasipaddress)
			WHERE username = 'bob' AND acctstoptime IS NULL AND (a.acctstarttime > n.reloadtime OR n.reloadtime IS NULL)`, "1"},
		{`SELECT radacctid, acctsessionid, username, nasipaddress, nasportid, framedipaddress, callingstationid, framedprotocol
			FROM radacct a LEFT OUTER JOIN nasreload n USING (nasipaddress) WHERE username = 'bob' AND acctstoptime IS NULL`,
			"1|a|bob|192.0.2.1||10.0.0.1|02-00-00-00-00-01|PPP"},
		{`SELECT SUM(acctsessiontime), SUM(acctinputoctets) + SUM(acctoutputoctets) FROM radacct WHERE username = 'bob' AND acctstarttime + acctsessiontime > 0`, "60|5"},
		{`SELECT name FROM pragma_table_info('radacct') WHERE cid IN (0, 1, 28, 29)`, "radacctid\nacctsessionid\nclass\naccount"},
	} {
		if got := sqlite(t, path, c.query); got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	for _, query := range []string{"SELECT * FROM radacct WHERE username = 'bob' AND acctstoptime IS NULL", "SELECT * FROM radacct WHERE acctuniqueid = 'x'", "SELECT * FROM radacct WHERE nasipaddress = 'x' AND acctstoptime IS NULL AND acctstarttime <= 1"} {
		if plan := sqlite(t, path, "EXPLAIN QUERY PLAN "+query); !strings.Contains(plan, "USING INDEX") {
			t.Errorf("%s reads the whole table: %s", query, plan)
		}
	}
}
