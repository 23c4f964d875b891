package policy

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
)

// testRealms reads lines as a realms file.
func testRealms(t testing.TB, lines string) *proxy.Realms {
	t.Helper()
	var errs raddb.List
	tree := raddb.OpenFS(fstest.MapFS{"realms": {Data: []byte(lines)}})
	realms := proxy.Load(tree, "realms", proxy.Options{}, &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	return realms
}

const someRealms = `example.net 192.0.2.1 secret="a long secret of two"
backup 192.0.2.2 secret="a long secret of two"
our.example LOCAL
`

// TestProxyLoadErrors: what shows in the text is told at load.
func TestProxyLoadErrors(t *testing.T) {
	for _, c := range []struct{ name, realms, script, want string }{
		{"realm", someRealms, `proxy{realm="example.net"}`, ""},
		{"pool", someRealms, `proxy{pool="backup", strip=false, reason="moved"}`, ""},
		{"realms not known", "", `proxy{realm="anything"}`, ""},
		{"unknown realm", someRealms, `proxy{realm="exampel.net"}`, `a.lua:2:22: proxy: realm: the realms file has no line "exampel.net"; did you mean "example.net"?`},
		{"unknown pool", someRealms, `proxy{pool="bakcup"}`, `a.lua:2:21: proxy: pool: the realms file has no line "bakcup"; did you mean "backup"?`},
		{"local", someRealms, `proxy{realm="our.example"}`, `a.lua:2:22: proxy: realm: our.example is LOCAL in the realms file; return handle_locally{}`},
		{"default's", someRealms + "DEFAULT 192.0.2.3 secret=\"a long secret of two\"\n", `proxy{realm="exampel.net"}`,
			`a.lua:2:22: warning: proxy: the realms file has no line "exampel.net", so DEFAULT's home servers are asked; did you mean "example.net"?`},
		{"no pool of DEFAULT", someRealms + "DEFAULT 192.0.2.3 secret=\"a long secret of two\"\n", `proxy{pool="exampel.net"}`,
			`a.lua:2:21: proxy: pool: the realms file has no line "exampel.net"; did you mean "example.net"?`},
		{"DEFAULT by name", someRealms + "DEFAULT 192.0.2.3 secret=\"a long secret of two\"\n", `proxy{pool="DEFAULT"}`, ""},
		{"nowhere", someRealms, `proxy{strip=true}`, `a.lua:2:10: proxy: realm or pool is missing: where to?`},
		{"attributes", someRealms, `proxy{realm="example.net", Class="x"}`,
			`a.lua:2:37: proxy: takes no attributes, got Class; what is forwarded is changed by req["Class"]`},
		{"option", someRealms, `proxy{relm="example.net", realm="example.net"}`, `a.lua:2:16: proxy: no option "relm"; did you mean "realm"?`},
		{"client", someRealms, `proxy{client="nas-1"}`, `a.lua:2:16: client= is for the phase coa only; elsewhere realm= or pool= says where to`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := tryLoad(t, map[string]string{"a.lua": "on('route', function(req)\n  return " + c.script + "\nend)"}, func(o *Options) {
				if c.realms != "" {
					o.Realms = testRealms(t, c.realms)
				}
			})
			if diff := cmp.Diff(c.want, errs.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for script, want := range map[string]string{
		`local v = proxy{realm="exampel.net"}`:                                  `a.lua:1: proxy: realm: the realms file has no line "exampel.net"; did you mean "example.net"?`,
		`local v = proxy{realm="example.net", pool="backup"}`:                   `a.lua:1: proxy: realm, pool and client exclude each other; write one`,
		`local v = proxy{}`:                                                     `a.lua:1: proxy: realm or pool is missing: where to?`,
		`local v = proxy{realm=5}`:                                              `a.lua:1: proxy: realm: got a number, expected text`,
		`local v = proxy{pool=""}`:                                              `a.lua:1: proxy: pool: the name is empty`,
		`local v = proxy{realm="backup", strip=1}`:                              `a.lua:1: proxy: strip: got a number, expected true or false`,
		`local v = proxy{realm="backup", message="x"}`:                          `a.lua:1: proxy: no option "message"`,
		`local v = handle_locally{realm="backup"}`:                              `a.lua:1: handle_locally: no option "realm"`,
		`local v = handle_locally{Class="x"}`:                                   `a.lua:1: handle_locally: takes no attributes, got Class`,
		`on("hints", function(req) return proxy{realm="backup"} end)`:           `a.lua:1:34: proxy{} is not allowed in hints; allowed: reject, discard, drop`,
		`on("reply", function(req) return handle_locally{} end)`:                `a.lua:1:34: handle_locally{} is not allowed in reply; allowed: reject, challenge, discard, drop`,
		`on("pre_proxy", function(req) req.reply.Class = "x" end)`:              `a.lua:1:41: req.reply cannot be changed in pre_proxy`,
		`on("pre_proxy", function(req) req.control:add("Class", "x") end)`:      `a.lua:1:47: req.control cannot be changed in pre_proxy`,
		`on("post_proxy", function(req) req["Class"] = "x" end)`:                `a.lua:1:36: req cannot be changed in post_proxy; did you mean req.reply["Class"]?`,
		`on("post_proxy", function(req) req.proxy.reply["Class"] = "x" end)`:    `a.lua:1:48: req.proxy.reply cannot be changed in post_proxy`,
		`on("post_proxy", function(req) return req.proxy.reply.Clas end)`:       `a.lua:1:55: unknown attribute "Clas"; did you mean "Class"?`,
		`on("post_proxy", function(req) req.proxy = nil end)`:                   `a.lua:1:36: req.proxy is read-only`,
		`on("post_proxy", function(req) req.proxy.result = "ok" end)`:           `a.lua:1:42: req.proxy is read-only`,
		`on("post_proxy", function(req) return req.proxy.srever end)`:           `a.lua:1:49: req.proxy has no field "srever"; did you mean "server"?`,
		`on("pre_proxy", function(req) return accept{} end)`:                    `a.lua:1:38: accept{} is not allowed in pre_proxy; allowed: reject, proxy, handle_locally, discard, drop`,
		`on("post_proxy", {when={proxy="timeuot"}}, function(req) end)`:         `a.lua:1: when: proxy is never "timeuot"; did you mean "timeout"?`,
		`on("pre_proxy", {when={proxy="dead"}}, function(req) end)`:             `a.lua:1: when: proxy is known after forwarding, not in pre_proxy`,
		`on("post_proxy", {when={verdict="accept"}}, function(req) end)`:        `a.lua:1: when: verdict is known from phase reply on, not in post_proxy`,
		`on("coa", function(req) return proxy{client="nas-1"} end)`:             "",
		`on("coa", function(req) return proxy{client="x", realm="backup"} end)`: "",
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": script}, func(o *Options) { o.Realms = testRealms(t, someRealms) })
		if diff := cmp.Diff(want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
	}
}

// TestProxyClientIsKnown: a client that stands in the text is one of the clients file, where that is known.
func TestProxyClientIsKnown(t *testing.T) {
	for name, want := range map[string]string{
		"nas-1": "", "nsa-1": `a.lua:1:45: proxy: client: the clients file has no client "nsa-1"; did you mean "nas-1"?`,
	} {
		script := map[string]string{"a.lua": `on("coa", function(req) return proxy{client="` + name + `"} end)`}
		_, errs := tryLoad(t, script, func(o *Options) { o.Clients = clientTable(t, "10.0.0.1 \"testing-secret\" nas-1\n") })
		if diff := cmp.Diff(want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if _, errs = tryLoad(t, script, nil); errs.Failed() {
			t.Errorf("%s without a clients file: %v", name, errs)
		}
	}
}

// TestProxyAtRunTime: what only shows when a handler runs fails it.
func TestProxyAtRunTime(t *testing.T) {
	for body, want := range map[string]string{
		`return proxy{realm=req["Class"]}`:                      "example.net strip=0",
		`return proxy{pool="back" .. "up", strip=true}`:         "pool backup strip=1",
		`return proxy{realm="example" .. ".net", strip=false}`:  "example.net strip=-1",
		`return handle_locally{strip=true}`:                     "handle_locally strip=1",
		`return proxy{realm="exampel" .. ".net"}`:               `realm: the realms file has no line "exampel.net"; did you mean "example.net"?`,
		`return proxy{realm="our" .. ".example"}`:               `our.example is LOCAL in the realms file; return handle_locally{}`,
		`return proxy{realm=req["Reply-Message"]}`:              `realm or pool is missing: where to?`,
		`return proxy{realm=req.stripped:sub(2, 1)}`:            `realm: the name is empty`,
		`local t = {realm="backup", Class="x"} return proxy(t)`: `takes no attributes, got Class; what is forwarded is changed by req["Class"]`,
		`local t = {client="nas-1"} return proxy(t)`:            `client= is for the phase coa only`,
		`proxy{pool="back" .. "up"}`:                            `proxy{} was made but not returned`,
	} {
		h, errs := tryLoad(t, map[string]string{"a.lua": "on('route', function(req) " + body + " end)"}, func(o *Options) {
			o.Realms = testRealms(t, someRealms)
		})
		if errs.Failed() {
			t.Fatal(errs)
		}
		v := h.run(server.PhaseRoute, h.access("User-Name", "b@example.net", "Class", "example.net"))
		got := strings.ReplaceAll(h.log.String(), `\"`, `"`)
		switch {
		case v == nil:
			t.Errorf("%s: no verdict", body)
		case v.Failed && v.Kind == server.Reject:
		default:
			got = v.Kind.String()
			if v.Kind == server.Proxy {
				got = v.Realm
			}
			if v.Pool != "" {
				got = "pool " + v.Pool
			}
			got += " strip=" + []string{"-1", "0", "1"}[v.Strip+1]
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

// TestCoAProxyToClient: client= names the NAS in coa.
func TestCoAProxyToClient(t *testing.T) {
	h := load(t, `on("coa", function(req) return proxy{client="nas-1"} end)`)
	v := h.run(server.PhaseCoA, h.request(radius.CodeDisconnectRequest, "User-Name", "bob"))
	if v == nil || v.Kind != server.Proxy || v.Client != "nas-1" || v.Failed {
		t.Errorf("%+v\n%s", v, h.log)
	}
}

// proxied makes what a home server has said.
func (h *house) proxied(result string, attrs ...string) *server.Proxied {
	p := &server.Proxied{Realm: "example.net", Server: "home1", Attempts: 2, Took: 1500 * time.Millisecond, Result: result}
	p.Reply = h.access(attrs...).Attributes
	return p
}

// TestRequestProxy: the fields of req.proxy, and nil before a home server was asked.
func TestRequestProxy(t *testing.T) {
	h := load(t, `
on("route", function(req) req:note("route", tostring(req.proxy)) end)
on("post_proxy", function(req)
  local p = req.proxy
  local all = {}
  for _, name in ipairs{"realm", "pool", "server", "attempts", "took", "result"} do table.insert(all, tostring(p[name])) end
  req:note("all", table.concat(all, " "))
  req:note("class", p.reply:get("Class", 2) .. p.reply.Class .. p.reply:count("Class") .. tostring(p.reply:has("User-Name")))
  local changed = pcall(function() p.result = "changed" end)
  local ok, text = pcall(function() p.reply["Class"] = "x" end)
  req:note("write", tostring(changed) .. tostring(ok) .. " " .. req.proxy.result)
  local _, why = pcall(function() return p.srever end)
  req:note("typo", why)
end)
on("reply", {when={proxy="accept"}}, function(req) req:note("reply", req.proxy.reply:is("Class", "a*") and "seen") end)`)
	r := h.access("User-Name", "bob@Example.NET")
	rn := h.pr.Acquire()
	rn.Run(server.PhaseRoute, r)
	r.Proxied = h.proxied("accept", "Class", "a", "Class", "b")
	rn.Run(server.PhasePostProxy, r)
	if r.Verdict = server.Accept; rn.Run(server.PhaseReply, r) != nil {
		t.Error("reply decided")
	}
	want := "route=nil all=example.net example.net home1 2 1.5 accept class=ba2false write=falsefalse accept typo=a.lua:12: req.proxy has no field \"srever\"; did you mean \"server\"? reply=seen"
	if diff := cmp.Diff(want, noteText(r)); diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, h.log)
	}
	if listText(&r.Proxied.Reply) != "Class = 0x61, Class = 0x62" || r.Proxied.Result != "accept" {
		t.Error("a handler has changed what was received")
	}
}

// TestProxyRealmOfDefault: the realm is the user's where the line is for all that have none of their own.
func TestProxyRealmOfDefault(t *testing.T) {
	h := load(t, `on("done", function(req) req:note("p", tostring(req.proxy.realm) .. "/" .. req.proxy.pool .. "/" .. tostring(req.proxy.server)) end)`)
	for user, want := range map[string]string{"bob@Other.example": "p=other.example/DEFAULT/nil", "bob": "p=nil/DEFAULT/nil"} {
		r := h.access("User-Name", user)
		r.Proxied = &server.Proxied{Realm: "DEFAULT", Result: "dead"}
		h.run(server.PhaseDone, r)
		if got := noteText(r); got != want {
			t.Errorf("%s: got %s, want %s\n%s", user, got, want, h.log)
		}
	}
}

// TestProxyIsOver: what hangs from req.proxy dies with the handler, whoever keeps it.
func TestProxyIsOver(t *testing.T) {
	for _, keep := range []string{"req.proxy", "{reply=req.proxy.reply}", "{reply=req.proxy['reply']}", "(function() return req.proxy end)()"} {
		h := load(t, `
local kept = {}
local function class() local l = kept[1].reply return l:get("Class") end
on("post_proxy", function(req) table.insert(kept, `+keep+`) req:note("live", class()) end)
on("done", function(req) local ok, text = pcall(class) req:note("over", tostring(text)) end)`)
		rn := h.pr.Acquire()
		first := h.access("User-Name", "bob")
		first.Proxied = h.proxied("accept", "Class", "first")
		rn.Run(server.PhasePostProxy, first)
		second := h.access("User-Name", "eve")
		second.Proxied = h.proxied("accept", "Class", "second")
		rn.Run(server.PhaseDone, second)
		got := noteText(first) + " " + noteText(second)
		if !strings.Contains(got, "live=first") || !strings.Contains(got, "this request is over") {
			t.Errorf("%s: %s\n%s", keep, got, h.log)
		}
	}
}

// TestWhenProxy: the key is the result, and absent as long as no home server was asked.
func TestWhenProxy(t *testing.T) {
	h := load(t, `
on("post_proxy", {when={proxy={"timeout", "dead"}}}, function(req) req:note("silent", 1) end)
on("post_proxy", {when={proxy="acc*"}}, function(req) req:note("accept", 1) end)
on("authorize", {when={proxy=false}}, function(req) req:note("here", 1) end)
on("accounting", {when={proxy="response"}}, function(req) req:note("sent", 1) end)
on("done", {unless={proxy=true}}, function(req) req:note("local", 1) end)`)
	for result, want := range map[string]string{"timeout": "silent=1", "dead": "silent=1", "accept": "accept=1", "response": "sent=1", "": "here=1 local=1"} {
		r := h.access("User-Name", "bob")
		if result != "" {
			r.Proxied = h.proxied(result)
		}
		for _, p := range []server.Phase{server.PhasePostProxy, server.PhaseAuthorize, server.PhaseAccounting, server.PhaseDone} {
			h.run(p, r)
		}
		if got := noteText(r); got != want {
			t.Errorf("%s: got %s, want %s", result, got, want)
		}
	}
}

// TestPostProxyAccept: a script lets in only whom no home server has judged.
func TestPostProxyAccept(t *testing.T) {
	for result, ok := range map[string]bool{"timeout": true, "dead": true, "accept": false, "reject": false, "challenge": false} {
		h := load(t, `on("post_proxy", function(req) return accept{} end)`)
		r := h.access("User-Name", "bob")
		r.Proxied = h.proxied(result)
		v := h.run(server.PhasePostProxy, r)
		if v == nil || v.Failed == ok || ok != (v.Kind == server.Accept) {
			t.Errorf("%s: %+v", result, v)
		}
		if !ok && !strings.Contains(h.log.String(), "accept{} in post_proxy is for requests that no home server answered") {
			t.Errorf("%s: %s", result, h.log)
		}
	}
}
