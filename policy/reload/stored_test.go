package reload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStoredPasswordsAreRead: a hash that the first login would find unreadable is told at load, with its
// place and without its text.
func TestStoredPasswordsAreRead(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"clients": "127.0.0.1 \"a secret of sixteen\"\n",
		"users": "a Crypt-Password := \"$9$foobar\"\n\nb Password-With-Header := \"{SSHA}xxxx\"\n\n" +
			"c Cleartext-Password := \"$9$clear\"\n\nd Crypt-Password := \"$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/\"\n$INCLUDE gnu\n",
		"dictionary": "",
		"gnu":        "$DIALECT gnu\ne Auth-Type = Crypt-Local, User-Password = \"abJnggxhB/yW!\"\n NULL\nf Auth-Type = Crypt-Local, User-Password = \"abl0JrMf6tlhw\"\n NULL\ng User-Password = \"gr\xfc\xdfe\"\n NULL\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, errs := Build(Options{Root: dir})
	if c == nil {
		t.Fatal(errs)
	}
	defer c.Discard()
	got := errs.Error()
	for _, want := range []string{"users:1:21: warning: Crypt-Password cannot be used", "users:3:27: warning: Password-With-Header cannot be used", "gnu:2:44: warning: Crypt-Password cannot be used", "gnu:6:19: warning: the clear password is not UTF-8"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	for _, never := range []string{"foobar", "xxxx", "abJn", "users:5:", "users:7:", "gnu:4:"} {
		if strings.Contains(got, never) {
			t.Errorf("%q is in\n%s", never, got)
		}
	}
}

// TestCostsAreBounded: a hash that would hold a worker for seconds, and clear text that MS-CHAP could not use, are
// errors of the file.
func TestCostsAreBounded(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/users": "$DIALECT freeradius\n" +
		"a Password-With-Header := \"$argon2id$v=19$m=2097152,t=1,p=4$c29tZXNhbHQ$yNvYko5IVyf+3KSuPzr1AcXl6kI+SIJc\"\n" +
		"b Crypt-Password := \"$2b$17$abcdefghijklmnopqrstuutfXvgqvgcwfSOMQiptpSSyyJb8gTo4q\"\n" +
		"c Cleartext-Password := \"gr\xfc\xdfe\"\n"})
	c, errs := Build(Options{Root: s.path("raddb")})
	if c != nil {
		c.Discard()
		t.Fatal("the file is used")
	}
	for _, want := range []string{"users:2:27: Password-With-Header: auth: cost", "users:3:21: Crypt-Password: auth: cost", "users:4:25: Cleartext-Password: the clear password is not UTF-8"} {
		if !strings.Contains(errs.Error(), want) {
			t.Errorf("%q is not in\n%s", want, errs.Error())
		}
	}
}
