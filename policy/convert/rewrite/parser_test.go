package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	luaparse "github.com/yuin/gopher-lua/parse"
)

// TestErrors: each error has its place and says what was found and what was expected; all of a file are told, and
// the functions without errors are there.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"brace", "integer f() { return 1;", `1:24: found the end of the file; expected "}" at the end of the block`},
		{"semicolon", "integer f() {\n\treturn 1\n}", `3:1: found "}"; expected ";" after the statement`},
		{"two statements", "integer f() { x; 1 + ; return y; }", "1:15: x is no variable\n1:22: found \";\"; expected \"(\" or another beginning of an expression\n1:31: y is no variable"},
		{"for", "integer f() { for (;;) ; }", `1:15: found "for"; expected a statement: the language has no for; write while`},
		{"initialiser", "integer f() { integer i = 5; return i; }", `1:25: found "="; expected ";": a declaration gives no value, write an assignment below it`},
		{"late declaration", "integer f() { ; integer i; return 1; }", `1:17: found "integer"; expected a statement: declarations stand at the beginning of a block`},
		{"keyword", "integer if() { }", `1:9: "if" is a word of the language; expected the name of the function`},
		{"no type", "f() { }", `1:1: found "f"; expected a function: integer or string, its name and parameters`},
		{"parameter", "integer f(a) { return 1; }", `1:11: found "a"; expected the type of a parameter, integer or string`},
		{"assign to number", "integer f() { 1 = 2; }", `1:17: only a variable or %[attribute] can stand before =; did you mean ==?`},
		{"compound", "integer f(integer a) { a += 1; return a; }", `1:27: found "="; expected "(" or another beginning of an expression`},
		{"question", "integer f(integer a) { return a ? 1 : 2; }", "1:33: found \"?\", which begins nothing in this language\n1:35: found a number; expected \";\" after the statement\n1:37: found \":\", which begins nothing in this language"},
		{"computed expression", "integer f(string s) { return s =~ s; }", `1:35: found "s"; expected a string behind =~: the regular expression must be written out`},
		{"presence", "integer f(integer s) { return *s; }", `1:32: found "s"; expected %[attribute] after *`},
		{"delete", "integer f(integer s) { delete s; return 1; }", `1:31: found "s"; expected %[attribute] after delete`},
		{"attribute", "integer f() { return %[Nas-Prt]; }", `1:22: %[Nas-Prt]: the dictionary has no such attribute`},
		{"open attribute", "integer f() { return %[NAS-Port; }\n", "1:22: %[NAS-Port; } is not closed; expected ]\n2:1: found the end of the file; expected \";\" after the statement\n2:1: found the end of the file; expected \"}\" at the end of the block"},
		{"tlv", "string f() { return %[Vendor-Specific]; }", `1:21: %[Vendor-Specific]: an attribute of type vsa has no value here; name its parts`},
		{"variable", "integer f(integer count) { return cont; }", `1:35: cont is no variable; did you mean "count"?`},
		{"function as variable", "integer f() { return f; }", `1:22: f is no variable; a function is called with brackets behind its name`},
		{"twice", "integer f(integer a) {\ninteger b, b;\nreturn a; }", `2:12: b is declared twice, the first time on line 2`},
		{"function", "integer f() { return lenght(\"a\"); }", `1:22: lenght is no function; did you mean "length"?`},
		{"arguments", "integer f() { return length(); }", `1:22: length takes 1 arguments, found 0`},
		{"string operator", `integer f() { return "a" - "b"; }`, `1:26: - stands between strings; expected numbers, write (integer) before them`},
		{"division", "integer f() { return 5 / 0; }", `1:24: division by zero`},
		{"break", "integer f() { break; return 1; }", `1:15: break stands outside of a loop`},
		{"unclosed string", "integer f() { return length(\"abc); }\n", "1:29: the string is not closed on its line; expected a \"\n2:1: found the end of the file; expected \")\" after the arguments\n2:1: found the end of the file; expected \"}\" at the end of the block"},
		{"character", "integer f() { return 'ab'; }", `1:22: found 'ab; expected one character between single quotes`},
		{"number", "integer f() { return 09 + 4294967296 + 1_0 + 0x; }", "1:22: found \"09\"; expected a number up to 4294967295, in C's form\n1:27: found \"4294967296\"; expected a number up to 4294967295, in C's form\n1:40: found \"1_0\"; expected a number up to 4294967295, in C's form\n1:46: found \"0x\"; expected a number up to 4294967295, in C's form"},
		{"address", "integer f() { return 10.0.0; }", "1:22: found \"10.0.0\"; expected a number or an address such as 10.0.0.1\n1:28: found \";\"; expected \"(\" or another beginning of an expression"},
		{"comment", "integer f() { return 1; }\n/* no end", "2:1: the comment is not closed; expected */"},
		{"pragma", "#pragma regex +extend icase\ninteger f() { return 1; }", "1: #pragma regex: found \"+extend\"; expected + or - and extended, icase or newline\n1: #pragma regex: found \"icase\"; expected + or - and extended, icase or newline"},
		{"back-reference", `integer f(string s) { return s =~ "\(a\)\1"; }`, `1:35: the regular expression "\\(a\\)\\1": the back-reference \1: what a group has matched cannot be asked for again; write this function by hand`},
		{"group", `string f(string s) { return \1; }`, `1:29: f: \1: no =~ comes before it in this function, so the match is that of whoever called it; write this function by hand`},
		{"group of nothing", `string f(string s) { if (s =~ "\(a\)") return \2; return ""; }`, `1:47: f: \2: the expression that it belongs to has fewer groups; write this function by hand`},
		{"group of another", "integer g(string s) { return s =~ \"\\(x\\)\"; }\nstring f(string s) { if (s =~ \"\\(a\\)\" && g(s)) return \\1; return s; }", `2:55: f: \1: the match may be one of a function that was called; write this function by hand`},
		{"deep", "integer f() { return " + strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200) + "; }", "1:71: nested deeper than 100"},
		{"loops", "integer f() { " + strings.Repeat("while (1) ", 9) + "break; return 1; }", `1:105: found "break"; expected no further loop: loops are nested deeper than 8`},
		{"long", "integer f() { return 1" + strings.Repeat("+1", 200) + "; }", `1:223: found "+"; expected an end: more than 100 operators in a row`},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := strings.Contains(c.want, "end of the file") || c.name == "comment"
			if !open {
				c.source += "\ninteger good() { return 1; }\n"
			}
			p, errs := parse("f.rw", c.source)
			var lines []string
			for _, e := range errs {
				lines = append(lines, strings.TrimPrefix(e.Error(), "f.rw:"))
			}
			if diff := cmp.Diff(strings.Split(c.want, "\n"), lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if good := p.named["good"]; !open && (good == nil || good.broken) {
				t.Error("the function behind the error is lost")
			}
		})
	}
}

