package policy

import (
	"fmt"
	"strings"
	"testing"

	"perilune/engine/radius"
	"perilune/engine/server"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		fold, want    bool
	}{
		{"", "", false, true}, {"", "a", false, false}, {"a", "a", false, true}, {"a", "A", false, false},
		{"a", "A", true, true}, {"*", "", false, true}, {"*", "abc", false, true}, {"a*c", "abbc", false, true},
		{"a*c", "abbd", false, false}, {"*a*b*", "xaxxb", false, true}, {"?", "", false, false}, {"a?c", "abc", false, true},
		{"[ab]c", "bc", false, true}, {"[ab]c", "cc", false, false}, {"[a-c]x", "bx", false, true},
		{"[!a]x", "bx", false, true}, {"[!a]x", "ax", false, false}, {"[*]", "*", false, true}, {"[*]", "x", false, false},
		{"[]]", "]", false, true}, {"[a", "[a", false, true}, {`\*`, `\abc`, false, true}, {`a\b`, `a\b`, false, true},
		{"[A-C]", "b", true, true}, {"**a", "a", false, true}, {"a*", "b", false, false},
	} {
		if got := glob(c.pattern, c.text, c.fold); got != c.want {
			t.Errorf("glob(%q, %q, %v) = %v", c.pattern, c.text, c.fold, got)
		}
	}
	if text := strings.Repeat("a", 4000); glob(strings.Repeat("a*", 20)+"b", text, false) {
		t.Error("matched")
	}
}

// FuzzGlob looks for panics and for texts that do not fit themselves.
func FuzzGlob(f *testing.F) {
	f.Add("a*[b-", "axb", true)
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		if len(pattern) > 64 || len(text) > 256 {
			return
		}
		glob(pattern, text, fold)
		if plainGlob(text) && !glob(text, text, fold) {
			t.Errorf("%q does not fit itself", text)
		}
	})
}

// FuzzPattern reads any text as a pattern for numbers and addresses: it is refused or compares without fault.
func FuzzPattern(f *testing.F) {
	h := load(f, "")
	for _, text := range []string{"1-31,40", "<32", ">=5", "10.0.0.0/8", "Framed-User", ">18446744073709551615", "<0", "-", ","} {
		f.Add(text)
	}
	d := h.gen.Dictionary
	values := map[string][]byte{
		"NAS-Port": {0, 0, 0, 5}, "Service-Type": {0, 0, 0, 2}, "Acme-Signed": {255, 255, 255, 251}, "Acme-Big": make([]byte, 8),
		"Framed-IP-Address": {10, 1, 2, 3}, "Framed-IPv6-Prefix": {0, 8, 32}, "Acme-Mac": make([]byte, 6), "NAS-IPv6-Address": make([]byte, 16),
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, value := range values {
			a := d.Attribute(name)
			if p, err := attributeTextPattern(a, text); err == nil {
				p.value(a, value)
				p.value(a, nil)
			}
		}
	})
}

// TestWhen is the table of patterns: each condition on one request.
func TestWhen(t *testing.T) {
	request := []string{
		"User-Name", "Ann@Example.ORG", "NAS-Port", "20", "Service-Type", "Framed-User", "Framed-IP-Address", "10.1.2.3",
		"Calling-Station-Id", "00-11", "Class", "one", "Class", "two", "NAS-IPv6-Address", "2001:db8::7",
		"Event-Timestamp", "2026-01-05T09:00:00Z", "Acme-Signed", "-5", "Acme-Mac", "aa:bb:cc:00:11:22",
		"Tunnel-Private-Group-Id:2", "x", "Acme-QoS.Down", "5", "Framed-IPv6-Prefix", "2001:db8:1::/48",
	}
	for when, want := range map[string]bool{
		`{}`:                                         true,
		`{user="Ann@*"}`:                             true,
		`{user="ann@*"}`:                             false,
		`{realm="example.org"}`:                      true,
		`{realm="*.ORG"}`:                            true,
		`{realm={"a", "example.org"}}`:               true,
		`{realm=false}`:                              false,
		`{realm=true}`:                               true,
		`{client="vpn-*"}`:                           true,
		`{client={"x", "vpn-[12]"}}`:                 true,
		`{client="vpn"}`:                             false,
		`{nas_type="cisco"}`:                         true,
		`{src="192.0.2.0/24"}`:                       true,
		`{src="192.0.2.7"}`:                          true,
		`{src={"10.0.0.0/8", "::/0"}}`:               false,
		`{listener="auth"}`:                          true,
		`{method="pap"}`:                             true,
		`{method={"chap","mschap"}}`:                 false,
		`{code="Access-Request"}`:                    true,
		`{code="Accounting-Request"}`:                false,
		`{status="Start"}`:                           false,
		`{status=false}`:                             true,
		`{["NAS-Port"]=20}`:                          true,
		`{["NAS-Port"]="20"}`:                        true,
		`{["NAS-Port"]="1-19,21"}`:                   false,
		`{["NAS-Port"]="1-19, 20-22"}`:               true,
		`{["NAS-Port"]="<20"}`:                       false,
		`{["NAS-Port"]="<=20"}`:                      true,
		`{["NAS-Port"]=">19"}`:                       true,
		`{["NAS-Port"]=">=21"}`:                      false,
		`{["NAS-Port"]={3, 20}}`:                     true,
		`{["NAS-Port"]=true}`:                        true,
		`{["NAS-Port"]=false}`:                       false,
		`{["Session-Timeout"]=false}`:                true,
		`{["Session-Timeout"]="<5"}`:                 false,
		`{["Service-Type"]="Framed"}`:                true,
		`{["Service-Type"]=2}`:                       true,
		`{["Service-Type"]="Login-User"}`:            false,
		`{["Service-Type"]={"Login-User",false}}`:    false,
		`{["Framed-IP-Address"]="10.0.0.0/8"}`:       true,
		`{["Framed-IP-Address"]="10.1.2.3"}`:         true,
		`{["Framed-IP-Address"]="10.1.2.4"}`:         false,
		`{["NAS-IPv6-Address"]="2001:db8::/32"}`:     true,
		`{["Framed-IPv6-Prefix"]="2001:db8::/32"}`:   true,
		`{["Framed-IPv6-Prefix"]="2001:db8:1::/56"}`: false,
		`{["Class"]="two"}`:                          true,
		`{["Class"]="t*"}`:                           true,
		`{["Class"]="three"}`:                        false,
		`{["Event-Timestamp"]=">1767603599"}`:        true,
		`{["Acme-Signed"]="<0"}`:                     true,
		`{["Acme-Signed"]="<5"}`:                     true,
		`{["Acme-Signed"]=-5}`:                       true,
		`{["Acme-Signed"]=">=0"}`:                    false,
		`{["Acme-Mac"]="AA-BB-CC-00-11-22"}`:         true,
		`{["Tunnel-Private-Group-Id:2"]="x"}`:        true,
		`{["Tunnel-Private-Group-Id:3"]="x"}`:        false,
		`{["Tunnel-Private-Group-Id"]="x"}`:          true,
		`{["Acme-QoS.Down"]=5}`:                      true,
		`{["Acme-QoS.Up"]=true}`:                     false,
		`{{client="x"}, {realm="example.org"}}`:      true,
		`{{client="x"}, {realm="x"}}`:                false,
		`{client="vpn-*", ["NAS-Port"]=">30"}`:       false,
	} {
		for option, want := range map[string]bool{"when": want, "unless": !want} {
			h := load(t, fmt.Sprintf("on('huntgroups', {%s=%s}, function(req) return reject{} end)", option, when))
			if got := h.run(server.PhaseHuntgroups, h.access(request...)) != nil; got != want {
				t.Errorf("%s=%s gives %v", option, when, got)
			}
		}
	}
}

