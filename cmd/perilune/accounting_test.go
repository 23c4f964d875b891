package main

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A tellingNAS sends Accounting-Requests over one socket.
type tellingNAS struct {
	t    *testing.T
	conn net.Conn
	id   byte
}

func newTellingNAS(t *testing.T, address string) *tellingNAS {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &tellingNAS{t: t, conn: conn}
}

// avp is an attribute: text, or a number of four octets.
func avp(kind byte, v any) []byte {
	if n, ok := v.(int); ok {
		return binary.BigEndian.AppendUint32([]byte{kind, 6}, uint32(n))
	}
	text := v.(string)
	return append([]byte{kind, byte(2 + len(text))}, text...)
}

// tell reports whether a record is answered within the time.
func (n *tellingNAS) tell(within time.Duration, attributes ...[]byte) bool {
	n.t.Helper()
	n.id++
	p := make([]byte, 20, 400)
	p[0], p[1] = 4, n.id
	for _, a := range attributes {
		p = append(p, a...)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	sum := md5.Sum(append(p[:len(p):len(p)], loopSecret...))
	copy(p[4:], sum[:])
	return n.ask(within, p)
}

func (n *tellingNAS) ask(within time.Duration, p []byte) bool {
	n.conn.Write(p)
	n.conn.SetReadDeadline(time.Now().Add(within))
	buffer := make([]byte, 4096)
	for {
		size, err := n.conn.Read(buffer)
		if err != nil {
			return false
		}
		if answers(buffer[:size], p) {
			return true
		}
	}
}

// status asks by Status-Server whether the port is alive (RFC 5997).
func (n *tellingNAS) status() bool {
	n.id++
	p := make([]byte, 38)
	p[0], p[1], p[3], p[20], p[21] = 12, n.id, 38, 80, 18
	mac := hmac.New(md5.New, []byte(loopSecret))
	mac.Write(p)
	copy(p[22:], mac.Sum(nil))
	return n.ask(500*time.Millisecond, p)
}

const answered = 5 * time.Second

// must fails the test if a record is not answered.
func (n *tellingNAS) must(attributes ...[]byte) {
	n.t.Helper()
	if !n.tell(answered, attributes...) {
		n.t.Error("no answer")
	}
}

// sqlite3 asks an SQLite database with the foreign tool.
func sqlite3(t *testing.T, path, query string) string {
	t.Helper()
	out, err := exec.Command(foreignTool(t, "sqlite3"), "-cmd", ".timeout 5000", path, query).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// within waits for something to become true.
func within(t *testing.T, what string, good func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !good(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (s *loopServer) database() string { return filepath.Join(s.dir, "state", "acct", "acct.db") }

// TestAccounting takes records of all kinds through a whole server and looks at the tables with the sqlite3 program.
func TestAccounting(t *testing.T) {
	foreignTool(t, "sqlite3")
	s := serveOnLoopback(t, loopTree(t, nil))
	n := newTellingNAS(t, s.addrs["acct"])
	if !n.status() {
		t.Error("Status-Server is not answered")
	}
	base := [][]byte{avp(44, "5e1f"), avp(32, "sw-1"), avp(1, "bob"), avp(5, 7), avp(8, "\xc0\x00\x02\x07")}
	with := func(more ...[]byte) [][]byte { return append(base[:len(base):len(base)], more...) }
	n.must(with(avp(40, 1))...)
	n.must(with(avp(40, 3), avp(42, 0xfffffff0), avp(46, 60))...)
	n.must(with(avp(40, 3), avp(42, 16), avp(52, 1), avp(46, 120))...)
	stop := with(avp(40, 2), avp(42, 100), avp(52, 2), avp(43, 5), avp(46, 180), avp(49, 1))
	n.must(stop...)
	n.must(append(stop, avp(41, 1))...) // again, as a new packet: RFC 2866 s5.2
	// Sessions that end with their NAS, and one of another NAS that does not.
	n.must(avp(40, 1), avp(44, "a"), avp(32, "sw-1"), avp(1, "eve"))
	n.must(avp(40, 1), avp(44, "b"), avp(32, "sw-2"), avp(1, "zoe"))
	n.must(avp(40, 7), avp(32, "sw-1"))
	// What makes no session is kept and answered.
	odd := [][][]byte{
		{}, {avp(40, 99)}, {avp(40, 1)}, {avp(40, "x"), avp(44, "c")}, {avp(1, "nobody")}, {avp(40, 2), avp(1, "")},
		{avp(40, 1), avp(1, "\xff\xfe\x00")}, {avp(40, 15), avp(44, "d")}, {avp(26, "\x00\x00\x00\x09\x01\x05abc")}, {avp(241, "\x01zz")},
	}
	for _, o := range odd {
		n.must(o...)
	}
	within(t, "all are in the database", func() bool {
		return sqlite3(t, s.database(), "SELECT count(*) FROM acctevent") == fmt.Sprint(8+len(odd))
	})
	rows := sqlite3(t, s.database(), `SELECT acctsessionid,username,client,nasidentifier,nasportid,framedipaddress,acctsessiontime/100,acctinputoctets,
		acctoutputoctets,acctterminatecause,acctstoptime IS NULL FROM radacct ORDER BY radacctid`)
	want := "5e1f|bob|loop|sw-1|7|192.0.2.7|1|8589934692|5|User-Request|0\n" +
		"a|eve|loop|sw-1|||0|0|0|NAS-Reboot|0\nb|zoe|loop|sw-2|||0|0|0||1"
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("radacct (-want +got)\n%s", diff)
	}
	if got := sqlite3(t, s.database(), "SELECT verdict FROM acctevent WHERE acctuniqueid=(SELECT acctuniqueid FROM radacct WHERE username='bob') ORDER BY eventid"); got != "new\nsame\nsame\nsame\nrepeated" {
		t.Errorf("verdicts %q", got)
	}
	code, out := s.command("status", "-d", s.raddb())
	if code != exitOK || !strings.Contains(out, "accounting in "+s.database()+": 1 open sessions, 18 records in ") {
		t.Errorf("status: %d %s", code, out)
	}
}

// TestAccountingDetail: a record is answered once it is in the database and in its file; a file that cannot be had
// takes the answer, and nothing else.
func TestAccountingDetail(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{
		"raddb/config.toml": quietConfig + "[acct]\ndetail = \"../files\"\ndetail-name = \"%C{NAS-Identifier}/%u\"\n", "files/wall/bob/x": "",
	}))
	n := newTellingNAS(t, s.addrs["acct"])
	n.must(avp(40, 1), avp(44, "1"), avp(1, "bob"), avp(32, "sw"))
	text, err := os.ReadFile(filepath.Join(s.dir, "files", "sw", "bob"))
	if want := "\tUser-Name = bob\n\tAcct-Status-Type = Start\n\tAcct-Session-Id = 1\n\tNAS-Identifier = sw\n\tTimestamp = "; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%v %s", err, text)
	}
	if n.tell(700*time.Millisecond, avp(40, 1), avp(44, "2"), avp(1, "bob"), avp(32, "wall")) {
		t.Error("answered without its detail record")
	}
	s.expectLog(t, "detail file cannot be written")
	os.RemoveAll(filepath.Join(s.dir, "files", "wall"))
	n.must(avp(40, 1), avp(44, "2"), avp(1, "bob"), avp(32, "wall")) // it has recovered by itself
	n.must(avp(40, 1), avp(44, "3"), avp(1, "../../../x"), avp(32, ".."))
	if found, _ := filepath.Glob(filepath.Join(s.dir, "files", "*", "*..*x")); len(found) != 1 {
		t.Errorf("found %q", found)
	}
}

