package reload

import (
	"log/slog"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
	"perilune/engine/server"
)

// programSite builds a site of a config and users.
func programSite(t *testing.T, config, users string, beside bool) (*Candidate, string) {
	t.Helper()
	s := newSite(t, map[string]string{"raddb/config.toml": siteConfig + config, "raddb/users": "$DIALECT gnu\n" + users})
	r, err := New(Options{Root: s.path("raddb"), Log: slog.New(slog.DiscardHandler), Busy: new(server.Busy)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.build.beside = beside
	c, errs := r.build.candidate(raddb.Open(s.path("raddb")))
	t.Cleanup(c.Discard)
	return c, errs.Error()
}

// TestProgramsAtLoad: all that can be known before the first login is told with its place.
func TestProgramsAtLoad(t *testing.T) {
	const filter = "[filters.check]\ncommand = \"/bin/cat\"\nauth-input = \"%u\"\n[filters.count]\ncommand = \"/bin/cat\"\nacct-input = \"%u\"\n"
	for _, c := range []struct{ name, config, users, want string }{
		{"none", "", "bob Auth-Type = Accept\n NULL\n", ""},
		{"commands", filter, "bob Auth-Type = Accept\n Exec-Program-Wait = \"/nowhere/x '%u'\", Exec-Program-Wait = \"|check\"\n", ""},
		{"relative", "", "bob Auth-Type = Accept\n Exec-Program-Wait = \"bin/x\"\n",
			"users:3:22: Exec-Program-Wait: the program is not named by its absolute path, which begins with /"},
		{"unknown filter", filter, "bob Auth-Type = Accept\n Exec-Program = \"|chek\"\n",
			`users:3:17: Exec-Program: there is no filter "chek"; did you mean "check"?; expected one of config.toml, [filters.NAME]`},
		{"filter of accounting", filter, "bob Auth-Type = Accept\n Exec-Program-Wait = \"|count\"\n",
			`users:3:22: Exec-Program-Wait: the filter "count" has no auth-input, so that it has no part in authentication`},
		{"quote", "", "bob Auth-Type = Accept\n Auth-Failure-Trigger = \"/x 'a\"\n", "users:3:25: Auth-Failure-Trigger: a quote is not closed"},
		{"macro", "", "bob Auth-Type = Accept\n Exec-Program = \"/x %C{Usr-Name}\"\n", `users:3:17: Exec-Program: unknown attribute "Usr-Name"; did you mean "User-Name"?`},
		{"settings of a filter", "[filters.bad]\ncommand = \"cat\"\nauth-input = \"%C{Usr-Name}\"\n", "bob Auth-Type = Accept\n NULL\n",
			"config.toml:14:1: filters.bad.command: the program is not named by its absolute path, which begins with /\n" +
				`config.toml:15:1: filters.bad.auth-input: unknown attribute "Usr-Name"; did you mean "User-Name"?`},
		{"account", "[programs]\nuser = \"no-such-user\"\n", "bob Auth-Type = Accept\n NULL\n", `config.toml:14:1: programs.user: there is no user "no-such-user" on this machine`},
	} {
		if _, got := programSite(t, c.config, c.users, false); got != c.want {
			t.Errorf("%s (-want +got)\n%s", c.name, cmp.Diff(c.want, got))
		}
	}
}

// TestProgramAccounts: another's user than the server's is an error to the server, and a warning to commands.
func TestProgramAccounts(t *testing.T) {
	const strange = "[programs]\nuser = \"no-such-user\"\n"
	if c, got := programSite(t, strange, "bob Auth-Type = Accept\n NULL\n", true); c == nil || got != `config.toml:14:1: warning: programs.user: there is no user "no-such-user" on this machine` {
		t.Errorf("check: %s", got)
	}
	if os.Geteuid() != 0 {
		return
	}
	c, got := programSite(t, "[programs]\nuser = \"root\"\n", "bob Auth-Type = Accept\n NULL\n", false)
	if want := "config.toml:14:1: warning: programs.user is root: programs that see what users type run with all rights of the machine; an account of their own is safer"; c == nil || got != want {
		t.Errorf("root: %s", got)
	}
}
