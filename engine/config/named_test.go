package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNamedTables reads [filters.NAME] in all forms that TOML has.
func TestNamedTables(t *testing.T) {
	want := map[string]*Filter{"check": {Command: "/bin/check -x", AuthInput: "%u", AuthWait: true, AcctWait: false, Processes: 1}}
	for _, text := range []string{
		"[filters.check]\ncommand = \"/bin/check -x\"\nauth-input = \"%u\"\nacct-wait-reply = false\n",
		"[filters]\ncheck.command = \"/bin/check -x\"\ncheck.auth-input = \"%u\"\ncheck.acct-wait-reply = false\n",
		"[filters]\ncheck = { command = \"/bin/check -x\", auth-input = \"%u\", acct-wait-reply = false }\n",
		"filters = { check = { command = \"/bin/check -x\", auth-input = \"%u\", acct-wait-reply = false } }\n",
		"filters.check.command = \"/bin/check -x\"\n[filters.check]\nauth-input = \"%u\"\nacct-wait-reply = false\n",
		"[filters.\"check\"]\ncommand = '/bin/check -x'\n'auth-input' = \"%u\"\nacct-wait-reply = false\n",
	} {
		c, errs := load(t, text)
		if strings.HasPrefix(text, "filters.check") { // TOML forbids a table in two places
			if !errs.Failed() {
				t.Errorf("%s: no error", text)
			}
			continue
		}
		if d := cmp.Diff(want, c.Filters); d != "" || errs != nil {
			t.Errorf("%s: %v (-want +got)\n%s", text, errs, d)
		}
		if p := c.Place("filters.check.command"); p.Line == 0 || c.Place("filters.check").Line == 0 && strings.Contains(text, "[filters.") {
			t.Errorf("%s: place %v", text, p)
		}
	}
}

func TestNamedTableErrors(t *testing.T) {
	for text, want := range map[string]string{
		"[filters.check]\ncomand = \"/x\"\n":                                 `config.toml:2:1: unknown key "comand" in [filters.check]; did you mean "command"?`,
		"[filters.check]\ncommand = 1\nauth-input = \"x\"\n":                 `config.toml:2:11: filters.check.command = 1; expected a text in quotes`,
		"[filters.check.more]\na = 1\n":                                      `config.toml:1:16: unknown key "more" in [filters.check]`,
		"[filters]\ncheck = 1\n":                                             `config.toml:2:1: filters.check is a table; expected [filters.check] on a line of its own`,
		"filters = 1\n":                                                      `config.toml:1:1: filters is a table; expected [filters] on a line of its own`,
		"[[filters]]\nname = \"x\"\n":                                        `config.toml:1:3: [[filters]] is a list of tables; expected one table, [filters]`,
		"[[filters.x]]\ncommand = \"/x\"\n":                                  `config.toml:1:11: [[filters.x]] is a list of tables; expected one table, [filters.x]`,
		"[filters.none]\nauth-input = \"%u\"\n":                              `config.toml:1:10: filters.none has no command; expected command = "/path arguments"`,
		"[filters.a]\ncommand = \"/x\"\n":                                    `config.toml:1:10: filters.a has neither auth-input nor acct-input, so that it can be asked nothing`,
		"[filters.\"a b\"]\ncommand = \"/x\"\nauth-input=\"\"\n":             `config.toml:1:10: a filter is named "a b"; expected letters, digits and -_. alone, 64 at most`,
		"[filters.a]\ncommand = \"/x\"\nauth-input = \"x\"\nprocesses = 0\n": `config.toml:4:13: filters.a.processes = 0; expected 1 to 64`,
		"[fliters.a]\ncommand = \"/x\"\n":                                    `config.toml:1:2: unknown table or key "fliters"; did you mean "filters"?`,
	} {
		_, errs := load(t, text)
		if d := cmp.Diff(want, errs.Error()); d != "" {
			t.Errorf("%s (-want +got)\n%s", text, d)
		}
	}
}

// TestNamedTablesAreNotShared: two settings have tables of their own, and so have two names.
func TestNamedTablesAreNotShared(t *testing.T) {
	c, errs := load(t, "[filters.a]\ncommand = \"/a\"\nauth-input = \"a\"\n[filters.b]\ncommand = \"/b\"\nacct-input = \"b\"\n")
	if errs != nil || c.Filters["a"] == c.Filters["b"] || c.Filters["b"].AuthInput != "" || len(Default().Filters) != 0 {
		t.Errorf("%v %+v", errs, c.Filters)
	}
	if got := RestartOnly(Default(), c); got != nil {
		t.Error(got)
	}
	if got := RestartOnly(c, Default()); got != nil {
		t.Error(got)
	}
}

func TestPlainName(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "A-b_c.9": true, "": false, "a b": false, "é": false, "a\n": false, "|x": false, strings.Repeat("x", 65): false} {
		if plainName(name) != want {
			t.Errorf("%q: not %v", name, want)
		}
	}
}
