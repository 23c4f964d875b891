package rewrite

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
	"perilune/policy/convert/output"
)

const someFunctions = `
string greet(string who) { return "hi " + who; }
integer pool(integer base) { return base + %[NAS-Port-Id] - %[NAS-Port-Id]/16; }
integer fixport() { %[NAS-Port-Id] = %[NAS-Port-Id] % 10000; return 0; }
string host(integer a) { return gethostbyaddr(a); }
string broken() { return nowhere(); }
integer unused() { return 5; }
`

// TestValue: what stands behind the = of a users value.
func TestValue(t *testing.T) {
	for _, c := range []struct{ text, target, want string }{
		{`greet(%[User-Name])`, "Reply-Message", `greet(req, req.user)`},
		{`"name=" + %[User-Name]`, "Reply-Message", `"name=" .. req.user`},
		{`"class " + %[Class] + (string)(%[NAS-Port-Id] + 1)`, "Reply-Message", `"class " .. (req["Class"] or "") .. ((req:int("NAS-Port") or 0) + 1)`},
		{`pool(10.10.10.1)`, "Framed-IP-Address", `net.ntoa(pool(req, net.aton("10.10.10.1")) % 2^32)`},
		{`10.0.0.1`, "Framed-IP-Address", `"10.0.0.1"`},
		{`%[NAS-IP-Address]`, "Framed-IP-Address", `req["NAS-IP-Address"] or "0.0.0.0"`},
		{`60 * 2`, "Session-Timeout", `60 * 2`},
		{`"60"`, "Session-Timeout", `60`},
		{`2`, "Service-Type", `"Framed-User"`},
		{`-1`, "Session-Timeout", `4294967295`},
		{`%[Session-Timeout] - 5`, "Session-Timeout", `((req:int("Session-Timeout") or 0) - 5) % 2^32`},
		{`%[User-Name] == "bob"`, "Session-Timeout", `req.user == "bob" and 1 or 0`},
		{`time()`, "Session-Timeout", `os.time()`},
		{`(integer)%[User-Name]`, "Session-Timeout", `users_line_7(req)`},
		{`%[User-Name] =~ "x*y"`, "Session-Timeout", `users_line_7(req)`},
		{`%[User-Name] = "x"`, "Reply-Message", `users_line_7(req)`},
		{`qprn(%[User-Name])`, "Reply-Message", `users_line_7(req)`},
		{`nas_name(request_source_ip())`, "Reply-Message", `users_line_7(req)`},
	} {
		p, _ := parse("f.rw", someFunctions)
		got, err := p.Value(c.text, raddb.Pos{File: "/etc/raddb/users", Line: 7, Col: 3}, known().Attribute(c.target))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
		load(t, p, nil).compile(got)
	}
}

