package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/engine/users"
)

// TestHuntgroupForUsers: what a users rule asks: true, false, unknown, or the end of the request.
func TestHuntgroupForUsers(t *testing.T) {
	for _, c := range []struct {
		options, body string
		code          radius.Code
		truth         users.Truth
		verdict       string
		told          string
	}{
		{"", "return true", radius.CodeAccessRequest, users.True, "", ""},
		{"", "return false", radius.CodeAccessRequest, users.False, "", ""},
		{"", "return nil", radius.CodeAccessRequest, users.False, "", ""},
		{"", "return", radius.CodeAccessRequest, users.False, "", ""},
		{"", "return 0", radius.CodeAccessRequest, users.Unknown, "reject", "returned a number, expected true, false or nil"},
		{"", "return 'yes'", radius.CodeAccessRequest, users.Unknown, "reject", "returned a string, expected true, false or nil"},
		{"", "return accept", radius.CodeAccessRequest, users.Unknown, "reject", "returned a function, expected true, false or nil"},
		{"", "error('x')", radius.CodeAccessRequest, users.Unknown, "reject", "x"},
		{"", "error('x')", radius.CodeAccountingRequest, users.Unknown, "drop", "x"},
		{"on_error='drop'", "error('x')", radius.CodeAccessRequest, users.Unknown, "drop", "x"},
		{"on_error='continue'", "error('x')", radius.CodeAccessRequest, users.Unknown, "", "x"},
		{"on_error='continue'", "return 5", radius.CodeAccessRequest, users.Unknown, "", "returned a number, expected true, false or nil"},
		{"", "local n = 'Class' req[n] = 'x'", radius.CodeAccessRequest, users.Unknown, "reject", "req cannot be changed in huntgroup"},
	} {
		t.Run(c.options+" "+c.body+" "+c.code.String(), func(t *testing.T) {
			h := load(t, fmt.Sprintf("local function f(req) %s end\nhuntgroup('a.lua:1', {%s}, f)", c.body, c.options))
			ref, ok := h.pr.Huntgroup("a.lua:1")
			if _, other := h.pr.Huntgroup("other"); !ok || other {
				t.Fatal("the huntgroup is not known by its name")
			}
			rn, r := h.pr.Acquire(), h.request(c.code, "User-Name", "bob")
			truth, v := rn.Huntgroup(ref, r)
			verdict := ""
			if v != nil {
				verdict = v.Kind.String()
			}
			if truth != c.truth || verdict != c.verdict {
				t.Errorf("got %v, %q, want %v, %q\n%s", truth, verdict, c.truth, c.verdict, h.log)
			}
			if !strings.Contains(h.log.String(), c.told) || (c.told == "") != (h.log.Len() == 0) {
				t.Errorf("log %s, want %q", h.log, c.told)
			}
		})
	}
}

// TestHuntgroupIsAskedOnce: its answer is kept for the request, by whomever it was asked, and for no other one.
func TestHuntgroupIsAskedOnce(t *testing.T) {
	h := load(t, `
huntgroup("air", function(req) req.ctx.n = (req.ctx.n or 0) + 1 req:note("n", req.ctx.n) return req.user == "ann" end)
huntgroup("ground", function(req) return not req:huntgroup("air") end)
huntgroup("self", function(req) return req:huntgroup("self") end)
on("huntgroups", {when={huntgroup="air"}}, function(req) req:note("h", tostring(req:huntgroup("air")) .. tostring(req:huntgroup("ground"))) end)
on("authorize", function(req) req.user = "other" req:note("a", tostring(req:huntgroup("air"))) req:note("self", tostring(req:huntgroup("self"))) end)`)
	ref, _ := h.pr.Huntgroup("air")
	rn := h.pr.Acquire()
	for user, want := range map[string]string{"ann": "n=1 h=truefalse a=true self=false", "bob": "n=1 a=false self=false"} {
		r := h.access("User-Name", user)
		rn.Run(server.PhaseHuntgroups, r)
		truth, _ := rn.Huntgroup(ref, r)
		rn.Run(server.PhaseAuthorize, r)
		rn.End(r)
		if diff := cmp.Diff(want, noteText(r)); diff != "" || (truth == users.True) != (user == "ann") {
			t.Errorf("%s: %v (-want +got):\n%s%s", user, truth, diff, h.log)
		}
	}
}

