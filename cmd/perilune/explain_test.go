package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/server"
)

// explainTree is a site with something of everything that a screen shows.
var explainTree = map[string]string{
	"raddb/users": `$DIALECT freeradius
ann     Cleartext-Password := "sesame", Huntgroup-Name == "office", Service-Type == Framed-User
        Session-Timeout = 3600

ann     Cleartext-Password := "sesame", NAS-Port < 10
        Session-Timeout = 600

DEFAULT Service-Type == Administrative-User, Auth-Type := Reject
`,
	"scripts/site.lua": `
local door = http.open{base = "http://127.0.0.1:9/door"}
local seen = kv.open("seen")

huntgroup("office", function(req)
  return req:int("NAS-Port") == 25
end)

on("hints", {name = "lower"}, function(req)
  req.user = req.user:lower()
end)

on("hints", {name = "vpn", when = {client = "vpn-*", ["NAS-Port"] = "1-31"}}, function(req)
  req.control["Tmp-String-0"] = "vpn"
end)

on("authorize", {name = "greet", when = {huntgroup = "office"}}, function(req)
  log.info("good morning", {who = req.user})
  req:trace("the password is %s", req.password)
  req.reply["Reply-Message"] = "you typed " .. req.password
end)

on("authorize", {name = "fragile", on_error = "continue"}, function(req)
  req.reply["Reply-Message"] = "half"
  local n = nil + 1
end)

on("reply", {name = "door", when = {verdict = "accept"}}, function(req)
  local n = seen:incr(req.user, 1)
  local r, err = door:try_get("/open", {query = {token = "hidden"}})
  req.reply["NAS-Port"] = 1
  if err then req:trace("%s, %d", err, n) end
end)

on("reply", {name = "late", when = {user = "late"}}, function(req)
  door:get("/open")
end)
`,
}

// clocks are the times that screens show.
var clocks = regexp.MustCompile(`\d\d:\d\d:\d\d\.\d{3}|, [0-9.]+ ?(µs|ms|s)\b`)

// explained runs explain on the tree and gives its screen without times.
func explained(t *testing.T, dir string, args ...string) (int, string) {
	t.Helper()
	code, out, errs := execute(append([]string{"explain", "-d", filepath.Join(dir, "raddb")}, args...)...)
	if errs != "" {
		t.Errorf("%s", errs)
	}
	for l := range strings.Lines(out) {
		if l = strings.TrimRight(l, "\n"); utf8.RuneCountInString(l) > 80 && !strings.HasPrefix(l, "{") {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(l), l)
		}
	}
	if strings.HasPrefix(out, "{") {
		return code, out
	}
	return code, clocks.ReplaceAllString(out, "…")
}

// TestExplainScreen: phases, handlers with their diffs, what they asked and said, rules that matched and nearly did.
func TestExplainScreen(t *testing.T) {
	dir := loopTree(t, explainTree)
	for _, c := range []struct {
		name string
		code int
		args []string
	}{
		{"accept", exitOK, []string{"User-Name=Ann", "User-Password=sesame", "NAS-Port=25", "Service-Type=Framed-User"}},
		{"reject", exitFailed, []string{"User-Name=ann", "User-Password=wrong-one", "NAS-Port=11", "Service-Type=Framed-User"}},
		{"refused", exitFailed, []string{"User-Name=late", "User-Password=x"}},
	} {
		code, got := explained(t, dir, c.args...)
		if code != c.code {
			t.Errorf("%s: exit code %d", c.name, code)
		}
		path := filepath.Join("testdata", "explain", c.name+".txt")
		if *updateDocs {
			os.MkdirAll(filepath.Dir(path), 0o755)
			os.WriteFile(path, []byte(got), 0o644)
		}
		want, _ := os.ReadFile(path)
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		_, blob := explained(t, dir, append([]string{"-json"}, c.args...)...)
		var traced server.Traced
		if err := json.Unmarshal([]byte(blob), &traced); err != nil || traced.Verdict == "" || len(traced.Steps) == 0 {
			t.Errorf("%v: %s", err, blob)
		}
		for _, secret := range []string{"sesame", "wrong-one", "hidden"} {
			if strings.Contains(got+blob, secret) {
				t.Errorf("%s is shown:\n%s\n%s", secret, got, blob)
			}
		}
	}
}

