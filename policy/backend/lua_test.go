package backend

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"

	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// A world runs scripts with tables and windows on a clock of its own.
type world struct {
	t     testing.TB
	now   time.Time
	pools *Pools
	env   module.Env
	load  bool
	time  time.Duration // that a handler has; 0: any

	secrets map[string]string // globals, by name
}

func newWorld(t testing.TB, s Settings) *world {
	w := &world{t: t, now: time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)}
	w.pools = New(func() time.Time { return w.now }, nil)
	lease := w.pools.Lease(s)
	t.Cleanup(lease.Close)
	w.env = module.Env{
		Now: func() time.Time { return w.now }, Backends: lease, Loading: func() bool { return w.load },
		MayWait: func() error {
			if w.load {
				return fmt.Errorf("nothing waits while scripts load")
			}
			return nil
		},
	}
	return w
}

// run loads a script, which defines handlers by handler(fn), and runs these. It gives what they wrote by out.
func (w *world) run(source string) string {
	w.t.Helper()
	var lines []string
	var handlers []*lua.LFunction
	s := sandbox.New(sandbox.Limits{}, sandbox.Host{Data: &w.env, Seed: 1})
	defer s.Close()
	module.Open(s)
	s.SetGlobal("out", sandbox.NewFunction(func(l *lua.LState) int {
		var words []string
		for i := 1; i <= l.GetTop(); i++ {
			words = append(words, sandbox.ToString(l, l.Get(i)))
		}
		lines = append(lines, strings.Join(words, " "))
		return 0
	}))
	s.SetGlobal("handler", sandbox.NewFunction(func(l *lua.LState) int {
		handlers = append(handlers, sandbox.CheckFunction(l, 1))
		return 0
	}))
	s.SetGlobal("advance", sandbox.NewFunction(func(l *lua.LState) int {
		d, err := module.Duration("advance", l.Get(1))
		if err != nil {
			w.t.Fatal(err)
		}
		w.now = w.now.Add(d)
		return 0
	}))
	globals := module.Globals()
	for name, text := range w.secrets {
		s.SetGlobal(name, module.NewSecret(text))
		globals[name] = nil
	}
	globals["out"], globals["handler"], globals["advance"] = nil, nil, nil
	p, errs := sandbox.Compile("t.lua", []byte(source), sandbox.Options{Globals: globals})
	if errs.Failed() {
		w.t.Fatalf("%v", errs)
	}
	w.load = true
	err := s.Load(p)
	w.load = false
	for _, fn := range handlers {
		if err == nil {
			run := sandbox.Run{Steps: 1_000_000}
			if w.time > 0 {
				run.Deadline = time.Now().Add(w.time)
			}
			_, err = s.Call(fn, run)
		}
	}
	if err != nil {
		lines = append(lines, "error: "+err.Error())
	}
	return strings.Join(lines, "\n")
}

// A fact is a line of a script with what it writes.
type fact struct{ source, want string }

func (w *world) check(facts []fact) {
	w.t.Helper()
	for i, f := range facts {
		source := fmt.Sprintf("local t = kv.open('t%d', {ttl='1h', max=100}) local w = window.open('w%d', {span='10s', buckets=10}) handler(function() %s end)", i, i, f.source)
		if diff := cmp.Diff(f.want, w.run(source)); diff != "" {
			w.t.Errorf("%s (-want +got)\n%s", f.source, diff)
		}
	}
}

