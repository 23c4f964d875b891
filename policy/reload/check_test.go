package reload

import (
	"strings"
	"testing"
)

// TestCheckReadsTests: check tells mistakes in the text of test files beside those of the tree; build does not look.
func TestCheckReadsTests(t *testing.T) {
	s := newSite(t, map[string]string{
		"scripts/good_test.lua": "test.case(\"fails when it is run\", function() test.equal(1, 2) end)\n",
	})
	o := Options{Root: s.path("raddb")}
	c, errs := Check(o)
	if c == nil || len(errs) > 0 {
		t.Errorf("a failing case is no mistake of the text: %v", errs)
	}
	c.Discard()
	s.write("scripts/bad_test.lua", "test.cse()\n")
	s.write("raddb/users", "bob Cleartext-Pasword := \"x\"\n")
	c, errs = Check(o)
	for _, want := range []string{`bad_test.lua:1:1: test has no cse; did you mean "case"?`, "users:1:"} {
		if !strings.Contains(errs.Error(), want) {
			t.Errorf("%s is missing in\n%s", want, errs.Error())
		}
	}
	c.Discard()
	if c, errs = Build(o); strings.Contains(errs.Error(), "bad_test.lua") {
		t.Errorf("build read the tests: %s", errs.Error())
	}
	c.Discard()
}

// TestScriptsBeside: scripts that stand where init writes them, and nobody names, are told of.
func TestScriptsBeside(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/config.toml": "[policy]\napi = 1\n"})
	const want = `config.toml: warning: scripts in ../scripts are not loaded`
	for _, c := range []struct {
		settings string
		told     bool
	}{{"[policy]\napi = 1\n", true}, {"[policy]\nscripts = \"../scripts\"\n", false}, {"[policy]\nscripts = \"none\"\n", false}} {
		s.write("raddb/config.toml", c.settings)
		candidate, errs := Check(Options{Root: s.path("raddb")})
		if strings.Contains(errs.Error(), want) != c.told {
			t.Errorf("%s: %v", c.settings, errs)
		}
		candidate.Discard()
	}
}
