package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oldTree is a raddb directory of GNU Radius with files of all kinds.
const oldTree = "../../examples/gnu-radius/raddb"

// TestConvert: the example's tree is converted, has no errors, no warnings but of what is not there yet, and
// passes the tests that were made for it; the old directory stays as it was.
func TestConvert(t *testing.T) {
	before := treeText(t, oldTree)
	dir := filepath.Join(t.TempDir(), "new")
	code, out, err := execute("convert", oldTree, dir)
	if code != exitOK || err != "" {
		t.Fatalf("%d\n%s%s", code, out, err)
	}
	for _, want := range []string{oldTree + " is of GNU Radius; places below are in it.\n\nDone:\n", "\nDifferent on purpose:\n", "\nTo look at:\n", "perilune serve -d " + dir + "/raddb\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	root := filepath.Join(dir, "raddb")
	code, out, err = execute("check", "-d", root)
	for line := range strings.Lines(err) {
		if !strings.Contains(line, "this version forwards nothing") {
			t.Errorf("check: %s", line)
		}
	}
	if code != exitOK {
		t.Errorf("check: %d\n%s", code, out)
	}
	code, out, err = execute("test", "-d", root)
	if code != exitOK || strings.Contains(out, "no cases") {
		t.Errorf("test: %d\n%s%s", code, out, err)
	}
	if treeText(t, oldTree) != before {
		t.Error("the old directory has changed")
	}
}

// treeText gives the names and contents of all files below a directory.
func treeText(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		b.WriteString(path + "\n" + string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestConvertAgain: a second run changes nothing, and leaves edited files alone. It tells that the rest no longer
// fits an edited one.
func TestConvertAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	execute("convert", oldTree, dir)
	first := treeText(t, dir)
	if code, _, err := execute("convert", oldTree, dir); code != exitOK || treeText(t, dir) != first {
		t.Fatalf("a second run changes something: %d %s", code, err)
	}
	script := filepath.Join(dir, "scripts", "30-menus.lua")
	if err := os.WriteFile(script, []byte("-- mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, _ := execute("convert", oldTree, dir)
	if code != exitFailed || !strings.Contains(out, script+": has been edited and stays; what it would be now is in 30-menus.lua.new\n") {
		t.Errorf("%d\n%s", code, out)
	}
	if text, _ := os.ReadFile(script); string(text) != "-- mine\n" {
		t.Errorf("the edited file is now %s", text)
	}
}

// TestConvertExact: answers without what this server adds.
func TestConvertExact(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	code, out, _ := execute("convert", "-exact", "-log-dir", "/logs", oldTree, dir)
	text := treeText(t, filepath.Join(dir, "raddb"))
	for _, want := range []string{" no-reply-ma no-credential\n", "\nreject-delay = \"0s\"\n", "\nfailures = 0\n", "file = \"/logs/radius.log\""} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if code != exitOK || strings.Contains(out, "Message-Authenticator") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestConvertJSON(t *testing.T) {
	_, out, _ := execute("convert", "-json", oldTree, filepath.Join(t.TempDir(), "new"))
	counts := map[string]int{}
	var whole convertedWhole
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var line struct {
			convertedNote
			convertedWhole
		}
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line.Server != "" {
			whole = line.convertedWhole
		}
		counts[line.Kind]++
	}
	if whole.Server != "GNU Radius" || whole.Files == 0 || whole.Done != counts["done"] || whole.Differs != counts["differs"] || whole.Look != counts["look"] || whole.Look == 0 {
		t.Errorf("%v, and the whole is %+v", counts, whole)
	}
}

// TestConvertRefuses: what is no directory to convert from or to changes nothing.
func TestConvertRefuses(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"old/users": "bob NULL\n", "used/letter": "dear", "empty/": "", "other/readme": "x", "file": "x"})
	if err := os.Symlink("old", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	tests := []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "expected two directories"},
		{[]string{at("old")}, exitUsage, "expected two directories"},
		{[]string{at("none"), at("new")}, exitFailed, "no such file"},
		{[]string{at("file"), at("new")}, exitFailed, "is no directory; expected the old server's"},
		{[]string{at("other"), at("new")}, exitFailed, "is no directory of GNU Radius"},
		{[]string{at("old"), at("old/new")}, exitFailed, "lie in one another"},
		{[]string{at("link"), at("old/new")}, exitFailed, "lie in one another"},
		{[]string{at("old"), dir}, exitFailed, "lie in one another"},
		{[]string{at("old"), at("used")}, exitFailed, "is not empty, and nothing in it was made by a conversion"},
		{[]string{at("old"), at("file")}, exitFailed, "not a directory"},
	}
	before := treeText(t, dir)
	for _, test := range tests {
		code, _, err := execute(append([]string{"convert"}, test.args...)...)
		if code != test.code || !strings.Contains(err, test.want) {
			t.Errorf("%v: %d %s, want %d %s", test.args, code, err, test.code, test.want)
		}
	}
	if treeText(t, dir) != before {
		t.Error("something was written")
	}
	if code, out, _ := execute("convert", "-h"); code != exitOK || !strings.Contains(out, "example:\n  perilune convert /usr/local/etc/raddb /etc/perilune\n") {
		t.Errorf("%d %s", code, out)
	}
}

// TestConvertedMenus: a menu asks no password again and holds to its user's hours and expiry; nobody gets in by a
// State of his own.
func TestConvertedMenus(t *testing.T) {
	dir := t.TempDir()
	dictionary, err := os.ReadFile(filepath.Join(oldTree, "dict/standard"))
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, dir, map[string]string{
		"old/dictionary": string(dictionary),
		"old/clients":    "192.0.2.1 \"a secret for the test\"\n192.0.2.2 \"another for the test\"\n",
		"old/users": "day User-Password = \"x\", Login-Time = \"Mo1100-1201\"\n\tMenu = \"main\", Session-Timeout = 5\n" +
			"old User-Password = \"x\", Expiration = \"Jan 02 2024\"\n\tMenu = \"main\"\n" +
			"ann User-Password = \"x\"\n\tMenu = \"main\"\nbob User-Password = \"x\"\n\tMenu = \"none\"\n",
		"old/menus/main": "menu\nWhich?\nend\n1\n\tService-Type = Login-User\nagain\n\tService-Type = Login-User, Termination-Menu = \"main\"\nDEFAULT\n\tMenu = \"EXIT\"\n",
	})
	to := filepath.Join(dir, "new")
	if code, out, err := execute("convert", filepath.Join(dir, "old"), to); code != exitOK {
		t.Fatalf("%s%s", out, err)
	}
	writeFiles(t, to, map[string]string{"scripts/40-more_test.lua": `
local function asked(user) return send{client = "192.0.2.1", user = user, password = "x"} end

test.case("the pairs of the choice, and no others", function()
  expect(asked("ann"):answer("1")):accept():has("Service-Type", "Login-User"):lacks("Menu"):lacks("State")
  expect(asked("day")):challenge("menu"):lacks("Session-Timeout")
end)

test.case("a wrong password asks nothing", function()
  expect(send{client = "192.0.2.1", user = "ann", password = "y"}):reject("password")
end)

test.case("hours end", function()
  local r = asked("day")
  expect(r:answer("1")):accept()
  r = asked("day")
  clock.advance("90s")
  expect(r:answer("1")):reject("login-time")
end)

test.case("accounts expire", function()
  local r = asked("old"):answer("again")
  expect(r):accept():has("State")
  expect(r:answer("1")):accept()
  r = asked("old"):answer("again")
  clock.advance("18h")
  expect(r:answer("1")):reject("expired-account")
end)

test.case("one State, one user", function()
  local r = asked("ann")
  expect(send{client = "192.0.2.1", user = "bob", password = "1", State = r["State"]}):reject("state")
  expect(send{client = "192.0.2.2", user = "ann", password = "1", State = r["State"]}):reject("state")
  expect(send{client = "192.0.2.1", user = "ann", password = "1", State = "MENU=main"}):reject("state")
end)

test.case("a menu that is not there", function()
  local r = asked("bob")
  expect(r):challenge("menu"):message("*** User Menu is Not Available ***")
  expect(r:answer("1")):reject("menu")
end)
`})
	code, out, errs := execute("test", "-d", filepath.Join(to, "raddb"))
	if code != exitOK || !strings.Contains(out, " 0 failed") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}
