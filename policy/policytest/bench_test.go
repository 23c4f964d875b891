package policytest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"perilune/engine/raddb"
)

// manyScripts writes a policy of so many scripts, each with a file of so many cases beside it, as sites have them:
// some hooks with when, a table, a huntgroup, users of the test's own.
func manyScripts(t testing.TB, scripts, cases int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range scripts {
		script := fmt.Sprintf(`-- Site %[1]d.
local vlans = {staff=%[1]d, guests=%[1]d + 100, printers=%[1]d + 200}
local function class(user)
  local kind = user:match("^%%w+%%-(%%w+)@site%[1]d$")
  return kind or "guests"
end
huntgroup("site%[1]d", function(req) return (req:int("NAS-Port") or 0) == %[1]d end)
on("hints", {name="lower%[1]d", when={user="*@SITE%[1]d"}}, function(req) req.user = req.user:lower() end)
on("reply", {name="vlan%[1]d", when={verdict="accept", user="*@site%[1]d"}}, function(req)
  req.reply:vlan(vlans[class(req.user)])
  req.reply["Session-Timeout"] = 3600
end)
`, i+1)
		test := fmt.Sprintf(`test.users [[
$DIALECT freeradius
DEFAULT Huntgroup-Name == "site%[1]d", Cleartext-Password := "hello"
    Reply-Message = "site %[1]d"
]]
`, i+1)
		for n := range cases {
			test += fmt.Sprintf(`test.case("case %[2]d", function()
  local r = send{user="u-staff@site%[1]d", password="hello", ["NAS-Port"]=%[1]d, ["Calling-Station-Id"]="00-11-22-33-44-%02[2]d"}
  expect(r):accept():has("Session-Timeout", 3600):message("site %[1]d"):hook("vlan%[1]d")
end)
`, i+1, n)
		}
		for name, text := range map[string]string{"": script, "_test": test} {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("site%02d%s.lua", i, name)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// BenchmarkManyCases is the price of a case of a policy of 50 scripts with 500 cases, test files and all.
func BenchmarkManyCases(b *testing.B) {
	o := build(b, raddb.Open("../../raddb"), manyScripts(b, 50, 10))
	for b.Loop() {
		if res := Run(o); res.Passed != 500 {
			b.Fatal(res.Failures[0].Text())
		}
	}
	b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "cases/s")
}
