package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNewerSyntax: what Lua 5.1 lacks gets one error, with the place and what to write instead.
func TestNewerSyntax(t *testing.T) {
	for source, want := range map[string]string{
		"if a = 1 then end":                     "t.lua:1:6: = assigns; write == to compare",
		"while x.y = f(2) do end":               "t.lua:1:11: = assigns; write == to compare",
		"repeat until a = 1":                    "t.lua:1:16: = assigns; write == to compare",
		"if a == 1 then b = = 2 end":            `t.lua:1:20: syntax error near "="`,
		"if a == 1 then f() = 2 end":            `t.lua:1:20: syntax error near "="`,
		"local x = 7 // 2":                      "t.lua:1:13: // is not Lua 5.1; use math.floor(a / b)",
		"local x = 1 >> 2":                      "t.lua:1:13: >> is not Lua 5.1; use bit32.rshift(a, n)",
		"local x = 1 << 2":                      "t.lua:1:13: << is not Lua 5.1; use bit32.lshift(a, n)",
		"local x = 1 & 2":                       "t.lua:1:13: & is not Lua 5.1; use bit32.band(a, b), or and between conditions",
		"local x = 1 | 2":                       "t.lua:1:13: | is not Lua 5.1; use bit32.bor(a, b), or or between conditions",
		"local x = 1 ~ 2":                       "t.lua:1:13: ~ is not Lua 5.1; use bit32.bnot(a) or bit32.bxor(a, b)",
		"local x = ~1":                          "t.lua:1:11: ~ is not Lua 5.1; use bit32.bnot(a) or bit32.bxor(a, b)",
		"local x <const> = 1":                   "t.lua:1:9: <const> is not Lua 5.1; write local name = value",
		"local x <close> = 1":                   "t.lua:1:9: <close> is not Lua 5.1; write local name = value",
		"while true do continue end":            "t.lua:1:15: continue is not Lua 5.1; write goto continue and put ::continue:: before the end of the loop",
		"local x = 1 x += 1":                    "t.lua:1:15: += is not Lua; write x = x + n",
		"local x = 1 x -= 1":                    "t.lua:1:15: -= is not Lua; write x = x - n",
		"local x = 1 x *= 1":                    "t.lua:1:15: *= is not Lua; write x = x * n",
		"local x = 1 x %= 1":                    "t.lua:1:15: %= is not Lua; write x = x % n",
		"local x = 1 x++":                       "t.lua:1:14: ++ is not Lua; write x = x + 1",
		"if x != 1 then end":                    "t.lua:1:6: ! is not Lua; use not, or ~= for not equal",
		"if !x then end":                        "t.lua:1:4: ! is not Lua; use not, or ~= for not equal",
		"if a && b then end":                    "t.lua:1:6: & is not Lua 5.1; use bit32.band(a, b), or and between conditions",
		"if a || b then end":                    "t.lua:1:6: | is not Lua 5.1; use bit32.bor(a, b), or or between conditions",
		"local x = a ? 1 : 2":                   "t.lua:1:13: ? is not Lua; use a and b or c",
		"local x = 1 if x =< 1 then end":        "t.lua:1:18: =< is not Lua; write <=",
		"local f = x => x":                      "t.lua:1:13: => is not Lua; write function(x) … end, or >= for greater or equal",
		"if true then elif true then end":       "t.lua:1:14: elif is not Lua; write elseif … then",
		"if a then\nelse if b then\nend":        "t.lua:3:4: the file ends too early; expected \"end\" for the \"if\" of line 1; the else if of line 2 needs an end of its own: write elseif",
		"var x = 1":                             "t.lua:1:1: var is not Lua; write local",
		"let x = 1":                             "t.lua:1:1: let is not Lua; write local",
		"const x = 1":                           "t.lua:1:1: const is not Lua; write local",
		"local x = '\\x41'":                     "t.lua:1:12: \\x is not Lua 5.1; write the octet in decimal, \\065 for A",
		"local x = '\\u{41}'":                   "t.lua:1:12: \\u is not Lua 5.1; write the character itself, the file is UTF-8",
		"local x = null":                        "t.lua:1:11: null is not there; write nil, or json.null in JSON",
		"local x = utf8.char(5)":                "t.lua:1:11: utf8 is not there; strings are octets; use patterns",
		"local x = table.unpack({})":            "t.lua:1:11: table.unpack is not there; use unpack",
		"local x = table.pack(1)":               "t.lua:1:11: table.pack is not there; use {n = select(\"#\", ...), ...}",
		"local x = table.move({}, 1, 2, 3)":     "t.lua:1:11: table.move is not there; copy in a for loop",
		"local x = math.type(1)":                "t.lua:1:11: math.type is not there; numbers are doubles; compare x with math.floor(x)",
		"local x = math.tointeger(1)":           "t.lua:1:11: math.tointeger is not there; use math.floor",
		"local x = math.maxinteger":             "t.lua:1:11: math.maxinteger is not there; whole numbers are exact up to 2^53",
		"local x = string.pack('I4', 1)":        "t.lua:1:11: string.pack is not there; use bytes.pack",
		"local x = string.unpack('I4', 'abcd')": "t.lua:1:11: string.unpack is not there; use bytes.unpack",
		"load('x')":                             "t.lua:1:1: load is not there; code comes from files only; use require",
		"local x = coroutine.isyieldable()":     "t.lua:1:11: coroutine.isyieldable is not there; handlers may wait anywhere; nothing needs to yield",
	} {
		if diff := cmp.Diff(want, found(source)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}
