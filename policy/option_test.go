package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/radius"
	"perilune/engine/server"
)

// TestVerdictOptionErrors: what each constructor refuses, while scripts load.
func TestVerdictOptionErrors(t *testing.T) {
	for made, want := range map[string]string{
		`accept{massage="x"}`:                             `accept: no option "massage"; did you mean "message"?`,
		`accept{delay=1}`:                                 `accept: no option "delay"`,
		`accept{echo=true}`:                               `accept: no option "echo"`,
		`accept{error_cause=503}`:                         `accept: no option "error_cause"`,
		`accept{message=5}`:                               `accept: message: got a number, expected text`,
		`accept{reason={}}`:                               `accept: reason: got a table, expected text`,
		`accept{record="no"}`:                             `accept: record: got a string, expected true or false`,
		`accept{state={}}`:                                `accept: state without next: nobody would get it back`,
		`accept{vlan=true}`:                               `accept: vlan: got a boolean, expected a number or a name`,
		`accept{vlan=0}`:                                  `accept: vlan: 0 is out of range (1 to 4094)`,
		`accept{true}`:                                    `accept: got a boolean as an item, expected {"Name", value}`,
		`accept{{"Class"}}`:                               `accept: an item has the form {"Name", value}`,
		`accept{{"Class", "a", "b"}}`:                     `accept: an item has the form {"Name", value}`,
		`accept{[true]=1}`:                                `accept: the key true is a boolean, expected an option or an attribute`,
		`accept{["Class"]=5}`:                             `accept: Class: got a number, expected a byte string`,
		`accept{["Class"]={"a", 5}}`:                      `accept: Class: got a number, expected a byte string`,
		`accept{["class"]="x"}`:                           `accept: no option "class"`,
		`accept{["Proxy-State"]="x"}`:                     `accept: Proxy-State is written by the server alone`,
		`accept{State="x"}`:                               `accept: State is written by the server alone`,
		`authenticated{next="c"}`:                         `authenticated: no option "next"`,
		`authenticated{record=false}`:                     `authenticated: no option "record"`,
		`reject{vlan=5}`:                                  `reject: no option "vlan"`,
		`reject{next="c"}`:                                `reject: no option "next"`,
		`reject{delay="soon"}`:                            `reject: delay: soon is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`,
		`reject{delay=-1}`:                                `reject: delay: got -1, expected a duration above zero, such as "800ms", "90s", "5m"`,
		`reject{error_cause="x"}`:                         `reject: error_cause: got x, expected a name or number of RFC 5176 s3.5`,
		`reject{error_cause="Session-Context-Not-Fuond"}`: `reject: error_cause: got Session-Context-Not-Fuond, expected a name or number of RFC 5176 s3.5; did you mean "Session-Context-Not-Found"?`,
		`reject{error_cause=5000}`:                        `reject: error_cause: got 5000, expected a name or number of RFC 5176 s3.5`,
		`reject{message="a", ["Reply-Message"]="b"}`:      `reject: both message and Reply-Message are given; write one`,
		`reject{message="a", {"Reply-Message","b"}}`:      `reject: both message and Reply-Message are given; write one`,
		`challenge{}`:                                     `challenge: next is missing: the name of an answer handler`,
		`challenge{next=5}`:                               `challenge: next: got a number, expected text`,
		`challenge{next="cod"}`:                           `challenge: no answer "cod" is registered; did you mean "code"?`,
		`challenge{next="code", echo=1}`:                  `challenge: echo: got a number, expected true or false`,
		`challenge{next="code", timeout="0s"}`:            `challenge: timeout: got 0s, expected a duration above zero, such as "800ms", "90s", "5m"`,
		`challenge{next="code", state=print}`:             `challenge: a function is no plain data (text, numbers, booleans and tables of these)`,
		`challenge{next="code", state={a={b=accept}}}`:    `challenge: a: a function is no plain data (text, numbers, booleans and tables of these)`,
		`challenge{next="code", vlan=5}`:                  `challenge: no option "vlan"`,
		`handle_locally{strip="x"}`:                       `handle_locally: strip: got a string, expected true or false`,
		`handle_locally{Class="x"}`:                       `handle_locally: takes no attributes, got Class`,
		`handle_locally{message="x"}`:                     `handle_locally: no option "message"`,
		`discard{message="x"}`:                            `discard: no option "message"`,
		`drop{{"Class", "x"}}`:                            `drop: takes no attributes, got Class`,
		`accept("x")`:                                     `accept: expected one table: write accept{} with braces`,
		`accept({}, {})`:                                  `accept: expected one table: write accept{} with braces`,
	} {
		_, errs := tryLoad(t, map[string]string{"a.lua": "answer('code', function() return drop{} end)\nlocal v = " + made}, nil)
		if diff := cmp.Diff("a.lua:2: "+want, errs.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", made, diff)
		}
	}
}

