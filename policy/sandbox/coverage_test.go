package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
)

// TestCoverage counts the lines that run: branches, loops, coroutines, calls through pcall.
func TestCoverage(t *testing.T) {
	p := compile(t, `local t = {}
local function f(n)
  if n > 1 then
    return "large"
  else
    t.small = n
  end
end

f(1)
for i = 1, 3 do
  f(2)
end
local co = coroutine.wrap(function()
  coroutine.yield(1)
  t.never = true
end)
co()
pcall(function()
  error("x")
end)
`)
	c := NewCoverage(slices.Values([]*Program{p}))
	s := New(Limits{}, Host{})
	defer s.Close()
	s.Cover(c)
	if err := s.Load(p); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for file, lines := range c.Lines() {
		for _, l := range lines {
			fmt.Fprintf(&b, "%s:%d %v\n", file, l.Line, l.Count > 0)
		}
	}
	want := ""
	for _, l := range []string{"1 true", "2 true", "3 true", "4 true", "6 true", "10 true", "11 true", "12 true", "14 true", "15 true", "16 false", "18 true", "19 true", "20 true"} {
		want += p.File + ":" + l + "\n"
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCoverageKeepsBounds: a state whose lines are counted is bounded as any other.
func TestCoverageKeepsBounds(t *testing.T) {
	p := compile(t, "while true do end")
	s := New(Limits{LoadSteps: 5_000}, Host{})
	defer s.Close()
	s.Cover(NewCoverage(slices.Values([]*Program{p})))
	err := s.Load(p)
	if e, ok := err.(*Error); !ok || e.Kind != Steps {
		t.Errorf("%v", err)
	}
}

// TestSnapshot tells states whose scripts hold what they held from others.
func TestSnapshot(t *testing.T) {
	const top = `local n, list, deep, meta = 0, {1, 2}, {a={b={}}}, setmetatable({}, {__index={x=1}})
local f = {}
function f.nothing() local mine = {} mine[1] = n + #list + meta.x return deep.a.b.c end
function f.count() n = n + 1 end
function f.append() table.insert(list, 3) end
function f.deep() deep.a.b.c = 5 end
function f.same() list[1] = 1 end
function f.back() list[1] = 7 list[1] = 1 end
function f.delete() list[2] = nil end
function f.replace() deep.a = {b=deep.a.b} end
function f.meta() setmetatable(meta, {}) end
function f.metaindex() getmetatable(meta).__index.x = 2 end
function f.random() math.random() end
`
	for _, c := range []struct {
		more, call string
		same       bool
	}{
		{"", "nothing", true}, {"", "same", true}, {"", "back", true}, {"", "random", true},
		{"", "count", false}, {"", "append", false}, {"", "deep", false}, {"", "delete", false}, {"", "replace", false}, {"", "meta", false}, {"", "metaindex", false},
		{"local co = coroutine.create(function() end) function f.co() return co end", "nothing", false},
		{"local it = ('a b'):gmatch('%a') function f.it() return it() end", "nothing", false},
		{"local s, upper = string, string.upper function f.lib() return s, upper, print end", "lib", true},
	} {
		t.Run(c.more+c.call, func(t *testing.T) {
			s := New(Limits{}, Host{})
			defer s.Close()
			results, err := s.Call(s.Function(compile(t, top+c.more+"\nreturn f")), Run{})
			if err != nil {
				t.Fatal(err)
			}
			var functions []*lua.LFunction
			f := results[0].(*lua.LTable)
			f.ForEach(func(_, v lua.LValue) { functions = append(functions, v.(*lua.LFunction)) })
			shot := s.Snapshot(functions)
			if _, err := s.Call(f.RawGetString(c.call).(*lua.LFunction), Run{}); err != nil {
				t.Fatal(err)
			}
			if got := shot.Same(); got != c.same {
				t.Errorf("same: %v, want %v", got, c.same)
			}
		})
	}
}
