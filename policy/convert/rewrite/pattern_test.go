package rewrite

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	golua "github.com/yuin/gopher-lua"
	"pgregory.net/rapid"

	"perilune/policy/convert/output"
	"perilune/policy/sandbox"
)

// TestTranslate: POSIX expressions in RE2's syntax, and as Lua's patterns where these say the same.
func TestTranslate(t *testing.T) {
	extended, icase, newline := flags{extended: true}, flags{icase: true}, flags{newline: true}
	for _, c := range []struct {
		source string
		flags  flags
		want   string // re2, then what Lua has
	}{
		{`abc`, flags{}, `abc plain "abc"`},
		{`^abc$`, flags{}, `^abc$ plain "abc" begin end`},
		{``, flags{}, ` plain ""`},
		{`a.c`, flags{}, `a.c lua a.c`},
		{`a\.c`, flags{}, `a\.c plain "a.c"`},
		{`a*`, flags{}, `a* lua a*`},
		{`*a`, flags{}, `\*a plain "*a"`},
		{`\(*a\)`, flags{}, `(\*a) lua (%*a)`},
		{`^*a`, flags{}, `^\*a plain "*a" begin`},
		{`a\{2\}b\{1,\}c\{0,3\}d\{,4\}`, flags{}, `a{2}b{1,}c{0,3}d{0,4}`},
		{`a{2}|b+?()`, flags{}, `a\{2\}\|b\+\?\(\) plain "a{2}|b+?()"`},
		{`a\+b\?\(c\|d\)`, flags{}, `a+b?(c|d)`},
		{`a{2}|b+c?(d)`, extended, `a{2}|b+c?(d)`},
		{`a{x`, extended, `a\{x plain "a{x"`},
		{`)a`, extended, `\)a plain ")a"`},
		{`+a`, extended, `\+a plain "+a"`},
		{`a^b$c`, flags{}, `a\^b\$c plain "a^b$c"`},
		{`a^b$c`, extended, `a^b$c`},
		{`a**`, flags{}, `(?:a*)*`},
		{`a*\{2\}`, flags{}, `(?:a*){2}`},
		{`[]a-c]`, flags{}, `[\]a-c] lua [%]a-c]`},
		{`[^]\n.]`, flags{}, `[^\]\\n.] lua [^%]\n.]`},
		{`[[:alpha:]_-]*@`, flags{}, `[[:alpha:]_\-]*@`},
		{`^[[:alpha:]_-]*@$`, flags{}, `^[[:alpha:]_\-]*@$ lua ^[%a_%-]*@$`},
		{`[[:blank:]]`, flags{}, `[[:blank:]]`},
		{`[[.a.][=b=]]`, flags{}, `[ab] lua [ab]`},
		{`[0-9]`, newline, `[0-9]`},
		{`[^0-9]`, newline, `(?m-s)[^\n0-9]`},
		{`^a.$`, newline, `(?m-s)^a.$`},
		{`AbC`, icase, `(?i)AbC`},
		{`^A.`, flags{icase: true, newline: true}, `(?im-s)^A.`},
		{`^\([^@]*\)@\(.*\)$`, flags{}, `^([^@]*)@(.*)$ lua ^([^@]*)@(.*)$`},
		{`\([^@]*\)@\(.*\)`, flags{}, `([^@]*)@(.*)`},
		{`\<a\>\b\w\W`, flags{}, `\ba\b\b[0-9A-Za-z_][^0-9A-Za-z_]`},
		{"\xe4\x01", flags{}, `\xe4\x01 plain "\xe4\x01"`},
		{`a%b-c`, flags{}, `a%b-c plain "a%b-c"`},
		{`x[0-9]*`, flags{}, `x[0-9]* lua x[0-9]*`},
		{`[0-9]*x`, flags{}, `[0-9]*x`},
		{`\(\)a`, flags{}, `()a`},
	} {
		p, err := translate(c.source, c.flags)
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		got := p.re2
		switch {
		case p.isPlain:
			got += fmt.Sprintf(" plain %q", p.plain)
			got += strings.Repeat(" begin", b2i(p.begin)) + strings.Repeat(" end", b2i(p.end))
		case p.lua != "":
			got += " lua " + p.lua
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.source, diff)
		}
	}
}

