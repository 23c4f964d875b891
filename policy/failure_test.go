package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
)

// TestFailurePolicy is the table of on_error and on_timeout: what a failing hook does to its request.
func TestFailurePolicy(t *testing.T) {
	for _, c := range []struct {
		options, failure string
		code             radius.Code
		phase            server.Phase
		want             string
	}{
		{"", "error('x')", radius.CodeAccessRequest, server.PhaseAuthorize, "reject"},
		{"", "while true do end", radius.CodeAccessRequest, server.PhaseAuthorize, "reject"}, // the step budget
		{"timeout='1ms'", wasteTime, radius.CodeAccessRequest, server.PhaseAuthorize, "drop"},
		{"on_error='drop'", "error('x')", radius.CodeAccessRequest, server.PhaseAuthorize, "drop"},
		{"on_error='continue'", "error('x')", radius.CodeAccessRequest, server.PhaseAuthorize, "nil"},
		{"timeout='1ms', on_timeout='reject'", wasteTime, radius.CodeAccessRequest, server.PhaseAuthorize, "reject"},
		{"timeout='1ms', on_timeout='continue'", wasteTime, radius.CodeAccessRequest, server.PhaseAuthorize, "nil"},
		{"", "return true", radius.CodeAccessRequest, server.PhaseHints, "reject"},
		{"on_error='continue'", "return true", radius.CodeAccessRequest, server.PhaseHints, "nil"},
		{"", "error('x')", radius.CodeAccountingRequest, server.PhaseHints, "drop"},
		{"on_error='reject'", "error('x')", radius.CodeAccountingRequest, server.PhaseAccounting, "drop"},
		{"on_error='continue'", "error('x')", radius.CodeAccountingRequest, server.PhaseAccounting, "nil"},
		{"", "error('x')", radius.CodeCoARequest, server.PhaseCoA, "reject"},
		{"", "error('x')", radius.CodeAccessRequest, server.PhaseDone, "nil"},
	} {
		t.Run(fmt.Sprintf("%s %s %s %s", c.phase, c.code, c.options, c.failure), func(t *testing.T) {
			h := load(t, fmt.Sprintf("local function f(req) %s end\non('%s', {%s}, f)", c.failure, c.phase, c.options))
			v := h.run(c.phase, h.request(c.code, "User-Name", "bob"))
			got := "nil"
			if v != nil {
				got = v.Kind.String()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if !strings.Contains(h.log.String(), "a.lua:") {
				t.Errorf("log %q names no place", h.log)
			}
		})
	}
}

// wasteTime computes for longer than the timeouts of the tests, but within the step budget.
const wasteTime = `local s = ("x"):rep(1000) for i = 1, 900 do s:find("y") for j = 1, 300 do end end`

// TestFailuresAreLoggedSeldom: a handler that fails with each request writes a line a second for each place where
// it fails, whatever its text; every request is refused.
func TestFailuresAreLoggedSeldom(t *testing.T) {
	now := time.Now()
	h, errs := tryLoad(t, map[string]string{"a.lua": `on("hints", function(req)
  if req.user == "eve" then
    error("evil")
  end
  error("bad " .. req.user)
end)
on("hints", function(req) error("not reached") end)`}, func(o *Options) { o.Now = func() time.Time { return now } })
	if errs.Failed() {
		t.Fatal(errs)
	}
	fail := func(user string) (lines string) {
		h.log.Reset()
		if v := h.run(server.PhaseHints, h.access("User-Name", user)); v == nil || !v.Failed {
			t.Errorf("%s: got %+v", user, v)
		}
		return h.log.String()
	}
	for i := range 50 {
		lines := fail(fmt.Sprintf("user%d", i))
		if (strings.Count(lines, "level=ERROR") == 1) != (i == 0) {
			t.Errorf("failure %d: %q", i, lines)
		}
	}
	if lines := fail("eve"); !strings.Contains(lines, "evil") {
		t.Errorf("a failure of another kind: %q", lines)
	}
	now = now.Add(time.Second)
	if lines := fail("bob"); !strings.Contains(lines, "bad bob") || !strings.Contains(lines, "suppressed=49") {
		t.Errorf("a second later: %q", lines)
	}
	now = now.Add(time.Second)
	if lines := fail("bob"); !strings.Contains(lines, "bad bob") || strings.Contains(lines, "suppressed") {
		t.Errorf("nothing was left out: %q", lines)
	}
}

// TestFailuresAreBounded: handlers of a program have fewer places than are remembered, others are forgotten.
func TestFailuresAreBounded(t *testing.T) {
	var f failures
	h, now := &handler{}, time.Now()
	for i := range 3 * failureKinds {
		if _, ok := f.allow(h, raddb.Pos{File: "a.lua", Line: i}, now); !ok || len(f.last) > failureKinds {
			t.Fatalf("place %d: %v, %d remembered", i, ok, len(f.last))
		}
	}
	last := raddb.Pos{File: "a.lua", Line: 3*failureKinds - 1}
	if _, ok := f.allow(h, last, now); ok {
		t.Error("a second line at once")
	}
	if _, ok := f.allow(h, last, now.Add(-time.Minute)); !ok {
		t.Error("no line after the clock was set back")
	}
}

// TestContinueUndoes: what a failed hook changed is taken back, what it put into ctx stays.
func TestContinueUndoes(t *testing.T) {
	h := load(t, `
on("huntgroups", function(req) req.control["Class"] = "kept" end)
on("huntgroups", {on_error="continue"}, function(req)
  req.user = "changed"
  req.reply:add("Reply-Message", "x")
  req.control["Class"] = nil
  req.ctx.seen = true
  error("now")
end)
on("huntgroups", function(req) req:note("seen", req.ctx.seen) end)`)
	r := h.access("User-Name", "bob", "NAS-Port", "1")
	if v := h.run(server.PhaseHuntgroups, r); v != nil {
		t.Fatal(v)
	}
	if got := listText(&r.Attributes) + " | " + listText(&r.Control) + " | " + listText(&r.Reply); got != `User-Name = "bob", NAS-Port = 1 | Class = 0x6b657074 | ` {
		t.Errorf("got %s", got)
	}
	if len(r.Notes) != 1 {
		t.Errorf("notes %v", r.Notes)
	}
}

// TestDeadlineOfRequest: a hook has no more than what its request has left.
func TestDeadlineOfRequest(t *testing.T) {
	h := load(t, "on('hints', {timeout='1m'}, function(req) "+wasteTime+" end)")
	r := h.access("User-Name", "bob")
	r.Deadline = time.Now().Add(2 * time.Millisecond)
	if v := h.run(server.PhaseHints, r); v == nil || v.Kind != server.Drop {
		t.Errorf("got %+v", v)
	}
}

// TestHostileHooks: whatever a hook does, it costs its own request and no other.
func TestHostileHooks(t *testing.T) {
	for name, body := range map[string]string{
		"endless":          "while true do end",
		"endless in pcall": "while true do pcall(function() while true do end end) end",
		"recursion":        "local function f() return f() + 1 end f()",
		"table":            "local t = {} for i = 1, 1e9 do t[i] = i end",
		"sparse table":     "local t = {} for i = 1, 1e9 do t[i * 1000] = 1 end",
		"string":           "local s = 'x' for i = 1, 100 do s = s .. s end",
		"repeat":           "local s = ('x'):rep(1e9)",
		"pattern":          "local s = ('a'):rep(250):find('a*a*a*a*a*b') for i = 1, 1e9 do s = ('a'):rep(250):find('a*a*a*a*a*b') end",
		"coroutines":       "for i = 1, 1e9 do coroutine.create(function() end) end",
		"attributes":       "for i = 1, 1e9 do req.reply:add('Class', ('x'):rep(250)) end",
		"names":            "for i = 1, 1e9 do local v = req['Attr-26.' .. i .. '.1'] end",
		"notes":            "for i = 1, 100 do req:note('k' .. i, i) end",
		"ctx":              "req.ctx.f = function() end",
		"ctx graph":        "local t = {1} for i = 1, 14 do t = {t, t, t, t, t, t, t, t} end req.ctx.t = t",
		"state graph":      "local t = {1} for i = 1, 14 do t = {t, t, t, t, t, t, t, t} end return challenge{next='c' .. 'x', state=t}",
		"many attributes":  "local t = {} for i = 1, 60000 do t[i] = 'x' end req.reply['Class'] = t",
		"ctx cycle":        "req.ctx.c = req.ctx",
		"metatable":        "getmetatable(req).__index = nil",
		"yield in pcall":   "local w = coroutine.wrap(function() pcall(function() coroutine.yield() end) end) for i = 1, 3 do w() end error('x')",
		"globals":          "rawset(string, 'find', nil)",
	} {
		t.Run(name, func(t *testing.T) {
			h := load(t, "on('authorize', {when={user='bad'}}, function(req) "+body+" end)\non('authorize', function(req) return accept{} end)")
			rn := h.pr.Acquire()
			bad, good := h.access("User-Name", "bad"), h.access("User-Name", "good")
			start := time.Now()
			if v := rn.Run(server.PhaseAuthorize, bad); v == nil || !v.Failed {
				t.Errorf("got %+v, want a failure", v)
			}
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("took %v", took)
			}
			rn.End(bad)
			if v := rn.Run(server.PhaseAuthorize, good); v == nil || v.Kind != server.Accept {
				t.Errorf("the next request of the same desk: %+v\n%s", v, h.log)
			}
			rn.End(good)
			h.pr.Release(rn)
			rn = h.pr.Acquire()
			if v := rn.Run(server.PhaseAuthorize, good); v == nil || v.Kind != server.Accept {
				t.Errorf("the next request: %+v\n%s", v, h.log)
			}
		})
	}
}