func TestTableInLua(t *testing.T) {
	newWorld(t, Settings{}).check([]fact{
		{`out(t:get("a"), t:set("a", {x={1, 2}}), t:get("a").x[2])`, "nil true 2"},
		{`local v = {n=1} t:set("a", v) v.n = 2 local got = t:get("a") got.n = 3 out(t:get("a").n)`, "1"},
		{`out(t:incr("a"), t:incr("a", 5), t:incr("a", -0.5), t:get("a"))`, "1 6 5.5 5.5"},
		{`t:set("a", 7) out(t:incr("a"))`, "8"},
		{`t:set("a", "x") t:incr("a")`, "error: t.lua:1: kv: incr: the value is no number"},
		{`t:set("a", "x") out(pcall(t.try_incr, t, "a"))`, "false t.lua:1: kv: incr: the value is no number"},
		{`out(t:cas("a", nil, 1), t:cas("a", nil, 2), t:cas("a", 1, {b=1, c=2}), t:cas("a", {c=2, b=1}, nil), t:get("a"))`, "true false true true nil"},
		{`t:set("a", 0) out(t:cas("a", -0, 1))`, "true"},
		{`out(t:del("a"), t:set("a", false), t:get("a"), t:del("a"), t:get("a"))`, "false true false true nil"},
		{`out(t:update("a", function(v) return (v or 0) + 1 end), t:update("a", function(v) return v + 1 end), t:update("a", function() end), t:get("a"))`, "1 2 2 2"},
		{`out(pcall(t.update, t, "a", function() error("no", 0) end)) out(t:get("a"))`, "false no\nnil"},
		{`t:update("a", function() return crypto.verify("{SHA}x", "x") end)`, "error: t.lua:1: crypto.verify: nothing waits in the function of kv's update"},
		{`pcall(t.update, t, "a", function() error("no") end) out(crypto.verify("x", "x") ~= nil)`, "true"},
		{`t:set("a", 1, "10s") advance("9s") out(t:get("a")) advance("1s") out(t:get("a"))`, "1\nnil"},
		{`t:set("a", 1) advance("59m") out(t:get("a")) advance("1m") out(t:get("a"))`, "1\nnil"},
		{`t:incr("a", 1, "10s") advance("9s") t:incr("a", 1, "10s") advance("1s") out(t:get("a"))`, "nil"},
		{`t:set("a", 1, "10s") advance("9s") t:set("a", 2, "10s") advance("9s") out(t:get("a"))`, "2"},
		{`t:set("a", nil)`, "error: t.lua:1: kv: the value is nil; expected plain data, or del(key) to delete"},
		{`t:set("a")`, "error: t.lua:1: argument 3 is nothing, expected a value"},
		{`t:set("a", out)`, "error: t.lua:1: kv: found a function, expected plain data"},
		{`t:set(nil, 1)`, "error: t.lua:1: argument 2 is nil, expected string"},
		{`t:set(("x"):rep(1025), 1)`, "error: t.lua:1: kv: a key of 1025 octets; 1024 are allowed"},
		{`t:set("a", ("x"):rep(70000))`, "error: t.lua:1: kv: a value of 70004 octets; 65536 are allowed"},
		{`t:set("a", 1, "soon")`, `error: t.lua:1: kv: ttl: soon is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`},
		{`t:incr("a", 0/0)`, "error: t.lua:1: kv: NaN cannot be added"},
		{`t:incr("a", 1.5e308) out(pcall(t.incr, t, "a", 1.5e308))`, "false t.lua:1: kv: incr: the sum is beyond all numbers"},
		{`t.get("a")`, "error: t.lua:1: the value before the colon is string, expected table; write value:method()"},
		{`kv.open("x")`, `error: t.lua:1: kv.open("x"): handles are opened while scripts load, not in a handler`},
		{`for i = 1, 200 do t:set("k" .. i, i) end local n = 0 for i = 1, 200 do if t:get("k" .. i) then n = n + 1 end end out(n, t:get("k200"), t:get("k101"), t:get("k100"))`, "100 200 101 nil"},
		{`for i = 1, 100 do t:set("k" .. i, i) end t:set("soon", 1, "1s") t:set("one", 1) out(t:get("soon"), t:get("k2"))`, "nil 2"},
		{`out(w:add("a"), w:add("a", 2), w:get("a"), w:get("b")) advance("10s") out(w:get("a"), w:add("a"))`, "1 3 3 0\n0 1"},
	})
}

func TestOptionsInLua(t *testing.T) {
	w := newWorld(t, Settings{})
	for _, f := range []fact{
		{`kv.open("a"):get("x")`, "error: t.lua:1: kv: read and changed in handlers, not while scripts load"},
		{`window.open("a"):get("x")`, "error: t.lua:1: window: read and changed in handlers, not while scripts load"},
		{`kv.open("a", {tll="1s"})`, `error: t.lua:1: kv.open("a"): no option "tll"; expected ttl, max, persist`},
		{`kv.open("a", {max=0})`, `error: t.lua:1: kv.open("a"): max: got 0, expected a whole number from 1 to 16777216`},
		{`kv.open("a", {max="x"})`, `error: t.lua:1: kv.open("a"): max: got x, expected a whole number from 1 to 16777216`},
		{`kv.open("a", {persist=1})`, `error: t.lua:1: kv.open("a"): persist: got a number, expected true or false`},
		{`window.open("a", {buckets=241})`, `error: t.lua:1: window.open("a"): buckets: got 241, expected a whole number from 1 to 240`},
		{`window.open("a", {span="10ms", buckets=15})`, `error: t.lua:1: window.open("a"): span: 10ms in 15 buckets; expected at least 1ms for each`},
		{`window.open("a", {distinct="x"})`, `error: t.lua:1: window.open("a"): distinct: got a string, expected true or false`},
		{`local w = window.open("d", {distinct=true, span="3s", buckets=3}) handler(function()
			out(w:add("k", "a"), w:add("k", "b"), w:add("k", "a")) advance("2s") out(w:add("k", "a")) advance("1s") out(w:get("k")) advance("2s") out(w:get("k")) end)`, "1 2 2\n2\n1\n0"},
		{`local w = window.open("e", {distinct=true}) handler(function() w:add("k") end)`, "error: t.lua:1: argument 3 is nothing, expected string"},
	} {
		if diff := cmp.Diff(f.want, w.run(f.source)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", f.source, diff)
		}
	}
}
