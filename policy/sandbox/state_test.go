package sandbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
)

// testGlobals are names that the tests' scripts may use beside the base library.
var testOptions = Options{
	Globals:      map[string][]string{"out": nil, "on": nil, "req": nil},
	Registration: []string{"on"},
}

// compile fails the test if source has errors.
func compile(t testing.TB, source string) *Program {
	t.Helper()
	p, errs := Compile("t.lua", []byte(source), testOptions)
	if errs.Failed() {
		t.Fatalf("Compile: %v", errs)
	}
	return p
}

// newState makes a state whose global `out` collects the text of its arguments.
func newState(t testing.TB, limits Limits) (*State, *[]string) {
	t.Helper()
	var lines []string
	s := New(limits, Host{Seed: 1})
	t.Cleanup(s.Close)
	s.SetGlobal("out", NewFunction(func(l *lua.LState) int {
		var words []string
		for i := 1; i <= l.GetTop(); i++ {
			words = append(words, ToString(l, l.Get(i)))
		}
		lines = append(lines, strings.Join(words, " "))
		return 0
	}))
	return s, &lines
}

// evaluate runs source and gives what it wrote, one call of out a line, then the error if there is one.
func evaluate(t testing.TB, source string) string {
	t.Helper()
	s, lines := newState(t, Limits{})
	if err := s.Load(compile(t, source)); err != nil {
		return strings.Join(append(*lines, "error: "+err.Error()), "\n")
	}
	return strings.Join(*lines, "\n")
}

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"concat", `out("a" .. 1 .. "b" .. 2.5, 1 .. "")`, "a1b2.5 1"},
		{"concat nil", "local x\nout(1)\nlocal y = 'a' .. x", "1\nerror: t.lua:3: attempt to concatenate a nil value"},
		{"concat vararg", `local function f(...) return "x" .. ... end out(f("a", "b"))`, "xa"},
		{"concat call", `local function f() return "a", "b" end local t = {"x" .. f()} out(#t, t[1])`, "1 xa"},
		{"concat meta", `local m = {__concat = function(a, b)
			return (type(a) == "table" and "T" or a) .. "+" .. (type(b) == "table" and "T" or b) end}
			local t = setmetatable({}, m) out("a" .. "b" .. t .. "c" .. "d")`, "abT+cd"},
		{"concat into the last parameter", `local function f(a, s) local v = "v" s = v .. s out(v) return s end out(f(1, "x"))`, "v\nvx"},
		{"call in brackets into the last parameter", `local function g(a, b) return a .. b, 1 end
			local function f(s) local v = "v" s = (g(v, s)) return s, v end out(f("x"))`, "vx v"},
		{"chosen concat into the last parameter", `local function f(s) local v = "v" s = s and v .. s return s, v end out(f("x"))`, "vx v"},
		{"default concat into the last parameter", `local function f(n, s) local v = "v" s = n or v .. s return s, v end out(f(nil, "x"))`, "vx v"},
		{"values before variables", `local a, b = 1, 2 a, b = a + 1, a out(a, b) local c, d = "x", "y" c, d = c .. "1", c out(c, d)
			local e, f = 1, 2 e, f = math.max(e, 5), e out(e, f) local g, h, i = 1, 2, 3 g, h, i = -g, g + h, h out(g, h, i)`, "2 1\nx1 x\n5 1\n-1 3 2"},
		{"fields before variables", `local t, i = {}, 3 i, t[i] = i + 1, i out(i, t[3], t[4]) local a, b = 1, 2 a, b = b, a out(a, b)
			local u, j = {}, 1 u[j], j = "one", 2 out(u[1], u[2], j) j, u[j] = 3, "two" out(u[2], u[3], j)`, "4 3 nil\n2 1\none nil 2\ntwo nil 3"},
		{"several into the last parameter", `local function f(n, s) local v = "v" s, n = v .. s, (s:upper()) return s, v, n end out(f(nil, "x"))`, "vx v X"},
		{"more values than variables", `local function f(a) local b a, b = a + 1, a, error return a, b end out(f(1)) local function g() return 1, 2 end
			local x, y, z = 7 x, y, z = x * 2, g() out(x, y, z)`, "2 1\n14 1 2"},
		{"integers", `out(2^53, 1e15, 0.1, 1/3, 1e100, -0.5, 10/2)`, "9007199254740992 1000000000000000 0.1 0.33333333333333 1e+100 -0.5 5"},
		{"infinite", `out(1/0, -1/0, math.huge)`, "inf -inf inf"},
		{"tonumber", `out(tonumber("0x10"), tonumber(" 5 "), tonumber("ff", 16), tonumber("z"), tonumber("1_0"), tonumber("1e2"), tonumber("8", 8))`, "16 5 255 nil nil 100 nil"},
		{"pcall", `out(pcall(error, "x")) out(type(select(2, pcall(error, {})))) out(select("#", pcall(error)))`, "false x\ntable\n2"},
		{"error", "error('boom')", "error: t.lua:1: boom"},
		{"error in function", "local function f()\n error('boom', 2)\nend\nf()", "error: t.lua:4: boom"},
		{"xpcall", `out(xpcall(function() error("x") end, function(e) return "h:" .. e end))`, "false h:t.lua:1: x"},
		{"goto", `for i = 1, 3 do if i == 2 then goto continue end out(i) ::continue:: end`, "1\n3"},
		{"coroutine", `local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) out(b) return "end" end) out(c(1)) out(c("in"))`, "2\nin\nend"},
		{"coroutine error", `local c = coroutine.create(function() error("x") end) out(coroutine.resume(c)) out(coroutine.status(c))`, "false t.lua:1: x\ndead"},
		{"wrap error", "local c = coroutine.wrap(function()\nerror('x') end)\nout(pcall(c))", "false t.lua:2: x"},
		{"yield in pcall", `local c = coroutine.create(function() pcall(function() coroutine.yield(1) end) return "done" end) out(coroutine.resume(c))`, "true done"},
		{"yield outside", `out(pcall(coroutine.yield, 1))`, "false t.lua:1: attempt to yield from outside a coroutine"},
		{"sort", `local t = {3, 1, 2} table.sort(t) out(unpack(t)) table.sort(t, function(a, b) return a > b end) out(unpack(t))`, "1 2 3\n3 2 1"},
		{"remove", `local t = {1, 2, 3} t[3] = nil out(table.remove(t)) out(table.remove(t), #t, table.remove(t))`, "2\n1 0"},
		{"bit32", `out(bit32.band(0xff00, 0x0ff0), bit32.bnot(0), bit32.lshift(1, 31), bit32.rshift(-1, 28), bit32.extract(0xabcd, 4, 8), bit32.arshift(-16, 2))`, "3840 4294967295 2147483648 15 188 4294967292"},
		{"frozen library", `local s = string out(pcall(function() s.x = 1 end)) out(pcall(rawset, s, "x", 1)) out(rawget(s, "x"))`, "false t.lua:1: string cannot be changed\nfalse t.lua:1: a table of the API cannot be changed\nnil"},
		{"string metatable", `out(getmetatable("")) out(("x"):upper())`, "false\nX"},
		{"pairs of library", `local n = 0 for k in pairs(table) do n = n + 1 end out(n)`, "5"},
		{"date", `out(os.date("!%Y-%m-%d %H:%M:%S %a %j", 86400)) out(os.date("!*t", 0).wday)`, "1970-01-02 00:00:00 Fri 002\n5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, evaluate(t, c.source)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestCall(t *testing.T) {
	s, _ := newState(t, Limits{})
	var fn *lua.LFunction
	s.SetGlobal("on", NewFunction(func(l *lua.LState) int { fn = CheckFunction(l, 1); return 0 }))
	if err := s.Load(compile(t, "on(function(a, b)\n if a == 0 then error('zero') end\n return a + b, 'x' end)")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Call(fn, Run{}, lua.LNumber(1), lua.LNumber(2))
	if diff := cmp.Diff([]lua.LValue{lua.LNumber(3), lua.LString("x")}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	_, err = s.Call(fn, Run{}, lua.LNumber(0))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an Error", err)
	}
	want := Error{Kind: Raise, File: "t.lua", Line: 2, Msg: "zero", Value: lua.LString("t.lua:2: zero")}
	want.Traceback = e.Traceback
	if diff := cmp.Diff(want, *e); diff != "" || len(e.Traceback) == 0 {
		t.Errorf("traceback %q (-want +got)\n%s", e.Traceback, diff)
	}
}

func TestDeadline(t *testing.T) {
	s, _ := newState(t, Limits{})
	s.SetGlobal("on", NewFunction(func(l *lua.LState) int {
		_, err := s.Call(CheckFunction(l, 1), Run{Deadline: time.Now().Add(20 * time.Millisecond), Steps: 1 << 40})
		if e, ok := err.(*Error); !ok || e.Kind != Deadline {
			t.Errorf("got %v, want a deadline", err)
		}
		return 0
	}))
	if err := s.Load(compile(t, "on(function() while true do pcall(function() while true do end end) end end) out('alive')")); err != nil {
		t.Error(err)
	}
}
