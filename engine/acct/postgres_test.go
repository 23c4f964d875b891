package acct

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A cluster is a PostgreSQL of the test's own, on a socket.
type cluster struct {
	t    testing.TB
	bin  string
	data string
	dir  string
	cred *syscall.Credential // PostgreSQL refuses to run as root
	p    *exec.Cmd

	fsync string
}

// newCluster makes and starts one, or skips the test where the programs are missing.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal("PostgreSQL is not installed, and PERILUNE_TOOLS=require")
		}
		t.Skip("PostgreSQL is not installed")
	}
	dir, err := os.MkdirTemp("", "pg") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &cluster{t: t, bin: filepath.Dir(found[len(found)-1]), dir: dir, data: filepath.Join(dir, "data"), fsync: "off"}
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("there is no user postgres to run it")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		c.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		os.Chown(dir, uid, gid)
	}
	if out, err := c.command("initdb", "-D", c.data, "-U", "acct", "-A", "trust", "-N", "--locale=C.UTF-8", "-E", "UTF8").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	c.start()
	t.Cleanup(c.stop)
	return c
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	p := exec.Command(filepath.Join(c.bin, name), args...)
	p.Dir = c.dir
	p.SysProcAttr = &syscall.SysProcAttr{Credential: c.cred}
	return p
}

func (c *cluster) start() {
	c.t.Helper()
	c.p = c.command("postgres", "-D", c.data, "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync="+c.fsync, "-c", "shared_buffers=16MB")
	if err := c.p.Start(); err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "PostgreSQL is ready", func() bool { return c.command("pg_isready", "-h", c.dir, "-q", "-t", "1").Run() == nil })
}

func (c *cluster) stop() {
	if c.p != nil {
		c.p.Process.Signal(syscall.SIGQUIT)
		c.p.Wait()
		c.p = nil
	}
}

func (c *cluster) url() string { return "postgres://acct@/postgres?host=" + c.dir }

func (c *cluster) query(sql string) string {
	c.t.Helper()
	out, err := c.command("psql", "-h", c.dir, "-U", "acct", "-d", "postgres", "-Atc", sql).CombinedOutput()
	if err != nil {
		c.t.Fatalf("psql: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestPostgres(t *testing.T) {
	c := newCluster(t)
	t.Run("rows", c.testRows)
	t.Run("away", c.testAway)
	t.Run("shared", c.testShared)
	t.Run("reboots", c.testReboots)
	t.Run("slow", c.testSlow)
	t.Run("lazy", c.testLazy)
	t.Run("copied", c.testCopied)
	t.Run("retention", c.testRetention)
	t.Run("newer", c.testNewer)
	t.Run("places", c.testPlaces)
}

func (c *cluster) testRows(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir, Database: c.url()})
	add(t, s,
		rec(0, Start, "1 User-Name=bob", "44 Acct-Session-Id=a", "5 NAS-Port=7", "8 Framed-IP-Address=10.0.0.1", "97 Framed-IPv6-Prefix=2001:db8::/64"),
		rec(1, Start, "1 User-Name=e\x00ve", "44 Acct-Session-Id=b", "8 Framed-IP-Address=0x0a"),
		rec(60, Interim, "1 User-Name=bob", "44 Acct-Session-Id=a", "42 Acct-Input-Octets=100", "46 Acct-Session-Time=60"),
		rec(60, Interim, "1 User-Name=bob", "44 Acct-Session-Id=a", "42 Acct-Input-Octets=100", "46 Acct-Session-Time=60"),
		rec(90, Stop, "44 Acct-Session-Id=b", "46 Acct-Session-Time=89", "49 Acct-Terminate-Cause=User-Request"),
		rec(95, 9, "1 User-Name=bob"))
	settle(t, s)
	want := "bob|a|192.0.2.1|7|2026-01-02 12:00:00+00|2026-01-02 12:01:00+00||60|100|10.0.0.1|2001:db8::/64\n" +
		`e\0ve|b|192.0.2.1||2026-01-02 12:00:01+00|2026-01-02 12:01:30+00|2026-01-02 12:01:30+00|89|0||`
	if diff := cmp.Diff(want, c.query("SET timezone=UTC; SELECT username,acctsessionid,nasipaddress,nasportid,acctstarttime,acctupdatetime,acctstoptime,acctsessiontime,acctinputoctets,framedipaddress,framedipv6prefix FROM radacct ORDER BY 1")[len("SET\n"):]); diff != "" {
		t.Errorf("radacct (-want +got):\n%s", diff)
	}
	if got, want := c.query("SELECT string_agg(status||' '||verdict, ',' ORDER BY eventid) FROM acctevent"), "Start new,Start new,Interim-Update same,Interim-Update repeated,Stop same,9"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	s.Close()
	s = openTest(t, StoreOptions{Dir: dir, Database: c.url()})
	live := s.Live().Select(Filter{})
	if len(live) != 1 || live[0].User != "bob" || live[0].Input != 100 || live[0].FramedIPv6Prefix != "2001:db8::/64" || live[0].NASAddress != "192.0.2.1" || live[0].Begin != noon.Unix() {
		t.Errorf("after a restart: %+v", live)
	}
	add(t, s, rec(120, AccountingOn))
	settle(t, s)
	all, err := s.Sessions(Filter{User: "bob", Since: noon})
	if err != nil || len(all) != 1 || all[0].TerminateCause != CauseReboot || s.Live().Len() != 0 {
		t.Errorf("sessions: %+v, %v", all, err)
	}
}

