package client

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// show gives servers as an administrator would write them down, one a line.
func show(servers []Server, secrets ...string) string {
	var b strings.Builder
	for _, s := range servers {
		secret := "?"
		for _, want := range secrets {
			if s.Secret.Equal(radius.NewSecret(want)) {
				secret = want
			}
		}
		fmt.Fprintf(&b, "%s %s %s %v %d\n", s.Service, s.Address, secret, s.Timeout, s.Tries)
	}
	return b.String()
}

func TestParseConf(t *testing.T) {
	long := strings.Repeat("s", 200)
	for _, tc := range []struct{ name, text, want string }{
		{"all fields", "auth h:1645 k 5 7\n", "auth h:1645 k 5s 7\n"},
		{"defaults", "acct h:1 k\n", "acct h:1 k 3s 3\n"},
		{"timeout alone", "auth h:1 k 9\n", "auth h:1 k 9s 3\n"},
		{"older form", "h:1 k 5 7\n", "auth h:1 k 5s 7\n"},
		{"leading space, tabs", " \tauth\th:1\tk\n", "auth h:1 k 3s 3\n"},
		{"no last newline", "auth h:1 k", "auth h:1 k 3s 3\n"},
		{"carriage return", "auth h:1 k\r\n", "auth h:1 k 3s 3\n"},
		{"comment and empty lines", "# c\n\n   # c\nauth h:1 k # c\n", "auth h:1 k 3s 3\n"},
		{"# inside a field is ordinary", "auth h:1 a#b\n", "auth h:1 a#b 3s 3\n"},
		{"comment without space before a field", "auth h:1 k #5 7\n", "auth h:1 k 3s 3\n"},
		{"quoted", `auth h:1 "a b" 1 1` + "\n", "auth h:1 a b 1s 1\n"},
		{"escapes", `auth h:1 "a\"\\b"` + "\n", `auth h:1 a"\b 3s 3` + "\n"},
		{"quoted #", `auth h:1 "#k"` + "\n", "auth h:1 #k 3s 3\n"},
		{"quote inside a bare field", `auth h:1 a"b` + "\n", `auth h:1 a"b 3s 3` + "\n"},
		{"backslash in a bare field", `auth h:1 a\b` + "\n", `auth h:1 a\b 3s 3` + "\n"},
		{"quoted service and host", `"auth" "h:1" k` + "\n", "auth h:1 k 3s 3\n"},
		{"128 characters count", "auth h:1 " + long + "\n", "auth h:1 " + long[:128] + " 3s 3\n"},
		{"IPv6", "auth [::1]:9 k\nauth ::1 k\n", "auth [::1]:9 k 3s 3\nauth [::1]:1812 k 3s 3\n"},
		{"IPv6 in brackets without port", "auth [fe80::] k\n", "auth [fe80::]:1812 k 3s 3\n"},
		{"default ports", "auth h k\nacct h k\n", "auth h:1812 k 3s 3\nacct h:1813 k 3s 3\n"},
		{"spaces at the end", "auth h:1 k  \t \n", "auth h:1 k 3s 3\n"},
		{"a host called like a number", "10.0.0.1:7 k\n", "auth 10.0.0.1:7 k 3s 3\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var errs raddb.List
			got := show(ParseConf(tc.text, "radius.conf", &errs), "k", "a b", `a"\b`, "#k", "a#b", `a"b`, `a\b`, long[:128])
			if diff := cmp.Diff(tc.want, got); diff != "" || len(errs) > 0 {
				t.Errorf("errors %v (-want +got):\n%s", errs, diff)
			}
		})
	}
}

func TestParseConfErrors(t *testing.T) {
	ten := strings.Repeat("auth h:1 k\n", 10)
	for _, tc := range []struct{ name, text, want string }{
		{"no secret", "auth h:1\n", "r:1:1: a server without a secret; expected host[:port] and secret"},
		{"host alone", "h\n", "r:1:1: a server without a secret; expected host[:port] and secret"},
		{"service alone", "auth\n", "r:1:1: a server without a secret; expected host[:port] and secret"},
		{"five fields of the older form", "h k 1 2 3\n", `r:1:1: "h" is no service type; expected "auth" or "acct" before host, secret, timeout and tries`},
		{"six fields", "auth h k 1 2 3\n", "r:1:14: text after the number of tries; expected a comment or the end of the line"},
		{"timeout", "auth h k soon\n", `r:1:10: "soon" is no timeout in seconds; expected 1 to 3600`},
		{"tries", "auth h k 1 0\n", `r:1:12: "0" is no number of tries; expected 1 to 1000`},
		{"port", "auth h:x k\n", `r:1:6: "x" is no port; expected 1 to 65535`},
		{"no host", "auth :1 k\n", `r:1:6: ":1" has no host; expected host, host:port, or [IPv6]:port`},
		{"empty port", "auth h: k\n", `r:1:6: "" is no port; expected 1 to 65535`},
		{"half a bracket", "auth [::1 k\n", `r:1:6: "[::1" has no host; expected host, host:port, or [IPv6]:port`},
		{"colons", "auth a:b:c k\n", `r:1:6: "a:b:c" is no IPv6 address; expected host, host:port, or [IPv6]:port`},
		{"escape at the end", `auth h "a\`, `r:1:10: an unknown escape; expected \" or \\`},
		{"unknown escape", `auth h "a\n"`, `r:1:10: an unknown escape; expected \" or \\`},
		{"not closed", `auth h "a`, `r:1:8: a quoted field is not closed on its line; expected another "`},
		{"empty quotes", `auth h ""`, "r:1:8: an empty quoted field; expected text between the quotes"},
		{"glued", `auth h "a"b`, "r:1:11: text directly after a closing quote; expected a space or the end of the line"},
		{"the eleventh", ten + "acct h:1 k\nauth h:2 k\n", "r:12:1: server number 11 of service auth; expected at most 10"},
		{"all at once", "auth h\nauth h k x\n", "r:1:1: a server without a secret; expected host[:port] and secret\nr:2:10: \"x\" is no timeout in seconds; expected 1 to 3600"},
		{"long line", "auth h " + strings.Repeat("k", 1100), "r:1:1023: a line of 1107 characters; expected at most 1022"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var errs raddb.List
			ParseConf(tc.text, "r", &errs)
			if diff := cmp.Diff(tc.want, errs.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadConfWarnsOfReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "radius.conf")
	if err := os.WriteFile(path, []byte("auth h:1 k\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o644: true} {
		var errs raddb.List
		os.Chmod(path, mode)
		if got := ReadConf(path, &errs); len(got) != 1 || (len(errs) == 1) != warned || errs.Failed() {
			t.Errorf("mode %o: %d servers, %v", mode, len(got), errs)
		}
	}
	var errs raddb.List
	public := filepath.Join(t.TempDir(), "radius.conf")
	if err := os.WriteFile(public, []byte("auth 127.0.0.1 testing123\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if ReadConf(public, &errs); len(errs) != 0 {
		t.Errorf("the secret of the default files: %v", errs)
	}
	ReadConf(path+".none", &errs)
	if !errs.Failed() || !strings.Contains(errs.Error(), "no such file") {
		t.Errorf("a missing file gave %v", errs)
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add("auth h:1 \"a\\\"b\" 5 7 # c\n")
	f.Add("h k\nacct \"x")
	f.Fuzz(func(t *testing.T, text string) {
		var errs raddb.List
		for _, s := range ParseConf(text, "r", &errs) {
			if s.Secret.Len() > MaxSecretLen || s.Tries < 1 || s.Timeout <= 0 || s.Address == "" {
				t.Errorf("%+v", s)
			}
		}
	})
}