func TestWhenAfterDecision(t *testing.T) {
	h := load(t, `
on("reply", {when={verdict="accept"}}, function(req) req:note("v", req.verdict .. " " .. tostring(req.reason)) end)
on("reply", {when={verdict="reject", reason={"password", "unknown-*"}}}, function(req) req:note("v", req.reason) end)
on("done", {when={verdict="response", status={"Start", "Stop"}}}, function(req) req:note("v", req.status) end)`)
	for _, c := range []struct {
		phase  server.Phase
		code   radius.Code
		kind   server.Kind
		reason string
		want   string
	}{
		{server.PhaseReply, radius.CodeAccessRequest, server.Accept, "", "accept nil"},
		{server.PhaseReply, radius.CodeAccessRequest, server.Reject, "unknown-user", "unknown-user"},
		{server.PhaseReply, radius.CodeAccessRequest, server.Reject, "expired", ""},
		{server.PhaseDone, radius.CodeAccountingRequest, server.Accept, "", "Stop"},
	} {
		r := h.request(c.code, "Acct-Status-Type", "Stop")
		r.Verdict, r.Reason = c.kind, c.reason
		h.run(c.phase, r)
		got := ""
		if len(r.Notes) > 0 {
			got = r.Notes[0].Value
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q\n%s", c.kind, c.reason, got, c.want, h.log)
		}
	}
}

// TestHuntgroups asks once, keeps the answer, and knows true, false, unknown and failure.
func TestHuntgroups(t *testing.T) {
	h := load(t, `
huntgroup("yes", function(req) req.ctx.asked = (req.ctx.asked or 0) + 1 return true end)
huntgroup("no", function(req) end)
huntgroup("zero", function(req) return 0 end)
huntgroup("shaky", {on_error="continue"}, function(req) error("x") end)
on("huntgroups", {when={huntgroup={"no", "yes"}}}, function(req)
  req:note("asked", req.ctx.asked .. tostring(req:huntgroup("yes")) .. req.ctx.asked)
  req:note("others", tostring(req:huntgroup("no")) .. tostring(req:huntgroup("shaky")))
end)
on("route", {when={huntgroup="zero"}}, function(req) end)
on("authorize", {when={huntgroup="shaky"}}, function(req) return drop{} end)`)
	rn, r := h.pr.Acquire(), h.access("User-Name", "x")
	rn.Run(server.PhaseHuntgroups, r)
	if got := fmt.Sprint(r.Notes); got != "[{asked 1true1} {others falsenil}]" {
		t.Errorf("notes %s\n%s", got, h.log)
	}
	if v := rn.Run(server.PhaseRoute, r); v == nil || v.Kind != server.Reject || !strings.Contains(h.log.String(), "returned a number, expected true, false or nil") {
		t.Errorf("0 as answer: %+v\n%s", v, h.log)
	}
	if v := rn.Run(server.PhaseAuthorize, r); v != nil {
		t.Errorf("unknown matched: %+v", v)
	}
}