// testAway stops and starts the database under load, and once before the store is opened.
func (c *cluster) testAway(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, StoreOptions{Dir: dir, Database: c.url()})
	n := 0
	burst := func() {
		for range 50 {
			n++
			add(t, s, rec(n, Start, "1 User-Name=away", fmt.Sprintf("44 Acct-Session-Id=away%d", n)))
		}
	}
	count := func() string {
		return c.query("SELECT count(*), count(DISTINCT acctsessionid) FROM radacct WHERE username = 'away'")
	}
	for range 3 {
		burst()
		c.stop()
		burst()
		eventually(t, "the failure is told", func() bool { return s.Status().Failure != "" })
		c.start()
		settle(t, s)
		if got, want := count(), fmt.Sprintf("%d|%d", n, n); got != want {
			t.Fatalf("rows %s, want %s", got, want)
		}
	}
	c.stop()
	burst()
	s.Close()
	s = openTest(t, StoreOptions{Dir: dir, Database: c.url()})
	burst()
	if _, err := OpenStore(StoreOptions{Dir: t.TempDir(), Database: c.url(), NoSpool: true}); err == nil {
		t.Error("opened without a database and a spool")
	}
	c.start()
	settle(t, s)
	if got, want := count(), fmt.Sprintf("%d|%d", n, n); got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	eventually(t, "live sessions are complete", func() bool { return s.Live().Count(Filter{User: "away"}) == n })
}

// testShared: two servers write the same sessions at the same time, and count together.
func (c *cluster) testShared(t *testing.T) {
	a, b := openTest(t, StoreOptions{Database: c.url(), Node: "a"}), openTest(t, StoreOptions{Database: c.url(), Node: "b"})
	var both sync.WaitGroup
	const sessions = 200
	for i, s := range []*Store{a, b} {
		both.Go(func() {
			var answers sync.WaitGroup
			answers.Add(2 * sessions)
			done := func(err error) {
				if err != nil {
					t.Error(err)
				}
				answers.Done()
			}
			for n := range sessions {
				id := fmt.Sprintf("44 Acct-Session-Id=shared%d", n)
				if i == 0 {
					n = sessions - 1 - n
					id = fmt.Sprintf("44 Acct-Session-Id=shared%d", n)
				}
				s.Append([]byte(rec(0, Start, "1 User-Name=two", id)), done)
				s.Append([]byte(rec(60+i, Interim, "1 User-Name=two", id, in(100+i))), done)
			}
			answers.Wait()
			settle(t, s)
		})
	}
	both.Wait()
	if got, want := c.query("SELECT count(*), min(acctinputoctets), count(DISTINCT acctuniqueid) FROM radacct WHERE username='two'"), fmt.Sprintf("%d|101|%d", sessions, sessions); got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	for name, s := range map[string]*Store{"a": a, "b": b} {
		eventually(t, name+" sees all", func() bool { return s.Live().Count(Filter{User: "two"}) == sessions })
	}
	add(t, a, rec(70, Stop, "1 User-Name=two", "44 Acct-Session-Id=shared7"))
	eventually(t, "b sees a Stop of a", func() bool { return b.Live().Count(Filter{User: "two"}) == sessions-1 })
	add(t, b, rec(80, AccountingOff))
	eventually(t, "a sees an Accounting-Off of b", func() bool { return a.Live().Count(Filter{User: "two"}) == 0 })
	if !a.Status().Shared {
		t.Error("status does not say that the store is shared")
	}
}