// TestValueErrors: what cannot be a value says why.
func TestValueErrors(t *testing.T) {
	p, _ := parse("f.rw", someFunctions)
	for text, want := range map[string]string{
		``:                       `found the end of the file; expected "(" or another beginning of an expression`,
		`1 +`:                    `found the end of the file; expected "(" or another beginning of an expression`,
		`greet("a") x`:           `found "x"; expected the end of the expression`,
		`host(1)`:                `it asks a name server, which a computed value may not do: set the attribute in a hook`,
		`gethostbyname("a")`:     `it asks a name server, which a computed value may not do: set the attribute in a hook`,
		`broken()`:               `broken could not be translated; see f.rw:6:8`,
		`gret("a")`:              `gret is no function; did you mean "greet"?`,
		`greet()`:                `greet takes 1 arguments, found 0`,
		`greet`:                  `greet is no variable; a function is called with brackets behind its name`,
		`%[No-Such]`:             `%[No-Such]: the dictionary has no such attribute`,
		`\1`:                     `\1: no =~ comes before it in this function, so the match is that of whoever called it`,
		`"a" =~ "\(a\)\1"`:       `the regular expression "\\(a\\)\\1": the back-reference \1: what a group has matched cannot be asked for again; write this function by hand`,
		`sub(%[Class], "a", "")`: `sub: the regular expression must be written out, one that is computed cannot be translated; write this function by hand`,
	} {
		_, err := p.Value(text, raddb.Pos{File: "users", Line: 7}, nil)
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for name, want := range map[string]string{
		"nothing": `no function nothing`,
		"broken":  `the function broken could not be translated; see f.rw:6:8`,
		"greet":   `the function greet has parameters; one that a rule names by Rewrite-Function has none`,
		"fixpor":  `no function fixpor; did you mean "fixport"?`,
	} {
		if _, err := p.register(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if !p.Has("broken") || p.Has("nothing") || len(p.functions) == 0 {
		t.Error("Has or Empty is wrong")
	}
}

// TestRegistered: a function that rules name for its effect gives no value; the rest stays callable.
func TestRegistered(t *testing.T) {
	p, _ := parse("f.rw", someFunctions)
	if name, err := p.register("fixport"); name != "fixport" || err != nil {
		t.Fatal(name, err)
	}
	h := load(t, p, nil)
	golden(t, "testdata/registered.golden", h.tree.File(mainScript).String())
	ref, ok := h.pr.Rewrite("fixport")
	if !ok {
		t.Fatal("fixport is not registered")
	}
	r := h.request("NAS-Port", "20005")
	rn := h.pr.Acquire()
	if v := rn.Rewrite(ref, r); v != nil {
		t.Fatal(v.Reason, h.log.String())
	}
	if diff := cmp.Diff("NAS-Port = 5", listText(&r.Attributes)); diff != "" {
		t.Error(diff)
	}
}

// TestShared: functions that hints call as well are in lib/rewrite.lua, and users rules find them all the same.
func TestShared(t *testing.T) {
	source := someFunctions + `
string twice(string s) { return s + s; }
integer up(integer n) { if (n > 3) return n; return down(n + 2); }
integer down(integer n) { return up(n - 1); }
integer fixuser() { %[User-Name] = twice(%[User-Name]); %[NAS-Port-Id] = up(1); fixport(); return 1; }
`
	p, _ := parse("f.rw", source)
	call, err := p.Share("fixuser")
	if err != nil {
		t.Fatal(err)
	}
	inline, err := p.Inline(`greet(%[User-Name])`, raddb.Pos{File: "hints", Line: 3}, known().Attribute("Filter-Id"))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := p.Inline(`sub("^a", "b", %[User-Name])`, raddb.Pos{File: "hints", Line: 4}, known().Attribute("Class"))
	if err != nil {
		t.Fatal(err)
	}
	value, err := p.Value(`greet("x")`, raddb.Pos{File: "users", Line: 1}, known().Attribute("Reply-Message"))
	if err != nil || !p.shared {
		t.Fatal(err)
	}
	hints := "local functions = require(\"lib.rewrite\")\n\non(\"hints\", function(req)\n  " + call + "(req)\n" +
		"  req[\"Filter-Id\"] = " + inline + "\n  req[\"Class\"] = " + lines + "\nend)\n"
	h := load(t, p, map[string]string{"scripts/hints.lua": hints})
	golden(t, "testdata/shared.golden", h.tree.File(sharedScript).String()+"== rewrite.lua\n"+h.tree.File(mainScript).String()+"== hints.lua\n"+hints)
	refs := h.compile(value)
	r := h.request("User-Name", "ann")
	rn := h.pr.Acquire()
	if v := rn.Run(0, r); v != nil {
		t.Fatal(v.Reason, h.log.String())
	}
	if diff := cmp.Diff(`User-Name = "annann", NAS-Port = 4, Filter-Id = "hi annann", Class = 0x626e6e616e6e`, listText(&r.Attributes)); diff != "" {
		t.Error(diff)
	}
	if got := h.value(refs[0], "Reply-Message", r); got != "hi x" {
		t.Errorf("%q", got)
	}
}

// TestNoSources: a program without functions serves expressions, and writes nothing for them.
func TestNoSources(t *testing.T) {
	p, errs := Parse(nil, known().GNUAttribute)
	text, err := p.Value(`"a" + (string)1`, raddb.Pos{}, nil)
	if errs != nil || err != nil || text != `"a" .. "1"` || len(p.functions) > 0 {
		t.Fatal(errs, err, text)
	}
	var out output.Tree
	var report output.Report
	p.Write(&out, &report)
	if names := out.Names(); names != nil || len(report.Notes()) > 0 {
		t.Error(names, report.Notes())
	}
}
