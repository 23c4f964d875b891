package module

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestPOSIX: the longest of the matches that begin first, octet by octet, with the methods of re.compile.
func TestPOSIX(t *testing.T) {
	check(t, &Env{}, []fact{
		{`out(re.posix("a|ab"):match("xab"), re.compile("a|ab"):match("xab"))`, "ab a"},
		{`out(re.posix("(a|ab)(c|bcd)"):match("abcd"))`, "a bcd"},
		{`local r = re.posix("^(.*)@(.*)$") out(r:match("ann@b@c")) out(r:test("ann"), r)`, "ann@b c\nfalse ^(.*)@(.*)$"},
		{`out(re.posix("a.b"):test("a\nb"), re.compile("a.b"):test("a\nb"), re.posix("(?-s)a.b"):test("a\nb"))`, "true false false"},
		{`out(re.posix("^.$"):test("\228"), re.posix("^..$"):test("ä"), re.compile("^.$"):test("ä"))`, "true true true"},
		{`out(re.posix("\228+"):match("x\228\228y") == "\228\228", re.posix("\\xe4(.)"):match("\228\246") == "\246")`, "true true"},
		{`local s, n = re.posix("\246"):gsub("\228\246\252", "oe") out(s == "\228oe\252", n)`, "true 1"},
		{`local all = re.posix("[^a]"):all("a\195\164a") out(#all, all[1] == "\195")`, "2 true"},
		{`out(re.posix("a"):gsub("aaa", "b", 1)) out(re.compile("a"):gsub("aaa", "b", 0)) out(re.compile("a"):gsub("aaa", "b", 9))`, "baa 1\naaa 0\nbbb 3"},
		{`re.compile("a"):gsub("a", "b", -1)`, "error: t.lua:1: argument 4 is number, expected a whole number from 0"},
		{`re.compile("a"):gsub("a", "b", 0.5)`, "error: t.lua:1: argument 4 is number, expected a whole number from 0"},
		{`out(re.posix("("))`, "nil error parsing regexp: missing closing ): `(`"},
		{`out(re.posix("a") == re.compile("a"), re.posix("a") == re.posix("a"))`, "false true"},
	})
}

// TestPOSIXPlaces: places among characters of the same numbers are those among the octets.
func TestPOSIXPlaces(t *testing.T) {
	e, err := compilePOSIX(`([\x80-\xff]*)(a?)`)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.ByteRange('a', 0xff), 0, 8).Draw(t, "text"))
		var got []string
		for _, at := range e.all(text, -1) {
			got = append(got, text[at[0]:at[1]], text[at[2]:at[3]])
		}
		var want []string
		for _, m := range regexp.MustCompile(`([\x{80}-\x{ff}]*)(a?)`).FindAllStringSubmatch(characters(text), -1) {
			want = append(want, octets(m[0]), octets(m[1]))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	})
}

// octets is the reverse of characters.
func octets(text string) string {
	out := make([]byte, 0, utf8.RuneCountInString(text))
	for _, c := range text {
		out = append(out, byte(c))
	}
	return string(out)
}
