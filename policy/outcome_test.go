package policy

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// TestFailureOfEveryPhase is the table of on_error for each phase and code: the default, and what each word does.
func TestFailureOfEveryPhase(t *testing.T) {
	for _, c := range []struct {
		phase string
		code  radius.Code
		want  string // by default, and for reject, drop, continue
	}{
		{"hints", radius.CodeAccessRequest, "reject reject drop nil"},
		{"hints", radius.CodeAccountingRequest, "drop drop drop nil"},
		{"huntgroups", radius.CodeAccessRequest, "reject reject drop nil"},
		{"huntgroups", radius.CodeAccountingRequest, "drop drop drop nil"},
		{"route", radius.CodeAccessRequest, "reject reject drop nil"},
		{"route", radius.CodeAccountingRequest, "drop drop drop nil"},
		{"pre_proxy", radius.CodeAccessRequest, "reject reject drop nil"},
		{"pre_proxy", radius.CodeAccountingRequest, "drop drop drop nil"},
		{"post_proxy", radius.CodeAccessRequest, "reject reject drop nil"},
		{"post_proxy", radius.CodeAccountingRequest, "drop drop drop nil"},
		{"authorize", radius.CodeAccessRequest, "reject reject drop nil"},
		{"reply", radius.CodeAccessRequest, "reject reject drop nil"},
		{"accounting", radius.CodeAccountingRequest, "drop drop drop nil"},
		{"coa", radius.CodeCoARequest, "reject reject drop nil"},
		{"coa", radius.CodeDisconnectRequest, "reject reject drop nil"},
		{"done", radius.CodeAccessRequest, "nil nil nil nil"},
		{"done", radius.CodeAccountingRequest, "nil nil nil nil"},
		{"auth_type", radius.CodeAccessRequest, "reject reject drop"},
		{"answer", radius.CodeAccessRequest, "reject reject drop"},
	} {
		for i, want := range strings.Fields(c.want) {
			option := [...]string{"", "on_error='reject'", "on_error='drop'", "on_error='continue'"}[i]
			script := fmt.Sprintf("on('%s', {%s}, function(req) error('x') end)", c.phase, option)
			if c.phase == "auth_type" || c.phase == "answer" {
				script = fmt.Sprintf("%s('mine', {%s}, function(req) error('x') end)", c.phase, option)
			}
			h := load(t, script)
			got := "nil"
			v := runPhase(h, c.phase, h.request(c.code, "User-Name", "bob"))
			if v != nil {
				got = v.Kind.String()
			}
			reason := map[string]string{"reject": "hook-failed", "drop": "backend", "nil": ""}[want]
			if got != want || v != nil && (!v.Failed || v.Reason != reason) {
				t.Errorf("%s %s %s: got %s %+v, want %s", c.phase, c.code, option, got, v, want)
			}
			if !strings.Contains(h.log.String(), "a.lua:1: ") || !strings.Contains(h.log.String(), "phase="+c.phase) {
				t.Errorf("%s: the log names no place or phase: %s", c.phase, h.log)
			}
		}
	}
}

// TestTimeoutOfEveryPhase: what is late drops by default, whatever on_error says.
func TestTimeoutOfEveryPhase(t *testing.T) {
	for _, c := range []struct {
		phase, options, want string
		code                 radius.Code
	}{
		{"hints", "on_error='continue'", "drop", radius.CodeAccessRequest},
		{"reply", "on_timeout='reject'", "reject", radius.CodeAccessRequest},
		{"accounting", "on_timeout='reject'", "drop", radius.CodeAccountingRequest},
		{"accounting", "on_timeout='continue'", "nil", radius.CodeAccountingRequest},
		{"coa", "", "drop", radius.CodeCoARequest},
		{"coa", "on_timeout='reject'", "reject", radius.CodeCoARequest},
		{"done", "on_timeout='drop'", "nil", radius.CodeAccessRequest},
	} {
		h := load(t, fmt.Sprintf("on('%s', {timeout='1m', %s}, function(req) %s end)", c.phase, c.options, wasteTime))
		r := h.request(c.code, "User-Name", "bob")
		r.Deadline = time.Now().Add(-time.Second) // it is too late already
		got := "nil"
		if v := runPhase(h, c.phase, r); v != nil {
			got = v.Kind.String()
		}
		if got != c.want {
			t.Errorf("%s %s: got %s, want %s\n%s", c.phase, c.options, got, c.want, h.log)
		}
	}
}