// testReboots: two servers write the same sessions and end them all by Accounting-On, in other orders, so that their
// transactions want the same rows. They come to an end, and every session ends.
func (c *cluster) testReboots(t *testing.T) {
	a, b := openTest(t, StoreOptions{Database: c.url(), Node: "a"}), openTest(t, StoreOptions{Database: c.url(), Node: "b"})
	const sessions, rounds = 40, 10
	var both sync.WaitGroup
	for i, s := range []*Store{a, b} {
		both.Go(func() {
			var records [][]byte
			for round := range rounds {
				for n := range sessions {
					if i == 1 {
						n = sessions - 1 - n
					}
					id := fmt.Sprintf("44 Acct-Session-Id=reboot%d-%d", round, n)
					records = append(records, []byte(rec(100*round, Start, "1 User-Name=three", id)), []byte(rec(100*round+10+i, Interim, "1 User-Name=three", id, in(10+i), secs(10+i))))
				}
				records = append(records, []byte(rec(100*round+50, AccountingOn)))
			}
			feed(t, s, records, 7)
			settle(t, s)
		})
	}
	both.Wait()
	if got, want := c.query("SELECT count(*), count(DISTINCT acctuniqueid), count(acctstoptime) FROM radacct WHERE username='three'"), fmt.Sprintf("%d|%[1]d|%[1]d", sessions*rounds); got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	for name, s := range map[string]*Store{"a": a, "b": b} {
		eventually(t, name+" sees all ends", func() bool { return s.Live().Count(Filter{User: "three"}) == 0 })
		if st := s.Status(); st.Failure != "" || st.Refused != 0 {
			t.Errorf("%s: %+v", name, st)
		}
	}
}

// testSlow: somebody holds the table. Records are answered meanwhile, and applied when it is free.
func (c *cluster) testSlow(t *testing.T) {
	s := openTest(t, StoreOptions{Database: c.url()})
	p := c.command("psql", "-h", c.dir, "-U", "acct", "-d", "postgres", "-Atc", "BEGIN; LOCK TABLE radacct; SELECT pg_sleep(3); COMMIT")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the table is locked", func() bool {
		return c.query("SELECT count(*) FROM pg_locks WHERE relation = 'radacct'::regclass AND mode = 'AccessExclusiveLock' AND granted") == "1"
	})
	for i := range 100 {
		begun := time.Now()
		add(t, s, rec(i, Start, "1 User-Name=slow", fmt.Sprintf("44 Acct-Session-Id=slow%d", i)))
		if took := time.Since(begun); took > time.Second {
			t.Errorf("answered after %v", took)
		}
	}
	if s.Live().Count(Filter{User: "slow"}) != 0 {
		t.Error("the table was not locked at all")
	}
	p.Wait()
	settle(t, s)
	if n := s.Live().Count(Filter{User: "slow"}); n != 100 {
		t.Errorf("%d live", n)
	}
	add(t, s, rec(200, AccountingOff))
	settle(t, s)
}

