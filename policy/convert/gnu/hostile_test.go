package gnu

import (
	"os"
	"path/filepath"
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

// TestLinkOut tests that what a link leads to outside is told of, and is not for everybody to read.
func TestLinkOut(t *testing.T) {
	root, other := writeFiles(t, map[string]string{"clients": "127.0.0.1 x\n"}), writeFiles(t, map[string]string{"shadow": "root:$6$hash:1\n"})
	for _, name := range []string{"hints", "huntgroups", "users"} {
		if err := os.Symlink(filepath.Join(other, "shadow"), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	out, report := convert(t, nil, Options{Root: root})
	for _, name := range []string{"hints", "huntgroups", "users"} {
		if !strings.Contains(about(report, name), name+": is a link out of the old directory; what is in the new tree is of "+other) {
			t.Errorf("%s: %s", name, report)
		}
	}
	for _, name := range out.Names() {
		if f := out.File(name); strings.Contains(f.String(), "$6$hash") && !f.Secret {
			t.Errorf("%s is for everybody to read", name)
		}
	}
}

// TestIncludeBomb tests small files that include each other ten times, so that there is no end of it.
func TestIncludeBomb(t *testing.T) {
	files := map[string]string{"users": "$INCLUDE 0\n", "clients": "$INCLUDE 0\n", "dictionary": "$INCLUDE 0\n"}
	for i := range 16 {
		next := string(rune('0' + i + 1))
		files[string(rune('0'+i))] = strings.Repeat("$INCLUDE "+next+"\n", 10)
	}
	_, report := convert(t, files, Options{})
	for _, words := range []string{"are included; what follows is not read", "left out, like all that follow: more than 10000 files"} {
		if !strings.Contains(report, words) {
			t.Errorf("the report lacks %q", words)
		}
	}
}

// TestIncludedNames tests users files of names that other files of the new tree have, or two of one name.
func TestIncludedNames(t *testing.T) {
	entry := func(name string) string { return name + " Auth-Type = Accept Session-Timeout = 1\n" }
	a, b := writeFiles(t, map[string]string{"staff": entry("cid")}), writeFiles(t, map[string]string{"staff": entry("dan")})
	out, _ := convert(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"), "clients": "127.0.0.1 x\n", "config.d/config.toml": "",
		"users":       "$INCLUDE radius.conf\n$INCLUDE dictionary.d/rfc2865\n$INCLUDE " + a + "/staff\n$INCLUDE " + b + "/staff\n$INCLUDE users.d/staff\n" + entry("eve"),
		"radius.conf": entry("ann"), "dictionary.d/rfc2865": entry("bob"), "users.d/staff": entry("fay"),
	}, Options{})
	build(t, out)
	for name, user := range map[string]string{
		"users.d/radius.conf": "ann", "users.d/rfc2865": "bob", "users.d/staff": "cid", "users.d/staff-2": "dan", "users.d/staff-3": "fay", "users": "eve",
	} {
		if text := out.File("raddb/" + name).String(); !strings.Contains(text, user+" Auth-Type") {
			t.Errorf("%s lacks %s: %s", name, user, text)
		}
	}
}

// TestAfterCall tests a rule that stands behind one whose function may change what it sees.
func TestAfterCall(t *testing.T) {
	out, _ := convert(t, map[string]string{
		"dictionary": readText(t, "testdata/rules/dictionary"), "clients": "127.0.0.1 x\n",
		"config": "rewrite { load \"a.rw\"; };\n", "rewrite/a.rw": "integer f() { %[User-Name] = \"x\"; return 0; }\n",
		"hints": "DEFAULT Prefix = \"P\" Rewrite-Function = \"f\"\nDEFAULT Prefix = \"P\" Hint = \"y\"\n",
		"users": "DEFAULT Auth-Type = Accept NULL\n",
	}, Options{})
	build(t, out)
}