// TestContinueUndoesEverywhere: continue takes back all lists that the phase may change, and keeps ctx and notes.
func TestContinueUndoesEverywhere(t *testing.T) {
	changes := map[string]string{
		"req": `req.user = "changed" req:add("NAS-Port", 2) `, "control": `req.control["Class"] = "x" req.control:del("Acme-Role") `,
		"reply": `req.reply["Class"] = "x" req.reply["Reply-Message"] = nil `,
	}
	for phase, lists := range map[string]string{
		"hints": "req control", "huntgroups": "req control reply", "route": "req control reply", "authorize": "req control reply",
		"pre_proxy": "req", "post_proxy": "control reply", "reply": "reply", "accounting": "req control", "coa": "req reply",
	} {
		body := ""
		for list := range strings.FieldsSeq(lists) {
			body += changes[list]
		}
		h := load(t, fmt.Sprintf(`
on('%[1]s', {on_error='continue'}, function(req) %[2]s req.ctx.kept = 5 error('x') end)
on('%[1]s', {on_timeout='continue'}, function(req) req:note("kept", tostring(req.ctx.kept)) end)`, phase, body))
		r := h.request(radius.CodeAccessRequest, "User-Name", "bob", "NAS-Port", "1")
		d := h.gen.Dictionary
		r.Control.Add(d.Attribute("Acme-Role").AnyTag(), []byte("role"))
		r.Reply.Add(d.Attribute("Reply-Message").AnyTag(), []byte("hello"))
		v := runPhase(h, phase, r)
		got := listText(&r.Attributes) + " | " + listText(&r.Control) + " | " + listText(&r.Reply) + " | " + noteText(r)
		want := `User-Name = "bob", NAS-Port = 1 | Acme-Role = "role" | Reply-Message = "hello" | kept=5`
		if diff := cmp.Diff(want, got); diff != "" || v != nil {
			t.Errorf("%s: verdict %+v (-want +got):\n%s%s", phase, v, diff, h.log)
		}
	}
}

