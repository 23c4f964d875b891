package rewrite

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
	"perilune/policy"
	"perilune/policy/module"
)

// A probe is an expression of a users value, and what it must give.
type probe struct{ expr, want string }

// probes evaluates expressions over a source for Reply-Message, one request for all.
func probes(t *testing.T, source string, list []probe, attrs ...string) *house {
	t.Helper()
	p, errs := parse("case.rw", source)
	if errs.Failed() {
		t.Fatal(errs)
	}
	target := known().Attribute("Reply-Message")
	var values []string
	for i, l := range list {
		value, err := p.Value(l.expr, raddb.Pos{File: "users", Line: i + 1}, target)
		if err != nil {
			t.Fatalf("%s: %v", l.expr, err)
		}
		values = append(values, value)
	}
	h := load(t, p, nil)
	r := h.request(attrs...)
	refs := h.compile(values...)
	for i, l := range list {
		if diff := cmp.Diff(l.want, h.value(refs[i], "Reply-Message", r)); diff != "" {
			t.Errorf("%s = %s (-want +got):\n%s%s\n%s", l.expr, values[i], diff, h.log.String(), h.text())
		}
	}
	return h
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestValues: what the golden files show is taken by the runtime, and does what it should.
func TestValues(t *testing.T) {
	h := probes(t, read(t, "values.rw"), []probe{
		{"f_prec()", "4|9|2|-3|24"},
		{"f_bool()", "010110"},
		{"f_cast()", "13"},
		{"f_len()", "6"},
		{"f_index()", "0-16"},
		{"f_substr()", "-bar-|bar|"},
		{"f_field()", "not||one"},
		{"f_gsub()", "StringS|Strings|N or N"},
		{"f_case()", "A-STRa-stra%20string%2Fvalue"},
		{"f_inet()", "2130706433|127.0.0.1|167772166"},
		{"f_attr()", "one|c0|changed|1|0||0"},
		{"f_del()", "changed|1"},
		{"f_req()", "1|192.0.2.7|Accounting-Request|9|4000"},
		{`f_mixed("7abc", 7)`, "1410"},
		{`f_hash("abcdefgh")`, "116737833"},
		{"f_big(65536, 65536)", "0"},
		{"f_big(4294967295, 4294967295)", "1"},
		{"f_big(100000, 100000)", "1410065408"},
		{"f_big(-3, 5)", "-15"},
		{"f_div(7, 2)", "301"},
		{"f_div(-7, 2)", "-301"},
		{"f_div(1, 0)", "failed"},
		{"f_quote()", `tab\there \"q\"` + "Fran\xe7ois\n"},
		{"f_escape()", "\a\x1bAB.\\(\"\\"},
		{"f_nls(1)", "abcone"},
		{"f_nls(2)", "abcmany"},
		{"f_net()", "16777472"},
		{"f_nas()", "name-192.0.2.7short-10.0.0.1full-10.0.0.1"},
		{"f_kinds()", "1"},
		{"1 + 2 * 3", "7"},
		{`"name=" + %[User-Name]`, "name=bob"},
		{`(integer)"0x1F" + (integer)"010" + (integer)"-7abc" + (integer)"x"`, "32"},
		{`%[User-Name] =~ "^b\(.*\)$"`, "1"},
		{`%[User-Name] =~ "^b\(.*\)$" && \1 == "ob"`, "1"},
		{`substr(%[User-Name], -1, 2)`, ""},
		{`substr(%[User-Name], 1, %[Session-Timeout])`, ""},
	}, "User-Name", "bob", "NAS-IP-Address", "10.0.0.1", "Class", "c0", "Class", "c1", "Class", "c2")
	if !strings.Contains(h.log.String(), "hello bob") {
		t.Errorf("logit is not logged: %s", h.log.String())
	}
}

// TestControl: statements do what they did, in the order in which they did it.
func TestControl(t *testing.T) {
	probes(t, read(t, "control.rw"), []probe{
		{"loops()", "1345xx"},
		{"nested(5)", "15"},
		{"chain(1)", "10"}, {"chain(2)", "20"}, {"chain(3)", "40"}, {"chain(4)", "30"},
		{"assigns(0)", "10"}, {"assigns(3)", "15"}, {"assigns(20)", "778"},
		{"shadow(1)", "12"}, {"shadow(0)", "0"}, {"shadow(-5)", "-5"},
		{"even(10)", "1"}, {"odd(10)", "0"}, {"end()", "1"},
		{"missing(1)", "yes"}, {"missing(0)", ""}, {"nothing()", "0"},
	})
}

// TestGroups: groups are those of the last match, and "" if it was none.
func TestGroups(t *testing.T) {
	probes(t, read(t, "groups.rw"), []probe{
		{`cisco_pid("ISDN 9:D:017")`, "15"}, {`cisco_pid("ISDN")`, "-1"},
		{`cisco_sid("1/2/3/4")`, "1"}, {`cisco_sid("x")`, "x"},
		{`basename("/a/b.c")`, "b"}, {`basename("ab")`, "ab"}, {`basename("/a.b/cd")`, "a"},
		{`realm("ann@example.net")`, "example.net of ann"}, {`realm("a@b@c")`, "b@c of a"}, {`realm("ann")`, "none"},
		{`either("aax")`, "aa"}, {`either("bx")`, "b"}, {`either("cx")`, ""},
		{`loose("ab12")`, "ab-12"}, {`loose("12")`, "-12"}, {`loose("?")`, "-"},
		{`walk("a,bc,d")`, "<a><bc><d>"}, {`walk("")`, ""},
		{`tests("xxABC")`, "2"}, {`tests("nothing")`, "1"}, {`tests("y")`, "0"}, {`tests("ABCy")`, "1"},
		{`plain("prefix")`, "1"}, {`plain("a fix")`, "2"}, {`plain("whole")`, "3"}, {`plain("xa-b")`, "4"},
		{`plain("x")`, "5"}, {`plain("aa5")`, "6"}, {`plain("1x15")`, "7"}, {`plain("5")`, "0"},
	})
}

// TestNumbers: the number at the beginning of a text is that of C, at run time and when the text is written out.
func TestNumbers(t *testing.T) {
	var list []probe
	for text, want := range map[string]string{
		"": "0", "x": "0", "12": "12", "7abc": "7", " 12": "12", "010": "8", "08": "0", "0": "0", "0x1f": "31", "0X1F": "31", "0x": "0",
		"0x1g": "1", "-5": "-5", "+5": "5", "--5": "0", "+-5": "0", "- 5": "0", "-010": "-8", "-0x10": "-16", "4294967295": "4294967295",
		"4294967296": "0", "-2147483648": "-2147483648", "-2147483649": "2147483647", "12.5": "12", "1e3": "1",
	} {
		list = append(list, probe{fmt.Sprintf("number(%q)", text), want}, probe{fmt.Sprintf("(integer)%q", text), want})
	}
	probes(t, "integer number(string s) { return (integer)s; }", list)
}

// TestLibrary: the parts of lib/gnu.lua that other tests do not reach.
func TestLibrary(t *testing.T) {
	probes(t, `
string part(string s, integer from, integer n) { return substr(s, from, n); }
string code(integer n) { return request_code_string(n); }
integer big(integer a) { integer i; i = 0; while (i < 3) { a = a * a; i = i + 1; } return a; }
integer shift(integer a) { return a << 4 | a >> 28; }
string word(string s, integer n) { return field(s, n); }
string back(string s) { return unquote_string(quote_string(s)); }
`, []probe{
		{`part("foobar", 2, 3)`, "oba"}, {`part("foobar", 0, -1)`, "foobar"}, {`part("foobar", -2, 3)`, ""}, {`part("foobar", 6, 3)`, ""},
		{`part("foobar", 5, 30)`, "r"}, {`part("foobar", 2, 0)`, ""},
		{`code(4)`, "Accounting-Request"}, {`code(99)`, "99"},
		{`big(3)`, "6561"}, {`big(1000)`, "2701131776"},
		{`shift(4026531841)`, "31"}, {`shift(-1)`, "4294967295"},
		{`word("a  b\tc", 3)`, "c"}, {`word("a", 0)`, ""}, {`word("a", -1)`, ""},
		{`back("a\t\"\\\351\001")`, "a\t\"\\\xe9\x01"},
	})
}

// TestReserved: no name of the API is free for functions and variables.
func TestReserved(t *testing.T) {
	for _, e := range policy.API() {
		if e.Of == policy.OfGlobal && !reserved[e.Name] {
			t.Errorf("%s is not reserved", e.Name)
		}
	}
	for name := range module.Globals() {
		if !reserved[name] {
			t.Errorf("%s is not reserved", name)
		}
	}
}

// TestHooks: functions that rules name change the request and say nothing.
func TestHooks(t *testing.T) {
	p, errs := parse("hooks.rw", read(t, "hooks.rw"))
	if errs != nil {
		t.Fatal(errs)
	}
	for _, name := range []string{"early", "mixed", "log_all"} {
		if _, err := p.register(name); err != nil {
			t.Fatal(err)
		}
	}
	h := load(t, p, nil)
	for _, c := range []struct {
		name  string
		attrs []string
		want  string
	}{
		{"early", nil, ""},
		{"early", []string{"NAS-Port", "7"}, "NAS-Port = 7, NAS-Port = 3"},
		{"early", []string{"NAS-Port", "101"}, "NAS-Port = 101, Session-Timeout = 4294967291, Acct-Session-Time = 5"},
		{"mixed", []string{"User-Name", "ab", "Class", "5%", "NAS-Port", "2"}, `User-Name = "a5100%ab%", Class = 0x3525, NAS-Port = 2, ` +
			`Framed-IP-Address = 10.0.0.1, Framed-IP-Netmask = 255.255.255.0, NAS-IP-Address = 255.255.255.255, Login-IP-Host = 10.1.2.3`},
		{"mixed", []string{"User-Name", "@ab"}, `User-Name = "@a@ab%", Framed-IP-Address = 10.0.0.1, Framed-IP-Netmask = 255.255.255.0, NAS-IP-Address = 255.255.255.249, Login-IP-Host = 10.1.2.3`},
	} {
		ref, _ := h.pr.Rewrite(c.name)
		r := h.request(c.attrs...)
		rn := h.pr.Acquire()
		if v := rn.Rewrite(ref, r); v != nil {
			t.Errorf("%s %v: %s\n%s", c.name, c.attrs, v.Reason, h.log.String())
		}
		rn.End(r)
		h.pr.Release(rn)
		if diff := cmp.Diff(c.want, listText(&r.Attributes)); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", c.name, c.attrs, diff)
		}
	}
}