// TestRequestIsOver: nothing that a script has kept reaches another request.
func TestRequestIsOver(t *testing.T) {
	for name, keep := range map[string]string{
		"req":      "keep(req)",
		"reply":    "keep(req.reply)",
		"closure":  "keep(setmetatable({}, {__index=function(_, k) return req[k] end}))",
		"iterator": "local it = req:pairs() keep(setmetatable({}, {__index=function() return it() end}))",
	} {
		t.Run(name, func(t *testing.T) {
			h := load(t, `
local kept = {}
local function keep(v) table.insert(kept, v) end
local function first() return kept[1] end
on("hints", {when={user="one"}}, function(req) `+keep+` end)
on("hints", {when={user="two"}}, function(req) local old = first() local v = old["User-Name"] req:note("leak", tostring(v)) end)`)
			rn := h.pr.Acquire()
			one, two := h.access("User-Name", "one"), h.access("User-Name", "two")
			rn.Run(server.PhaseHints, one)
			rn.End(one)
			v := rn.Run(server.PhaseHints, two)
			if v == nil || !strings.Contains(h.log.String(), "this request is over") || len(two.Notes) > 0 {
				t.Errorf("verdict %+v, notes %v\n%s", v, two.Notes, h.log)
			}
		})
	}
}

// TestPasswordsAreBlanked: neither log nor notes show the request's password.
func TestPasswordsAreBlanked(t *testing.T) {
	h := load(t, `on("hints", function(req)
  req:note("p", "pw " .. req.password)
  log.info("got " .. req.password, {p=req.password})
  print(req.password)
  error("bad " .. req.password)
end)`)
	r := h.access("User-Name", "bob", "User-Password", "hunter22")
	h.run(server.PhaseHints, r)
	if strings.Contains(h.log.String(), "hunter22") || strings.Contains(fmt.Sprint(r.Notes), "hunter22") {
		t.Errorf("log %s notes %v", h.log, r.Notes)
	}
	if n := strings.Count(h.log.String(), "[secret]"); n != 4 {
		t.Errorf("%d blanks in %s", n, h.log)
	}
}

