package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLoadErrors holds what a script gets told at load: place, what was found, what was expected, the nearest
// name.
func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"phase", `on("hint", function() end)`, `a.lua:1: on: no phase "hint"; did you mean "hints"?`},
		{"option", `on("hints", {nmae="x"}, function() end)`, `a.lua:1: on has no option "nmae"; did you mean "name"?`},
		{"no function", `on("hints", {})`, `a.lua:1: on: expected (phase [, options], function), got a table in the function's place`},
		{"timeout", `on("hints", {timeout="soon"}, function() end)`, `a.lua:1: timeout: soon is no duration; expected "800ms", "90s", "5m", "1h", "1d" or seconds`},
		{"on_error", `on("hints", {on_error="ignore"}, function() end)`, `a.lua:1: on_error: got "ignore", expected "reject", "drop" or "continue"`},
		{"continue", `answer("x", {on_error="continue"}, function() return drop{} end)`, `a.lua:1: on_error: answer may not continue: a failure must not let anyone in`},
		{"twice", "huntgroup('x', function() end)\nhuntgroup('x', function() end)", `a.lua:2: huntgroup "x" is registered already at a.lua:1`},
		{"built in", `auth_type("Accept", function() return drop{} end)`, `a.lua:1: auth_type: "Accept" is built in; choose another name`},
		{"attribute", "on('hints', function(req)\n  local x = req['Usr-Name']\nend)", `a.lua:2:17: unknown attribute "Usr-Name"; did you mean "User-Name"?`},
		{"spelling", "on('hints', function(req)\n  local x = req['user-Name']\nend)", `a.lua:2:17: "user-Name" is spelt "User-Name"`},
		{"field", "on('hints', function(req)\n  req.usr = 'x'\nend)", `a.lua:2:7: req has no field or method "usr"; did you mean "user"?`},
		{"read-only", "on('hints', function(req)\n  req.realm = 'x'\nend)", `a.lua:2:7: req.realm is read-only`},
		{"method", "on('reply', function(req)\n  req.reply:ad('Class', 'x')\nend)", `a.lua:2: reply has no field or method "ad"; did you mean "add"?`},
		{"method's attribute", "on('reply', function(req)\n  req.reply:add('Clas', 'x')\nend)", `a.lua:2:17: unknown attribute "Clas"; did you mean "Class"?`},
		{"alias compared", "on('hints', function(req)\n  return req['Service-Type'] == 'Framed'\nend)", `a.lua:2:33: Service-Type reads as "Framed-User", so it never equals "Framed"`},
		{"number compared", "on('hints', function(req)\n  return req['Service-Type'] == 2\nend)", `a.lua:2:33: Service-Type reads as "Framed-User", so it never equals 2; use req:int or req:is`},
		{"value compared", "on('hints', function(req)\n  return req['Service-Type'] ~= 'Framed-Usr'\nend)", `a.lua:2:33: Service-Type is never "Framed-Usr"; did you mean "Framed-User"?`},
		{"form compared", "on('hints', function(req)\n  return req['Acme-Mac'] == 'AA-BB-CC-00-11-22'\nend)", `a.lua:2:29: Acme-Mac reads as "aa:bb:cc:00:11:22", so it never equals "AA-BB-CC-00-11-22"`},
		{"no form compared", "on('hints', function(req)\n  return req['Framed-IP-Address'] == 'here'\nend)", `a.lua:2:38: the comparison is never true: Framed-IP-Address is "here"; expected an IPv4 address`},
		{"value assigned", "on('reply', function(req)\n  req.reply['Service-Type'] = 'Fram'\nend)", `a.lua:2:13: Service-Type: got "Fram", expected digits or a VALUE name; did you mean "Framed"?`},
		{"copy", "on('hints', function(req)\n  req['Acme-QoS'].Down = 1\nend)", `a.lua:2:7: "Acme-QoS" is read as a copy: assign ["Acme-QoS.Down"] instead`},
		{"verdict option", "on('hints', function(req)\n  return reject{massage='x'}\nend)", `a.lua:2:17: reject: no option "massage"; did you mean "message"?`},
		{"verdict attribute", "on('hints', function(req)\n  return reject{['Reply-Massage']='x'}\nend)", `a.lua:2:18: unknown attribute "Reply-Massage"; did you mean "Reply-Message"?`},
		{"next", "answer('code', function() return drop{} end)\nauth_type('otp', function(req)\n  return challenge{next='cod'}\nend)", `a.lua:3:25: no answer "cod" is registered; did you mean "code"?`},
		{"huntgroup", "huntgroup('air', function() end)\non('reply', function(req)\n  return req:huntgroup('ari')\nend)", `a.lua:3:24: no huntgroup "ari" is registered; did you mean "air"?`},
		{"when key", `on("hints", {when={clint="x"}}, function() end)`, `a.lua:1: when: unknown key "clint"; did you mean "client"?`},
		{"when attribute", `on("hints", {when={["NAS-Prt"]=1}}, function() end)`, `a.lua:1: when: unknown attribute "NAS-Prt"; did you mean "NAS-Port"?`},
		{"when value", `on("hints", {when={["Service-Type"]="Framed-Usr"}}, function() end)`, `a.lua:1: when: Service-Type: "Framed-Usr" is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"; did you mean "Framed-User"?`},
		{"when place", `on("hints", {when={verdict="accept"}}, function() end)`, `a.lua:1: when: verdict is known from phase reply on, not in hints`},
		{"when verdict", `on("reply", {when={verdict="acept"}}, function() end)`, `a.lua:1: when: verdict is never "acept"; did you mean "accept"?`},
		{"no such file", `readfile("nope.json")`, `a.lua:1: readfile "nope.json": no such file or directory`},
		{"no such library", `require("lib.nope")`, `a.lua:1: require "lib.nope": lib/nope.lua: no such file or directory`},
		{"when method", `on("reply", {when={method={"chap", "PAP"}}}, function() end)`, `a.lua:1: when: method is never "PAP"; did you mean "pap"?`},
		{"when listener", `on("reply", {when={listener="acc"}}, function() end)`, `a.lua:1: when: listener is never "acc"; did you mean "acct"?`},
		{"when huntgroup", "huntgroup('x', function() end)\non('hints', {when={huntgroup='x'}}, function() end)", `a.lua:2: when: huntgroup is asked after hints; use an attribute, or the phase huntgroups`},
		{"unless address", `on("hints", {unless={src="10.0.0.0/40"}}, function() end)`, `a.lua:1: unless: "10.0.0.0/40" is neither an address nor a prefix such as 10.0.0.0/8`},
		{"load handlers", `on("load", {when={client="x"}}, function() end)`, `a.lua:1: when: load handlers get no request`},
		{"verdict of load", `local v = accept{["Servce-Type"]=1}`, `a.lua:1: accept: unknown attribute "Servce-Type"; did you mean "Service-Type"?`},
		{"vlan", `local v = accept{vlan=5000}`, `a.lua:1: accept: vlan: 5000 is out of range (1 to 4094)`},
		{"timeout alone", `local v = accept{timeout="1h"}`, `a.lua:1: accept: timeout without next: no State would be sealed`},
		{"both messages", `local v = accept{message="a", ["Reply-Message"]="b"}`, `a.lua:1: accept: both message and Reply-Message are given; write one`},
		{"discard with attributes", `local v = discard{Class="x"}`, `a.lua:1: discard: takes no attributes, got Class`},
		{"challenge without next", `local v = challenge{message="x"}`, `a.lua:1: challenge: next is missing: the name of an answer handler`},
		{"challenge in a function without next", "on('authorize', function(req)\n  return challenge{message='x'}\nend)", `a.lua:2:10: challenge: next is missing: the name of an answer handler`},
		{"both messages in a function", "on('hints', function(req)\n  return reject{message='a', ['Reply-Message']='b'}\nend)", `a.lua:2:10: reject: both message and Reply-Message are given; write one`},
		{"server's attribute", "on('reply', function(req)\n  req.reply['State'] = 'x'\n  req.reply:add('Proxy-State', 'x')\nend)", "a.lua:2:13: State is written by the server alone\na.lua:3:17: Proxy-State is written by the server alone"},
		{"server's attribute in a verdict", "on('authorize', function(req)\n  return accept{['EAP-Message']='x'}\nend)", `a.lua:2:18: EAP-Message is written by the server alone`},
		{"option of another code", "on('authorize', function(req)\n  return accept{record=false}\nend)", `a.lua:2:17: record= is for Accounting-Request only`},
		{"option of CoA", "auth_type('x', function(req)\n  return reject{error_cause=503}\nend)", `a.lua:2:17: error_cause= is for CoA-Request and Disconnect-Request only`},
		{"option of Access", "on('coa', function(req)\n  return reject{delay='1s'}\nend)", `a.lua:2:17: delay= is for Access-Request only`},
		{"verdict in place", "on('hints', function(req)\n  if req.user == 'x' then return accept{} end\nend)", `a.lua:2:34: accept{} is not allowed in hints; allowed: reject, discard, drop`},
		{"huntgroup's verdict", "huntgroup('x', function(req)\n  return reject{}\nend)", `a.lua:2:10: a huntgroup answers true, false or nil, not reject{}`},
		{"change in place", "on('reply', function(req)\n  req['Class'] = 'x'\nend)", `a.lua:2:7: req cannot be changed in reply; did you mean req.reply["Class"]?`},
		{"call in place", "on('hints', function(req)\n  req.reply:add('Class', 'x')\nend)", `a.lua:2:17: req.reply cannot be changed in hints`},
		{"field in place", "on('done', function(req)\n  req.user = 'x'\nend)", `a.lua:2:7: req cannot be changed in done`},
		{"not returned", "on('hints', function(req)\n  reject{}\nend)", `a.lua:2:3: warning: reject{} is made but not returned; write return reject{…}`},
		{"shadow", "on('hints', function(req)\n  local drop = 1\nend)", `a.lua:2: warning: local drop hides the API's drop; choose another name`},
		{"interim at load", `local v = accept{["Acct-Interim-Interval"]=30}`, `a.lua:1:19: Acct-Interim-Interval is 30; expected at least 60 seconds (RFC 2869 s5.16)`},
		{"interim in a function", "on('authorize', function(req)\n  return accept{['Acct-Interim-Interval']=599}\nend)", `a.lua:2:18: warning: Acct-Interim-Interval is 599; expected at least 600 seconds (RFC 2869 s5.16)`},
		{"interim of the reply", "on('reply', function(req)\n  req.reply['Acct-Interim-Interval'] = '59'\nend)", `a.lua:2:13: Acct-Interim-Interval is 59; expected at least 60 seconds (RFC 2869 s5.16)`},
		{"no session", "on('reply', function(req)\n  req.reply['Session-Timeout'] = 0\nend)", `a.lua:2:13: warning: Session-Timeout is 0; many NASes end such a session at once, others never`},
		{"global", "helper = 1", `a.lua:1:1: global helper: write local helper`},
		{"long message is split, long text is not", `local v = accept{Class=("x"):rep(254)}`, `a.lua:1: accept: Class: 254 octets are more than the 253 that fit`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := tryLoad(t, map[string]string{"a.lua": c.script}, nil)
			if diff := cmp.Diff(c.want, errs.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAllErrorsAtOnce loads two wrong files and expects both to be told.
func TestAllErrorsAtOnce(t *testing.T) {
	_, errs := tryLoad(t, map[string]string{
		"a.lua": "on('hints', function(req) return req['A-B'] end)\non('hint', function() end)",
		"b.lua": "on('reply', {when={foo=1}}, function() end)",
	}, nil)
	for _, want := range []string{`unknown attribute "A-B"`, `no phase "hint"`, `unknown key "foo"`} {
		if !strings.Contains(errs.Error(), want) {
			t.Errorf("%q is missing in\n%s", want, errs.Error())
		}
	}
}

// TestStatesRegisterTheSame refuses scripts whose registrations depend on chance.
func TestStatesRegisterTheSame(t *testing.T) {
	_, errs := tryLoad(t, map[string]string{"a.lua": `
local n = tostring({}):gsub("%D", "")
on("hints", {name="h" .. tostring({})}, function() end)`}, nil)
	if !strings.Contains(errs.Error(), "all states must register the same") {
		t.Errorf("got %q", errs.Error())
	}
}
