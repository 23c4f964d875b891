package auth

import (
	"strings"
	"testing"
)

const (
	somePasswd = `root:x:0:0:root:/root:/bin/bash
ann:x:1000:1000::/home/ann:/bin/sh
old:abl0JrMf6tlhw:1001:1001::/home/old:/bin/sh
both:abl0JrMf6tlhw:1002:1002::/home/both:/bin/sh
lost:x:1003:1003::/:/bin/sh
open::1004:1004::/:/bin/sh
+::::::
garbage
:x:1:1::/:
`
	someShadow = `root:*:19000:0:99999:7:::
ann:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
locked:!$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
empty::19000:0:99999:7:::
closed:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7::19500:
aged:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:90:7:::
fresh:$1$s$e3cU4diUKuLjXnDANdfhU0:19499:0:90:7:::
change:$1$s$e3cU4diUKuLjXnDANdfhU0:0:0:99999:7:::
bare:$1$s$e3cU4diUKuLjXnDANdfhU0:::::::
ann:$1$other$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::
both:$1$s$e3cU4diUKuLjXnDANdfhU0:::::::
bsd:$1$s$e3cU4diUKuLjXnDANdfhU0:1:1::0:0:A User:/:/bin/sh
bsdgone:$1$s$e3cU4diUKuLjXnDANdfhU0:1:1::0:1684800000:A User:/:/bin/sh
`
)

func TestAccounts(t *testing.T) {
	a := ParseAccounts([]byte(somePasswd), []byte(someShadow))
	for _, tc := range []struct {
		name, password string
		fits           bool
		state          AccountState
	}{
		{"ann", "p", true, AccountOpen},
		{"ann", "q", false, AccountOpen},
		{"old", "hello", true, AccountOpen},
		{"both", "hello", true, AccountOpen},
		{"both", "p", false, AccountOpen},
		{"root", "*", false, AccountOpen},
		{"lost", "x", false, AccountOpen},
		{"open", "", false, AccountOpen},
		{"empty", "", false, AccountOpen},
		{"locked", "p", false, AccountOpen},
		{"closed", "p", true, AccountClosed},
		{"aged", "p", true, PasswordExpired},
		{"fresh", "p", true, AccountOpen},
		{"change", "p", true, PasswordExpired},
		{"bare", "p", true, AccountOpen},
		{"bsd", "p", true, AccountOpen},
		{"bsdgone", "p", true, AccountClosed},
		{"nobody", "p", false, AccountOpen},
		{"+", "", false, AccountOpen},
		{"", "p", false, AccountOpen},
	} {
		s, state, ok := a.Find([]byte(tc.name), 19500)
		if got := ok && s.Verify([]byte(tc.password)); got != tc.fits || state != tc.state {
			t.Errorf("%s with %q: %v, state %d; want %v, %d", tc.name, tc.password, got, state, tc.fits, tc.state)
		}
	}
	if _, state, _ := a.Find([]byte("closed"), 19499); state != AccountOpen {
		t.Error("closed a day too early")
	}
	if a.Costliest().Scheme != SchemeMD5Crypt {
		t.Errorf("costliest is %v", a.Costliest())
	}
}

func FuzzAccounts(f *testing.F) {
	f.Add([]byte(somePasswd), []byte(someShadow), []byte("ann"))
	f.Add([]byte("\n:\n::"), []byte("a:::::::::::"), []byte(""))
	f.Fuzz(func(t *testing.T, passwd, shadow, name []byte) {
		a := ParseAccounts(passwd, shadow)
		s, _, ok := a.Find(name, 19500)
		if ok && !s.Costly() && s.Verify(nil) {
			t.Fatalf("the empty password fits %q", name)
		}
		if ok && strings.ContainsAny(string(name), ":\n") {
			t.Fatalf("an account is called %q", name)
		}
	})
}
