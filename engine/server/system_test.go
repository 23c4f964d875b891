package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perilune/engine/auth"
	"perilune/engine/raddb"
	"perilune/engine/users"
)

const systemUsers = `$DIALECT gnu
ann     Auth-Type = System
        Reply-Message = "hi"
bob     User-Password = "UNIX"
        NULL
rule    Auth-Type = System, User-Password = "ofrule"
        NULL
word    Auth-Type = System, User-Password = "UNIX"
        NULL
keep    Auth-Type = System
        NULL
DEFAULT Prefix = "k", Strip-User-Name = No, Auth-Type = System
        NULL
DEFAULT Prefix = "P", Auth-Type = System
        NULL
DEFAULT Auth-Type = Unix
        NULL
`

// systemShadow has "p" as everybody's password; monday is day 19723.
const systemShadow = `ann:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
bob:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
rule:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
word:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
eep:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
locked:!$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
star:*:19000:0:99999:7:::
empty::19000:0:99999:7:::
gone:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7::19723:
soon:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7::19724:
aged:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:90:7:::
`

func TestSystemUsers(t *testing.T) {
	g := load(t, systemUsers, nil)
	g.UseAccounts(auth.ParseAccounts([]byte("old:abl0JrMf6tlhw:1:1::/:\n"), []byte(systemShadow)))
	for _, c := range []struct{ user, password, want string }{
		{"ann", "p", "accept"},
		{"ann", "q", "reject password"},
		{"ann", "", "reject password"},
		{"bob", "p", "accept"},
		{"bob", "UNIX", "reject password"},
		{"rule", "p", "accept"},
		{"rule", "ofrule", "reject password"},
		{"Pann", "p", "accept"},
		{"kann", "p", "reject password"},
		{"keep", "p", "reject password"},
		{"old", "hello", "accept"},
		{"locked", "p", "reject password"},
		{"locked", "!$1$s$e3cU4diUKuLjXnDANdfhU0", "reject password"},
		{"star", "*", "reject password"},
		{"empty", "", "reject password"},
		{"gone", "p", "reject expired-account"},
		{"gone", "q", "reject password"},
		{"soon", "p", "accept"},
		{"aged", "p", "reject expired-account"},
		{"nobody", "p", "reject password"},
	} {
		out := login(t, g, c.user, c.password)
		if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != c.want {
			t.Errorf("%s/%s: got %q, want %q\n%s", c.user, c.password, got, c.want, out)
		}
	}
}

// TestSystemCHAP: by a password of the rule, as with Local; the old word UNIX is none.
func TestSystemCHAP(t *testing.T) {
	g := load(t, systemUsers, nil)
	g.UseAccounts(auth.ParseAccounts(nil, []byte(systemShadow)))
	for user, c := range map[string]struct{ password, want string }{
		"rule": {"ofrule", "accept"}, "ann": {"p", "reject no-password"}, "word": {"UNIX", "reject no-password"}, "bob": {"UNIX", "reject no-password"},
	} {
		out := ask(t, offline(), g, Question{CHAP: c.password, Attributes: attrs(t, g, "User-Name = "+user)})
		if got := strings.TrimSpace(out.Verdict + " " + out.Reason); got != c.want {
			t.Errorf("%s: got %q, want %q", user, got, c.want)
		}
	}
}

// TestSystemUnread: without the accounts a login is dropped, so that the NAS asks its next server.
func TestSystemUnread(t *testing.T) {
	g, log, o := load(t, systemUsers, nil), &logged{}, offline()
	o.core.log = newLog(log)
	out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = ann", "User-Password = p")})
	if out.Kind != Drop || out.Reason != "backend" || !strings.Contains(log.String(), "accounts of the system were not read") {
		t.Errorf("%s\n%s", out, log)
	}
}

// TestSystemUnknownIsCostly: an unknown system user takes the time of a known one from the first login on.
func TestSystemUnknownIsCostly(t *testing.T) {
	g, o := load(t, systemUsers, nil), offline()
	g.UseAccounts(auth.ParseAccounts(nil, []byte("slow:"+costly+":19000:0:99999:7:::\n")))
	o.core.hashes.limit = 0
	for _, user := range []string{"slow", "nobody"} {
		if out := ask(t, o, g, Question{Attributes: attrs(t, g, "User-Name = "+user, "User-Password = x")}); out.Reason != "hash-queue" {
			t.Errorf("%s: %s", user, out)
		}
	}
}

// TestReadAccounts: what cannot be read is said with the way out, and all of it is an input of the tree.
func TestReadAccounts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"passwd": "old:abl0JrMf6tlhw:1:1::/:\n", "shadow": systemShadow} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "denied"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		passwd, shadow, want string
		accounts             int
	}{
		{"passwd", "shadow", "", 12},
		{"passwd", "none", "", 1},
		{"none", "shadow", "needs none, which cannot be read: no such file", 0},
		{"passwd", "denied", "needs denied, which this process cannot read (is a directory); add the server's user to the group shadow", 0},
	} {
		tree := raddb.Open(dir)
		a, err := ReadAccounts(tree, c.passwd, c.shadow)
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s and %s: %v; want %q", c.passwd, c.shadow, err, c.want)
		}
		if a != nil && a.Len() != c.accounts || a == nil && c.want == "" {
			t.Errorf("%s and %s: accounts %v", c.passwd, c.shadow, a)
		}
		for _, in := range tree.Inputs() {
			if !in.System {
				t.Errorf("%s is no file of the system", in.Path)
			}
		}
		if len(tree.Inputs()) == 0 {
			t.Error("a change would not be seen")
		}
	}
	snapshot := raddb.OpenSnapshot(dir, nil)
	if a, err := ReadAccounts(snapshot, "passwd", "shadow"); err != nil || a.Len() != 12 {
		t.Errorf("a snapshot has its own accounts: %v", err)
	}
	if _, err := snapshot.ReadFile("passwd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the snapshot is the disk: %v", err)
	}
}

// TestStoredPassword grades what the users file holds, and notes what it costs.
func TestStoredPassword(t *testing.T) {
	g := load(t, "", nil)
	d := g.Dictionary
	for _, c := range []struct {
		name, value   string
		refused, fine bool
	}{
		{"Cleartext-Password", "hello", false, true},
		{"Cleartext-Password", "grüße", false, true},
		{"Cleartext-Password", "gr\xfc\xdfe", true, false},
		{"Password-With-Header", "{clear}gr\xfc\xdfe", true, false},
		{"Crypt-Password", costly, false, true},
		{"Crypt-Password", "abl0JrMf6tlhw", false, true},
		{"Crypt-Password", "$6$rounds=2000000$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", true, false},
		{"Password-With-Header", "$argon2id$v=19$m=2097152,t=1,p=4$c29tZXNhbHQ$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc", true, false},
		{"Crypt-Password", "garbage", false, false},
		{"Filter-Id", "\xff", false, true},
		{"LM-Password", "0123456789abcdef", false, false},
	} {
		err := g.StoredPassword(d.Attribute(c.name), []byte(c.value))
		if _, refused := err.(users.Refused); refused != c.refused || (err == nil) != c.fine {
			t.Errorf("%s %q: %v", c.name, c.value, err)
		}
		if err != nil && strings.Contains(err.Error(), c.value) {
			t.Errorf("%q tells the password", err)
		}
	}
	if s := g.costliest.stored.Load(); s == nil || s.Cost().Scheme != auth.SchemeSHA512Crypt {
		t.Error("the costliest hash was not noted")
	}
}