// TestBrokenCallers: who calls what could not be translated is left out as well, and told.
func TestBrokenCallers(t *testing.T) {
	got := translated("f.rw", "integer a() { return b(); }\ninteger b() { return c(); }\ninteger c() { return x; }\ninteger d() { return 1; }\n")
	want := `-- rewrite: functions that the users file calls by name, or whose results it takes as values.
-- Converted from f.rw, lines 1 to 4.

rewrite("d", function(req)
  return 1
end)

--! f.rw:1:9: a is left out: it calls b, which could not be translated
--! f.rw:2:9: b is left out: it calls c, which could not be translated
--! f.rw:3:22: x is no variable
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestForms: line ends of other systems, octets of Latin-1, a missing last newline, several files.
func TestForms(t *testing.T) {
	p, errs := Parse([]Source{
		{"a.rw", []byte("# Gr\xfc\xdfe\r\nstring hello()\r\n{\r\n\treturn \"gr\xfc\xdf \" + name();\t// \xe4\r\n}")},
		{"b.rw", []byte("string name() { return \"w\xc3\xb6rld\"; }\n\nstring name() { return \"again\"; }\nstring $x$y() { return 'a' + \"1\"; }")},
	}, known().GNUAttribute)
	if errs != nil {
		t.Fatal(errs)
	}
	h := load(t, p, nil)
	golden(t, "testdata/forms.golden", h.tree.File(mainScript).String()+report(h))
}

func report(h *house) string {
	var b strings.Builder
	h.rep.Print(&b)
	return b.String()
}

// FuzzParse: no source crashes, what comes out is Lua, and the same each time.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		someFunctions, "integer f() { while (1) { if (%[A] =~ \"\\(x\\)*\") continue; } do ; while (0); }", "string g(string s) { return \\1 + 'a' + \"\\x41\"; }",
		"#pragma regex +extended -icase\n/* */ integer f(integer a) { delete %[Class](a); return (integer)\"7\" << 2; }",
		"integer f(integer a) { integer b; b = (a = 3) && !(b = 4) || -a; { integer b; b = 5; } return b; }",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, errs := parse("f.rw", source)
		for _, e := range errs {
			if e.Pos.Line < 1 {
				t.Errorf("no place: %v", e)
			}
		}
		text := p.text()
		if again, _ := parse("f.rw", source); again.text() != text {
			t.Error("the same source gives another text")
		}
		if _, err := luaparse.Parse(strings.NewReader(text), "rewrite.lua"); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	})
}
