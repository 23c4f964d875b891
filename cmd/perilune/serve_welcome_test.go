package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSendCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my raddb")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeTest(t, filepath.Join(dir, "radius.conf"), "acct 127.0.0.1:1999 s\n127.0.0.1:1912 s\n")
	quoted := "'" + dir + "'"
	for _, tc := range []struct{ dir, listen, want string }{
		{dir, "127.0.0.1:1912", "send -d " + quoted + " auth"},
		{dir, "0.0.0.0:1912", "send -d " + quoted + " auth"},
		{dir, "[::1]:1812 127.0.0.1:1912", "send -d " + quoted + " auth"},
		{dir, "127.0.0.1:1999", "send -d " + quoted + " -server 127.0.0.1:1999 auth"},
		{dir, "[::]:1999", "send -d " + quoted + " -server 127.0.0.1:1999 auth"},
		{dir, "[::1]:1999", "send -d " + quoted + " -server [::1]:1999 auth"},
		{defaultDir(), "127.0.0.1:1999", "send -server 127.0.0.1:1999 auth"},
	} {
		var auth []netip.AddrPort
		for a := range strings.FieldsSeq(tc.listen) {
			auth = append(auth, netip.MustParseAddrPort(a))
		}
		want := thisCommand() + " " + tc.want + " User-Name=demo User-Password=hello"
		if diff := cmp.Diff(want, sendCommand(tc.dir, auth)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.listen, diff)
		}
	}
}

// What serve prints can be typed as it stands, wherever the files lie and whatever port was asked for.
func TestPrintedCommandWorks(t *testing.T) {
	t.Setenv(secretVariable, "")
	s := serveOnLoopback(t, defaultTree(t))
	m := regexp.MustCompile(`In a second terminal:\n  .*?perilune (send .*)\n`).FindStringSubmatch(s.log.String())
	if m == nil {
		t.Fatalf("no command in:\n%s", s.log)
	}
	code, out, errs := told(t, "", strings.Fields(m[1])...)
	if code != exitOK || !strings.Contains(out, `Reply-Message = "Welcome, demo!"`) {
		t.Errorf("%s: exit code %d\n%s%s", m[1], code, out, errs)
	}
}

func TestServeWithoutFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "raddb")
	code, out, errs := told(t, "", "serve", "-d", dir, "-state", t.TempDir())
	want := "perilune serve: there is no directory " + dir + "; `perilune init DIR` writes one that works, -d DIR/raddb names it\n"
	if diff := cmp.Diff(want, errs); diff != "" || code != exitFailed || out != "" {
		t.Errorf("exit code %d, output %q (-want +got):\n%s", code, out, diff)
	}
	for _, args := range [][]string{{"check"}, {"test"}, {"explain", "User-Name=demo"}, {"replay", "record.json"}} {
		code, _, errs := told(t, "", append(args, "-d", dir)...)
		if want := strings.Replace(want, "serve", args[0], 1); errs != want || code != exitFailed {
			t.Errorf("%s: exit code %d, %q; want %q", args[0], code, errs, want)
		}
	}
}