// TestExplainFile: requests as radclient reads them, with a worst exit code.
func TestExplainFile(t *testing.T) {
	dir := loopTree(t, explainTree)
	file := filepath.Join(dir, "requests")
	writeFiles(t, dir, map[string]string{"requests": "# two\nUser-Name = \"ann\"\nUser-Password = \"sesame\",\nNAS-Port = 3\n\n\nUser-Name = eve\nUser-Password = x\n"})
	code, out := explained(t, dir, "-file", file, "Service-Type=Login-User")
	if code != exitFailed || strings.Count(out, "Access-Request user=") != 2 || strings.Count(out, "              Service-Type = Login-User") != 2 ||
		!strings.Contains(out, "\naccept rule=users:5") || !strings.Contains(out, "\nreject reason=unknown-user") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	for args, want := range map[string]int{
		"-file " + file + "x": exitFailed, "": exitUsage, "-code status User-Name=x": exitUsage, "NAS-Prt=3": exitUsage, "-client nobody User-Name=x": exitFailed,
	} {
		if code, _, _ := execute(append([]string{"explain", "-d", filepath.Join(dir, "raddb")}, strings.Fields(args)...)...); code != want {
			t.Errorf("%q: exit code %d, want %d", args, code, want)
		}
	}
}

// TestExplainWritesNothing: neither state nor anything else, whatever scripts do.
func TestExplainWritesNothing(t *testing.T) {
	dir := loopTree(t, map[string]string{"scripts/site.lua": `
local t = kv.open("kept", {persist = true})
on("authorize", function(req)
  t:set("a", "b")
  return accept{message = tostring(t:get("a"))}
end)`})
	list := func() (names []string) {
		filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error { names = append(names, path); return nil })
		return names
	}
	before := list()
	for _, args := range [][]string{{}, {"-backends"}} {
		args = append(args, "-state", filepath.Join(dir, "state"), "User-Name=x", "User-Password=y")
		if code, out := explained(t, dir, args...); code != exitOK || !strings.Contains(out, `Reply-Message = "b"`) {
			t.Errorf("exit code %d\n%s", code, out)
		}
		explained(t, dir, append([]string{"-code", "acct"}, "Acct-Status-Type=Start", "Acct-Session-Id=1", "User-Name=x", "NAS-IP-Address=127.0.0.1")...)
	}
	if after := list(); !slices.Equal(before, after) {
		t.Errorf("(-before +after)\n%s", cmp.Diff(before, after))
	}
}

// TestSnippetLoads: the lines for an unknown vendor are a script, and then its attributes show under their names.
func TestSnippetLoads(t *testing.T) {
	dir := loopTree(t, nil)
	args := []string{"User-Name=x", "Attr-26.64999.3=0x0106000000070207616e6e6578", "Attr-26.64999.4=0x476f6c64", "Attr-26.64999.5=0x01020304",
		"Attr-26.64999.6=0xfffe", "Attr-26.64999.7=0x0a0b0c0d0e0f", "Attr-26.311.250=0x0000000000000001"}
	_, out := explained(t, dir, append([]string{"-json"}, args...)...)
	var traced server.Traced
	if err := json.Unmarshal([]byte(out), &traced); err != nil || len(traced.Unknown) != 2 {
		t.Fatalf("%v %s", err, out)
	}
	script := ""
	for _, u := range traced.Unknown {
		if !u.Known {
			script += fmt.Sprintf("vendor{name=%q, id=%d}\n", u.Name, u.Vendor)
		}
		for _, a := range u.Attributes {
			script += a.Snippet + "\n"
		}
	}
	writeFiles(t, dir, map[string]string{"scripts/vendors.lua": script})
	_, out = explained(t, dir, args...)
	for _, want := range []string{`Vendor-64999-3.Field-1 = 7`, `"annex"`, `Vendor-64999-4 = "Gold"`, "Vendor-64999-5 = 1.2.3.4", "Vendor-64999-6 = 65534", "0a:0b:0c:0d:0e:0f", "Microsoft-250 = 1"} {
		if !strings.Contains(strings.ToLower(out), strings.ToLower(want)) || strings.Contains(out, "no dictionary has") {
			t.Errorf("no %q in\n%s\n%s", want, out, script)
		}
	}
}