// testCopied: two servers begin with copies of one directory, as machines that are cloned do; and a directory is put
// back while the database is away. All that was answered is there, once.
func (c *cluster) testCopied(t *testing.T) {
	dir, dir2 := t.TempDir(), t.TempDir()
	n := 0
	burst := func(s *Store) {
		for range 20 {
			n++
			add(t, s, rec(n, Start, "1 User-Name=copied", fmt.Sprintf("44 Acct-Session-Id=copied%d", n)))
		}
	}
	expect := func() {
		t.Helper()
		for _, table := range []string{"radacct", "acctevent"} {
			if got, want := c.query("SELECT count(*), count(DISTINCT acctuniqueid) FROM "+table+" WHERE username = 'copied'"), fmt.Sprintf("%d|%d", n, n); got != want {
				t.Errorf("%s: %s, want %s", table, got, want)
			}
		}
	}
	a := openTest(t, StoreOptions{Dir: dir, Database: c.url(), Node: "twin"})
	burst(a)
	settle(t, a)
	a.Close()
	if err := os.CopyFS(filepath.Join(dir2, "acct"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "acct")
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	a = openTest(t, StoreOptions{Dir: dir, Database: c.url(), Node: "twin"})
	b := openTest(t, StoreOptions{Dir: filepath.Join(dir2, "acct"), Database: c.url(), Node: "twin"})
	for range 3 {
		burst(a)
		burst(b)
	}
	settle(t, a)
	settle(t, b)
	expect()
	a.Close()
	b.Close()
	c.stop()
	s := openTest(t, StoreOptions{Dir: old, Database: c.url(), Node: "twin"})
	burst(s)
	c.start()
	settle(t, s)
	burst(s)
	settle(t, s)
	expect()
	s.Close()
	s = openTest(t, StoreOptions{Dir: old, Database: c.url(), Node: "twin"})
	burst(s)
	settle(t, s)
	expect()
	add(t, s, rec(1000, AccountingOff))
	settle(t, s)
}

// testLazy: a server whose commits are not synchronous by its own settings makes ours so.
func (c *cluster) testLazy(t *testing.T) {
	c.query("ALTER ROLE acct SET synchronous_commit = off")
	defer c.query("ALTER ROLE acct RESET synchronous_commit")
	p, err := openPostgres(c.url(), "lazy", func() (string, error) { return "lazy", nil })
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if _, err := p.usable(); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := p.c.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&got); err != nil || got != "on" {
		t.Errorf("synchronous_commit is %s, %v", got, err)
	}
}

func (c *cluster) testNewer(t *testing.T) {
	c.query("UPDATE acctschema SET version = 99")
	defer c.query("UPDATE acctschema SET version = 1")
	if _, err := OpenStore(StoreOptions{Dir: t.TempDir(), Database: c.url(), NoSpool: true}); err == nil || !strings.Contains(err.Error(), "schema 99") {
		t.Errorf("a newer schema: %v", err)
	}
	if s, err := OpenStore(StoreOptions{Dir: t.TempDir(), Database: c.url()}); err == nil {
		s.Close()
		t.Error("a newer schema is taken with a spool")
	} else if !strings.Contains(err.Error(), "schema 99") {
		t.Error(err)
	}
}

func (c *cluster) testRetention(t *testing.T) {
	s := openTest(t, StoreOptions{Database: c.url(), Retention: Retention{Sessions: time.Hour, Events: time.Hour}})
	eventually(t, "old rows are deleted", func() bool {
		return c.query("SELECT (SELECT count(*) FROM radacct WHERE acctstoptime IS NOT NULL) + (SELECT count(*) FROM acctevent)") == "0"
	})
	if st := s.Status(); st.Failure != "" {
		t.Error(st.Failure)
	}
}

func TestPostgresURL(t *testing.T) {
	_, err := OpenStore(StoreOptions{Dir: t.TempDir(), Database: "postgres://u:hunter2@[::1/x"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a URL that cannot be read: %v", err)
	}
	_, err = OpenStore(StoreOptions{Dir: t.TempDir(), Database: "postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=1", NoSpool: true})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("nobody listens: %v", err)
	}
}
