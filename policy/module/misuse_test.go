package module

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// argument1 are calls whose first argument is of a wrong type, by what was expected. Each error has the line of the
// script.
var argument1 = []struct{ call, expected string }{
	{"json.decode(%s)", "string"}, {"bytes.pack(%s)", "string"}, {"bytes.unpack(%s, 'x')", "string"}, {"bytes.hex(%s)", "string"},
	{"bytes.from_hex(%s)", "string"}, {"bytes.base64(%s)", "string"}, {"bytes.from_base64(%s)", "string"},
	{"net.cidr(%s)", "string"}, {"net.set(%s)", "table"}, {"net.mac(%s)", "string"}, {"net.aton(%s)", "string"},
	{"net.lookup(%s)", "string"}, {"net.reverse(%s)", "string"}, {"net.try_lookup(%s)", "string"}, {"net.try_reverse(%s)", "string"},
	{"time.format(%s, '%%H')", "number"}, {"time.parse(%s)", "string"}, {"time.within(%s, 0)", "string"},
	{"re.compile(%s)", "string"}, {"dict.attribute(%s)", "string"}, {"dict.value(%s, 1)", "string"},
	{"crypto.verify(%s, 'x')", "string"}, {"crypto.hash(%s, 'x')", "string"}, {"crypto.sha256(%s)", "string"}, {"crypto.sha1(%s)", "string"},
	{"crypto.md5(%s)", "string"}, {"crypto.nt_hash(%s)", "string"}, {"crypto.hmac(%s, 'k', 'x')", "string"}, {"crypto.equal(%s, 'x')", "string"},
	{"crypto.random(%s)", "number"}, {"crypto.seal(%s, 1)", "string"}, {"crypto.unseal(%s, 'x')", "string"},
}

// TestWrongFirstArgument: misuse raises in every function, with the line of the script and what was expected.
func TestWrongFirstArgument(t *testing.T) {
	e := &Env{Dictionary: testDictionary(t)}
	for _, c := range argument1 {
		for value, found := range map[string]string{"true": "boolean", "out": "function", "nil": "nil"} {
			got := run(t, e, "\n\n"+fmt.Sprintf(c.call, value))
			want := fmt.Sprintf("error: t.lua:3: argument 1 is %s, expected %s", found, c.expected)
			if got != want {
				t.Errorf("%s: got %s, want %s", fmt.Sprintf(c.call, value), got, want)
			}
		}
	}
}

