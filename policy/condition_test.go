package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// TestWhenErrors: what a condition cannot mean is refused at load, with the nearest word.
func TestWhenErrors(t *testing.T) {
	for when, want := range map[string]string{
		`"x"`:                                    `when: got a string, expected a table of key=pattern`,
		`{"x"}`:                                  `when: item 1 is a string, expected a table of key=pattern`,
		`{{client="x"}, realm="y"}`:              `when: the key realm stands beside sets; put it into each of them`,
		`{{client="x"}, {[true]="y"}}`:           `when: the key true is a boolean, expected a field or an attribute`,
		`{client={}}`:                            `when: client: expected a pattern or a list of patterns`,
		`{client={a="x"}}`:                       `when: client: expected a pattern or a list of patterns`,
		`{client={{}}}`:                          `when: client is a table, expected text, a number, true, false or a list of these`,
		`{client=print}`:                         `when: client is a function, expected text, a number, true, false or a list of these`,
		`{client=5}`:                             `when: client: got a number, expected text, true or false`,
		`{nas_typ="x"}`:                          `when: unknown key "nas_typ"; did you mean "nas_type"?`,
		`{id=5}`:                                 `when: unknown key "id"`,
		`{state=true}`:                           `when: unknown key "state"; did you mean "status"?`,
		`{password="x"}`:                         `when: unknown key "password"`,
		`{["Nas-Port"]=1}`:                       `when: "Nas-Port" is spelt "NAS-Port"`,
		`{["Acme-QoS.Dwn"]=1}`:                   `when: Acme-QoS has no field "Dwn"`,
		`{["NAS-Port:1"]=1}`:                     `when: NAS-Port has no tags; expected the name without :1`,
		`{["NAS-Port"]="5-1"}`:                   `when: NAS-Port: "5-1" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`{["NAS-Port"]="<"}`:                     `when: NAS-Port: "<" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`{["NAS-Port"]="<0"}`:                    `when: NAS-Port: "<0" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`{["NAS-Port"]="=5"}`:                    `when: NAS-Port: "=5" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`{["NAS-Port"]="1,"}`:                    `when: NAS-Port: "1," is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`{["NAS-Port"]=""}`:                      `when: NAS-Port: "" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`{["NAS-Port"]=1.5}`:                     `when: NAS-Port: 1.5 is not a whole number from 0`,
		`{["NAS-Port"]=-1}`:                      `when: NAS-Port: -1 is not a whole number from 0`,
		`{["User-Name"]=5}`:                      `when: User-Name: got a number, expected text`,
		`{["Framed-IP-Address"]="10.0.0"}`:       `when: Framed-IP-Address: "10.0.0" is neither an address nor a prefix such as 10.0.0.0/8`,
		`{["Acme-Mac"]="x"}`:                     `when: Acme-Mac is "x"; expected a MAC as 00:00:5e:00:53:01`,
		`{["Service-Type"]={"Framed", "Login"}}`: `when: Service-Type: "Login" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"`,
		`{status="Startt"}`:                      `when: Acct-Status-Type: "Startt" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"; did you mean "Start"?`,
		`{src="here"}`:                           `when: "here" is neither an address nor a prefix such as 10.0.0.0/8`,
		`{code="Access"}`:                        `when: code is never "Access"`,
		`{reason="x"}`:                           `when: reason is known from phase reply on, not in hints`,
		`{proxy="accept"}`:                       `when: proxy is known after forwarding, not in hints`,
	} {
		for _, option := range []string{"when", "unless"} {
			_, errs := tryLoad(t, map[string]string{"a.lua": fmt.Sprintf("on('hints', {%s=%s}, function(req) end)", option, when)}, nil)
			want := "a.lua:1: " + strings.Replace(want, "when: ", option+": ", 1)
			if diff := cmp.Diff(want, errs.Error()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
	}
}

// TestWhenKeysByPhase: verdict and reason from reply on, huntgroup after hints, none without a request.
func TestWhenKeysByPhase(t *testing.T) {
	const phases = "hints huntgroups route authorize reply accounting coa done load unload"
	for key, good := range map[string]string{
		`verdict="accept"`: "reply done",
		`reason="*"`:       "reply done",
		`huntgroup="air"`:  "huntgroups route authorize reply accounting coa done",
		`user="x"`:         "hints huntgroups route authorize reply accounting coa done",
		`["NAS-Port"]=1`:   "hints huntgroups route authorize reply accounting coa done",
		`src="::1"`:        "hints huntgroups route authorize reply accounting coa done",
	} {
		for _, phase := range strings.Fields(phases) {
			_, errs := tryLoad(t, map[string]string{"a.lua": fmt.Sprintf("huntgroup('air', function() end)\non('%s', {when={%s}}, function() end)", phase, key)}, nil)
			allowed := strings.Contains(" "+good+" ", " "+phase+" ")
			if got := !errs.Failed(); got != allowed {
				t.Errorf("%s in %s: allowed %v, want %v: %s", key, phase, got, allowed, errs.Error())
			}
		}
	}
	for _, script := range []string{
		"huntgroup('x', {when={user='x'}}, function() end)", "auth_type('x', {unless={user='x'}}, function() return drop{} end)",
		"rewrite('x', {when={}}, function() end)", "every('1h', {when={}}, function() end)", "answer('x', {name='y'}, function() return drop{} end)",
	} {
		if _, errs := tryLoad(t, map[string]string{"a.lua": script}, nil); !strings.Contains(errs.Error(), "has no option") {
			t.Errorf("%s gives %q", script, errs.Error())
		}
	}
}

// TestWhenAndUnless: both on one hook; either may be any of several sets.
func TestWhenAndUnless(t *testing.T) {
	for options, want := range map[string]string{
		`when={client="vpn-*"}, unless={user="guest*"}`:                      "ann bob",
		`when={user={"ann", "guest1"}}, unless={user="guest*"}`:              "ann",
		`unless={{user="ann"}, {user="bob"}}`:                                "guest1",
		`unless={user="ann", client="other"}`:                                "ann bob guest1",
		`when={{user="ann"}, {user="bob", client="other"}, {user="guest?"}}`: "ann guest1",
		`when={}`:   "ann bob guest1",
		`unless={}`: "",
		`when={user=true}, unless={user="[ab]*"}`:                                  "guest1",
		`when={["User-Name"]="*n*"}, unless={["NAS-Port"]=true}`:                   "ann",
		`when={realm=false, nas_type={"cisco", "hp"}}`:                             "ann bob guest1",
		`when={listener="acct"}`:                                                   "",
		`when={src={"192.0.2.0/28"}}`:                                              "ann bob guest1",
		`unless={src="0.0.0.0/0"}`:                                                 "",
		`when={code={"Access-Request", "CoA-Request"}, ["Acct-Session-Id"]=false}`: "ann bob guest1",
	} {
		h := load(t, "on('authorize', {"+options+"}, function(req) return discard{} end)")
		var ran []string
		for _, user := range []string{"ann", "bob", "guest1"} {
			if v := h.run(server.PhaseAuthorize, h.access("User-Name", user)); v != nil && v.Kind == server.Discard {
				ran = append(ran, user)
			}
		}
		if diff := cmp.Diff(want, strings.Join(ran, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", options, diff, h.log)
		}
	}
}

// TestWhenSeesChanges: a condition is compared when its handler is reached, with what those before have changed.
func TestWhenSeesChanges(t *testing.T) {
	h := load(t, `
on("hints", function(req) req.user = "bob@new.example" req["NAS-Port"] = nil req:add("Class", "late") end)
on("hints", {when={realm="new.example", ["NAS-Port"]=false, Class="late", user="bob@*"}}, function(req) req:note("seen", 1) end)
on("hints", {when={realm="old.example"}}, function(req) req:note("old", 1) end)`)
	r := h.access("User-Name", "bob@old.example", "NAS-Port", "5")
	if h.run(server.PhaseHints, r); noteText(r) != "seen=1" {
		t.Errorf("notes %s\n%s", noteText(r), h.log)
	}
}

// TestHuntgroupAskedLast: the other keys of a set are compared first, so that Lua is called only where it counts.
func TestHuntgroupAskedLast(t *testing.T) {
	h := load(t, `
huntgroup("air", function(req) req:note("asked", req.user) return true end)
on("authorize", {when={huntgroup="air", user="ann"}}, function(req) return discard{} end)`)
	for user, want := range map[string]string{"ann": "asked=ann", "bob": ""} {
		r := h.access("User-Name", user)
		if v := h.run(server.PhaseAuthorize, r); noteText(r) != want || (v != nil) != (want != "") {
			t.Errorf("%s: notes %q, verdict %+v\n%s", user, noteText(r), v, h.log)
		}
	}
}

// TestWhenOfAccounting: status and verdict of accounting requests.
func TestWhenOfAccounting(t *testing.T) {
	h := load(t, `
on("accounting", {when={status={"Start", "Stop"}}}, function(req) req:note("s", req.status) end)
on("accounting", {when={status=false}}, function(req) req:note("s", "none") end)
on("done", {when={verdict="response", code="Accounting-*"}}, function(req) req:note("d", req.verdict) end)`)
	for status, want := range map[string]string{"Start": "s=Start d=response", "Interim-Update": "d=response", "": "s=none d=response", "99": "d=response"} {
		var attrs []string
		if status != "" {
			attrs = []string{"Acct-Status-Type", status}
		}
		r := h.request(radius.CodeAccountingRequest, attrs...)
		h.run(server.PhaseAccounting, r)
		r.Verdict = server.Accept
		h.run(server.PhaseDone, r)
		if diff := cmp.Diff(want, noteText(r)); diff != "" {
			t.Errorf("%q (-want +got):\n%s%s", status, diff, h.log)
		}
	}
}
