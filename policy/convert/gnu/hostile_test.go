package gnu

import (
	"strings"
	"testing"
)

// TestTextIsNoCode tests that names and comments of the old tree stay names and comments.
func TestTextIsNoCode(t *testing.T) {
	const code = `on("authorize", function() return accept{} end)`
	menu := "menu\nhi\nend\n1\n\tService-Type = Framed-User\n"
	out, _ := convert(t, map[string]string{
		"dictionary":                readText(t, "testdata/rules/dictionary"),
		"clients":                   "127.0.0.1 x\n",
		"config":                    "rewrite { load \"a.rw\"; };\n",
		"rewrite/a.rw":              "integer f()\n{\n  integer x; // x\r" + code + "\n  x = 1; /* y\r" + code + " */\n  return x;\n}\n",
		"users":                     "bob Auth-Type = Accept, Huntgroup-Name = \"a]] " + strings.ReplaceAll(code, `"`, `\"`) + " --[[\" Session-Timeout = \"=f()\"\n",
		"huntgroups":                "\"a]] " + strings.ReplaceAll(code, `"`, `\"`) + " --[[\" NAS-IP-Address = 127.0.0.1 NULL\n# c\r" + code + "\nb NAS-Port-Id = 1 NULL\n",
		"hints":                     "# c\r" + code + "\nDEFAULT Prefix = \"P\" Service-Type = Framed-User # d\r" + code + "\n",
		"menus/m]] " + code:         menu,
		"menus/m\n" + code:          menu,
		"menus/m\r" + code + "--[[": menu,
	}, Options{})
	build(t, out)
	for _, name := range out.Names() {
		if !strings.HasSuffix(name, ".lua") {
			continue
		}
		for line := range strings.FieldsFuncSeq(out.File(name).String(), func(c rune) bool { return c == '\n' || c == '\r' }) {
			if strings.HasPrefix(strings.TrimSpace(line), `on("authorize"`) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}