// TestRewriteForUsers: it may change all three lists, its result is ignored, a verdict in it is a mistake.
func TestRewriteForUsers(t *testing.T) {
	for _, c := range []struct{ options, body, want, verdict, told string }{
		{"", `req.user = "new" req.control["Class"] = "c" req.reply["Class"] = "r" return 5, 6`,
			`User-Name = "new", Orig-User-Name = "bob" | Class = 0x63 | Class = 0x72`, "", ""},
		{"", `return reject`, `User-Name = "bob" |  | `, "", ""},
		{"", `return reject{}`, `User-Name = "bob" |  | `, "reject", "reject{} was made, but a rewrite decides nothing"},
		{"", `req.user = "new" error("no")`, `User-Name = "new", Orig-User-Name = "bob" |  | `, "reject", "no"},
		{"on_error='continue'", `req.user = "new" req.reply["Class"] = "r" error("no")`, `User-Name = "bob" |  | `, "", "no"},
		{"on_error='drop'", `error("no")`, `User-Name = "bob" |  | `, "drop", "no"},
	} {
		t.Run(c.options+" "+c.body, func(t *testing.T) {
			h := load(t, fmt.Sprintf("local function f(req) %s end\nrewrite('a.lua:1', {%s}, f)", c.body, c.options))
			ref, ok := h.pr.Rewrite("a.lua:1")
			if !ok {
				t.Fatal("the rewrite is not known by its name")
			}
			rn, r := h.pr.Acquire(), h.access("User-Name", "bob")
			verdict := ""
			if v := rn.Rewrite(ref, r); v != nil {
				verdict = v.Kind.String()
			}
			got := listText(&r.Attributes) + " | " + listText(&r.Control) + " | " + listText(&r.Reply)
			if diff := cmp.Diff([]string{c.want, c.verdict}, []string{got, verdict}); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, h.log)
			}
			if !strings.Contains(h.log.String(), c.told) || (c.told == "") != (h.log.Len() == 0) {
				t.Errorf("log %s, want %q", h.log, c.told)
			}
		})
	}
}