// TestAccountingLocked: while somebody else has the database, records wait in the journal and are answered; without a
// spool they are not, and Status-Server tells the NAS to turn to its next server.
func TestAccountingLocked(t *testing.T) {
	for _, spool := range []bool{true, false} {
		t.Run(fmt.Sprint("spool ", spool), func(t *testing.T) {
			config := strings.Replace(quietConfig, "[http]\nlisten = []", "[http]\nlisten = [\"127.0.0.1:0\"]", 1)
			s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/config.toml": config + fmt.Sprintf("[acct]\nspool = %v\n", spool)}))
			n := newTellingNAS(t, s.addrs["acct"])
			n.must(avp(40, 1), avp(44, "1"), avp(1, "bob"))
			within(t, "the first is in the database", func() bool { return sqlite3(t, s.database(), "SELECT count(*) FROM acctevent") == "1" })
			unlock := lockDatabase(t, s.database())
			if got := n.tell(3*time.Second, avp(40, 1), avp(44, "2"), avp(1, "eve")); got != spool {
				t.Errorf("answered: %v", got)
			}
			s.expectLog(t, "accounting database cannot be written")
			if got := n.status(); got != spool {
				t.Errorf("Status-Server is answered: %v", got)
			}
			if code, text := s.ready(t); (code == http.StatusOK) != spool {
				t.Errorf("/ready: %d %s", code, text)
			}
			unlock()
			s.expectLog(t, "accounting database is written again")
			n.must(avp(40, 1), avp(44, "2"), avp(1, "eve"))
			within(t, "the second is there, once", func() bool { return sqlite3(t, s.database(), "SELECT count(*) FROM radacct") == "2" })
			if !n.status() {
				t.Error("Status-Server is not answered again")
			}
		})
	}
}

// ready asks for the health of the server.
func (s *loopServer) ready(t *testing.T) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + s.addrs["http"] + "/ready")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

