package users

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"perilune/engine/raddb"
)

var systemFiles = fstest.MapFS{
	"etc/passwd": {Data: []byte("root:x:0:0:root:/root:/bin/sh\nbob:x:1001:100::/home/bob:/bin/sh\nbob:x:7:7\n\n+::::::\nbroken:x:no:1\nshort:x\n")},
	"etc/group":  {Data: []byte("root:x:0:\nstaff:x:100:eve,,tom\nwheel:*:10:root\nempty:x:5:\nstaff:x:100:late\nhalf:x\n:x:1:a\n")},
}

func readSystem(path string) ([]byte, error) { return fs.ReadFile(systemFiles, path[1:]) }

func TestAccounts(t *testing.T) {
	a, err := ReadAccounts(readSystem)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user, group string
		want        bool
	}{
		{"root", "root", true}, {"root", "wheel", true}, {"bob", "staff", true}, {"eve", "staff", true}, {"tom", "staff", true},
		{"late", "staff", true}, {"bob", "wheel", false}, {"bob", "none", false}, {"", "staff", false}, {"", "empty", false},
		{"broken", "staff", false}, {"nobody", "root", false}, {"Bob", "staff", false},
	} {
		if got := a.Member([]byte(c.user), c.group); got != c.want {
			t.Errorf("%s in %s: %v", c.user, c.group, got)
		}
		if _, in := a.members(c.group)[c.user]; in != c.want {
			t.Errorf("%s among the members of %s: %v", c.user, c.group, in)
		}
	}
	if a.HasGroup("half") || a.HasGroup("") || !a.HasGroup("empty") {
		t.Error("a line that is none makes no group")
	}
	if u := a.uids(); u["bob"] != 1001 || len(u) != 2 {
		t.Errorf("uids %v", u)
	}
}

func TestAccountsThatCannotBeRead(t *testing.T) {
	for _, missing := range []string{"/etc/passwd", "/etc/group"} {
		_, err := ReadAccounts(func(path string) ([]byte, error) {
			if path == missing {
				return nil, fs.ErrPermission
			}
			return readSystem(path)
		})
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// TestUserUID: the number of the account is compared as a number; who has no account fits nothing.
func TestUserUID(t *testing.T) {
	if _, err := ReadAccounts(raddb.Open(t.TempDir()).ReadFile); err != nil {
		t.Skip(err)
	}
	d := loadDictionary(t)
	table, errs := loadText(t, d, "DEFAULT	User-UID = 0	Reply-Message = \"root\"\nDEFAULT	User-UID > 0	Reply-Message = \"other\"\n"+
		"DEFAULT	User-UID != 0	Reply-Message = \"never alone\"\nDEFAULT	NULL	Reply-Message = \"none\"\n", Options{})
	if errs.Failed() {
		t.Fatal(errs)
	}
	for user, want := range map[string]string{"root": "root", "daemon": "other", "nobody-of-this-name": "none"} {
		if table.uids[user] == 0 && want == "other" {
			continue
		}
		q := query(t, d, "User-Name = "+user)
		table.Match(q)
		if got, _ := q.Reply.First(d.Known.ReplyMessage); string(got) != want {
			t.Errorf("%s: %q, want %q", user, got, want)
		}
	}
}

// FuzzAccounts reads any files.
func FuzzAccounts(f *testing.F) {
	f.Add(string(systemFiles["etc/passwd"].Data), string(systemFiles["etc/group"].Data), "bob", "staff")
	f.Fuzz(func(t *testing.T, passwd, groups, user, group string) {
		a, err := ReadAccounts(func(path string) ([]byte, error) {
			if path == passwdFile {
				return []byte(passwd), nil
			}
			return []byte(groups), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, in := a.members(group)[user]
		if user != "" && in != a.Member([]byte(user), group) {
			t.Errorf("%q in %q: %v alone, %v among all", user, group, !in, in)
		}
	})
}
