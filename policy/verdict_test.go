package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// TestPhaseVerdict is the table phase × verdict of the documentation, each cell run.
func TestPhaseVerdict(t *testing.T) {
	const all = "accept authenticated reject challenge proxy handle_locally discard drop"
	for _, c := range []struct {
		phase, allowed string
		code           radius.Code
	}{
		{"hints", "reject discard drop", radius.CodeAccessRequest},
		{"huntgroups", "reject discard drop", radius.CodeAccessRequest},
		{"route", "proxy handle_locally reject discard drop", radius.CodeAccessRequest},
		{"route", "proxy handle_locally discard drop", radius.CodeAccountingRequest},
		{"pre_proxy", "proxy handle_locally reject discard drop", radius.CodeAccessRequest},
		{"pre_proxy", "proxy handle_locally discard drop", radius.CodeAccountingRequest},
		{"post_proxy", "accept proxy handle_locally reject discard drop", radius.CodeAccessRequest},
		{"post_proxy", "accept proxy handle_locally discard drop", radius.CodeAccountingRequest},
		{"authorize", "accept authenticated reject challenge discard drop", radius.CodeAccessRequest},
		{"auth_type", "accept reject challenge discard drop", radius.CodeAccessRequest},
		{"answer", "accept authenticated reject challenge discard drop", radius.CodeAccessRequest},
		{"reply", "reject challenge discard drop", radius.CodeAccessRequest},
		{"accounting", "accept discard drop", radius.CodeAccountingRequest},
		{"coa", "accept reject proxy discard drop", radius.CodeCoARequest},
		{"done", "", radius.CodeAccessRequest},
	} {
		for _, verdict := range strings.Fields(all) {
			t.Run(fmt.Sprint(c.phase, " ", c.code, " ", verdict), func(t *testing.T) {
				h := load(t, phaseScript(c.phase, verdict))
				r := h.request(c.code, "User-Name", "bob")
				v := runPhase(h, c.phase, r)
				allowed := strings.Contains(" "+c.allowed+" ", " "+verdict+" ")
				got := v != nil && !v.Failed && v.Kind.String() == verdict
				if got != allowed {
					t.Errorf("verdict %+v, allowed is %v\n%s", v, allowed, h.log)
				}
				silent := c.code == radius.CodeAccountingRequest && verdict == "reject" && v == nil && c.phase != "accounting" // ends its phase
				if !allowed && !silent && !strings.Contains(h.log.String(), "is not allowed in "+c.phase) {
					t.Errorf("log: %s", h.log)
				}
			})
		}
	}
}

func phaseScript(phase, verdict string) string {
	made := verdict + "{}"
	if verdict == "challenge" {
		made = `challenge{next="next"}`
	} else if verdict == "proxy" {
		made = `proxy{realm="example.net"}`
	}
	script := `answer("next", function() return drop{} end)` + "\n"
	switch phase {
	case "auth_type", "answer":
		return script + fmt.Sprintf("%s('mine', function() local v = %s return v end)", phase, made)
	}
	return script + fmt.Sprintf("on('%s', function() local v = %s return v end)", phase, made)
}

func runPhase(h *house, phase string, r *server.Request) *server.Verdict {
	rn := h.pr.Acquire()
	defer h.pr.Release(rn)
	switch phase {
	case "auth_type":
		n, _ := h.gen.Dictionary.Known.AuthType.ValueNumber("mine")
		v, _ := rn.AuthType(uint32(n), r)
		return v
	case "answer":
		r.Round = &server.Round{Next: "mine"}
		v, _ := rn.Answer(r)
		return v
	case "reply":
		r.Verdict = server.Accept
	}
	for p := server.PhaseHints; p < server.NumPhases; p++ {
		if p.String() == phase {
			return rn.Run(p, r)
		}
	}
	return nil
}

// assignments gives a verdict's attributes as text.
func assignments(v *server.Verdict) string {
	var parts []string
	for _, a := range v.Attributes {
		op := "="
		if a.Append {
			op = "+="
		}
		tag := ""
		if a.Ref.Tag > 0 {
			tag = fmt.Sprintf(":%d", a.Ref.Tag)
		}
		parts = append(parts, fmt.Sprintf("%s%s %s %s", a.Ref.Attr.Name, tag, op, a.Ref.Attr.AppendText(nil, a.Value)))
	}
	return strings.Join(parts, "; ")
}

