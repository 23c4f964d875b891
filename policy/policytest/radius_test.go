package policytest

import (
	"os"
	"path/filepath"
	"testing"

	"perilune/engine/raddb"
)

// TestRadiusOfEachFile: what handlers ask the module radius is answered by the file whose case runs, also where states
// have run for another file, or for their lines to be counted.
func TestRadiusOfEachFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.lua": `
local k = kv.open("k")
every("1m", {name="count"}, function() k:set("n", radius.count{}) end)
on("authorize", function(req) return accept{message=radius.client("192.0.2.1").name} end)`,
		"a_test.lua": `
test.clients[[192.0.2.1 "a secret for the test" first]]
local k = kv.open("k")
test.case("client", function() expect(send{client="first", user="ann"}):accept():message("first") end)
test.case("timer", function() test.fire("every", "count") test.equal(k:get("n"), 0) end)`,
		"b_test.lua": `
test.clients[[192.0.2.1 "a secret for the test" second]]
test.case("client", function() expect(send{client="second", user="ann"}):accept():message("second") end)`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, counted := range []bool{false, true} {
		o := build(t, raddb.Open("../../raddb"), dir)
		if counted {
			o.Coverage = NewCoverage(o.Program, o.Generation.Users)
		}
		for _, f := range Run(o).Failures {
			t.Errorf("counted=%t: %s", counted, f.Text())
		}
	}
}

// TestSessionsSince: since is when sessions began; all of them are open.
func TestSessionsSince(t *testing.T) {
	if got := runCase(t, `on("hints", function() end)`, `
local function start(user) send{user=user, status="Start", ["Acct-Session-Id"]=user} end
start("ann") clock.advance("10m") start("bob")
test.equal(radius.count{}, 2)
test.equal(radius.count{since=time.now() - 60}, 1)
test.equal(radius.sessions{since=time.now() - 60}[1].user, "bob")
test.equal(radius.count{since=time.now() - 600}, 2)`); got != "" {
		t.Error(got)
	}
}
