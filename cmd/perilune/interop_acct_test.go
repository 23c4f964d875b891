package main

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// acctRequests are sessions as radclient sends them: one that ends, one that goes on, a reboot of another NAS.
var acctRequests = [][]string{
	{"Acct-Status-Type = Start", "User-Name = bob", "Acct-Session-Id = s1", "NAS-IP-Address = 192.0.2.1", "NAS-Port = 7", "Framed-IP-Address = 10.0.0.7", `Calling-Station-Id = "00-11-22-33-44-55"`},
	{"Acct-Status-Type = Start", "User-Name = grüße", "Acct-Session-Id = s2", "NAS-IPv6-Address = 2001:db8::1", `NAS-Port-Id = "ge-0/0/1"`},
	{"Acct-Status-Type = Start", "User-Name = carl", "Acct-Session-Id = s3", "NAS-IP-Address = 192.0.2.2"},
	{"Acct-Status-Type = Interim-Update", "User-Name = bob", "Acct-Session-Id = s1", "NAS-IP-Address = 192.0.2.1", "Acct-Input-Octets = 5", "Acct-Input-Gigawords = 1", "Acct-Output-Octets = 3000000000", "Acct-Session-Time = 60"},
	{"Acct-Status-Type = Accounting-On", "NAS-IP-Address = 192.0.2.2"},
	{"Acct-Status-Type = Stop", "User-Name = bob", "Acct-Session-Id = s1", "NAS-IP-Address = 192.0.2.1", "Acct-Input-Octets = 6", "Acct-Input-Gigawords = 1", "Acct-Output-Octets = 3000000001", "Acct-Session-Time = 90", "Acct-Terminate-Cause = User-Request"},
	{"Acct-Status-Type = Stop", "User-Name = dora", "Acct-Session-Id = s4", "NAS-IP-Address = 192.0.2.1", "Acct-Session-Time = 30", "Acct-Terminate-Cause = Idle-Timeout"},
}

const (
	acctQuery = "SELECT acctsessionid, username, nasipaddress, coalesce(nasportid, ''), framedipaddress, callingstationid, " +
		"coalesce(acctinputoctets, 0), coalesce(acctoutputoctets, 0), CASE WHEN acctstoptime IS NULL THEN 'open' ELSE 'closed' END, acctterminatecause FROM radacct ORDER BY acctsessionid"
	acctRows = "s1|bob|192.0.2.1|7|10.0.0.7|00-11-22-33-44-55|4294967302|3000000001|closed|User-Request\n" +
		"s2|grüße|2001:db8::1|ge-0/0/1|||0|0|open|\n" +
		"s3|carl|192.0.2.2||||0|0|closed|NAS-Reboot\n" +
		"s4|dora|192.0.2.1||||0|0|closed|Idle-Timeout"
	acctEvents = "Start|1\nInterim-Update|1"
)

// accountBy has radclient send an Accounting-Request, which must be answered.
func accountBy(t *testing.T, s *loopServer, request []string) {
	t.Helper()
	if got := radclient(t, s, "acct", "acct", request...); got[0] != "Accounting-Response" {
		t.Fatalf("%q: %v\n%s", request, got, s.log)
	}
}

// awaitRows asks a database from outside until it has what it should.
func awaitRows(t *testing.T, s *loopServer, ask func(string) string, sql, want string) {
	t.Helper()
	var got string
	for late := time.Now().Add(10 * time.Second); time.Now().Before(late); time.Sleep(20 * time.Millisecond) {
		if got = strings.TrimSpace(ask(sql)); got == want {
			return
		}
	}
	t.Errorf("%s (-want +got)\n%s\n%s", sql, cmp.Diff(want, got), s.log)
}

// TestSQLiteFromOutside: sqlite3 reads rows while the server runs, and when it holds the file for itself, accounting is
// answered all the same.
func TestSQLiteFromOutside(t *testing.T) {
	tool := foreignTool(t, "sqlite3")
	s := serveOnLoopback(t, loopTree(t, nil))
	path := filepath.Join(s.dir, "state", "acct", "acct.db")
	ask := func(sql string) string {
		out, err := exec.Command(tool, "-readonly", "-cmd", ".timeout 5000", path, sql).CombinedOutput()
		if err != nil {
			return fmt.Sprintf("%v: %s", err, out)
		}
		return string(out)
	}
	checkAccounting(t, s, ask)

	lock := exec.Command(tool, path)
	in, err := lock.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := lock.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Start(); err != nil {
		t.Fatal(err)
	}
	defer lock.Wait()
	defer in.Close()
	fmt.Fprintln(in, ".timeout 5000\nBEGIN IMMEDIATE;\nSELECT 'locked';")
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("sqlite3 says %q, %v", line, err)
	}
	accountBy(t, s, []string{"Acct-Status-Type = Start", "User-Name = emil", "Acct-Session-Id = s5"})
	if got := strings.TrimSpace(ask("SELECT count(*) FROM radacct WHERE acctsessionid = 's5'")); got != "0" {
		t.Errorf("rows that were written into a locked database: %s", got)
	}
	io.WriteString(in, "COMMIT;\n")
	awaitRows(t, s, ask, "SELECT username FROM radacct WHERE acctsessionid = 's5'", "emil")
}

func checkAccounting(t *testing.T, s *loopServer, ask func(string) string) {
	t.Helper()
	for _, request := range acctRequests {
		accountBy(t, s, request)
	}
	awaitRows(t, s, ask, acctQuery, acctRows)
	awaitRows(t, s, ask, "SELECT status, count(*) FROM acctevent WHERE username = 'bob' AND status <> 'Stop' GROUP BY status ORDER BY status DESC", acctEvents)
	awaitRows(t, s, ask, "SELECT count(*) FROM radacct WHERE acctstarttime IS NULL OR acctuniqueid = ''", "0")
}

// TestPostgresFromOutside: psql reads rows while the server runs; what is told while the database is dead is answered, and
// is there when it is back.
func TestPostgresFromOutside(t *testing.T) {
	foreignTool(t, "radclient")
	p := newPostgres(t)
	s := serveOnLoopback(t, loopTree(t, map[string]string{"raddb/config.toml": quietConfig + fmt.Sprintf("[acct]\ndatabase = %q\n", p.url())}))
	checkAccounting(t, s, p.query)
	p.kill()
	accountBy(t, s, []string{"Acct-Status-Type = Start", "User-Name = emil", "Acct-Session-Id = s5"})
	accountBy(t, s, []string{"Acct-Status-Type = Stop", "User-Name = grüße", "Acct-Session-Id = s2", "NAS-IPv6-Address = 2001:db8::1", "Acct-Session-Time = 5"})
	p.start()
	awaitRows(t, s, p.query, "SELECT username FROM radacct WHERE acctstoptime IS NULL", "emil")
	awaitRows(t, s, p.query, "SELECT count(*) FROM acctevent", fmt.Sprint(len(acctRequests)+2))
}
