package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
)

// handler loads a script that gives a function to `on`, and gives the function.
func handler(t testing.TB, s *State, source string) *lua.LFunction {
	t.Helper()
	var fn *lua.LFunction
	s.SetGlobal("on", NewFunction(func(l *lua.LState) int { fn = CheckFunction(l, 1); return 0 }))
	if err := s.Load(compile(t, source)); err != nil {
		t.Fatal(err)
	}
	return fn
}

// kindOf gives the kind of a run's error, 0 for none.
func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func TestLongRunsGiveWay(t *testing.T) {
	s, _ := newState(t, Limits{})
	var long, yields int
	s.OnLong, s.Yield = func() { long++ }, func() { yields++ }
	fn := handler(t, s, `on(function(n) for i = 1, n do end end)`)
	for _, c := range []struct{ turns, long, yields int }{{1_000, 0, 0}, {8_500, 1, 0}, {100_000, 1, 11}, {100, 0, 0}} {
		long, yields = 0, 0
		if _, err := s.Call(fn, Run{}, lua.LNumber(c.turns)); err != nil {
			t.Fatal(err)
		}
		if long != c.long || yields != c.yields {
			t.Errorf("%d turns: OnLong %d, Yield %d, want %d, %d", c.turns, long, yields, c.long, c.yields)
		}
	}
}

func TestSteps(t *testing.T) {
	s, _ := newState(t, Limits{Steps: 1000})
	fn := handler(t, s, `on(function(n) for i = 1, n do end end)`)
	for _, c := range []struct {
		turns int
		run   Run
		want  Kind
	}{{900, Run{}, 0}, {1100, Run{}, Steps}, {1100, Run{Steps: 2000}, 0}, {50, Run{Steps: 20}, Steps}, {900, Run{}, 0}} {
		_, err := s.Call(fn, c.run, lua.LNumber(c.turns))
		if got := kindOf(err); got != c.want {
			t.Errorf("%d turns, %+v: got %v, want %v", c.turns, c.run, err, c.want)
		}
	}
}

