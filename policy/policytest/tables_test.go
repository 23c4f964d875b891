package policytest

import (
	"strings"
	"testing"
)

// TestOpenedByName: what a case opens by its name alone is what the scripts have opened, also before it sends anything.
func TestOpenedByName(t *testing.T) {
	const script = `
kv.open("few", {max=2})
window.open("devices", {distinct=true})
`
	for body, want := range map[string]string{
		`local k = kv.open("few") for i = 1, 5 do k:set("k" .. i, i) end test.equal(k:get("k1"), nil)`: "",
		`local w = window.open("devices") w:add("ann", "a") test.equal(w:add("ann", "a"), 1)`:          "",
		`local w = window.open("devices", {distinct=true}) test.equal(w:add("ann", "b"), 1)`:           "",
		`window.open("devices", {span="1m"})`:                                                          `window.open("devices"): opened elsewhere with span=15m0s, buckets=15, distinct=true`,
	} {
		if got := runCase(t, script, body); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}