// TestVerdictOptionsOfCodes: options that do not fit the code raise when they are used, whoever made the verdict.
func TestVerdictOptionsOfCodes(t *testing.T) {
	for _, c := range []struct {
		phase, made, want string
		code              radius.Code
	}{
		{"authorize", `accept{record=false}`, "record= is for Accounting-Request only", radius.CodeAccessRequest},
		{"authorize", `accept{record=true}`, "record= is for Accounting-Request only", radius.CodeAccessRequest},
		{"coa", `accept{record=false}`, "record= is for Accounting-Request only", radius.CodeCoARequest},
		{"accounting", `accept{record=true}`, "", radius.CodeAccountingRequest},
		{"authorize", `reject{error_cause=503}`, "error_cause= is for CoA-Request and Disconnect-Request only", radius.CodeAccessRequest},
		{"coa", `reject{error_cause=503}`, "", radius.CodeDisconnectRequest},
		{"coa", `reject{error_cause="Session-Context-Not-Found"}`, "", radius.CodeDisconnectRequest},
		{"coa", `reject{delay=1}`, "delay= is for Access-Request only", radius.CodeCoARequest},
		{"hints", `reject{delay=1}`, "delay= is for Access-Request only", radius.CodeAccountingRequest},
		{"hints", `reject{delay=1}`, "", radius.CodeAccessRequest},
	} {
		t.Run(c.phase+" "+c.code.String()+" "+c.made, func(t *testing.T) {
			h := load(t, "local v = "+c.made+"\non('"+c.phase+"', {name='a.lua:1'}, function(req) return v end)")
			runPhase(h, c.phase, h.request(c.code, "User-Name", "bob"))
			if diff := cmp.Diff(c.want, h.complaint()); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, h.log)
			}
		})
	}
}

