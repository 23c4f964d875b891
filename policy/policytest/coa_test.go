package policytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perilune/engine/raddb"
)

// TestUnmockedNAS: what would leave for a NAS without mock.coa fails the case, also if the script catches it.
func TestUnmockedNAS(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.lua": `on("done", {when={code="Accounting-Request"}}, function(req) pcall(radius.disconnect, {session=req}) end)`,
		"a_test.lua": `
test.case("from a handler", function() send{status="Start", user="bob", ["Acct-Session-Id"]="1"} end)
test.case("from the case", function() radius.try_coa{session=radius.sessions{}[1] or {unique=("0"):rep(32)}} end)
test.case("passed on", function()
  mock.coa(true)
  send{status="Start", user="bob", ["Acct-Session-Id"]="1"}
end)
test.case("an answer that is none", function() mock.coa(7) end)
test.case("a function that gives none", function()
  mock.coa(function() return challenge end)
  send{status="Start", user="bob", ["Acct-Session-Id"]="1"}
end)
mock.coa(true)`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, f := range Run(build(t, raddb.Open("../../raddb"), dir)).Failures {
		got = append(got, f.Case+": "+f.Message)
	}
	want := []string{": mock.coa belongs into a case or into test.setup"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text, _ := os.ReadFile(filepath.Join(dir, "a_test.lua"))
	os.WriteFile(filepath.Join(dir, "a_test.lua"), []byte(strings.TrimSuffix(string(text), "mock.coa(true)")), 0o600)
	got = nil
	for _, f := range Run(build(t, raddb.Open("../../raddb"), dir)).Failures {
		got = append(got, f.Case+": "+f.Message)
	}
	want = []string{
		"from a handler: send: a Disconnect-Request was sent to localhost, and mock.coa answers none in this case",
		"an answer that is none: mock.coa: got a number, expected accept{}, reject{error_cause=…}, drop{} or mock.fail",
		"a function that gives none: send: mock.coa: got a function, expected accept{}, reject{error_cause=…}, drop{} or mock.fail",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