// TestExpressionValues: an `=` value sees req, rewrites and modules, is converted by the type of its attribute, and
// its failure names the users file's line.
func TestExpressionValues(t *testing.T) {
	h := load(t, `
rewrite("double", function(req, n) return (n or 1) * 2 end)
rewrite("not a name", function(req) return 1 end)
huntgroup("air", function(req) return true end)`)
	at := raddb.Pos{File: "users", Line: 42}
	for _, c := range []struct{ source, attr, want, told string }{
		{`"text"`, "Reply-Message", `Reply-Message = "text"`, ""},
		{`5`, "Reply-Message", `Reply-Message = "5"`, ""},
		{`"5"`, "Session-Timeout", "Session-Timeout = 5", ""},
		{`double(req, 21)`, "Session-Timeout", "Session-Timeout = 42", ""},
		{`double(req)`, "Session-Timeout", "Session-Timeout = 2", ""},
		{`"10.0.0." .. req:int("NAS-Port")`, "Framed-IP-Address", "Framed-IP-Address = 10.0.0.7", ""},
		{`"Framed"`, "Service-Type", "Service-Type = Framed-User", ""},
		{`req:huntgroup("air") and 1 or 2`, "Session-Timeout", "Session-Timeout = 1", ""},
		{`{Down=5}`, "Acme-QoS", "Acme-QoS.Down = 5", ""},
		{`os.date("!%Y", 0)`, "Reply-Message", `Reply-Message = "1970"`, ""},
		{`nil`, "Reply-Message", "", ""},
		{`false and 5 or nil`, "Reply-Message", "", ""},
		{`true`, "Reply-Message", "", "Reply-Message: got a boolean, expected text"},
		{`{"a", "b"}`, "Reply-Message", "", "Reply-Message: got a table, expected text"},
		{`1.5`, "Session-Timeout", "", "Session-Timeout: 1.5 has a fraction, expected a whole number"},
		{`"here"`, "Framed-IP-Address", "", `Framed-IP-Address is "here"; expected an IPv4 address`},
		{`req["Class"] .. "x"`, "Reply-Message", "", "attempt to concatenate a nil value"},
		{`req["noth".."ing"]`, "Reply-Message", "", `req has no field or method "nothing"`},
		{`req.reply:add("Class", "x")`, "Reply-Message", "", "req.reply cannot be changed in expression"},
		{`double({})`, "Session-Timeout", "Session-Timeout = 2", ""},
		{`(function() while true do end end)()`, "Reply-Message", "", "step budget spent"},
	} {
		t.Run(c.source, func(t *testing.T) {
			h.log.Reset()
			ref, err := h.pr.Expression(c.source, at)
			if err != nil {
				t.Fatal(err)
			}
			rn, r := h.pr.newRunner(), h.access("NAS-Port", "7")
			a := h.gen.Dictionary.Attribute(c.attr)
			value, ok, v := rn.Evaluate(ref, r, &server.Pair{Attr: a})
			var got string
			if ok {
				r.Reply.Add(a.AnyTag(), value)
				got = listText(&r.Reply)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || (v != nil) != (c.told != "") {
				t.Errorf("verdict %+v (-want +got):\n%s%s", v, diff, h.log)
			}
			text := strings.ReplaceAll(h.log.String(), `\"`, `"`)
			if !strings.Contains(text, c.told) || c.told != "" && !strings.Contains(text, `msg="users:42: expression `) {
				t.Errorf("log %s, want %q at users:42", text, c.told)
			}
		})
	}
	for source, want := range map[string]string{
		`1 +`:                `the expression "1 +": the file ends too early; expected more`,
		`) or (`:             `the expression ") or (": syntax error near ")"`,
		`nobody(req)`:        `the expression "nobody(req)": unknown name nobody`,
		`on("hints", print)`: `the expression "on(\"hints\", print)": unknown name on`,
		`accept{}`:           `the expression "accept{}": unknown name accept; did you mean "assert"?`,
		`x = 5`:              `the expression "x = 5": syntax error near "="`,
		``:                   `the expression "": nothing stands behind the =`,
		`"a" return "b"`:     `the expression "\"a\" return \"b\"": syntax error near "return"`,
		`"a"; error("b")`:    `the expression "\"a\"; error(\"b\")": syntax error near "error"`,
	} {
		_, err := h.pr.Expression(source, at)
		if err == nil {
			t.Errorf("%s is taken", source)
			continue
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}

// TestAuthTypes: a handler's name is a VALUE of Auth-Type, found by its number; others are not.
func TestAuthTypes(t *testing.T) {
	h := load(t, `
auth_type("otp", function(req) return reject{reason="otp"} end)
auth_type("sso", function(req) return accept{} end)
on("authorize", function(req) req.control["Auth-Type"] = "sso" end)`)
	rn := h.pr.Acquire()
	a := h.gen.Dictionary.Known.AuthType
	for name, want := range map[string]server.Kind{"otp": server.Reject, "sso": server.Accept} {
		n, ok := a.ValueNumber(name)
		v, found := rn.AuthType(uint32(n), h.access("User-Name", "bob"))
		if !ok || !found || v == nil || v.Kind != want {
			t.Errorf("%s (%d): %+v, found %v", name, n, v, found)
		}
	}
	if _, found := rn.AuthType(1, h.access("User-Name", "bob")); found {
		t.Error("a built-in Auth-Type was taken for a script's")
	}
	r := h.access("User-Name", "bob")
	rn.Run(server.PhaseAuthorize, r)
	if got := listText(&r.Control); got != "Auth-Type = sso" {
		t.Errorf("control %s\n%s", got, h.log)
	}
}
