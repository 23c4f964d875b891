package sandbox

import (
	"fmt"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// benchmarkCall measures one call of the function that a script gives to on, with names that rotate: a constant
// one flatters the branch predictor. req has a function as __index and __newindex, as a request has.
func benchmarkCall(b *testing.B, source string) {
	s := New(Limits{}, Host{})
	defer s.Close()
	var fn *lua.LFunction
	s.SetGlobal("on", NewFunction(func(l *lua.LState) int { fn = CheckFunction(l, 1); return 0 }))
	if err := s.Load(compile(b, source)); err != nil {
		b.Fatal(err)
	}
	names := rotatingNames()
	current := 0
	req := s.l.NewUserData()
	mt := s.l.NewTable()
	mt.RawSetString("__index", NewFunction(func(l *lua.LState) int { l.Push(names[current]); return 1 }))
	mt.RawSetString("__newindex", NewFunction(func(l *lua.LState) int { return 0 }))
	req.Metatable = mt
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		current = i % len(names)
		if _, err := s.Call(fn, Run{}, req); err != nil {
			b.Fatal(err)
		}
	}
}

// rotatingNames gives user names that no branch predictor learns.
func rotatingNames() []lua.LValue {
	names := make([]lua.LValue, 4096)
	for i := range names {
		names[i] = lua.LString(fmt.Sprintf("user%d@realm%d.example", i*7919, i%17))
	}
	return names
}

// BenchmarkEmpty is the price of a call.
func BenchmarkEmpty(b *testing.B) { benchmarkCall(b, `on(function(req) end)`) }

// BenchmarkMatchGetSet is what a usual hook does: one read, one match of two captures, two writes.
func BenchmarkMatchGetSet(b *testing.B) {
	benchmarkCall(b, `on(function(req)
	local user, realm = req["User-Name"]:match("^([^@]+)@(.+)$")
	req["Stripped-User-Name"] = user
	req["Realm"] = realm
end)`)
}

// BenchmarkConcat joins three strings.
func BenchmarkConcat(b *testing.B) {
	benchmarkCall(b, `on(function(req) local s = "a" .. req["User-Name"] .. "b" end)`)
}

// BenchmarkGsub replaces in a short string.
func BenchmarkGsub(b *testing.B) {
	benchmarkCall(b, `on(function(req) local s = req["User-Name"]:gsub("[@.]", "-") end)`)
}

// BenchmarkLoop is a thousand turns of arithmetic: the price of counting instructions.
func BenchmarkLoop(b *testing.B) {
	benchmarkCall(b, `on(function(req) local n = 0 for i = 1, 1000 do n = n + i % 7 end end)`)
}

// BenchmarkNew is the price of a state.
func BenchmarkNew(b *testing.B) {
	p := compile(b, `local function f(req) return req end on(f)`)
	b.ReportAllocs()
	for b.Loop() {
		s := New(Limits{}, Host{})
		s.SetGlobal("on", NewFunction(func(*lua.LState) int { return 0 }))
		if err := s.Load(p); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

// TestCallAllocates holds the bounds that the benchmarks measure: nothing for a call, and for a usual hook the two
// captures and what gopher-lua boxes.
func TestCallAllocates(t *testing.T) {
	s := New(Limits{}, Host{})
	defer s.Close()
	var fn *lua.LFunction
	s.SetGlobal("on", NewFunction(func(l *lua.LState) int { fn = CheckFunction(l, 1); return 0 }))
	for _, c := range []struct {
		source string
		most   float64
	}{
		{`on(function(s) end)`, 0},
		{`on(function(s) return s, 1 end)`, 0},
		{`local t = {a = 1} on(function(s) return t.a, t["b"], #s end)`, 0},
		{`on(function(s) return (s:find("@", 1, true)) end)`, 0},
		{`on(function(s) return s:match("^([^@]+)@(.+)$") end)`, 0},
		{`on(function(s) return string.sub(s, 2, 4), s:upper() end)`, 0},
		{`on(function(s) return s .. "x" end)`, 0},
	} {
		if err := s.Load(compile(t, c.source)); err != nil {
			t.Fatal(err)
		}
		arg := lua.LValue(lua.LString("ann@example.org"))
		got := testing.AllocsPerRun(100, func() {
			if _, err := s.Call(fn, Run{}, arg); err != nil {
				t.Fatal(err)
			}
		})
		if got > c.most {
			t.Errorf("%s: %v allocations, want at most %v", c.source, got, c.most)
		}
	}
}
