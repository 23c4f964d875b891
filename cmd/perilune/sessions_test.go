package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/acct"
)

// sessionServer serves a tree whose users may be on once.
func sessionServer(t *testing.T) *loopServer {
	t.Helper()
	dir := loopTree(t, map[string]string{"raddb/users": "$DIALECT freeradius\nDEFAULT Cleartext-Password := \"x\", Simultaneous-Use := 1\n"})
	return serveOnLoopback(t, dir)
}

func (s *loopServer) tell(t *testing.T, status, user, id string, more ...string) {
	t.Helper()
	s.must(t, exitOK, append([]string{"send", "acct", "-server", s.addrs["acct"], "-secret", loopSecret, "User-Name=" + user, "Acct-Status-Type=" + status, "Acct-Session-Id=" + id}, more...)...)
}

// TestWhoLastZap: what accounting tells is shown, chosen, summed up and closed.
func TestWhoLastZap(t *testing.T) {
	s := sessionServer(t)
	if text := s.must(t, exitOK, "who"); text != "nobody is on\n" {
		t.Errorf("who of nobody: %q", text)
	}
	s.tell(t, "Start", "bob", "a1", "NAS-Port=1", "Calling-Station-Id=02-00-00-00-00-01", "Framed-IP-Address=10.0.0.1")
	s.tell(t, "Start", "ann@home.example", "b1", "NAS-Port=2", "NAS-Identifier=sw-1")
	s.tell(t, "Start", "bob", "c1", "NAS-Port=3")
	s.tell(t, "Stop", "bob", "d1", "NAS-Port=4", "Acct-Session-Time=3600", "Acct-Input-Octets=1500000", "Acct-Output-Octets=500000")
	contains(t, s.must(t, exitOK, "who"), "USER ", "bob", "10.0.0.1", "02-00-00-00-00-01", "ann@home.example", "sw-1")
	for args, want := range map[string]string{
		"":                               "a1 b1 c1",
		"bob":                            "a1 c1",
		"--user bob --limit 1":           "c1",
		"--nas sw-1":                     "b1",
		"--client loop":                  "a1 b1 c1",
		"--realm home.example":           "b1",
		"--mac 0200.0000.0001":           "a1",
		"--session b1":                   "b1",
		"--since 2h":                     "a1 b1 c1",
		"--until 2020-01-01":             "",
		"nobody":                         "",
		"--user bob --nas 127.0.0.1":     "a1 c1",
		"--mac 02-00-00-00-00-09 --json": "",
	} {
		code, text := s.command(append([]string{"who", "-d", s.raddb(), "--json"}, strings.Fields(args)...)...)
		if got := sessionIDs(t, text); got != want || code != exitOK {
			t.Errorf("who %s: %q with code %d, want %q", args, got, code, want)
		}
	}
	text := s.must(t, exitOK, "last", "bob")
	contains(t, text, "still on", "1h00m", "3 sessions since", "2 open", "2M")
	contains(t, s.must(t, exitOK, "last", "--json", "--session", "d1"), `"seconds":3600`, `"totals":{"sessions":1`)
	if text := s.must(t, exitFailed, "zap", "bob"); !strings.Contains(text, "2 open sessions match and none was closed") || strings.Count(text, "bob") != 2 {
		t.Errorf("zap of two: %s", text)
	}
	login := []string{"send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "User-Name=ann@home.example", "User-Password=x"}
	contains(t, s.must(t, exitFailed, login...), "Access-Reject")
	contains(t, s.must(t, exitOK, "zap", "--session", "b1"), "closed: 1")
	contains(t, s.must(t, exitOK, login...), "Access-Accept")
	contains(t, s.must(t, exitOK, "zap", "bob", "--all"), "closed: 2")
	contains(t, s.must(t, exitFailed, "zap", "bob"), "no open session matches")
	contains(t, s.must(t, exitOK, "last", "--json", "--session", "a1"), `"cause":"Admin-Reset"`)
	s.must(t, exitOK, "who")
}

// sessionIDs gives the session ids of JSON lines, sorted.
func sessionIDs(t *testing.T, text string) string {
	t.Helper()
	var ids []string
	for line := range strings.Lines(text) {
		var s shownSession
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestSessionsWithoutAServer: who and last look into the database, zap cannot.
func TestSessionsWithoutAServer(t *testing.T) {
	dir := loopTree(t, nil)
	code, text := (&loopServer{dir: dir}).command("last", "-d", filepath.Join(dir, "raddb"))
	if code != exitFailed {
		t.Errorf("no database: code %d, %s", code, text)
	}
	contains(t, text, "no server answers at", "its database cannot be read")
	store, err := acct.OpenStore(acct.StoreOptions{Dir: filepath.Join(dir, "state", "acct")})
	if err != nil {
		t.Fatal(err)
	}
	for i, status := range []int{1, 1, 2} {
		done := make(chan error)
		store.Append(fmt.Appendf(nil, `{"time":%q,"client":"loop","status":%d,"types":[1,40,44],"attributes":[["User-Name","bob"],["Acct-Status-Type","%d"],["Acct-Session-Id","s%d"]]}`,
			time.Now().UTC().Format(time.RFC3339), status, status, i), func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	s := &loopServer{dir: dir}
	contains(t, s.must(t, exitOK, "last", "bob"), "no server answers: this is what its database has", "3 sessions since", "2 open")
	if text := s.must(t, exitOK, "who"); strings.Count(text, "bob") != 2 {
		t.Error(text)
	}
	contains(t, s.must(t, exitFailed, "zap", "bob", "--all"), "no server answers")
}

// TestSessionsOutliveARestart: what was open is open, and counts, after a new start; places that were booked are not.
func TestSessionsOutliveARestart(t *testing.T) {
	dir := loopTree(t, map[string]string{"raddb/users": "$DIALECT freeradius\nDEFAULT Cleartext-Password := \"x\", Simultaneous-Use := 1\n"})
	login := func(s *loopServer, user string) string {
		_, text := s.command("send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "User-Name="+user, "User-Password=x")
		return strings.Fields(text)[0]
	}
	t.Run("first", func(t *testing.T) {
		s := serveOnLoopback(t, dir)
		s.tell(t, "Start", "bob", "a1", "NAS-Port=1")
		s.tell(t, "Start", "ann", "b1", "NAS-Port=2")
		s.tell(t, "Stop", "ann", "b1", "NAS-Port=2")
		if got := login(s, "eve") + " " + login(s, "eve"); got != "Access-Accept Access-Reject" {
			t.Error(got)
		}
	})
	t.Run("second", func(t *testing.T) {
		s := serveOnLoopback(t, dir)
		if got := login(s, "bob") + " " + login(s, "ann") + " " + login(s, "eve"); got != "Access-Reject Access-Accept Access-Accept" {
			t.Error(got)
		}
		contains(t, s.must(t, exitOK, "who"), "bob")
		contains(t, s.must(t, exitOK, "status"), "1 open sessions", "sessions are counted by this server alone")
	})
}

func TestMoment(t *testing.T) {
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, zone)
	for text, want := range map[string]string{
		"2h": "2026-03-10T10:00:00+01:00", "90m": "2026-03-10T10:30:00+01:00", "7d": "2026-03-03T12:00:00+01:00", "2026-01-02": "2026-01-02T00:00:00+01:00",
		"2026-01-02 15:04": "2026-01-02T15:04:00+01:00", "2026-01-02T15:04": "2026-01-02T15:04:00+01:00", "2026-01-02 15:04:05": "2026-01-02T15:04:05+01:00",
		"2026-01-02T15:04:05Z": "2026-01-02T15:04:05Z", "yesterday": "", "-2h": "", "2026-13-01": "", "d": "", "99999999d": "",
	} {
		got, err := moment(text, now)
		if err != nil && want == "" {
			contains(t, err.Error(), "expected how long ago")
			continue
		}
		if got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
}

// TestSessionTable: at most 100 columns whatever the names are, or 80 on a terminal that has no more, and none of them
// commands a terminal.
func TestSessionTable(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	end := now.Add(-time.Hour)
	long := strings.Repeat("ü", 200)
	for _, c := range []struct {
		history, narrow bool
		columns         int
	}{{false, false, 100}, {true, false, 100}, {false, true, 80}, {true, true, 80}} {
		var out bytes.Buffer
		table := &sessionTable{w: &out, now: now, history: c.history, narrow: c.narrow}
		for _, s := range []shownSession{
			{User: long, NAS: long, NASPort: long, FramedAddress: "2001:db8:1111:2222:3333:4444:5555:6666", Calling: long, Started: now.AddDate(-3, 0, 0)},
			{User: "a\x1b[31m\x00\n\u202eb\xff", NAS: "n", Started: now.Add(-26 * time.Hour), Ended: &end, Seconds: 90000, Input: 1 << 63, Output: 1 << 62},
		} {
			if err := table.line(sessionLine{Session: &s}); err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > c.columns || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r == 0x202e }) {
				t.Errorf("%d columns: %q", n, line)
			}
		}
		if strings.Count(out.String(), "\n") != 3 {
			t.Errorf("%s", &out)
		}
	}
}

func TestSessionTexts(t *testing.T) {
	got := []string{printable("a\x1b\u202e\xffé"), cut("abcdef", 4), timeText(59 * time.Second), timeText(61 * time.Minute), timeText(49 * time.Hour), timeText(-1), octetsText(999), octetsText(1000), octetsText(999_600), octetsText(1 << 63)}
	want := []string{`a\x1b\u202e\xffé`, "abc…", "59s", "1h01m", "2d01h", "0s", "999B", "1kB", "1MB", "9.22EB"}
	for i, text := range want {
		want[i] = strings.TrimSuffix(text, "B")
		if text == "999B" {
			want[i] = text
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestSessionUsage: wrong lines tell what was expected.
func TestSessionUsage(t *testing.T) {
	for line, want := range map[string]string{
		"who a b": "expected one user", "who a --user b": "expected one user", "last --since soon": `-since "soon": expected`, "who --limit 0": "-limit 0: expected 1 to 10000",
		"zap": "say which", "zap --limit 5": "say which", "who --usr x": `did you mean "user"`, "last --limit x": "invalid value",
	} {
		var out bytes.Buffer
		if code := run(strings.Fields(line), streams{strings.NewReader(""), &out, &out}); code != exitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("%s: code %d, %s", line, code, &out)
		}
	}
	for _, command := range []string{"who", "last", "zap"} {
		var out bytes.Buffer
		if code := run([]string{command, "-h"}, streams{strings.NewReader(""), &out, &out}); code != exitOK || !regexp.MustCompile(`example:\n  perilune `+command).Match(out.Bytes()) {
			t.Errorf("%s -h: code %d, %s", command, code, &out)
		}
	}
}