func TestTranslateErrors(t *testing.T) {
	extended := flags{extended: true}
	for _, c := range []struct {
		source string
		flags  flags
		want   string
	}{
		{`\(a`, flags{}, `the group "\\(a" is not closed`},
		{`(a`, extended, `the group "(a" is not closed`},
		{`a\)`, flags{}, `\) closes no group`},
		{`[a`, flags{}, `a [ is not closed`},
		{`[[:alpha`, flags{}, `a [ is not closed`},
		{`[[:vowel:]]`, flags{}, `"[:vowel:]" is no class of characters`},
		{`[z-a]`, flags{}, `the range "z-a" is none`},
		{`a\`, flags{}, `a backslash at the end`},
		{`\(a\)\1`, flags{}, `the back-reference \1: what a group has matched cannot be asked for again`},
		{`(a)\2`, extended, `the back-reference \2: what a group has matched cannot be asked for again`},
		{`\{2\}`, flags{}, `\{ follows nothing`},
		{`a\{3,2\}`, flags{}, `the repetition \{3,2 is none`},
		{`a\{2`, flags{}, `the repetition \{2 is none`},
		{`a\{300\}`, flags{}, `the repetition \{300\} is above 255`},
		{`\(\(a\{200\}\)\{200\}\)`, flags{}, "invalid repeat count: `{200}`"},
		{strings.Repeat("(", 60) + strings.Repeat(")", 60), extended, `groups are nested deeper than 50`},
	} {
		_, err := translate(c.source, c.flags)
		if err == nil {
			t.Errorf("%s: no error", c.source)
			continue
		}
		if diff := cmp.Diff(c.want, err.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.source, diff)
		}
	}
}

// TestLuaPatterns: what is written as a pattern of Lua finds the same, groups and all, as the expression does.
func TestLuaPatterns(t *testing.T) {
	s := sandbox.New(sandbox.Limits{}, sandbox.Host{Seed: 1})
	defer s.Close()
	var found []string
	s.SetGlobal("out", sandbox.NewFunction(func(l *golua.LState) int {
		found = nil
		for i := 1; i <= l.GetTop(); i++ {
			found = append(found, l.Get(i).String())
		}
		return 0
	}))
	atoms := []string{"a", "b", ".", "[ab]", "[^a]", `\(a`, `\(b*`, `\(.*`, `\)`, "a*", "b*", "[ab]*", ".*", `a\+`, `b\?`, "@"}
	rapid.Check(t, func(t *rapid.T) {
		source := strings.Join(rapid.SliceOfN(rapid.SampledFrom(atoms), 1, 6).Draw(t, "atoms"), "")
		source = rapid.SampledFrom([]string{"", "^"}).Draw(t, "begin") + source + rapid.SampledFrom([]string{"", "$"}).Draw(t, "end")
		p, err := translate(source, flags{})
		if err != nil || p.lua == "" {
			t.Skip(source)
		}
		text := rapid.StringMatching(`[ab@]{0,7}`).Draw(t, "text")
		re := regexp.MustCompile("(?s)" + p.re2)
		re.Longest()
		var want []string
		if m := re.FindStringSubmatchIndex(text); m != nil {
			want = append(want, fmt.Sprint(m[0]+1), fmt.Sprint(m[1]))
			for i := 2; i < len(m); i += 2 {
				want = append(want, text[m[i]:m[i+1]])
			}
		} else {
			want = []string{"nil"}
		}
		program, errs := sandbox.Compile("t.lua", []byte(fmt.Sprintf("out(string.find(%s, %s))", output.LuaString(text), output.LuaString(p.lua))), sandbox.Options{Globals: map[string][]string{"out": nil}})
		if errs.Failed() {
			t.Fatal(errs)
		}
		if err := s.Load(program); err != nil {
			t.Fatal(source, err)
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%s as %s in %q (-want +got):\n%s", source, p.lua, text, diff)
		}
	})
}