// TestVerdictIsAValue: made once and returned often, it is the same each time, and reads as its name.
func TestVerdictIsAValue(t *testing.T) {
	h := load(t, `
local quarantine = accept{vlan=900, ["Session-Timeout"]=300, reason="quarantine"}
on("authorize", function(req)
  req:note("text", tostring(quarantine) .. type(quarantine))
  req:note("mt", tostring(getmetatable(quarantine)))
  return quarantine
end)`)
	want := "Tunnel-Type = VLAN; Tunnel-Medium-Type = IEEE-802; Tunnel-Private-Group-Id = 900; Session-Timeout = 300"
	for range 3 {
		r := h.access("User-Name", "bob")
		v := h.run(server.PhaseAuthorize, r)
		if v == nil || v.Reason != "quarantine" || noteText(r) != "text=accept{}userdata mt=false" {
			t.Fatalf("%+v %s\n%s", v, noteText(r), h.log)
		}
		if diff := cmp.Diff(want, assignments(v)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestMadeButNotReturned: each way to lose a verdict is an error, and ways that keep it are none.
func TestMadeButNotReturned(t *testing.T) {
	for body, want := range map[string]string{
		`local v = reject{} return v`:                                              "",
		`local v = reject{} return nil`:                                            "reject{} was made but not returned",
		`local a, b = drop{}, reject{} return b`:                                   "drop{} was made but not returned",
		`local ok = pcall(function() return reject{} end)`:                         "reject{} was made but not returned",
		`local function no() return reject{} end return no()`:                      "",
		`if pcall(function() return reject{delay="x"} end) then end return drop{}`: "",
		`return loaded`:                  "",
		`local v = loaded return drop{}`: "",
		`return (reject{})`:              "",
		`local function no() return reject{} end no() return no()`: "reject{} was made but not returned",
	} {
		h := load(t, "local loaded = reject{}\non('authorize', {name='a.lua:1'}, function(req) "+body+" end)")
		v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
		if diff := cmp.Diff(want, h.complaint()); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", body, diff, h.log)
		}
		again := h.run(server.PhaseAuthorize, h.access("User-Name", "bob")) // with verdicts from before; it is not told again
		if again == nil || again.Failed != v.Failed || again.Failed != (want != "") {
			t.Errorf("%s: the second time %+v", body, again)
		}
	}
}

// TestInterleavedAttributes: pairs keep their order, the first of a name replaces, further ones append.
func TestInterleavedAttributes(t *testing.T) {
	for made, want := range map[string]string{
		`{{"Class","a"}, {"NAS-Port",1}, {"Class","b"}, {"NAS-Port",2}}`: "Class = 0x61; NAS-Port = 1; Class += 0x62; NAS-Port += 2",
		`{{"Tunnel-Type:1","VLAN"}, {"Tunnel-Type:2","VLAN"}}`:           "Tunnel-Type:1 = VLAN; Tunnel-Type:2 = VLAN",
		`{{"Class",{"a","b"}}, {"Class","c"}}`:                           "Class = 0x61; Class += 0x62; Class += 0x63",
		`{{"Acme-QoS",{Down=1}}, {"Acme-QoS",{Down=2}}}`:                 "Acme-QoS = 0x010600000001; Acme-QoS += 0x010600000002",
		`{vlan=5, {"Class","a"}}`:                                        "Tunnel-Type = VLAN; Tunnel-Medium-Type = IEEE-802; Tunnel-Private-Group-Id = 5; Class = 0x61",
		`{message="m", {"Class","a"}}`:                                   "Reply-Message = m; Class = 0x61",
		`{message=("x"):rep(254)}`:                                       "Reply-Message = " + strings.Repeat("x", 253) + "; Reply-Message += x",
		`{message=("\128"):rep(254)}`:                                    "Reply-Message = " + strings.Repeat("\x80", 253) + "; Reply-Message += \x80",
		`{message=""}`:                                                   "",
		`{["Attr-26.64999.99"]="a"}`:                                     "Attr-26.64999.99 = 0x61",
	} {
		h := load(t, "on('authorize', function() return accept"+made+" end)")
		v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
		if v == nil || v.Failed {
			t.Errorf("%s: %s", made, h.log)
			continue
		}
		got := strings.ReplaceAll(assignments(v), `\200`, "\x80")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", made, diff)
		}
	}
}

// TestStateSizes: next and state share what fits into 253 octets beside the seal, in challenges and accepts.
func TestStateSizes(t *testing.T) {
	for _, c := range []struct {
		made string
		fits bool
	}{
		{`challenge{next="c"}`, true},
		{`challenge{next="c", state=("x"):rep(211)}`, true},
		{`challenge{next="c", state=("x"):rep(212)}`, false},
		{`challenge{next="c" .. ("x"):rep(19), state=("x"):rep(192)}`, true},
		{`challenge{next="c" .. ("x"):rep(19), state=("x"):rep(193)}`, false},
		{`accept{next="c", state=("x"):rep(212)}`, false},
		{`challenge{next="c", state={("x"):rep(100), ("y"):rep(100)}}`, true},
	} {
		h, errs := tryLoad(t, map[string]string{"a.lua": `
answer("c", function() return drop{} end)
answer("c" .. ("x"):rep(19), function() return drop{} end)
on("authorize", function() return ` + c.made + " end)"}, nil)
		if err := errs.Err(); err != nil {
			t.Fatal(err)
		}
		v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
		if fits := v != nil && !v.Failed; fits != c.fits {
			t.Errorf("%s fits: %v\n%s", c.made, fits, h.log)
		}
		if !c.fits && !strings.Contains(h.log.String(), "put the rest in kv and its key here") {
			t.Errorf("%s: %s", c.made, h.log)
		}
	}
}

// TestStateKinds: every kind of plain data comes back as it was sealed; other data does not.
func TestStateKinds(t *testing.T) {
	for state, want := range map[string]string{
		`nil`: "nil", `true`: "true", `false`: "false", `-5`: "-5", `0.25`: "0.25", `2^53`: "9007199254740992", `1e300`: "1e+300",
		`""`: "", `"a\0b"`: "a\x00b", `{}`: "{}", `{1, {2}, x={y="z"}}`: `{"1":1,"2":[2],"x":{"y":"z"}}`,
	} {
		h := load(t, fmt.Sprintf(`
on("authorize", function(req) return challenge{next="code", state=%s} end)
answer("code", function(req)
  local s = req.state
  if type(s) == "table" and s.x then s["1"], s["2"], s[1], s[2] = s[1], s[2], nil, nil end
  req:note("s", type(s) == "table" and json.encode(s) or tostring(s))
  return drop{}
end)`, state))
		v := h.run(server.PhaseAuthorize, h.access("User-Name", "bob"))
		r := h.access("User-Name", "bob")
		r.Round = &server.Round{Next: v.Next, Data: v.State}
		rn := h.pr.Acquire()
		rn.Answer(r)
		if v.State == nil {
			want = "nil"
		}
		if diff := cmp.Diff("s="+want, noteText(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s%s", state, diff, h.log)
		}
		h.pr.Release(rn)
	}
}

// TestChallengeFromReply: a second factor turns an accept of the first round, and nothing else.
func TestChallengeFromReply(t *testing.T) {
	const guard = `challenge{} from reply turns an accept of the first round only; guard it with when={verdict="accept", method="pap"}`
	for _, c := range []struct {
		kind  server.Kind
		round *server.Round
		want  string
	}{
		{server.Accept, nil, ""}, {server.Reject, nil, guard}, {server.Challenge, nil, guard}, {server.Accept, &server.Round{Next: "c"}, guard},
	} {
		h := load(t, `
on("reply", {name="a.lua:1"}, function(req) return challenge{next="c"} end)
answer("c", function() return drop{} end)`)
		r := h.access("User-Name", "bob")
		r.Verdict, r.Round = c.kind, c.round
		v := h.run(server.PhaseReply, r)
		if diff := cmp.Diff(c.want, h.complaint()); diff != "" || v == nil || v.Failed != (c.want != "") {
			t.Errorf("%s: %+v (-want +got):\n%s", c.kind, v, diff)
		}
	}
}

// TestAnswerText: an answer handler gets what was typed, nil without a password in clear.
func TestAnswerText(t *testing.T) {
	h := load(t, `answer("c", function(req, text) req:note("t", tostring(text) .. tostring(req.state)) return drop{} end)`)
	for want, attrs := range map[string][]string{"t=123nil": {"User-Password", "123"}, "t=nilnil": {"User-Name", "bob"}} {
		r := h.access(attrs...)
		r.Round = &server.Round{Next: "c"}
		runPhaseAnswer(h, r)
		if diff := cmp.Diff(want, noteText(r)); diff != "" {
			t.Errorf("(-want +got):\n%s%s", diff, h.log)
		}
	}
}

func runPhaseAnswer(h *house, r *server.Request) *server.Verdict {
	rn := h.pr.Acquire()
	defer h.pr.Release(rn)
	defer rn.End(r)
	v, _ := rn.Answer(r)
	return v
}

// TestErrorCauseNames: what a NAK says may be written by name, as answers of NASes have it; a wrong name in the text is
// found at load.
func TestErrorCauseNames(t *testing.T) {
	h := load(t, `on("coa", function(req) return reject{error_cause="Administratively-Prohibited"} end)`)
	v := h.run(server.PhaseCoA, h.request(radius.CodeDisconnectRequest, "User-Name", "bob"))
	if v == nil || v.ErrorCause != 501 {
		t.Errorf("got %+v, want 501\n%s", v, h.log)
	}
	_, errs := tryLoad(t, map[string]string{"a.lua": `on("coa", function(req) return reject{error_cause="Administratively-Prohibitted"} end)`}, nil)
	want := `a.lua:1:51: reject: error_cause: got Administratively-Prohibitted, expected a name or number of RFC 5176 s3.5; did you mean "Administratively-Prohibited"?`
	if diff := cmp.Diff(want, errs.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