// TestInnerRun checks that a run within a run has its own steps, the outer's deadline, and does not end the outer.
func TestInnerRun(t *testing.T) {
	s, lines := newState(t, Limits{})
	spin := handler(t, s, `on(function() while true do end end)`)
	var kinds []Kind
	var deadline time.Time
	s.SetGlobal("req", NewFunction(func(l *lua.LState) int {
		_, err := s.Call(spin, Run{Steps: 5000, Deadline: time.Now().Add(time.Hour)})
		kinds = append(kinds, kindOf(err))
		deadline = s.Deadline()
		return 0
	}))
	fn := handler(t, s, `on(function() req() out(pcall(req)) coroutine.wrap(function() req() end)() return "end" end)`)
	until := time.Now().Add(10 * time.Second)
	got, err := s.Call(fn, Run{Deadline: until})
	if err != nil || len(got) != 1 || got[0] != lua.LString("end") {
		t.Errorf("got %v, %v", got, err)
	}
	if diff := cmp.Diff([]Kind{Steps, Steps, Steps}, kinds); diff != "" || !deadline.Equal(until) {
		t.Errorf("deadline %v, kinds (-want +got)\n%s", deadline, diff)
	}
	if diff := cmp.Diff([]string{"true"}, *lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestErrorKinds(t *testing.T) {
	s, _ := newState(t, Limits{})
	s.SetGlobal("req", NewFunction(func(l *lua.LState) int {
		RaiseBackend(l, "sql: timeout")
		return 0
	}))
	for _, c := range []struct {
		body, msg string
		want      Kind
	}{
		{"error('x')", "x", Raise},
		{"error({})", "(error object is a table value)", Raise},
		{"error()", "(error object is a nil value)", Raise},
		{"local x = nil + 1", "cannot perform add operation between nil and number", Raise},
		{"string.rep()", "argument 1 is nothing, expected string", Misuse},
		{"req()", "sql: timeout", Backend},
		{"coroutine.wrap(function() req() end)()", "sql: timeout", Backend},
		{"local ok, e = pcall(req) error(e, 0)", "sql: timeout", Backend},
		{"local ok, e = pcall(req) error('so: ' .. e, 0)", "so: t.lua:1: sql: timeout", Raise},
		{"pcall(req)", "", 0},
		{"pcall(req) error('y')", "y", Raise},
	} {
		fn := handler(t, s, "on(function() "+c.body+" end)")
		_, err := s.Call(fn, Run{})
		var e *Error
		if errors.As(err, &e); kindOf(err) != c.want || e != nil && e.Msg != c.msg {
			t.Errorf("%s: got kind %v, %v; want %v, %q", c.body, kindOf(err), err, c.want, c.msg)
		}
	}
}

func TestTraceback(t *testing.T) {
	s, _ := newState(t, Limits{})
	fn := handler(t, s, "local function inner()\n error('x')\nend\non(function()\n inner()\nend)")
	_, err := s.Call(fn, Run{})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := []string{"t.lua:2: in function 'inner'", "t.lua:5: in the outermost function"}
	if diff := cmp.Diff(want, e.Traceback); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRequire(t *testing.T) {
	files := map[string]string{
		"lib.a": `out("runs", ...) local M = {} function M.double(x) return x * 2 end return M`,
		"lib.b": `return require("lib.c")`,
		"lib.c": `return require("lib.b")`,
		"lib.d": `out(1)`,
	}
	var lines []string
	s := New(Limits{}, Host{
		Require: func(name string) (*Program, error) {
			source, ok := files[name]
			if !ok {
				return nil, fmt.Errorf("no file lib/%s.lua", name)
			}
			return compile(t, source), nil
		},
		ReadFile: func(name string) (string, error) { return "text of " + name, nil },
		Print:    func(text string) { lines = append(lines, "print "+text) },
		Now:      func() time.Time { return time.Unix(1000, 0) },
	})
	defer s.Close()
	s.SetGlobal("out", NewFunction(func(l *lua.LState) int {
		lines = append(lines, ToString(l, l.Get(1))+" "+ToString(l, l.Get(2)))
		return 0
	}))
	err := s.Load(compile(t, `
		out(require("lib.a").double(21), require("lib.a") == require("lib.a"))
		out(require("lib.d"), readfile("x.json"))
		print("a", 1, nil) out(os.time(), os.date("!%H:%M:%S"))
		out(pcall(require, "lib.b")) out(pcall(require, "nope"))`))
	want := []string{
		"runs lib.a", "42 true", "1 nil", "true text of x.json", "print a\t1\tnil", "1000 00:16:40",
		`false t.lua:1: require "lib.b": the files require each other`, `false t.lua:5: require "nope": no file lib/nope.lua`,
	}
	if diff := cmp.Diff(want, lines); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestSharedByStates runs many states at once over one program and the shared libraries; -race watches.
func TestSharedByStates(t *testing.T) {
	p := compile(t, `
local t = {}
for k in pairs(string) do t[#t + 1] = k end
table.sort(t)
local s = table.concat(t, ","):gsub("%w+", string.upper)
coroutine.wrap(function() assert(s:find("FORMAT")) assert(("a" .. 1):upper() == "A1") end)()
pcall(function() local l = math l.pi = 3 end)
assert(math.floor(math.pi) == 3)`)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			s := New(Limits{}, Host{})
			defer s.Close()
			for range 20 {
				if err := s.Load(p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// TestPatchedIndexing checks that constant keys reach tables, strings and metamethods as before the patch.
func TestPatchedIndexing(t *testing.T) {
	got := evaluate(t, `
local log = {}
local t = setmetatable({}, {__index = function(_, k) log[#log + 1] = "get " .. k return k end,
	__newindex = function(t, k, v) log[#log + 1] = "set " .. k rawset(t, k, v) end})
t.a = t.b t.a = 1
t["c"] = nil
local u = setmetatable({}, {__index = {x = 5}})
u.x = u.x + 1
out(t.a, t.d, u.x, ("s").len, table.concat(log, " "))
out(pcall(function() local n n.x = 1 end))
out(pcall(function() local n return n.x end))`)
	for _, part := range []string{
		"1 d 6 function: 0x", " get b set a set c get d", "t.lua:10: attempt to index a non-table object(nil) with key 'x'",
		"t.lua:11: attempt to index a non-table object(nil) with key 'x'",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("got %s, want %s in it", got, part)
		}
	}
}

// TestLoadAgain: what has loaded once loads again, whatever the process allocates meanwhile.
func TestLoadAgain(t *testing.T) {
	p := compile(t, `local t = {} for i = 1, 20000 do t[i] = {i} end`)
	limits := Limits{Memory: 1 << 10, Full: func() bool { return true }}
	var e *Error
	if err := New(limits, Host{}).Load(p); !errors.As(err, &e) || e.Kind != Memory {
		t.Errorf("loaded first: %v", err)
	}
	if err := New(limits, Host{}).LoadAgain(p); err != nil {
		t.Errorf("loaded again: %v", err)
	}
	limits.LoadSteps = 1000
	if err := New(limits, Host{}).LoadAgain(p); !errors.As(err, &e) || e.Kind != Steps {
		t.Errorf("without steps: %v", err)
	}
}
