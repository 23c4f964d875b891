package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// TestPhaseChange is the column "may change" of the phases' table: each list in each place, and what a script is told
// where it may not.
func TestPhaseChange(t *testing.T) {
	for _, c := range []struct {
		phase, lists string
		code         radius.Code
	}{
		{"hints", "req control", radius.CodeAccessRequest},
		{"hints", "req control", radius.CodeAccountingRequest},
		{"huntgroups", "req control reply", radius.CodeAccessRequest},
		{"route", "req control reply", radius.CodeAccessRequest},
		{"authorize", "req control reply", radius.CodeAccessRequest},
		{"auth_type", "req control reply", radius.CodeAccessRequest},
		{"answer", "req control reply", radius.CodeAccessRequest},
		{"reply", "reply", radius.CodeAccessRequest},
		{"accounting", "req control", radius.CodeAccountingRequest},
		{"coa", "req reply", radius.CodeCoARequest},
		{"done", "", radius.CodeAccessRequest},
	} {
		for _, list := range []string{"req", "control", "reply"} {
			t.Run(c.phase+" "+list, func(t *testing.T) {
				object := map[string]string{"req": "req", "control": "req.control", "reply": "req.reply"}[list]
				h := load(t, changingScript(c.phase, object))
				r := h.request(c.code, "User-Name", "bob")
				runPhase(h, c.phase, r)
				want := object + " cannot be changed in " + c.phase
				if list == "req" && strings.Contains(c.lists, "reply") {
					want += `; did you mean req.reply["%s"]?`
				}
				if strings.Contains(" "+c.lists+" ", " "+list+" ") {
					want = "true"
				}
				for _, note := range r.Notes {
					want := strings.ReplaceAll(want, "%s", "Class")
					if note.Key == "vlan" {
						want = strings.ReplaceAll(want, "Class", "Tunnel-Type")
					}
					if _, told, _ := strings.Cut(note.Value, ": "); note.Value != want && told != want {
						t.Errorf("%s: %s, want %s", note.Key, note.Value, want)
					}
				}
				if len(r.Notes) != 6 {
					t.Errorf("notes %s\n%s", noteText(r), h.log)
				}
			})
		}
	}
}

// changingScript changes a list in six ways, and notes how each went.
func changingScript(phase, object string) string {
	body := strings.ReplaceAll(`function(req) local name = "Class"
  local function try(way, fn) local ok, err = pcall(fn) req:note(way, ok or err) end
  try("assign", function() LIST[name] = "x" end)
  try("add", function() LIST:add(name, "x") end)
  try("set", function() LIST:set(name, "x", 1) end)
  try("merge", function() LIST:merge{[name]="x"} end)
  try("del", function() LIST:del(name) end)
  try("vlan", function() LIST:vlan(5) end)
  RETURN end`, "LIST", object)
	if phase == "auth_type" || phase == "answer" {
		return fmt.Sprintf("%s('mine', %s)", phase, strings.Replace(body, "RETURN", "return drop{}", 1))
	}
	return fmt.Sprintf("on('%s', %s)", phase, strings.Replace(body, "RETURN", "", 1))
}

// TestReadOnlyFields: of req's fields only user, password and ctx can be assigned.
func TestReadOnlyFields(t *testing.T) {
	for _, e := range fieldAPI() {
		h := load(t, fmt.Sprintf("on('hints', function(req) local f = %q req[f] = 'x' end)", e.Name))
		h.run(server.PhaseHints, h.access("User-Name", "bob", "User-Password", "pw"))
		want := "req." + e.Name + " is read-only"
		switch e.Name {
		case "user", "password":
			want = ""
		case "ctx":
			want = "req.ctx: got a string, expected a table of plain data"
		}
		if diff := cmp.Diff(want, h.complaint()); diff != "" {
			t.Errorf("req.%s (-want +got):\n%s", e.Name, diff)
		}
	}
}