// TestVerdictAttributes checks what the tables of verdicts become.
func TestVerdictAttributes(t *testing.T) {
	for _, c := range []struct{ made, want string }{
		{`accept{["Session-Timeout"]=300, Class="x"}`, "Session-Timeout = 300; Class = 0x78"},
		{`accept{vlan=20}`, "Tunnel-Type = VLAN; Tunnel-Medium-Type = IEEE-802; Tunnel-Private-Group-Id = 20"},
		{`accept{vlan="guests"}`, "Tunnel-Type = VLAN; Tunnel-Medium-Type = IEEE-802; Tunnel-Private-Group-Id = guests"},
		{`accept{["Tunnel-Type:3"]="VLAN"}`, "Tunnel-Type:3 = VLAN"},
		{`accept{["Reply-Message"]={"a","b"}}`, "Reply-Message = a; Reply-Message += b"},
		{`accept{{"Reply-Message","a"}, {"Session-Timeout",5}, {"Reply-Message","b"}}`, "Reply-Message = a; Session-Timeout = 5; Reply-Message += b"},
		{`accept{["Acme-QoS"]={Down=5, Up=6}}`, "Acme-QoS = 0x010600000005020600000006"},
		{`reject{message="no"}`, "Reply-Message = no"},
		{`accept{message=("ä"):rep(200)}`, "Reply-Message = " + strings.Repeat("ä", 126) + "; Reply-Message += " + strings.Repeat("ä", 74)},
	} {
		t.Run(c.made, func(t *testing.T) {
			for _, script := range []string{
				"local v = " + c.made + "\non('authorize', function() return v end)",
				"on('authorize', function() return " + c.made + " end)",
			} {
				h := load(t, script)
				v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
				if v == nil {
					t.Fatalf("no verdict: %s", h.log)
				}
				if diff := cmp.Diff(c.want, assignments(v)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestVerdictOptions checks the options that are no attributes.
func TestVerdictOptions(t *testing.T) {
	h := load(t, `
answer("code", function() return drop{} end)
on("authorize", {when={user="delay"}}, function() return reject{delay="2s", reason="slow"} end)
on("authorize", {when={user="now"}}, function() return reject{delay=0} end)
on("authorize", {when={user="ask"}}, function() return challenge{next="code", message="Code:", timeout="90s", echo=true} end)
on("authorize", {when={user="again"}}, function() return accept{next="code", state={n=1}} end)
on("accounting", function() return accept{record=false} end)
on("coa", function() return reject{error_cause=503} end)`)
	opts := cmp.Options{cmp.FilterPath(func(p cmp.Path) bool {
		return p.String() == "Attributes" || p.String() == "State"
	}, cmp.Ignore())}
	for _, c := range []struct {
		phase server.Phase
		code  radius.Code
		user  string
		want  server.Verdict
	}{
		{server.PhaseAuthorize, radius.CodeAccessRequest, "delay", server.Verdict{Kind: server.Reject, Delay: 2e9, HasDelay: true, Reason: "slow"}},
		{server.PhaseAuthorize, radius.CodeAccessRequest, "now", server.Verdict{Kind: server.Reject, HasDelay: true}},
		{server.PhaseAuthorize, radius.CodeAccessRequest, "ask", server.Verdict{Kind: server.Challenge, Next: "code", Timeout: 90e9, Echo: true}},
		{server.PhaseAuthorize, radius.CodeAccessRequest, "again", server.Verdict{Kind: server.Accept, Next: "code", Timeout: 24 * 3600e9}},
		{server.PhaseAccounting, radius.CodeAccountingRequest, "x", server.Verdict{Kind: server.Accept, NoRecord: true}},
		{server.PhaseCoA, radius.CodeCoARequest, "x", server.Verdict{Kind: server.Reject, ErrorCause: 503}},
	} {
		v := h.run(c.phase, h.request(c.code, "User-Name", c.user))
		if v == nil {
			t.Fatalf("%s: no verdict\n%s", c.user, h.log)
		}
		if diff := cmp.Diff(c.want, *v, opts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.user, diff)
		}
	}
}

// TestWrongReturns holds what a handler gets told about what it returned.
func TestWrongReturns(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"return true", "returned a boolean, expected a verdict or nil"},
		{"return 1", "returned a number, expected a verdict or nil"},
		{"return reject{}, 1", "returned 2 values, expected one verdict or nil"},
		{"local v = reject{}", "reject{} was made but not returned"},
		{"reject{} return accept{}", "reject{} was made but not returned"},
		{"return accept", "returned a function, expected a verdict or nil"},
		{"return accept()", "accept: expected one table: write accept{} with braces"},
		{"local v = accept{record=false} return v", "record= is for Accounting-Request only"},
		{"local v = reject{error_cause=503} return v", "error_cause= is for CoA-Request and Disconnect-Request only"},
		{"local v = accept{} v.x = 1", "a verdict is a value: it can be returned, not read or changed"},
		{"return challenge{next='c' .. 'x'}", `no answer "cx" is registered`},
		{"return challenge{next='c', state={f=print}}", "f: a function is no plain data"},
		{"return challenge{next='c', state=('x'):rep(250)}", "put the rest in kv"},
		{"local s, t = ('x'):rep(1e6), {} for i = 1, 4000 do t[i] = s end return challenge{next='c', state=t}", "state has more than 262144 octets"},
	} {
		t.Run(c.body, func(t *testing.T) {
			h := load(t, "answer('c', function() return drop{} end)\non('authorize', {name='mine'}, function(req) "+c.body+" end)")
			v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
			if v == nil || v.Kind != server.Reject || !v.Failed {
				t.Errorf("verdict %+v", v)
			}
			if !strings.Contains(h.log.String(), strings.ReplaceAll(c.want, `"`, `\"`)) || !strings.Contains(h.log.String(), `a.lua:2: hook \"mine\": `) {
				t.Errorf("log %s\nwant %s", h.log, c.want)
			}
		})
	}
	for _, kind := range []string{"auth_type", "answer"} {
		h := load(t, kind+"('mine', function() end)")
		v := runPhase(h, kind, h.access("User-Name", "bob"))
		if v == nil || v.Kind != server.Reject || !strings.Contains(h.log.String(), "returned nothing; "+kind+" must return a verdict") {
			t.Errorf("%s without return: %+v %s", kind, v, h.log)
		}
	}
}

// TestFailedConstruction: a verdict whose making raised was not made, so pcall may handle it.
func TestFailedConstruction(t *testing.T) {
	h := load(t, `on("authorize", function(req)
  local name = "Sesion-Timeout"
  local ok = pcall(function() return accept{[name]=5} end)
  if not ok then return reject{reason="misspelt"} end
end)`)
	if v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob")); v == nil || v.Reason != "misspelt" {
		t.Errorf("verdict %+v\n%s", v, h.log)
	}
}

// TestLongReason: what is kept of thousands of requests is short.
func TestLongReason(t *testing.T) {
	h := load(t, `on("authorize", function() return reject{reason=("ü"):rep(100000)} end)`)
	if v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob")); v == nil || v.Reason != strings.Repeat("ü", 126) {
		t.Errorf("verdict %+v", v)
	}
}

// TestLinesCostSteps: a handler cannot fill the disk with lines.
func TestLinesCostSteps(t *testing.T) {
	h := load(t, `on("authorize", function() while true do log.warn("again") end end)`)
	h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
	if n := strings.Count(h.log.String(), "again"); n > 2000 || !strings.Contains(h.log.String(), "step budget spent") {
		t.Errorf("%d lines", n)
	}
}

// TestRejectKeepsRecords: a reject before accounting ends its phase alone.
func TestRejectKeepsRecords(t *testing.T) {
	h := load(t, "on('hints', function() return reject{} end)\non('hints', function(req) req.control['Class'] = 'x' end)")
	r := h.request(radius.CodeAccountingRequest, "User-Name", "bob")
	if v := h.run(server.PhaseHints, r); v != nil || len(r.Control.Pairs) != 0 {
		t.Errorf("verdict %+v, control %d", v, len(r.Control.Pairs))
	}
}

// TestStateRoundTrip: what state= holds comes back as req.state.
func TestStateRoundTrip(t *testing.T) {
	h := load(t, `
on("authorize", function(req) return challenge{next="code", state={n=3, list={"a", "b"}, yes=true, f=1.5}} end)
answer("code", function(req, text)
  local s = req.state
  if s.n == 3 and s.list[2] == "b" and s.yes and s.f == 1.5 and text == "123" then return accept{} end
  return reject{}
end)`)
	v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
	r := h.access("User-Name", "bob", "User-Password", "123")
	r.Round = &server.Round{Next: v.Next, Data: v.State}
	rn := h.pr.Acquire()
	if got, found := rn.Answer(r); !found || got.Kind != server.Accept {
		t.Errorf("got %+v\n%s", got, h.log)
	}
	r.Round = &server.Round{Next: "gone"}
	if _, found := rn.Answer(r); found {
		t.Error("an answer that nobody registered was found")
	}
}
