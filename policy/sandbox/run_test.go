package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
)

// TestLayout fails when a release of gopher-lua keeps its state in another form: layout.go must follow.
func TestLayout(t *testing.T) {
	if !sameLayout {
		t.Fatal("gopher-lua's states have another layout than layout.go says; its own loop serves, which is slower")
	}
	for op, fn := range operations {
		if fn == nil {
			t.Errorf("operation %d is missing", op)
		}
	}
}

// record is a userdata of the host: fields are kept as they are set, "bad" raises.
type record map[string]lua.LValue

func (r record) get(l *lua.LState, key lua.LValue) lua.LValue {
	switch v := r[key.String()]; {
	case key.String() == "bad":
		RaiseMisuse(l, "no field %v", key)
	case key.String() == "self":
		return NewFunction(func(l *lua.LState) int { l.Push(lua.LBool(l.Get(1).Type() == lua.LTUserData)); return 1 })
	case v != nil:
		return v
	}
	return lua.LNil
}

func (r record) set(l *lua.LState, key, v lua.LValue) {
	if key.String() == "bad" {
		RaiseMisuse(l, "%v is read-only", key)
	}
	r[key.String()] = v
}

// recordState makes a state with the global req, a record. If stock, gopher-lua's own loop runs it.
func recordState(t *testing.T, stock bool) (*State, *[]string) {
	s, lines := newState(t, Limits{})
	mt := &lua.LTable{Metatable: lua.LNil}
	mt.RawSetString("__index", NewFunction(func(l *lua.LState) int {
		l.Push(l.Get(1).(*lua.LUserData).Value.(record).get(l, l.Get(2)))
		return 1
	}))
	mt.RawSetString("__newindex", NewFunction(func(l *lua.LState) int {
		l.Get(1).(*lua.LUserData).Value.(record).set(l, l.Get(2), l.Get(3))
		return 0
	}))
	s.SetGlobal("req", &lua.LUserData{Value: record{}, Env: s.Lua().G.Global, Metatable: mt})
	s.SetGlobal("on", NewFunction(func(l *lua.LState) int { l.Push(&lua.LUserData{Env: s.Lua().G.Global, Metatable: lua.LNil}); return 1 }))
	if stock {
		s.Lua().SetContext(&s.budget)
		return s, lines
	}
	s.Get = func(l *lua.LState, o *lua.LUserData, key lua.LValue) (lua.LValue, bool) {
		r, ok := o.Value.(record)
		if !ok {
			return nil, false
		}
		return r.get(l, key), true
	}
	s.Set = func(l *lua.LState, o *lua.LUserData, key, v lua.LValue) bool {
		r, ok := o.Value.(record)
		if ok {
			r.set(l, key, v)
		}
		return ok
	}
	return s, lines
}

