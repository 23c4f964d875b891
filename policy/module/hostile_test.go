package module

import (
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"perilune/policy/sandbox"
)

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestHostile calls modules with what would take endless time or memory. Each must end by an error, soon and with
// little.
func TestHostile(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{`local s, t = ("x"):rep(1e6), {} for i = 1, 60000 do t[i] = s end json.encode(t)`, "octets; 1048576 are allowed"},
		{`local t = {} for i = 1, 60 do t = {t, t} end json.encode(t)`, "octets; 1048576 are allowed"},
		{`local t = {} for i = 1, 30 do t = {t, t} end crypto.seal(key, t)`, "more than 1048576 octets of data"},
		{`local s = ("x"):rep(1e6) bytes.pack(("z"):rep(200), unpack((function() local t = {} for i = 1, 200 do t[i] = s end return t end)()))`, "octets; 1048576 are allowed"},
		{`bytes.pack(("B"):rep(300), 1)`, "more than 256 values in a format"},
		{`local s = ("x"):rep(1e5) re.compile(".*"):gsub(s, ("%0"):rep(1e5))`, "octets; 1048576 are allowed"},
		{`local s = ("x"):rep(1e5) re.compile("x"):gsub(s, s)`, "octets; 1048576 are allowed"},
		{`while true do re.compile("(x+x+)+y"):test(("x"):rep(1e4)) end`, "step budget"},
		{`local i = 0 while true do i = i + 1 re.compile("x" .. i) end`, "step budget"},
		{`while true do json.decode(("["):rep(1e5)) end`, "step budget"},
		{`local s = "[" .. ("1,"):rep(4e5) .. "1]" local v, err = json.decode(s) error(err)`, "an array of more than 65000 entries"},
		{`while true do crypto.sha256(("x"):rep(1e5)) end`, "step budget"},
		{`local t = {} for i = 1, 6e4 do t[i] = "10.0.0.1" end while true do net.set(t) end`, "step budget"},
		{`while true do time.within("Wk0800-1800" .. (","):rep(4e3), 0) end`, "step budget"},
	} {
		before, start := allocated(), time.Now()
		got := runWithin(t, sandbox.Limits{LoadSteps: 1_000_000, LoadTime: 2 * time.Second}, &Env{}, c.source)
		if took, used := time.Since(start), allocated()-before; took > 5*time.Second || used > 400<<20 {
			t.Errorf("%s: took %v and %d MiB", c.source, took, used>>20)
		}
		if !strings.Contains(got, c.want) && !strings.Contains(got, "memory limit") && !strings.Contains(got, "deadline") {
			t.Errorf("%s: got %s, want %q in it", c.source, got, c.want)
		}
	}
}
