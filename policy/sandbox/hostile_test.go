package sandbox

import (
	"errors"
	"runtime/metrics"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// hostile scripts, each within a million steps, half a second and 200 MiB allocated in all. want is the kind that
// must end them; 0: they end by themselves or by an ordinary error.
var hostile = []struct {
	name, source string
	want         Kind
}{
	{"endless loop", `while true do end`, Steps},
	{"endless loop in pcall", `while true do pcall(function() while true do end end) end`, Steps},
	{"endless loop in xpcall handler", `xpcall(error, function() while true do end end)`, Steps},
	{"endless loop in coroutine", `coroutine.wrap(function() while true do end end)()`, Steps},
	{"endless loop in resumed coroutine", `local c = coroutine.create(function() while true do end end)
		while true do coroutine.resume(c) end`, Steps},
	{"nested coroutines", `local function f() return coroutine.wrap(function() f() end)() end f()`, Misuse},
	{"pcall ends the chunk", `return pcall(function() while true do end end)`, Steps},
	{"goto loop", `::a:: goto a`, Steps},
	{"catastrophic lazy pattern", `string.find(("a"):rep(500), ".-.-.-.-b")`, Steps},
	{"catastrophic greedy pattern", `string.match(("a"):rep(253), "a*a*a*a*b")`, Steps},
	{"catastrophic options", `string.find(("a"):rep(28), ("a?"):rep(28) .. ("a"):rep(28))`, Steps},
	{"catastrophic pattern in pcall", `while true do pcall(string.find, ("a"):rep(500), ".-.-.-.-b") end`, Steps},
	{"deep pattern", `string.find(("a"):rep(4000), ("a?"):rep(2048))`, 0},
	{"pattern too long", `string.find("a", ("a?"):rep(3000))`, Misuse},
	{"balance", `string.find(("("):rep(1e6), "%b()")`, Steps},
	{"gmatch", `for a in (("a"):rep(1e5)):gmatch("a-b") do end`, Steps},
	{"rep", `string.rep("x", 1e9)`, Misuse},
	{"rep huge", `string.rep("x", 1e18)`, Misuse},
	{"rep of rep", `local s = "x" for i = 1, 100 do s = s:rep(100) end`, Misuse},
	{"concat doubling", `local s = "x" while true do s = s .. s end`, Misuse},
	{"concat doubling in pcall", `local s = ("x"):rep(5e5) while true do pcall(function() local t = s .. s .. s end) end`, Memory},
	{"concat of long strings", `local s, t = ("x"):rep(1e6), {} for i = 1, 1e6 do t[i] = s .. i end`, Steps},
	{"table.concat", `local s, t = ("x"):rep(1e5), {} for i = 1, 1000 do t[i] = s end table.concat(t)`, Misuse},
	{"table.concat separator", `local t = {} for i = 1, 1000 do t[i] = "" end table.concat(t, ("x"):rep(1e5))`, Misuse},
	{"format width", `string.format("%1000000000s", "x")`, Misuse},
	{"format many", `local s = ("x"):rep(5e5) string.format("%s%s%s", s, s, s)`, Misuse},
	{"gsub grows", `local s = ("x"):rep(1000) s:gsub(".", s:rep(1000))`, Misuse},
	{"gsub function grows", `local s = ("x"):rep(1000) s:gsub(".", function() return s:rep(100) end)`, Misuse},
	{"gsub chain", `local s = ("x"):rep(1e5) while true do s = s:gsub("x", "x") end`, Steps},
	{"upper of long", `local s = ("x"):rep(1e6) while true do s:upper() s:lower() s:reverse() end`, Steps},
	{"char many", `string.char(unpack({1,2,3}, 1, 5000))`, Misuse},
	{"unpack many", `unpack({}, 1, 1e8)`, Misuse},
	{"unpack nested", `local t = {} for i = 1, 4000 do t[i] = i end local function f(...) return f(1, ...) end f(unpack(t))`, Internal},
	{"deep recursion", `local function f() return 1 + f() end f()`, Raise},
	{"deep recursion in pcall", `local function f() pcall(f) f() end f()`, 0},
	{"metamethod recursion", `local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end return t.x`, Raise},
	{"tostring recursion", `local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) tostring(t)`, Raise},
	{"tail recursion", `local function f() return f() end f()`, Steps},
	{"high index", `local t = {} t[6e7] = 1`, 0},
	{"many high indexes", `local k = {} for i = 1, 1e6 do local t = {} t[65000] = 1 k[i] = t end`, Memory},
	{"sparse table", `local t = {} for i = 1, 1e6 do t[i * 1000] = 1 end`, 0},
	{"many tables", `local t = {} for i = 1, 1e6 do t[i] = {a = 1, b = 2} end`, Memory},
	{"packed arguments", `local function f(...) return {...} end local a, k = {}, {} for i = 1, 4000 do a[i] = i end
		for i = 1, 1e6 do k[i] = f(unpack(a)) end`, Memory},
	{"insert for ever", `local t = {} while true do table.insert(t, 1) end`, 0},
	{"insert in front", `local t = {} while true do table.insert(t, 1, 1) end`, 0},
	{"sort of lies", `local t = {} for i = 1, 1e4 do t[i] = i end table.sort(t, function() return true end)`, 0},
	{"sort numbers", `local t = {} for i = 1, 5e4 do t[i] = -i % 977 end while true do table.sort(t) end`, Steps},
	{"closures", `local t = {} for i = 1, 1e6 do t[i] = function() return i end end`, Memory},
	{"error tables", `while true do pcall(error, {}) end`, Steps},
	{"coroutines for ever", `local t = {} while true do t[#t + 1] = coroutine.create(function() end) end`, Misuse},
	{"coroutines in pcall", `while true do pcall(coroutine.create, function() end) end`, Steps},
	{"yield in metamethod", `local t = setmetatable({}, {__index = function() coroutine.yield(1) end})
		local c = coroutine.wrap(function() return t.x end) c() c()`, Raise},
	{"yield in gsub", `coroutine.wrap(function() ("a"):gsub(".", function() coroutine.yield() end) end)()`, Raise},
	{"yield in sort", `coroutine.wrap(function() table.sort({3,2,1}, function() coroutine.yield() end) end)()`, Raise},
	{"resume itself", `local c c = coroutine.create(function() return coroutine.resume(c) end) coroutine.resume(c)`, 0},
	{"resume the resumer", `local a, b
		a = coroutine.create(function() coroutine.resume(b) end)
		b = coroutine.create(function() coroutine.resume(a) end)
		coroutine.resume(a)`, 0},
	{"swallowed memory", `local k = {} pcall(function() for i = 1, 1e6 do local t = {} t[65000] = 1 k[i] = t end end) while true do end`, Memory},
	{"length of holes", `local t = {} t[65000] = 1 t[65000] = nil while true do local n = #t end`, 0},
	{"next of holes", `local t = {} for i = 1, 2e4 do t["k" .. i] = 1 end for k in pairs(t) do t[k] = nil end
		while true do next(t) end`, 0},
	{"random of huge", `math.random(1e300) math.random(-1e300, 1e300)`, 0},
	{"print", `while true do print(("x"):rep(1e6)) end`, Steps},
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestHostile(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			s, _ := newState(t, Limits{})
			p := compile(t, c.source)
			before, start := allocated(), time.Now()
			_, err := s.Call(s.l.NewFunctionFromProto(p.proto), Run{Deadline: start.Add(500 * time.Millisecond)})
			took, used := time.Since(start), allocated()-before
			if used > 200<<20 || took > 3*time.Second {
				t.Errorf("took %v and %d MiB", took, used>>20)
			}
			var e *Error
			if errors.As(err, &e); c.want != 0 && (e == nil || e.Kind != c.want && e.Kind != Deadline) {
				t.Errorf("got %v, want an error of kind %v", err, c.want)
			}
			t.Logf("%v, %d KiB: %v", took, used>>10, err)
			if s.Broken() != (e != nil && e.Kind == Internal) {
				t.Errorf("Broken() = %v, %v", s.Broken(), err)
			}
			if !s.Broken() {
				stillWorks(t, s)
			}
		})
	}
}