// TestRunAsStock: the short ways give what gopher-lua's own loop gives, with the same errors at the same places and the
// same number of steps.
func TestRunAsStock(t *testing.T) {
	for _, source := range []string{
		`req.a = 1 req["b c"] = "x" out(req.a, req["b c"], req.none) req.a = nil out(req.a)`,
		`local k = "a" req[k] = k out(req[k], req[1], req[k .. "b"])`,
		`out(req:self(), req.self(1))`,
		`out(("x"):upper(), ("%d"):format(3), #("abc"):rep(2))`,
		`local s = "abc" out(s.len, s:sub(2), (s:find("b")))`,
		"out(1)\nout(req.bad)",
		"out(1)\nreq.bad = 2",
		"local s = 'x'\nout(s:nothing())",
		"local s = 'x'\ns.a = 1",
		"local s = 'x'\nout(s.nothing, s[1])",
		`out(pcall(function() return req.bad end))  out(pcall(function() req.bad = 1 end)) out(req:self())`,
		`local t = setmetatable({}, {__index = req}) req.a = 7 out(t.a)`,
		`local t = setmetatable({}, {__index = function(t, k) return req[k] end, __newindex = function(t, k, v) req[k] = v end}) t.x = 5 out(t.x, req.x)`,
		`local co = coroutine.wrap(function(a) req.a = a local b = coroutine.yield(req.a) out(req.bad2, b, ("q"):upper()) return req.bad end) out(co(1)) out(pcall(co, 2))`,
		`local function f(...) return req.a, ..., req.b end req.a, req.b = 1, 2 out(f(5, 6)) out((f(7)))`,
		`local function f(n) if n == 0 then return req.a end return f(n - 1) end req.a = "end" out(f(50))`,
		`local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end out(pcall(deep, 1000))`,
		`for i = 1, 3 do req[i] = req[i - 1] or i end out(req[1], req[3])`,
		`local o = on() out(pcall(function() return o.x end)) out(pcall(function() o.x = 1 end)) out(pcall(function() return o:x() end))`,
		`local k = "nothing" out(string.upper("a"), string[k], math.pi > 3, pcall(function() local s = string s.x = 1 end))`,
		`local m, s = math, string out(m.floor(2.5), s.rep("x", 3), m["huge"] > 1)`,
		`local t = setmetatable({}, {__index = string}) out(t.upper("x"), t.no)`,
		`out(table.concat({1, 2}, ","), select("#", req.a, req.b), tostring(nil), type(req))`,
		`local n = 0 while true do n = n + #("x"):upper() end`,
		`for i = 1, 2 do out(("a@b"):match("^([^@]+)@(.+)$")) out((("a@b"):match("(.)@(.)"))) out(("ab"):match("()b()")) out(("ab"):match(".")) end`,
		`for i = 1, 2 do local a, b, c = string.match("x=1", "(%a)=(%d)") out(a, b, c) local d, e = ("x"):match("y") out(d, e) end`,
		`for i = 1, 2 do out(#{("abc"):match("(.)(.)(.)")}, #{("abc"):match("z")}, ("a"):match("a") == "a", ("abc"):match("(.)(.)", 2)) end`,
		`for i = 1, 2 do ("a"):match("a") out(pcall(string.match, "a"), pcall(string.match, 12, "1"), (12 .. ""):match("2")) end`,
		"for i = 1, 2 do out(pcall(function()\nreturn (\"a\"):match(i == 1 and \"a\" or \"(\") end)) end",
		`local s, n = ("a"):rep(60), 0 for i = 1, 3 do n = n + #(s:match("^(a*)$")) end out(n) while true do s:match(".-.-.-b") end`,
		`local f = string.match for i = 1, 2 do out(f("k", "k"), select("#", f("k", "()(k)")), (function(...) return f(...) end)("k", "(k)")) end`,
		`local t = {} for i = 1, 40 do t[i] = "(x)" end local p, s = table.concat(t, "", 1, 30), ("x"):rep(30) for i = 1, 2 do out(s:match(p)) end`,
		`local a, b = 1, 2 a, b = b, a out(a, b, not a and 1 or 2) repeat a = a - 1 until a < 0 out(a)`,
		`local a = {} for i = 1, 20 do a[i] = ("v" .. i):upper() end out(table.concat(a))`,
	} {
		run := func(stock bool) (string, int) {
			s, lines := recordState(t, stock)
			run := Run{Steps: 100_000}
			_, err := s.Call(s.Lua().NewFunctionFromProto(compile(t, "local req = req "+source).proto), run)
			text := strings.Join(*lines, "\n")
			if err != nil {
				text += "\nerror: " + err.Error()
			}
			return text, s.budget.left
		}
		want, left := run(true)
		got, gotLeft := run(false)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", source, diff)
		}
		if left != gotLeft {
			t.Errorf("%s: %d steps are left, want %d", source, gotLeft, left)
		}
	}
}

// TestTexts: what is cut from pieces is the same text, and is not changed by what comes after.
func TestTexts(t *testing.T) {
	var x texts
	var got, want []string
	var values []lua.LValue
	for i := range 2000 {
		b := []byte(strings.Repeat(string(rune('a'+i%26)), i%97))
		values = append(values, x.copied(b), x.box(string(b)))
		want = append(want, string(b), string(b))
		clear(b)
	}
	for _, v := range values {
		got = append(got, string(v.(lua.LString)))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if v := x.box("k"); v != lua.LValue(lua.LString("k")) || v.Type() != lua.LTString {
		t.Errorf("%v is no ordinary string", v)
	}
}

// TestGlobalsChange: a name is not remembered beyond what the host makes of it.
func TestGlobalsChange(t *testing.T) {
	s, lines := newState(t, Limits{})
	p := compile(t, `out(req)`)
	for _, v := range []lua.LValue{lua.LNumber(1), lua.LNumber(2), lua.LNil} {
		s.SetGlobal("req", v)
		if err := s.Load(p); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"1", "2", "nil"}, *lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