// TestFieldsByPhase: what req says of the outcome, and in which phases.
func TestFieldsByPhase(t *testing.T) {
	for _, c := range []struct {
		phase server.Phase
		code  radius.Code
		kind  server.Kind
		want  string
	}{
		{server.PhaseAuthorize, radius.CodeAccessRequest, server.Accept, "nil nil"},
		{server.PhaseReply, radius.CodeAccessRequest, server.Challenge, "challenge why"},
		{server.PhaseReply, radius.CodeAccessRequest, server.Reject, "reject why"},
		{server.PhaseDone, radius.CodeAccessRequest, server.Discard, "discard why"},
		{server.PhaseDone, radius.CodeAccessRequest, server.Drop, "drop why"},
		{server.PhaseDone, radius.CodeAccountingRequest, server.Accept, "response why"},
		{server.PhaseDone, radius.CodeCoARequest, server.Accept, "accept why"},
	} {
		h := load(t, fmt.Sprintf("on('%s', function(req) req:note('v', tostring(req.verdict) .. ' ' .. tostring(req.reason)) end)", c.phase))
		r := h.request(c.code, "User-Name", "bob")
		r.Verdict, r.Reason = c.kind, "why"
		h.run(c.phase, r)
		if diff := cmp.Diff("v="+c.want, noteText(r)); diff != "" {
			t.Errorf("%s %s %s (-want +got):\n%s%s", c.phase, c.code, c.kind, diff, h.log)
		}
	}
}

// TestUserFields: user, received name, realm and stripped name of every form of name.
func TestUserFields(t *testing.T) {
	h := load(t, `on("hints", function(req)
  local function show(v) return v == nil and "nil" or "<" .. v .. ">" end
  req:note("f", show(req.user) .. show(req["User-Name"]) .. show(req.realm) .. show(req.stripped) .. show(req.received_user))
end)`)
	for user, want := range map[string]string{
		"ann":            "<ann><ann>nil<ann><ann>",
		"Ann@Example":    "<Ann@Example><Ann@Example><example><Ann><Ann@Example>",
		"a@b@C.example":  "<a@b@C.example><a@b@C.example><c.example><a@b><a@b@C.example>",
		"ann@":           "<ann@><ann@><><ann><ann@>",
		"@example":       "<@example><@example><example><><@example>",
		"no name at all": "",
	} {
		attrs := []string{"User-Name", user}
		if want == "" {
			attrs, want = nil, "<>nilnil<>nil"
		}
		r := h.access(attrs...)
		h.run(server.PhaseHints, r)
		if diff := cmp.Diff("f="+want, noteText(r)); diff != "" {
			t.Errorf("%q (-want +got):\n%s%s", user, diff, h.log)
		}
	}
}

// TestOrigUserName: the name as received is kept once, when it is changed, and not by writing it as it was.
func TestOrigUserName(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`req.user = "bob"`, `User-Name = "bob"`},
		{`req.user = "eve" req.user = "mallory"`, `User-Name = "mallory", Orig-User-Name = "bob"`},
		{`req["User-Name"] = "eve"`, `User-Name = "eve", Orig-User-Name = "bob"`},
		{`req:set("User-Name", "eve", 1)`, `User-Name = "eve", Orig-User-Name = "bob"`},
		{`req["User-Name"] = nil`, `Orig-User-Name = "bob"`},
		{`req:del("User-Name") req.user = "eve"`, `Orig-User-Name = "bob", User-Name = "eve"`},
		{`req.control["User-Name"] = "eve"`, `User-Name = "bob"`},
	} {
		h := load(t, "on('hints', function(req) "+c.body+" end)")
		r := h.access("User-Name", "bob")
		h.run(server.PhaseHints, r)
		if diff := cmp.Diff(c.want, listText(&r.Attributes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", c.body, diff, h.log)
		}
	}
}