// TestRegistrationErrors: what a registration refuses, by function.
func TestRegistrationErrors(t *testing.T) {
	for script, want := range map[string]string{
		`on()`:                                           `on: phase: got a nil, expected text`,
		`on(5, print)`:                                   `on: phase: got a number, expected text`,
		`on("auth_type", print)`:                         `on: no phase "auth_type"; did you mean "authorize"?`,
		`on("hints")`:                                    `on: expected (phase [, options], function), got a nil in the function's place`,
		`on("hints", "x", print)`:                        `on: options: got a string, expected a table`,
		`on("hints", {}, print, 5)`:                      `on: expected (phase [, options], function), got a function in the function's place`,
		`on("hints", {[1]="x"}, print)`:                  `on has no option "1"`,
		`on("hints", {name=5}, print)`:                   `name: got a number, expected text`,
		`on("hints", {timeout=0}, print)`:                `timeout: got 0, expected a duration above zero, such as "800ms", "90s", "5m"`,
		`on("hints", {timeout={}}, print)`:               `timeout: got a table, expected a duration such as "800ms", "90s", "5m"`,
		`on("hints", {on_error=true}, print)`:            `on_error: got a boolean, expected text`,
		`on("hints", {on_timeout=""}, print)`:            `on_timeout: got "", expected "reject", "drop" or "continue"`,
		`auth_type("x", {on_timeout="continue"}, print)`: `on_timeout: auth_type may not continue: a failure must not let anyone in`,
		`huntgroup("", print)`:                           `huntgroup: the name is empty`,
		`huntgroup(print)`:                               `huntgroup: name: got a function, expected text`,
		`huntgroup("x", {name="y"}, print)`:              `huntgroup has no option "name"`,
		`rewrite("x")`:                                   `rewrite: expected (name [, options], function), got a nil in the function's place`,
		`on("hints", {timeout="20000d"}, print)`:         `timeout: got 20000d, expected a duration of ten years ("3650d") at most`,
		`on("hints", {timeout=1/0}, print)`:              `timeout: got +Inf, expected a duration of ten years ("3650d") at most`,
		`on("hints", {timeout=0/0}, print)`:              `timeout: NaN is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`,
		`on("hints", {timeout=""}, print)`:               `timeout: "" is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`,
		`every("soon", print)`:                           `every: soon is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`,
		`every("5s")`:                                    `every: expected (interval [, options], function), got a nil in the function's place`,
		`auth_type("Local", print)`:                      `auth_type: "Local" is built in; choose another name`,
		"on('hints', {name='a'}, print) on('reply', {name='a'}, print)": `hook "a" is registered already at a.lua:1`,
		"every(5, {name='a'}, print) every(6, {name='a'}, print)":       `every "a" is registered already at a.lua:1`,
		"rewrite('a', print) rewrite('a', print)":                       `rewrite "a" is registered already at a.lua:1`,
		"answer('a', print) answer('a', print)":                         `answer "a" is registered already at a.lua:1`,
		"auth_type('a', print) auth_type('a', print)":                   `auth_type "a" is registered already at a.lua:1`,
		"rewrite('a', print) huntgroup('a', print) answer('a', print)":  ``,
		"on('hints', print) on('hints', print)":                         ``,
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": script}, nil)
		if want != "" {
			want = "a.lua:1: " + want
		}
		if diff := cmp.Diff(want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
	}
}

// TestBesideBounds: timers, load and unload handlers get no request, and a second one runs after a failed first.
func TestBesideBounds(t *testing.T) {
	h := load(t, `
on("load", function(...) print("load " .. select("#", ...)) end)
on("load", {name="bad"}, function() local v = nil + 1 end)
on("load", {name="worse"}, function() while true do end end)
on("load", function() print("after") end)
on("unload", function(...) print("unload " .. select("#", ...)) error("last words") end)
every("1h", {name="tick"}, function(...) print("tick " .. select("#", ...)) end)`)
	errs := h.pr.RunLoad()
	want := "a.lua:3: hook \"bad\": cannot perform add operation between nil and number\n" +
		"a.lua:4: hook \"worse\": step budget spent; use fewer or simpler loops and patterns"
	if diff := cmp.Diff(want, errs.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := h.pr.Fire("every", "tick"); err != nil {
		t.Error(err)
	}
	if err := h.pr.Fire("every", "tock"); err == nil || err.Error() != `nothing is registered for every "tock"` {
		t.Error(err)
	}
	if err := h.pr.Fire("unload", ""); err == nil || err.Error() != "a.lua:6: last words" {
		t.Error(err)
	}
	for _, text := range []string{"load 0", "after", "tick 0", "unload 0", `a.lua:6: hook \"a.lua:6\": last words`} {
		if !strings.Contains(h.log.String(), text) {
			t.Errorf("%q is missing in %s", text, h.log)
		}
	}
}

// TestUnloadOnlyAfterStart: a candidate that was never in place is closed without its unload handlers.
func TestUnloadOnlyAfterStart(t *testing.T) {
	const script = `on("unload", function() print("unloaded") end)`
	h := load(t, script)
	if h.pr.Close(); strings.Contains(h.log.String(), "unloaded") {
		t.Error("unload ran for a program that never served")
	}
	h = load(t, script)
	h.pr.Start()
	h.pr.Close()
	h.pr.Close()
	if n := strings.Count(h.log.String(), "unloaded"); n != 1 {
		t.Errorf("unload ran %d times", n)
	}
}

// TestTimersOverReload: the next generation's timer of the same name keeps the due time; a dropped one starts anew.
func TestTimersOverReload(t *testing.T) {
	timers := &Timers{}
	generation := func(script string) {
		h, errs := tryLoad(t, map[string]string{"a.lua": script}, func(o *Options) { o.Timers, o.Log = timers, slog.New(slog.DiscardHandler) })
		if err := errs.Err(); err != nil {
			t.Fatal(err)
		}
		h.pr.Start()
		h.pr.Close()
	}
	soon := time.Now().Add(time.Minute)
	timers.due = map[string]time.Time{"kept": soon, "dropped": soon, "shorter": soon.Add(time.Hour)}
	generation(`every("1h", {name="kept"}, function() end)`)
	timers.mu.Lock()
	defer timers.mu.Unlock()
	if len(timers.due) != 1 || !timers.due["kept"].Equal(soon) {
		t.Errorf("due %v, want kept at %v alone", timers.due, soon)
	}
}

// TestHandlersOfViews: a view runs the same handlers with its own clock and log, and asks no name server.
func TestHandlersOfViews(t *testing.T) {
	h := load(t, `on("hints", function(req)
  req:note("t", os.time()) log.info("seen") req:note("dns", tostring(select(2, net.try_lookup("a.example"))))
end)`)
	var buf strings.Builder
	var asked atomic.Int32 // the resolver asks on goroutines of its own
	view := h.pr.View(func() time.Time { return time.Unix(42, 0) }, slog.New(slog.NewTextHandler(&buf, nil)), func() { asked.Add(1) })
	defer view.Close()
	r := h.access("User-Name", "bob")
	rn := view.Acquire()
	rn.Run(server.PhaseHints, r)
	rn.End(r)
	view.Release(rn)
	if !strings.HasPrefix(noteText(r), "t=42 dns=refused: ") || asked.Load() == 0 || !strings.Contains(buf.String(), "seen") || h.log.Len() > 0 {
		t.Errorf("notes %s, asked %d, view's log %s, program's log %s", noteText(r), asked.Load(), buf.String(), h.log)
	}
}
