package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSystemUsersOnLoopback: a user of the operating system logs in, and a changed password holds once it is saved.
func TestSystemUsersOnLoopback(t *testing.T) {
	dir := loopTree(t, map[string]string{
		"raddb/config.toml": quietConfig + "[auth]\npasswd = \"../etc/passwd\"\nshadow = \"../etc/shadow\"\n[reload]\nquiet = \"10ms\"\n",
		"raddb/users":       "$DIALECT gnu\nDEFAULT Auth-Type = System\n\tReply-Message = \"hi\"\n",
		"etc/passwd":        "ann:x:1000:1000::/home/ann:/bin/sh\n",
		"etc/shadow":        "ann:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::\nlocked:!:19000:0:99999:7:::\n",
	})
	s := serveOnLoopback(t, dir)
	login := func(user, password string) string {
		_, out, errs := told(t, "", "send", "auth", "-server", s.addrs["auth"], "-secret", loopSecret, "-d", s.raddb(), "User-Name="+user, "User-Password="+password)
		code, _, _ := strings.Cut(out+errs, " ")
		return code
	}
	for _, c := range []struct{ user, password, want string }{
		{"ann", "p", "Access-Accept"}, {"ann", "hello", "Access-Reject"}, {"locked", "!", "Access-Reject"}, {"nobody", "p", "Access-Reject"},
	} {
		if got := login(c.user, c.password); got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.user, c.password, got, c.want)
		}
	}
	shadow := filepath.Join(dir, "etc", "shadow")
	if err := os.WriteFile(shadow+"-", []byte("ann:abl0JrMf6tlhw:19000:0:99999:7:::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(shadow+"-", shadow); err != nil { // as passwd(1) does it
		t.Fatal(err)
	}
	s.expectLog(t, "generation=1→2")
	for end := time.Now().Add(10 * time.Second); login("ann", "hello") != "Access-Accept"; {
		if time.Now().After(end) {
			t.Fatalf("the new password does not hold\n%s", s.log)
		}
	}
	if got := login("ann", "p"); got != "Access-Reject" {
		t.Errorf("the old password: %s", got)
	}
	kept, _ := filepath.Glob(filepath.Join(dir, "state", "generations", "content", "*"))
	for _, path := range kept {
		if b, _ := os.ReadFile(path); strings.Contains(string(b), "99999:7") {
			t.Errorf("a copy of the passwords lies in %s", path)
		}
	}
}