// stillWorks checks that a state serves the next run after what happened to it.
func stillWorks(t *testing.T, s *State) {
	t.Helper()
	p := compile(t, `local c = coroutine.wrap(function(a) return (a .. "b"):upper() end) return c("a"), pcall(error, "x")`)
	got, err := s.Call(s.l.NewFunctionFromProto(p.proto), Run{})
	if err != nil || len(got) != 3 || got[0] != lua.LString("AB") {
		t.Errorf("next run: got %v, %v", got, err)
	}
}

// TestLaden: gopher-lua forgets neither frames nor registers that are no longer in use, so a state whose run had much is to be
// replaced, and one whose run had little goes on.
func TestLaden(t *testing.T) {
	for text, want := range map[string]bool{
		`local k = {} for i = 1, 100 do k[i] = i end`: false,
		`error("soon")`: false,
		`local k = {} for i = 1, 20 do k[i] = ("z"):rep(900000 + i) end`:                                          true,
		`local k = {} for i = 1, 5 do k[i] = ("z"):rep(900000 + i) end error("late")`:                             true,
		`local k = {} while true do pcall(function() while true do k[#k+1] = ("z"):rep(900000 + #k) end end) end`: true,
	} {
		s, _ := newState(t, Limits{})
		_ = s.Load(compile(t, text))
		if s.Laden() != want || s.Broken() {
			t.Errorf("%s: laden: %v, broken: %v", text, s.Laden(), s.Broken())
		}
	}
}
