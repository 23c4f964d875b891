package reload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/server"
)

// TestRecording: [acct] reaches the server; names of detail files are compiled with the dictionary and the functions of
// the scripts.
func TestRecording(t *testing.T) {
	s := newSite(t, map[string]string{
		"raddb/config.toml": "[acct]\nsessions = false\nrefuse-incomplete = true\ndetail = \"d\"\ndetail-auth = true\nstrip-names = true\n" +
			"detail-name = \"%n/%C{Site-Text}\"\ndetail-auth-name = \"=place(req)\"\ndetail-old-names = true\n",
		"scripts/names.lua": "attribute{name = \"Site-Text\", type = \"string\"}\nrewrite(\"place\", function(req) return \"x\" end)\n",
	})
	c, errs := Build(Options{Root: s.path("raddb"), Scripts: s.path("scripts")})
	if c == nil {
		t.Fatal(errs)
	}
	defer c.Discard()
	got := c.Settings.Recording
	if got.Name.Macro == nil || !got.AuthName.Computed {
		t.Errorf("names %+v %+v", got.Name, got.AuthName)
	}
	got.Name, got.AuthName = server.DetailName{}, server.DetailName{}
	want := server.Recording{NoSessions: true, RefuseIncomplete: true, Detail: true, DetailAuth: true, StripNames: true, OldNames: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestRecordingInError: everything that is wrong with names is told at its key.
func TestRecordingInError(t *testing.T) {
	for _, test := range []struct{ settings, want string }{
		{"detail = \"d\"\ndetail-name = \"%C{User-Nam}\"", `config.toml:3:1: acct.detail-name: `},
		{"detail = \"d\"\ndetail-name = \"/etc/%n\"", `config.toml:3:1: acct.detail-name = "/etc/%n"; expected a name below acct.detail, without a leading /`},
		{"detail = \"d\"\ndetail-name = \"../%n\"", `config.toml:3:1: acct.detail-name = "../%n"; expected a name that does not lead out of acct.detail`},
		{"detail = \"d\"\ndetail-name = \"%n/\"", `config.toml:3:1: acct.detail-name = "%n/"; expected the name of a file, not of a directory`},
		{"detail = \"d\"\ndetail-name = \"=req.usr\"", `config.toml:3:1: acct.detail-name: the expression "req.usr"`},
		{"detail = \"d\"\ndetail-name = \"=\"", `config.toml:3:1: acct.detail-name: the expression ""`},
		{"detail = \"d\"\ndetail-auth-name = \"=nowhere(req)\"", `config.toml:3:1: acct.detail-auth-name: the expression "nowhere(req)"`},
		{"detail = \"d\"\ndetail-auth-name = \"=kv.get('x')\"", `config.toml:3:1: acct.detail-auth-name: the expression`},
		{"detail-name = \"%n\"", `config.toml:2:1: warning: acct.detail-name has no effect without acct.detail, the directory`},
		{"detail-only = true", `config.toml:2:1: warning: acct.detail-only has no effect without acct.detail, the directory`},
		{"detail = \"d\"\ndetail-only = true", `config.toml:3:1: warning: acct.detail-only without detail-sync: after a power cut records may be missing that were answered`},
		{"detail-sync = true", `config.toml:2:1: warning: acct.detail-sync has no effect without acct.detail, the directory`},
	} {
		s := newSite(t, map[string]string{"raddb/config.toml": "[acct]\n" + test.settings + "\n"})
		c, errs := Build(Options{Root: s.path("raddb"), Scripts: s.path("scripts")})
		c.Discard()
		if warning := strings.Contains(test.want, " warning: "); (c != nil) != warning || !strings.Contains(errs.Error(), test.want) {
			t.Errorf("%s: %v; want %s", test.settings, errs, test.want)
		}
	}
}