// TestMisuse: further arguments, handles of another kind, and methods without the colon.
func TestMisuse(t *testing.T) {
	e := frozen()
	e.Dictionary = testDictionary(t)
	check(t, e, []fact{
		{`json.encode()`, "error: t.lua:1: argument 1 is nothing, expected a value"},
		{`json.encode(1/0)`, "error: t.lua:1: json: +Inf is no number of JSON"},
		{`json.encode{f = print}`, "error: t.lua:1: json: found a function, expected plain data"},
		{`ldap.escape(key)`, "error: t.lua:1: argument 1 is userdata, expected string"},
		{`time.format(0, ("%c"):rep(3000))`, "error: t.lua:1: argument 2 has 6000 octets, 4096 are allowed"},
		{`time.within(("Mo-Fr 08:00-18:00,"):rep(3000) .. "Sa1-2", 0)`, "error: t.lua:1: argument 1 has 54005 octets, 4096 are allowed"},
		{`json.encode(key)`, "error: t.lua:1: json: found a userdata, expected plain data"},
		{`bytes.pack("s1", ("x"):rep(256))`, "error: t.lua:1: argument 2 has 256 octets, too many for a length of 1"},
		{`bytes.pack("z", "a\0b")`, "error: t.lua:1: argument 2 contains a zero octet"},
		{`bytes.pack("c2", "abc")`, "error: t.lua:1: argument 2 has 3 octets, expected at most 2"},
		{`bytes.pack("c", "abc")`, "error: t.lua:1: c without a size; expected c4 and the like"},
		{`bytes.pack("s9", "abc")`, "error: t.lua:1: a length of 9 octets; expected 1 to 8"},
		{`bytes.pack("B B", 1)`, "error: t.lua:1: argument 3 is nothing, expected number"},
		{`bytes.pack("I1", -1)`, "error: t.lua:1: argument 2 is -1, expected a whole number that fits 1 octets"},
		{`bytes.pack("d", "x")`, "error: t.lua:1: argument 2 is string, expected number"},
		{`bytes.unpack("B", "abc", 0)`, "error: t.lua:1: argument 3 is 0, expected a place from 1 on"},
		{`out(bytes.unpack("B", "abc", 9))`, "nil 3 octets, expected 1 more at octet 9"},
		{`bytes.unpack("B")`, "error: t.lua:1: argument 2 is nothing, expected string"},
		{`bytes.u64()`, "error: t.lua:1: argument 1 is nothing, expected a value"},
		{`bytes.u64(0.5)`, "error: t.lua:1: argument 1 is number, expected a whole number from 0 to 2^53, a u64 or digits"},
		{`bytes.u64({})`, "error: t.lua:1: argument 1 is table, expected a whole number from 0 to 2^53, a u64 or digits"},
		{`net.cidr("10.0.0.0/8"):has()`, "error: t.lua:1: argument 2 is nothing, expected string"},
		{`net.cidr("10.0.0.0/8").has("10.0.0.1")`, "error: t.lua:1: the value before the colon is string, expected cidr or set; write value:method()"},
		{`net.cidr("10.0.0.0/8").has(key, "10.0.0.1")`, "error: t.lua:1: the value before the colon is userdata, expected cidr or set; write value:method()"},
		{`net.mac("aabbccddee0f").format(net.cidr("::/0"))`, "error: t.lua:1: the value before the colon is userdata, expected mac; write value:method()"},
		{`local m = net.mac("aabbccddee0f") m.x = 1`, "error: t.lua:1: attempt to index a non-table object(userdata) with key 'x'"},
		{`net.ntoa(2^32)`, "error: t.lua:1: argument 1 is number, expected a whole number from 0 to 4294967295"},
		{`net.ntoa("10")`, "error: t.lua:1: argument 1 is string, expected a whole number from 0 to 4294967295"},
		{`time.format(0)`, "error: t.lua:1: argument 2 is nothing, expected string"},
		{`time.format(0, "%H", 5)`, "error: t.lua:1: time zone \"5\" is not known; expected one as \"Europe/Berlin\" or \"UTC\""},
		{`time.format(2^50, "%H")`, "error: t.lua:1: argument 1 is number, expected epoch seconds"},
		{`time.within("Any", "soon")`, "error: t.lua:1: argument 2 is string, expected number"},
		{`time.within("", 0)`, `error: t.lua:1: time "": expected days and hours as Mo-Fr 08:00-18:00 or Wk0800-1800,Sa`},
		{`re.compile("a"):match()`, "error: t.lua:1: argument 2 is nothing, expected string"},
		{`re.compile("a").test("a")`, "error: t.lua:1: the value before the colon is string, expected re; write value:method()"},
		{`re.compile("a"):gsub("a")`, "error: t.lua:1: argument 3 is nothing, expected string"},
		{`crypto.verify("x")`, "error: t.lua:1: argument 2 is nothing, expected string"},
		{`crypto.hmac("sha256", "k")`, "error: t.lua:1: argument 3 is nothing, expected string"},
		{`crypto.random(1025)`, "error: t.lua:1: crypto.random: 1025 octets, expected 1 to 1024"},
		{`crypto.seal(key)`, "error: t.lua:1: argument 2 is nothing, expected a value"},
		{`crypto.seal(key, key)`, "error: t.lua:1: crypto.seal: found a userdata, expected plain data"},
		{`dict.value("Acme-Role")`, "error: t.lua:1: argument 2 is nothing, expected a VALUE name or a whole number"},
		{`dict.value("Acme-Role", 1.5)`, "error: t.lua:1: argument 2 is number, expected a VALUE name or a whole number"},
		{`log.info()`, "error: t.lua:1: argument 1 is nothing, expected a value"},
		{`key.reveal()`, "error: t.lua:1: the value before the colon is nil, expected secret; write value:method()"},
		{`local s = "k" .. key`, "error: t.lua:1: attempt to concatenate a userdata value"},
	})
}

// TestErrorsHaveTheCallersLine: in functions, coroutines and pcall the place is that of the call.
func TestErrorsHaveTheCallersLine(t *testing.T) {
	const source = `
local function f()
  return (net.ntoa("x"))
end
out(pcall(f))
out(coroutine.resume(coroutine.create(function()
  json.decode(nil)
end)))
f()`
	want := []string{
		"false t.lua:3: argument 1 is string, expected a whole number from 0 to 4294967295",
		"false t.lua:7: argument 1 is nil, expected string",
		"error: t.lua:3: argument 1 is string, expected a whole number from 0 to 4294967295",
	}
	if got := run(t, &Env{}, source); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}

// TestClocks: time.now follows the environment's clock, whole seconds and milliseconds.
func TestClocks(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_250)
	e := &Env{Now: func() time.Time { return now }, Zone: time.FixedZone("X", 3600)}
	check(t, e, []fact{
		{`out(("%.3f"):format(time.now()))`, "1700000000.250"},
		{`out(time.format(time.now(), "%H:%M:%S"), time.format(time.now(), "%H", "UTC"))`, "23:13:20 22"},
		{`out(time.parse("1970-01-01 01:00"), time.parse("1970-01-01 01:00", "UTC"))`, "0 3600"},
	})
}
