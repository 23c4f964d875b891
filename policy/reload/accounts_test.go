package reload

import (
	"strings"
	"testing"
)

const accountsConfig = siteConfig + "[auth]\npasswd = \"../etc/passwd\"\nshadow = \"../etc/shadow\"\n"

// systemSite is a site whose accounts are its own.
func systemSite(t *testing.T, files map[string]string) *site {
	all := map[string]string{
		"raddb/config.toml": accountsConfig,
		"raddb/users":       "$DIALECT freeradius\nbob Group == \"root\", Cleartext-Password := \"x\"\nDEFAULT Auth-Type := System\n",
		"etc/passwd":        "ann:x:1000:1000::/home/ann:/bin/sh\n",
		"etc/shadow":        "ann:$1$s$e3cU4diUKuLjXnDANdfhU0:19000:0:99999:7:::\n",
	}
	for name, text := range files {
		all[name] = text
	}
	return newSite(t, all)
}

func (s *site) fits(name, password string) bool {
	stored, _, ok := s.last().Accounts.Find([]byte(name), 19500)
	return ok && stored.Verify([]byte(password))
}

// TestSystemAccounts: a changed password holds after a look at the files, and no copy of any is kept; a start from the
// last good files takes the accounts as they are now.
func TestSystemAccounts(t *testing.T) {
	s := systemSite(t, nil).start()
	if !s.fits("ann", "p") || s.fits("ann", "hello") {
		t.Error("the accounts were not read")
	}
	s.write("etc/shadow", "ann:abl0JrMf6tlhw:19000:0:99999:7:::\n")
	s.good()
	if s.fits("ann", "p") || !s.fits("ann", "hello") {
		t.Error("the change was not seen")
	}
	for _, m := range s.r.Generations() {
		for path := range m.Files {
			if strings.Contains(path, "/etc/") {
				t.Errorf("a copy of %s is kept", path)
			}
		}
	}
	s.stop()
	s.write("raddb/users", "broken (\n")
	s.write("etc/shadow", "eve:abl0JrMf6tlhw:19000:0:99999:7:::\n")
	s.must(s.tryStart(s.options()))
	if s.fits("ann", "hello") || !s.fits("eve", "hello") {
		t.Error("the last good generation has old accounts")
	}
}

// TestSystemAccountsWatched: they are looked at like the server's own files.
func TestSystemAccountsWatched(t *testing.T) {
	s := systemSite(t, nil).start().watch()
	s.write("etc/shadow", "ann:abl0JrMf6tlhw:19000:0:99999:7:::\n")
	s.wait("the new password", func() bool { return s.fits("ann", "hello") })
}

// TestSystemAccountsUnreadable: said at load, at the rule that needs them, once, and by [auth] system.
func TestSystemAccountsUnreadable(t *testing.T) {
	s := systemSite(t, map[string]string{
		"etc/shadow": "", "etc/shadow/x": "a directory cannot be read",
		"raddb/users": "$DIALECT gnu\nann User-Password = \"UNIX\"\n NULL\nDEFAULT Auth-Type = System\n NULL\n",
	})
	c, errs := Build(Options{Root: s.path("raddb")})
	if c == nil || c.Accounts != nil {
		t.Fatal(errs)
	}
	defer c.Discard()
	text := errs.Error()
	if !strings.Contains(text, "users:2:21: warning: Auth-Type System needs ../etc/shadow, which this process cannot read") ||
		!strings.Contains(text, "group shadow") || strings.Count(text, "group shadow") != 1 {
		t.Error(text)
	}
	s.write("raddb/users", "$DIALECT freeradius\nbob Cleartext-Password := \"x\"\n")
	s.write("raddb/config.toml", accountsConfig+"system = true\n")
	other, errs := Build(Options{Root: s.path("raddb")})
	if other == nil || !strings.Contains(errs.Error(), "config.toml:") || !strings.Contains(errs.Error(), "group shadow") {
		t.Fatal(errs)
	}
	other.Discard()
}

// TestSystemAccountsUnasked: nobody's files are read for rules that do not need them.
func TestSystemAccountsUnasked(t *testing.T) {
	s := systemSite(t, map[string]string{"raddb/users": "$DIALECT freeradius\nbob Cleartext-Password := \"x\"\n"}).start()
	if s.last().Accounts != nil {
		t.Error("the accounts were read")
	}
	for _, in := range s.last().Inputs {
		if in.System {
			t.Errorf("%s is an input", in.Path)
		}
	}
	s.write("raddb/config.toml", accountsConfig+"system = true\n")
	s.good()
	if s.last().Accounts.Len() != 1 {
		t.Error("[auth] system reads nothing")
	}
}
