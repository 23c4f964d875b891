package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// quietExample serves an example on free ports, after edits: pairs of old and new text.
func quietExample(t *testing.T, name string, edits ...string) *loopServer {
	t.Helper()
	replace := strings.NewReplacer(append(edits, "../../../raddb/dictionary", "dictionary", "testing123", loopSecret, "[policy]\n", "[http]\nlisten = []\n[server]\nreject-delay = 0\n[policy]\n")...)
	return serveOnLoopback(t, exampleTree(t, name, func(_, text string) string { return replace.Replace(text) }))
}

func exampleFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// login gives what a login is told.
func (s *loopServer) login(user, password string) string {
	_, text := s.command("send", "auth", "-timeout", "2s", "-tries", "1", "-server", s.addrs["auth"], "-secret", loopSecret, "User-Name="+user, "User-Password="+password)
	return text
}

// expectLogins compares what logins are told: "user password" and parts of the answer.
func (s *loopServer) expectLogins(t *testing.T, want map[string][]string) {
	t.Helper()
	for who, parts := range want {
		user, password, _ := strings.Cut(who, " ")
		got := s.login(user, password)
		for _, part := range parts {
			if without, absent := strings.CutPrefix(part, "!"); strings.Contains(got, without) == absent {
				t.Errorf("%s: expected %q in\n%s\n%s", who, part, got, s.log)
			}
		}
	}
}

// TestUsersInSQLExample serves examples/users-in-sql with both kinds of database.
func TestUsersInSQLExample(t *testing.T) {
	schema := exampleFile(t, "users-in-sql/schema.sql")
	want := map[string][]string{
		"ann hello":              {"Access-Accept", "Session-Timeout = 86400", "Idle-Timeout = 600", "Framed-IP-Address = 192.0.2.7"},
		"bob hello":              {"Access-Accept", "Session-Timeout = 3600", "!Framed-IP-Address"},
		"ann no":                 {"Access-Reject"},
		"eve hello":              {"Access-Reject"},
		"carl hello":             {"Access-Reject"},
		"root hello":             {"Access-Accept", "Class"},
		"ann'OR'1'='1 hello":     {"Access-Reject"},
		"ann';DROP--TABLE hello": {"Access-Reject"},
	}
	t.Run("SQLite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "users.db")
		makeSQLite(t, path, schema)
		quietExample(t, "users-in-sql", "users.db", path).expectLogins(t, want)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		p := newPostgres(t)
		p.query(schema)
		s := quietExample(t, "users-in-sql", "users.db", p.url())
		s.expectLogins(t, want)
		p.kill()
		if got := s.login("ann", "hello"); strings.Contains(got, "Access-") {
			t.Errorf("without a database: %s", got)
		}
		p.start()
		for end := time.Now().Add(20 * time.Second); !strings.Contains(s.login("ann", "hello"), "Access-"); {
			if time.Now().After(end) {
				t.Fatalf("the database is back, and nobody is answered\n%s", s.log)
			}
		}
	})
}

// TestBandwidthTiersExample serves examples/bandwidth-tiers to a NAS that is made of pyrad.
func TestBandwidthTiersExample(t *testing.T) {
	p := newPostgres(t)
	p.query(exampleFile(t, "bandwidth-tiers/schema.sql"))
	coa := freePorts(t, 1)[0]
	s := quietExample(t, "bandwidth-tiers", "billing.db", p.url(), `("10s"`, `("1s"`, "nas-1", "nas-1 coa=127.0.0.1:"+coa)
	nas := startPyradNAS(t, s, coa, "ann,anns,1")
	s.expectLogins(t, map[string][]string{
		"ann hello": {"Access-Accept", "WISPr-Bandwidth-Max-Down = 100000000", "WISPr-Bandwidth-Max-Up = 20000000"},
		"ann no":    {"Access-Reject"}, "carl hello": {"Access-Reject"},
	})
	if told := strings.TrimSpace(p.query("SELECT told FROM subscriber WHERE name = 'ann'")); told != "gold" {
		t.Errorf("the database has heard of %q", told)
	}
	s.expectSessions(t, "anns")
	p.query("UPDATE subscriber SET tier = 'bronze' WHERE name = 'ann'")
	nas.expect(t, s, "done anns\n")
	if !regexp.MustCompile(`got 43 anns authentic True signed True`).MatchString(nas.out.String()) {
		t.Errorf("the NAS: %s", nas.out)
	}
	for end := time.Now().Add(20 * time.Second); strings.TrimSpace(p.query("SELECT told FROM subscriber WHERE name = 'ann'")) != "bronze"; {
		if time.Now().After(end) {
			t.Fatalf("the database does not hear of it\n%s", s.log)
		}
	}
	s.expectLogins(t, map[string][]string{"ann hello": {fmt.Sprintf("WISPr-Bandwidth-Max-Down = %d", 2000000)}})
}
