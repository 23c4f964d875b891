package policy

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// TestFields reads every field of req.
func TestFields(t *testing.T) {
	h := load(t, `on("reply", function(req)
  local function show(v) if type(v) == "table" then return json.encode(v) end return tostring(v) end
  for _, name in ipairs{"user", "received_user", "outer_user", "realm", "stripped", "password", "method", "cert", "code",
    "status", "id", "src", "src_port", "listener", "log_id", "client", "nas_type", "now", "generation", "verdict", "reason",
    "proxy", "state"} do
    log.info(name .. "=" .. show(req[name]))
  end
end)`)
	r := h.access("User-Name", "Ann@Example.ORG", "User-Password", "pw")
	r.Verdict, r.Reason = server.Accept, "fine"
	h.run(server.PhaseReply, r)
	var got []string
	for line := range strings.Lines(h.log.String()) {
		_, msg, _ := strings.Cut(line, "msg=")
		msg, _, _ = strings.Cut(msg, " req=77")
		got = append(got, strings.ReplaceAll(strings.Trim(msg, `"`), `\"`, `"`))
	}
	want := []string{
		"user=Ann@Example.ORG", "received_user=Ann@Example.ORG", "outer_user=nil", "realm=example.org", "stripped=Ann",
		"password=pw", "method=pap", "cert=nil", "code=Access-Request", "status=nil", "id=9", "src=192.0.2.7",
		"src_port=4000", "listener=auth", "log_id=77",
		`client={"address":"192.0.2.7","name":"vpn-1","type":"cisco","vars":{"site":"berlin"}}`,
		"nas_type=cisco", "now=1700000000", "generation=7", "verdict=accept", "reason=fine", "proxy=nil", "state=nil",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestListCalls runs each call of attribute lists; the script raises where an answer is wrong.
func TestListCalls(t *testing.T) {
	h := load(t, `
local function same(got, want)
  if got ~= want then error(("got %s, want %s"):format(tostring(got), tostring(want)), 2) end
end
local function list(l, name) return table.concat(l:all(name), ",") end
on("huntgroups", function(req)
  local r = req.reply
  same(r["Class"], nil)  same(r:get("Class"), nil)  same(r:has("Class"), false)  same(r:count("Class"), 0)
  r["Class"] = "a"
  r:add("Class", "b")
  r["Reply-Message"] = "m"
  r:add("Class", "c")
  same(list(r, "Class"), "a,b,c")  same(r:count("Class"), 3)  same(r:get("Class", 2), "b")  same(r:get("Class", 9), nil)
  r:set("Class", "B", 2)  same(list(r, "Class"), "a,B,c")
  r:set("Class", "d", 4)  same(list(r, "Class"), "a,B,c,d")
  same(pcall(function() r:set("Class", "f", 6) end), false)
  same(r:del("Class", 1), 1)  same(list(r, "Class"), "B,c,d")  same(r:del("Class", 7), 0)
  r["Class"] = {"x", "y"}  same(list(r, "Class"), "x,y")
  same(r:del("Class"), 2)  same(r:has("Class"), false)
  r["Class"] = {}  same(r:has("Class"), false)
  r["Tunnel-Type:1"] = "VLAN"  r["Tunnel-Type:2"] = "VLAN"
  same(r:count("Tunnel-Type"), 2)  same(r:count("Tunnel-Type:2"), 1)  same(r["Tunnel-Type:0"], nil)  same(r["Tunnel-Type:3"], nil)
  r["Tunnel-Type"] = nil  same(r:has("Tunnel-Type:1"), false)
  r:vlan(20, 3)  same(r["Tunnel-Private-Group-Id:3"], "20")  same(r["Tunnel-Medium-Type"], "IEEE-802")
  local tags = {}
  for name, value, tag in r:pairs() do tags[#tags + 1] = tostring(tag) end
  same(table.concat(tags, ","), "nil,3,3,3")
  r:vlan("guests")  same(r:get("Tunnel-Private-Group-Id:0"), "guests")
  same(req:int("Service-Type"), 2)  same(req:int("NAS-Port"), nil)  same(req:int("Framed-IP-Address"), 0x0a010203)
  same(req:is("Service-Type", "Framed"), true)  same(req:is("Service-Type", {"Login-User", 2}), true)
  same(req:is("NAS-Port", false), true)  same(req:is("User-Name", "b*"), true)  same(req:is("Framed-IP-Address", "10.0.0.0/8"), true)
  local seen = {}
  for name, value, tag in r:pairs() do
    seen[#seen + 1] = name .. "=" .. value .. (tag and ":" .. tag or "")
    r:del(name)
  end
  same(#seen, 4)  same(seen[1], "Reply-Message=m")  same(seen[4], "Tunnel-Private-Group-Id=guests")
  same(next({r:pairs()()}), nil)
  r:merge{["Class"] = {"1", "2"}, ["Session-Timeout"] = 5}
  r:merge{{"Class", "3"}}
  same(list(r, "Class"), "1,2,3")  same(r["Session-Timeout"], 5)
  same(req["User-Name"], req.user)
  req["Attr-250"] = "raw"  same(req["Attr-250"], "raw")
  req:note("done", true)
end)`)
	r := h.access("User-Name", "bob", "Service-Type", "2", "Framed-IP-Address", "10.1.2.3")
	if v := h.run(server.PhaseHuntgroups, r); v != nil || len(r.Notes) != 1 {
		t.Errorf("%+v\n%s", v, h.log)
	}
}

// TestMisuse holds what a script gets told at run time.
func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		phase      server.Phase
		body, want string
	}{
		{server.PhaseHints, `local k = "usr" local x = req[k]`, `req has no field or method "usr"; did you mean "user"?`},
		{server.PhaseHints, `local k = "Usr-Name" local x = req[k]`, `unknown attribute "Usr-Name"; did you mean "User-Name"?`},
		{server.PhaseHints, `local x = req[1]`, `req[1]: got a number, expected the name of a field or attribute`},
		{server.PhaseHints, `local k = "id" req[k] = 5`, `req.id is read-only`},
		{server.PhaseHints, `local c = "Class" req.reply[c] = "x"`, `req.reply cannot be changed in hints`},
		{server.PhaseReply, `local c = "Class" req[c] = "x"`, `req cannot be changed in reply; did you mean req.reply["Class"]?`},
		{server.PhaseReply, `local u = "user" req[u] = "x"`, `req cannot be changed in reply`},
		{server.PhaseDone, `local c = "Class" req.control[c] = "x"`, `req.control cannot be changed in done`},
		{server.PhaseAccounting, `local c = "Class" req.reply[c] = "x"`, `req.reply cannot be changed in accounting`},
		{server.PhaseHints, `req.user = nil`, `req.user: got nil, expected text`},
		{server.PhaseHints, `req.get("User-Name")`, `write req:method(…) with a colon`},
		{server.PhaseHints, `req:get()`, `got a nil, expected the name of an attribute`},
		{server.PhaseHints, `req:get("User-Name", 0)`, `got 0, expected a place counted from 1`},
		{server.PhaseHints, `local p = "x" req:is("NAS-Port", p)`, `NAS-Port: "x" is neither a VALUE name nor a number`},
		{server.PhaseHints, `req:int("User-Name")`, `int: User-Name has no number behind it`},
		{server.PhaseHints, `req:huntgroup("air")`, `huntgroup: huntgroups are asked after hints`},
		{server.PhaseRoute, `local n = "ari" req:huntgroup(n)`, `no huntgroup "ari" is registered; did you mean "air"?`},
		{server.PhaseHints, `req:check_password()`, `check_password: req.control holds no password`},
		{server.PhaseHints, `req:check_password(nil)`, `check_password: the stored password is nil`},
		{server.PhaseHints, `req:check_password("x")`, `check_password: works for pap, chap, mschap and mschapv2; this request's method is "pap"`},
		{server.PhaseHints, `for i = 1, 9 do req:note("k" .. i, 1) end`, `note: a request has 8 notes at most`},
		{server.PhaseHints, `req.ctx = 5`, `req.ctx: got a number, expected a table of plain data`},
		{server.PhaseHints, `on("hints", function() end)`, `on: handlers are registered while scripts load, not later`},
		{server.PhaseHints, `attribute{name="X-Y", type="string"}`, `attributes are declared while scripts load`},
		{server.PhaseHints, `readfile("x")`, `readfile works while scripts load, not later`},
		{server.PhaseHints, `secret("x")`, `secrets are taken while scripts load`},
		{server.PhaseHuntgroups, `req.reply:vlan(0)`, `vlan: 0 is out of range (1 to 4094)`},
		{server.PhaseHuntgroups, `req.reply:vlan(1, 32)`, `vlan: got 32, expected a tag from 0 to 31`},
		{server.PhaseHuntgroups, `local name = "State" req.reply[name] = "x"`, `State is written by the server alone`},
	} {
		t.Run(c.body, func(t *testing.T) {
			h := load(t, fmt.Sprintf("huntgroup('air', function() end)\non('%s', function(req) %s end)", c.phase, c.body))
			r := h.access("User-Name", "bob", "NAS-Port", "1", "Service-Type", "2")
			h.run(c.phase, r)
			if got := strings.ReplaceAll(h.log.String(), `\"`, `"`); !strings.Contains(got, c.want) || !strings.Contains(got, "a.lua:2: ") {
				t.Errorf("log %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestRealmIsFixed: after route, changes of User-Name leave realm and stripped name alone.
func TestRealmIsFixed(t *testing.T) {
	h := load(t, `
on("hints", {unless={user="z"}}, function(req) req.user = "Bob@B.example" end)
on("authorize", function(req) req.user = req.stripped req:note("a", tostring(req.realm)) end)
on("reply", {when={realm="b.example"}}, function(req) req:note("r", req.stripped .. req.realm) end)`)
	offline := server.NewOffline(nil)
	for user, want := range map[string]string{"x@a": "[{a b.example} {r Bobb.example}]", "y": "[{a b.example} {r Bobb.example}]", "z": "[{a nil}]"} {
		out, err := offline.Run(h.gen, &server.Question{Attributes: h.access("User-Name", user).Attributes})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(out.Notes); got != want {
			t.Errorf("%s: got %s, want %s\n%s", user, got, want, h.log)
		}
	}
}

// TestOctets adds gigawords (RFC 2869 s5.1, s5.2).
func TestOctets(t *testing.T) {
	h := load(t, `on("accounting", function(req)
  local total, input, output = req:octets()
  req:note("o", ("%.0f %.0f %.0f"):format(total, input, output))
end)`)
	r := h.request(radius.CodeAccountingRequest, "Acct-Input-Octets", "5", "Acct-Output-Octets", "7", "Acct-Output-Gigawords", "2")
	h.run(server.PhaseAccounting, r)
	if got := fmt.Sprint(r.Notes); got != "[{o 8589934604 5 8589934599}]" {
		t.Errorf("got %s\n%s", got, h.log)
	}
}

// TestCheckPassword compares with clear and hashed passwords, given and from control.
func TestCheckPassword(t *testing.T) {
	h := load(t, `on("authorize", function(req)
  local out = {}
  for _, stored in ipairs{"hello", "Hello", "{clear}hello", "{SSHA}zS6wkLjwHn1o3BD3bVzMsEUYSoJSQUxU"} do
    out[#out + 1] = tostring(req:check_password(stored))
  end
  req.control["Cleartext-Password"] = "hello"
  out[#out + 1] = tostring(req:check_password())
  req:note("r", table.concat(out, " "))
end)`)
	r := h.access("User-Name", "bob", "User-Password", "hello")
	h.run(server.PhaseAuthorize, r)
	if got := fmt.Sprint(r.Notes); got != "[{r true false true false true}]" {
		t.Errorf("got %s\n%s", got, h.log)
	}
}

// TestTrace: a traced request shows each handler and what it changed.
func TestTrace(t *testing.T) {
	h := load(t, `on("huntgroups", {name="mark"}, function(req)
  req:trace("port %d of %s", 3, "ann")
  req.reply["Class"] = "x"
end)
on("authorize", {name="in"}, function(req) return accept{} end)`)
	r := h.access("User-Name", "ann")
	r.Trace = new(server.Trace)
	h.run(server.PhaseHuntgroups, r)
	v := h.run(server.PhaseAuthorize, r)
	if v.Hook != "a.lua:5" {
		t.Errorf("hook %q", v.Hook)
	}
	got := strings.Join(regexp.MustCompile(`, \d+ µs`).Split(r.Trace.String(), -1), "")
	if want := `              a.lua:1 hook "mark"
                trace: port 3 of ann
                reply + Class = (1 octets)
              a.lua:5 hook "in"
`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTraceNeverFails: what req:trace cannot format fails no request that somebody looks at.
func TestTraceNeverFails(t *testing.T) {
	h := load(t, `on("authorize", {name="in"}, function(req) req:trace("port %d", "x") return accept{} end)`)
	r := h.access("User-Name", "ann")
	r.Trace = new(server.Trace)
	if v := h.run(server.PhaseAuthorize, r); v.Kind != server.Accept {
		t.Errorf("%v", v)
	}
	if text := r.Trace.String(); !strings.Contains(text, "trace: cannot be formatted: ") || strings.Contains(text, "traceback") {
		t.Error(text)
	}
}

// TestRequireAndReadFile shares code and data between scripts.
func TestRequireAndReadFile(t *testing.T) {
	h, errs := tryLoad(t, map[string]string{
		"a.lua":        `local vlan = require("lib.vlan") on("hints", function(req) req:note("v", vlan.of(req.user)) end)`,
		"lib/vlan.lua": `local t = json.decode(readfile("vlans.json")) return {of=function(user) return t[user] end}`,
		"vlans.json":   `{"ann": 20}`,
		"a_test.lua":   "this is no Lua",
	}, nil)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	r := h.access("User-Name", "ann")
	h.run(server.PhaseHints, r)
	if got := fmt.Sprint(r.Notes); got != "[{v 20}]" {
		t.Errorf("got %s\n%s", got, h.log)
	}
	for _, name := range []string{"b", "lib..b", "../b", "lib.gone"} {
		_, errs := tryLoad(t, map[string]string{"a.lua": fmt.Sprintf("require(%q)", name)}, nil)
		if !strings.HasPrefix(errs.Error(), "a.lua:1: ") {
			t.Errorf("require(%q) gives %q", name, errs.Error())
		}
	}
}

// TestLinksStayInside: a link inside of the scripts directory is followed, one that leaves it is not.
func TestLinksStayInside(t *testing.T) {
	tree := writeScripts(t, map[string]string{"a.lua": "", "data/in.txt": "in", "lib/b.lua": "return 5"})
	for link, to := range map[string]string{"link.txt": "data/in.txt", "out.txt": "../dictionary", "lib/out.lua": "../../dictionary", "lib/c.lua": "b.lua"} {
		if err := os.Symlink(to, tree.Path("scripts/"+link)); err != nil {
			t.Fatal(err)
		}
	}
	pr := &Program{o: Options{Tree: tree, Dir: "scripts"}, library: library{map[string]*sandbox.Program{}, map[string]string{}}, tames: map[functionPlace]bool{}}
	if text, err := pr.readFile("link.txt", false); text != "in" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := pr.require("lib.c", false); err != nil {
		t.Error(err)
	}
	if _, err := pr.readFile("out.txt", false); !errors.Is(err, errOutside) {
		t.Errorf("readfile by a link: %v", err)
	}
	if _, err := pr.require("lib.out", false); !errors.Is(err, errOutside) {
		t.Errorf("require by a link: %v", err)
	}
	for _, name := range []string{"../dictionary", "/etc/passwd", "data/../../dictionary", ""} {
		if _, err := pr.readFile(name, false); err == nil {
			t.Errorf("readfile(%q) reads", name)
		}
	}
}
