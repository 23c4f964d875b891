package sandbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
)

// plain runs a script in gopher-lua as it comes, whose `..` is not bounded.
func plain(source string) string {
	l := lua.NewState()
	defer l.Close()
	var lines []string
	l.SetGlobal("out", l.NewFunction(func(l *lua.LState) int {
		var words []string
		for i := 1; i <= l.GetTop(); i++ {
			words = append(words, l.ToStringMeta(l.Get(i)).String())
		}
		lines = append(lines, strings.Join(words, " "))
		return 0
	}))
	fn, err := l.Load(strings.NewReader(source), "t.lua")
	if err == nil {
		l.Push(fn)
		err = l.PCall(0, 0, nil)
	}
	if err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		lines = append(lines, "error: "+message)
	}
	return strings.Join(lines, "\n")
}

// TestConcatAsBefore compares rewritten scripts with what gopher-lua's own instruction gives.
func TestConcatAsBefore(t *testing.T) {
	meta := `local function side(v) return type(v) == "table" and "T" or v end
local t = setmetatable({}, {__concat = function(a, b) return "<" .. side(a) .. "," .. side(b) .. ">" end}) `
	var long []string
	for i := range 150 {
		long = append(long, fmt.Sprintf(`"%d"`, i))
	}
	for _, source := range []string{
		`out("a" .. "b")`, `out("a" .. 1 .. 2)`, `out(1 .. 2)`, `out(("a" .. "b") .. ("c" .. "d"))`,
		`local a, b = "x", "y" out(a .. b .. a .. b)`,
		meta + `out("a" .. t)`, meta + `out(t .. "a")`, meta + `out(t .. t)`, meta + `out("a" .. t .. "b")`,
		meta + `out("a" .. "b" .. t .. "c" .. "d")`, meta + `out(("a" .. t) .. "b")`, meta + `out(1 .. t .. 2)`,
		`local function f(...) out("a" .. ...) out(... .. "a") end f("x", "y")`,
		`local function f() return "x", "y" end out("a" .. f()) out((f()) .. "a") local t = {"a" .. f(), "b" .. f()} out(#t)`,
		`local function f() return "x", "y" end local function g() return "a" .. f() end out(g())`,
		`local t = {["a" .. "b"] = "c" .. "d"} out(t.ab)`,
		`if "a" .. "b" == "ab" then out("yes") end while "a" .. "" ~= "a" do end repeat until "x" .. "y" == "xy"`,
		`for i = 1 .. 0, "1" .. "2" do out(i) end`, `for k, v in pairs({["x" .. 1] = "y" .. 2}) do out(k .. v) end`,
		`local s = "" for i = 1, 5 do s = s .. i .. "," end out(s)`,
		`local t = {n = {}} t.n["k" .. 1] = "v" .. 1 out(t.n.k1)`, `local t = {} function t.f(x) return "f" .. x end out(t.f(1))`,
		`out(-("1" .. "0"), not ("a" .. "b"), #("a" .. "b"), ("a" .. "b"):upper())`, `out("a" .. "b" .. tostring(nil))`,
		`out("1" .. "2" + 3)`, `out("a" < "b" .. "c", 2 ^ 2 .. "")`,
		`out(` + strings.Join(long, " .. ") + `)`, `local x = "x" out(x .. ` + strings.Join(long, " .. ") + ` .. x)`,
		`local function f(n) if n == 0 then return "" end return n .. f(n - 1) end out(f(20))`,
		`local a = function() return "u" .. "p" end out(a())`,
		`local c = coroutine.wrap(function(x) local y = coroutine.yield(x .. "1") return y .. "2" end) out(c("a")) out(c("b"))`,
	} {
		if diff := cmp.Diff(plain(source), evaluate(t, source)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", source, diff)
		}
	}
}

// TestConcatErrorsInPlace checks that errors keep their line, also in what would be tail calls.
func TestConcatErrorsInPlace(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"local x\n\nlocal y = 'a' .. x", "error: t.lua:3: attempt to concatenate a nil value"},
		{"local function f()\n  return 'a' .. {}\nend\nf()", "error: t.lua:2: attempt to concatenate a table value"},
		{"local x = {}\nx.y = x.z .. 'a' .. 'b'", "error: t.lua:2: attempt to concatenate a nil value"},
		{"local t = {\n a = 'x' .. true,\n}", "error: t.lua:2: attempt to concatenate a boolean value"},
		{"out('a'\n .. nil)", "error: t.lua:1: attempt to concatenate a nil value"},
	} {
		if diff := cmp.Diff(c.want, evaluate(t, c.source)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.source, diff)
		}
	}
}

func TestManyUpvalues(t *testing.T) {
	var locals, sum []string
	for i := range 58 {
		locals = append(locals, fmt.Sprintf("local v%d = %d", i, i))
		sum = append(sum, fmt.Sprintf("v%d", i))
	}
	source := strings.Join(locals, "\n") + "\nlocal function f() return " + strings.Join(sum, " .. ") + " end out(#f())"
	if got := evaluate(t, source); got != "106" {
		t.Errorf("got %s, want 106", got)
	}
}

func TestLongChain(t *testing.T) {
	_, errs := Compile("t.lua", []byte("local x = 'x' out(x"+strings.Repeat(" .. x", 300)+")"), testOptions)
	if !errs.Failed() {
		t.Error("a chain of 300 compiles, which overflows gopher-lua's registers")
	}
}