// TestLongTextsAreCut: what a script says is cut in log and notes, however long its strings may be.
func TestLongTextsAreCut(t *testing.T) {
	h := load(t, `on("hints", function(req)
  local long = ("é"):rep(200000)
  req:note("n", long)
  log.info(long, {k=long})
  error("x" .. long)
end)`)
	r := h.access("User-Name", "bob")
	h.run(server.PhaseHints, r)
	if n := h.log.Len(); n > 4*(maxLogged+200) {
		t.Errorf("the log has %d octets", n)
	}
	if n := len(r.Notes[0].Value); n > maxLogged+len("…") || !utf8.ValidString(r.Notes[0].Value) {
		t.Errorf("the note has %d octets", n)
	}
}

// TestNoAllocationWhenNothingMatches holds the promise of the fast path.
func TestNoAllocationWhenNothingMatches(t *testing.T) {
	h := load(t, `on("hints", {when={realm="other", client="sw-*", src="10.0.0.0/8", ["NAS-Port"]="<5"}}, function(req) end)
on("hints", function(req) end)`)
	r := h.access("User-Name", "bob@here", "NAS-Port", "9")
	rn := h.pr.Acquire()
	if n := testing.AllocsPerRun(100, func() {
		rn.Run(server.PhaseHints, r)
		rn.End(r)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