// TestPasswordField: assigning splits "pw;otp" before authentication; a request without one reads nil.
func TestPasswordField(t *testing.T) {
	h := load(t, `on("hints", function(req)
  if not req.password then req:note("none", true) return end
  req.password, req.ctx.otp = req.password:match("^(.*);(%d+)$")
  req:note("otp", req.ctx.otp)
end)`)
	r := h.access("User-Password", "secret;123456")
	h.run(server.PhaseHints, r)
	if got, _ := r.Attributes.First(h.gen.Dictionary.Known.UserPassword); string(got) != "secret" || noteText(r) != "otp=123456" {
		t.Errorf("password %q, notes %s\n%s", got, noteText(r), h.log)
	}
	r = h.access("User-Name", "bob")
	h.run(server.PhaseHints, r)
	if noteText(r) != "none=true" {
		t.Errorf("notes %s\n%s", noteText(r), h.log)
	}
	for body, want := range map[string]string{
		`req.password = nil`:              "req.password: got nil, expected text",
		`req.password = ("x"):rep(129)`:   "User-Password: 129 octets are more than the 128 that fit",
		`local p = "password" req[p] = 5`: "",
	} {
		h := load(t, "on('hints', function(req) "+body+" end)")
		h.run(server.PhaseHints, h.access("User-Password", "pw"))
		if diff := cmp.Diff(want, h.complaint()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// TestClientIsACopy: what a script does to req.client reaches nobody.
func TestClientIsACopy(t *testing.T) {
	h := load(t, `on("hints", function(req)
  local c = req.client
  c.name, c.vars.site = "other", "paris"
  req:note("c", req.client.name .. req.client.vars.site .. tostring(req.client.vars.floor))
end)`)
	r := h.access("User-Name", "bob")
	h.run(server.PhaseHints, r)
	if noteText(r) != "c=vpn-1berlinnil" || r.Client.Vars["site"] != "berlin" {
		t.Errorf("notes %s, vars %v\n%s", noteText(r), r.Client.Vars, h.log)
	}
	h = load(t, `on("hints", function(req) req:note("c", tostring(req.client) .. tostring(req.nas_type)) end)`)
	r = h.access("User-Name", "bob")
	r.Client = nil
	if h.run(server.PhaseHints, r); noteText(r) != "c=nilnil" {
		t.Errorf("without a client: %s\n%s", noteText(r), h.log)
	}
}

// TestNotes: eight at most, a key again replaces, values are text, numbers or booleans.
func TestNotes(t *testing.T) {
	h := load(t, `on("hints", function(req)
  for i = 1, 8 do req:note("k" .. i, i) end
  req:note("k3", "again")
  req:note("k4", false)
end)`)
	r := h.access("User-Name", "bob")
	h.run(server.PhaseHints, r)
	if diff := cmp.Diff("k1=1 k2=2 k3=again k4=false k5=5 k6=6 k7=7 k8=8", noteText(r)); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
	const want = "note: expected (key, value), both text; the value may be a number or boolean"
	for _, call := range []string{`req:note()`, `req:note("k")`, `req:note("k", nil)`, `req:note("k", {})`, `req:note(5, "v")`} {
		h := load(t, "on('hints', function(req) "+call+" end)")
		h.run(server.PhaseHints, h.access())
		if diff := cmp.Diff(want, h.complaint()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", call, diff)
		}
	}
}

// TestContext: ctx is plain data that all handlers of one request share, and no other request sees.
func TestContext(t *testing.T) {
	h := load(t, `
on("hints", function(req) req.ctx.list = {1, "two", true, {deep=1.5}} req.ctx.n = (req.ctx.n or 0) + 1 end)
on("hints", function(req) req.ctx = {old=req.ctx.list[4].deep, n=req.ctx.n} end)
on("authorize", function(req) req:note("c", tostring(req.ctx.old) .. tostring(req.ctx.list) .. req.ctx.n) end)`)
	rn := h.pr.Acquire()
	defer h.pr.Release(rn)
	for range 2 {
		r := h.access("User-Name", "bob")
		rn.Run(server.PhaseHints, r)
		rn.Run(server.PhaseAuthorize, r)
		if noteText(r) != "c=1.5nil1" {
			t.Errorf("notes %s\n%s", noteText(r), h.log)
		}
		rn.End(r)
	}
	for body, want := range map[string]string{
		`req.ctx.f = print`:                                           "req.ctx: f: a function is no plain data (text, numbers, booleans and tables of these)",
		`req.ctx.r = req`:                                             "req.ctx: r: a userdata is no plain data (text, numbers, booleans and tables of these)",
		`req.ctx.a = {b={req.reply}}`:                                 "req.ctx: a: a userdata is no plain data (text, numbers, booleans and tables of these)",
		`req.ctx[req.control] = 1`:                                    "",
		`req.ctx.co = coroutine.create(function() end)`:               "req.ctx: co: a thread is no plain data (text, numbers, booleans and tables of these)",
		`req.ctx.v = accept{}`:                                        "req.ctx: v: a userdata is no plain data (text, numbers, booleans and tables of these)",
		`req.ctx.c = {} req.ctx.c.c = req.ctx.c`:                      "req.ctx: c: tables are nested more than 16 deep",
		`local t = {} for i = 1, 10000 do t[i] = i end req.ctx.t = t`: "req.ctx: t: more than 10000 values",
		`local t = {} req.ctx = t t.x = print`:                        "req.ctx: x: a function is no plain data (text, numbers, booleans and tables of these)",
		`req.ctx.u = bytes.u64("18446744073709551615")`:               "req.ctx: u: a userdata is no plain data (text, numbers, booleans and tables of these)",
	} {
		h := load(t, "on('hints', function(req) "+body+" end)")
		h.run(server.PhaseHints, h.access())
		got := h.complaint()
		if want == "" {
			want = got // the key has no fixed text
			if !strings.HasSuffix(got, "a userdata is no plain data (text, numbers, booleans and tables of these)") {
				want = "a userdata is no plain data"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// TestFirstVerdictEnds: in every phase the first verdict ends it; nil goes on.
func TestFirstVerdictEnds(t *testing.T) {
	for _, phase := range []string{"hints", "huntgroups", "route", "authorize", "reply"} {
		h := load(t, strings.ReplaceAll(`
on("PHASE", function(req) req:note("a", 1) end)
on("PHASE", function(req) req:note("b", 1) return nil end)
on("PHASE", function(req) req:note("c", 1) return reject{reason="c"} end)
on("PHASE", function(req) req:note("d", 1) return reject{reason="d"} end)`, "PHASE", phase))
		r := h.access("User-Name", "bob")
		v := runPhase(h, phase, r)
		if v == nil || v.Reason != "c" || noteText(r) != "a=1 b=1 c=1" || r.Hook != "a.lua:4" {
			t.Errorf("%s: %+v, notes %s, hook %s\n%s", phase, v, noteText(r), r.Hook, h.log)
		}
	}
}

// TestOrderOfFiles: handlers run in the byte order of the files' names, then as written.
func TestOrderOfFiles(t *testing.T) {
	h, errs := tryLoad(t, map[string]string{
		"b.lua":  `on("hints", function(req) req.user = req.user .. "b" end)`,
		"a2.lua": `on("hints", function(req) req.user = req.user .. "2" end)`,
		"a.lua":  "on('hints', function(req) req.user = req.user .. 'a' end)\non('hints', function(req) req.user = req.user .. 'A' end)",
		"Z.lua":  `on("hints", function(req) req.user = req.user .. "Z" end)`,
	}, nil)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	r := h.access("User-Name", "")
	if h.run(server.PhaseHints, r); string(r.User()) != "ZaA2b" {
		t.Errorf("ran as %q\n%s", r.User(), h.log)
	}
}