// lockDatabase holds a transaction open until unlock is called.
func lockDatabase(t *testing.T, path string) (unlock func()) {
	t.Helper()
	p := exec.Command(foreignTool(t, "sqlite3"), path)
	in, _ := p.StdinPipe()
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, ".timeout 5000\nBEGIN IMMEDIATE; SELECT 'locked';")
	if _, err := io.ReadFull(out, make([]byte, len("locked"))); err != nil {
		t.Fatal(err)
	}
	return func() {
		fmt.Fprintln(in, "ROLLBACK;")
		in.Close()
		p.Wait()
	}
}

// TestAccountingVanished: a database that is removed is made anew, with the sessions that are open.
func TestAccountingVanished(t *testing.T) {
	foreignTool(t, "sqlite3")
	s := serveOnLoopback(t, loopTree(t, nil))
	n := newTellingNAS(t, s.addrs["acct"])
	n.must(avp(40, 1), avp(44, "1"), avp(1, "bob"))
	within(t, "it is in the database", func() bool { return sqlite3(t, s.database(), "SELECT count(*) FROM radacct") == "1" })
	gone, _ := filepath.Glob(s.database() + "*")
	for _, path := range gone {
		os.Remove(path)
	}
	n.must(avp(40, 1), avp(44, "2"), avp(1, "eve"))
	within(t, "both are there again", func() bool {
		if _, err := os.Stat(s.database()); err != nil {
			return false
		}
		out, err := exec.Command("sqlite3", s.database(), "SELECT count(*) FROM radacct").CombinedOutput()
		return err == nil && strings.TrimSpace(string(out)) == "2"
	})
}

// TestAccountingErrors: what keeps the store from opening is told at the start, with the place of its key.
func TestAccountingErrors(t *testing.T) {
	for _, test := range []struct{ settings, want string }{
		{"[acct]\ndatabase = \"../state\"\n", ":2:1: acct.database: "},
		{"[acct]\njournal = \"clients\"\n", ":2:1: acct.journal: "},
		{"[acct]\ndetail = \"clients/x\"\n", ":2:1: acct.detail: "},
		{"[acct]\ndatabase = \"postgres://ann:geheim@db/x?sslmode=foo\"\n", ":2:12: acct.database = an address that cannot be used (failed to configure TLS: sslmode is invalid)"},
		{"[acct]\nspool = false\ndatabase = \"postgres://ann:geheim@127.0.0.1:1/x?connect_timeout=1\"\n", ":3:1: acct.database: "},
	} {
		dir := loopTree(t, map[string]string{"raddb/config.toml": test.settings + quietConfig})
		os.MkdirAll(filepath.Join(dir, "state"), 0o700)
		log := newWatchedLog()
		code := run([]string{"serve", "-d", filepath.Join(dir, "raddb"), "-auth-listen", "127.0.0.1:0", "-acct-listen", "127.0.0.1:0"}, streams{strings.NewReader(""), log, log})
		if code != exitFailed || !strings.Contains(log.String(), "config.toml"+test.want) || strings.Contains(log.String(), "geheim") {
			t.Errorf("%s: %d %s", test.settings, code, log)
		}
	}
}

// TestOldJournal: records of an earlier version stay where they are, and are told of.
func TestOldJournal(t *testing.T) {
	s := serveOnLoopback(t, loopTree(t, map[string]string{"state/acct/journal.jsonl": "{}\n"}))
	s.expectLog(t, "an earlier version has left its accounting records")
}

// TestAccountingReload: what a reload can change takes effect; what it cannot is refused, without the password.
func TestAccountingReload(t *testing.T) {
	dir := loopTree(t, nil)
	s := serveOnLoopback(t, dir)
	n := newTellingNAS(t, s.addrs["acct"])
	n.must(avp(1, "bob"))
	writeFiles(t, dir, map[string]string{"raddb/config.toml": quietConfig + "[acct]\nrefuse-incomplete = true\n"})
	if code, out := s.command("reload", "-d", s.raddb()); code != exitOK {
		t.Fatalf("reload: %d %s", code, out)
	}
	if n.tell(500*time.Millisecond, avp(1, "bob")) {
		t.Error("a request without Acct-Status-Type is answered")
	}
	writeFiles(t, dir, map[string]string{"raddb/config.toml": quietConfig + "[acct]\ndatabase = \"postgres://ann:geheim@db/x\"\n"})
	code, out := s.command("reload", "-d", s.raddb())
	if code != exitFailed || !strings.Contains(out, `acct.database changed from "" to "postgres://ann:xxxxx@db/x": that needs a restart of the server`) {
		t.Errorf("reload: %d %s", code, out)
	}
	if strings.Contains(s.log.String()+out, "geheim") {
		t.Error("the password is shown")
	}
}
