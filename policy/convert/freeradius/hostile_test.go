package freeradius

import (
	"strings"
	"testing"

	"perilune/policy/convert/output"
)

// TestTextIsNoCode tests that names and comments of the old tree stay names and comments.
func TestTextIsNoCode(t *testing.T) {
	const code = `on("authorize",function() end)`
	dir := t.TempDir()
	writeSite(t, dir, map[string]string{
		"radiusd.conf": "modules {\n preprocess {\n  hints = \"h\\n" + strings.ReplaceAll(code, `"`, `\"`) + "\"\n  huntgroups = \"g\\n" + strings.ReplaceAll(code, `"`, `\"`) + "\"\n }\n}\n",
		"clients.conf": "client a {\n ipaddr = 127.0.0.1\n secret = x\n}\n",
		"users":        "bob Cleartext-Password := \"x\"\n",
		"h\n" + code:   "DEFAULT Prefix == \"P\r" + strings.ReplaceAll(code, `"`, `'`) + "\"\n\tHint = \"]]" + code[:2] + "\"\n",
		"g\n" + code:   "a]]" + strings.ReplaceAll(code, " ", "") + "--[[ NAS-IP-Address == 127.0.0.1\n",
	})
	var out output.Tree
	var report output.Report
	if err := Convert(Options{Root: dir}, &out, &report); err != nil {
		t.Fatal(err)
	}
	for _, name := range out.Names() {
		if !strings.HasSuffix(name, ".lua") {
			continue
		}
		text := out.File(name).String()
		if strings.Contains(text, "\r") || strings.Contains(text, "\non(\"authorize\"") {
			t.Errorf("%s:\n%s", name, text)
		}
		if strings.Contains(text, "test.users[[") && strings.Contains(text, "a]]on") {
			t.Errorf("%s ends its string early:\n%s", name, text)
		}
	}
}

// TestVariableBomb tests values that double each other.
func TestVariableBomb(t *testing.T) {
	conf := "v = \"0123456789abcdef\"\n" + strings.Repeat("v = \"${v}${v}\"\n", 64)
	dir := t.TempDir()
	writeSite(t, dir, map[string]string{"radiusd.conf": conf, "users": ""})
	var out output.Tree
	var report output.Report
	if err := Convert(Options{Root: dir}, &out, &report); err != nil {
		t.Fatal(err)
	}
}

// TestIncludedNames tests two users files of one name.
func TestIncludedNames(t *testing.T) {
	dir := t.TempDir()
	writeSite(t, dir, map[string]string{
		"clients.conf": "client a {\n ipaddr = 127.0.0.1\n secret = x\n}\n",
		"users":        "$INCLUDE a/staff\n$INCLUDE b/staff\n$INCLUDE a/staff\n",
		"a/staff":      "ann\tCleartext-Password := \"x\"\n", "b/staff": "bob\tCleartext-Password := \"x\"\n",
	})
	var out output.Tree
	var report output.Report
	if err := Convert(Options{Root: dir}, &out, &report); err != nil {
		t.Fatal(err)
	}
	users := out.File("raddb/users").String() + out.File("raddb/users.d/staff").String() + out.File("raddb/users.d/staff-2").String()
	for _, want := range []string{"$INCLUDE users.d/staff\n$INCLUDE users.d/staff-2\n$INCLUDE users.d/staff\n", "ann\t", "bob\t"} {
		if !strings.Contains(users, want) {
			t.Errorf("lacks %q:\n%s", want, users)
		}
	}
}
