package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// libraryFacts are calls with what they give: bit32 as the Lua 5.2 manual has it, and what Lua 5.1 leaves open.
var libraryFacts = []struct{ source, want string }{
	{`out(bit32.band(), bit32.bor(), bit32.bxor(), bit32.btest(1, 2), bit32.btest(3, 2))`, "4294967295 0 0 false true"},
	{`out(bit32.band(0xffffffff, -1), bit32.bor(1, 2, 4), bit32.bxor(5, 3), bit32.bnot(0xffffffff))`, "4294967295 7 6 0"},
	{`out(bit32.lshift(1, 32), bit32.lshift(1, -1), bit32.lshift(2, -1), bit32.rshift(4, -1), bit32.rshift(0x80000000, 31))`, "0 0 1 8 1"},
	{`out(bit32.arshift(0x80000000, 31), bit32.arshift(0x80000000, 40), bit32.arshift(8, 2), bit32.arshift(1, -3))`, "4294967295 4294967295 2 8"},
	{`out(bit32.lrotate(0x80000001, 1), bit32.rrotate(0x80000001, 1), bit32.lrotate(1, -1), bit32.rrotate(1, 33))`, "3 3221225472 2147483648 2147483648"},
	{`out(bit32.extract(0xff00, 8, 8), bit32.extract(1, 0), bit32.replace(0, 5, 4, 4), bit32.replace(0xffff, 0, 0, 8))`, "255 1 80 65280"},
	{`out(bit32.band(2^32 + 5, 7), bit32.band(1.5), bit32.band("7", 3))`, "5 2 3"},
	{`bit32.extract(1, 30, 4)`, "error: t.lua:1: field of 4 bits at bit 30 does not lie in 32 bits"},
	{`bit32.band(1/0)`, "error: t.lua:1: argument 1 is number, expected a finite number"},
	{`bit32.band({})`, "error: t.lua:1: argument 1 is table, expected number"},

	{`out(os.time{year=2024, month=1, day=1, hour=0} - os.time{year=2023, month=12, day=31, hour=0})`, "86400"},
	{`local t = os.date("*t", os.time{year=2024, month=2, day=30}) out(t.month, t.day, t.hour, t.yday, t.isdst ~= nil)`, "3 1 12 61 true"},
	{`os.time{year=2024}`, "error: t.lua:1: field 'month' is nil in the date table, expected number"},
	{`os.time{year=2024, month="x", day=1}`, "error: t.lua:1: field 'month' is string in the date table, expected number"},
	{`out(os.date("!%A %B %d %e %I %p %y %u %w %V %G %D %R %T %n%t%%", 1704110400))`, "Monday January 01  1 12 PM 24 1 1 01 2024 01/01/24 12:00 12:00:00 \n\t%"},
	{`out(os.date("!%s %F %h %j %x %X %z %Z %c", 0))`, "0 1970-01-01 Jan 001 01/01/70 00:00:00 +0000 UTC Thu Jan  1 00:00:00 1970"},
	{`os.date("%Q")`, "error: t.lua:1: unknown conversion %Q in the date format"},

	{`math.randomseed(7) local a, b = math.random(), math.random(100) math.randomseed(7) out(a == math.random(), b == math.random(100))`, "true true"},
	{`for i = 1, 100 do local n = math.random(3, 5) assert(n >= 3 and n <= 5 and n == math.floor(n)) end out(math.random(4, 4))`, "4"},
	{`math.random(5, 1)`, "error: t.lua:1: the interval from 5 to 1 is empty"},
	{`math.floor("x")`, "error: t.lua:1: argument 1 is string, expected number"},

	{`unpack({}, 1, 5000)`, "error: t.lua:1: too many results to unpack: 5000, 4096 are allowed"},
	{`out(#{unpack({}, 1, 4000)})`, "0"},
	{`string.byte(("x"):rep(5000), 1, -1)`, "error: t.lua:1: 5000 octets at once; 4096 are allowed"},
	{`string.char(300)`, "error: t.lua:1: argument 1 is 300, expected 0 to 255"},
	{`table.concat({1, {}})`, "error: t.lua:1: entry 2 of the table is table, expected string"},
	{`table.insert({}, 1, 2, 3)`, "error: t.lua:1: wrong number of arguments, expected (table, [place,] value)"},
	{`table.sort({1, 2}, 3)`, "error: t.lua:1: argument 2 is number, expected function"},
	{`local t = {} table.insert(t, -5, "x") table.insert(t, 9, "y") out(t[-5], t[9])`, "x y"},
	{`setmetatable(string, {})`, "error: t.lua:1: a table of the API cannot be changed"},
	{`table.insert(math, 1)`, "error: t.lua:1: a table of the API cannot be changed"},
	{`table.sort(math)`, "error: t.lua:1: a table of the API cannot be changed"},
	{`out(rawget(string, "upper") == string.upper, next(string), getmetatable(string))`, "true nil false"},
	{`setmetatable({}, 5)`, "error: t.lua:1: argument 2 is number, expected nil or table"},
	{`out(pcall())`, "error: t.lua:1: argument 1 is nothing, expected a value"},
	{`out(pcall(5))`, "false t.lua:1: attempt to call a non-function object"},
	{`readfile("x")`, `error: t.lua:1: readfile "x": there are no files here`},
	{`require("x")`, `error: t.lua:1: require "x": there are no files here`},
	{`coroutine.create(print)`, "error: t.lua:1: argument 1 is a function of the API, expected one of the script"},
	{`coroutine.resume(5)`, "error: t.lua:1: argument 1 is number, expected coroutine"},
	{`out(("%q"):format("a\0b\r\n\"\\"))`, "\"a\\000b\\r\\\n\\\"\\\\\""},
	{`out(("%5s|%-5s|%.1s|%5.1s"):format("é", "é", "ab", "ab"))`, "   é|é   |a|    a"},
	{`out(("%z"):format(1))`, `error: t.lua:1: invalid option "%z" in the format`},
	{`out(("%5"):format(1))`, "error: t.lua:1: the format ends inside a directive"},
	{`out(("%-+ #0-d"):format(1))`, "error: t.lua:1: invalid format (repeated flags)"},
	{`out(("%x %d"):format(2^63, 2^53))`, "8000000000000000 9007199254740992"},
	{`out(("%+5.1f|%g|%5g|%-6g|"):format(1/0, 0/0, -1/0, 1/0))`, " +inf|nan| -inf|inf   |"},
	{`("x"):gsub("x", "%")`, "error: t.lua:1: the replacement ends with '%'"},
	{`("x"):gsub("(", "")`, "error: t.lua:1: unfinished capture"},
	{`for w in ("a b"):gmatch("(") do end`, "error: t.lua:1: unfinished capture"},
	{`local r = {} for a in ("abc"):gmatch("%a") do r[#r + 1] = a; ("zzz"):find("z"); ("q"):gsub("q", function() return ("y"):match("y") end) end out(table.concat(r))`, "abc"},
	{`out(("abc"):gsub("%a", setmetatable({}, {__index = function(_, c) ("xyz"):find("y") return c == "b" and "B" end})))`, "aBc 3"},
	{`out(("abc"):gsub("%a", function(c) return c:gsub("b", "<%0>"):upper() end))`, "A<B>C 3"},
}

func TestLibraries(t *testing.T) {
	for _, c := range libraryFacts {
		if diff := cmp.Diff(c.want, evaluate(t, c.source)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.source, diff)
		}
	}
}
