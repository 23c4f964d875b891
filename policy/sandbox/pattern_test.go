package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe writes the items of a pattern, one word each.
func describe(p *pattern) string {
	names := map[op]string{opEnd: "end", opTail: "$", opAny: "any", opOpen: "open", opPosition: "place", opClose: "close",
		opBack: "back", opBalance: "balance", opFrontier: "frontier", opSet: "set"}
	var words []string
	for _, it := range p.items {
		word := names[it.op]
		switch it.op {
		case opChar:
			word = string(rune(it.n))
		case opOpen, opPosition, opClose, opBack:
			word += fmt.Sprint(it.n)
		case opBalance:
			word += string([]byte{it.n, it.m})
		}
		if it.repeat != 0 {
			word += string(rune(it.repeat))
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestCompilePattern(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "end"},
		{"abc", "a b c end"},
		{"^a$", "a $ end"},
		{"a$b^", "a $ b ^ end"},
		{"a*b+c-d?", "a* b+ c- d? end"},
		{"(a)(b)", "open0 a close0 open1 b close1 end"},
		{"((a)())", "open0 open1 a close1 place2 close0 end"},
		{"(a)*", "open0 a close0 * end"},
		{"%(%*%%", "( * % end"},
		{"%a+%D.", "set+ set any end"},
		{"(a)%1%b<>", "open0 a close0 back0 balance<> end"},
		{"%f[%w]x", "frontier x end"},
		{"[]]", "set end"},
		{"[^]]*", "set* end"},
		{"**", "** end"},
		{"%", errPatternEscape.Error()},
		{"[a", errPatternSet.Error()},
		{"[]", errPatternSet.Error()},
		{"[%", errPatternSet.Error()},
		{"[%]", errPatternSet.Error()},
		{"%b", errPatternBalance.Error()},
		{"%bx", errPatternBalance.Error()},
		{"%f", errFrontier.Error()},
		{"%fa", errFrontier.Error()},
		{")", errCapture.Error()},
		{"(", errUnfinished.Error()},
		{"(()", errUnfinished.Error()},
		{"%1", errCaptureIndex.Error()},
		{"%0", errCaptureIndex.Error()},
		{"(a%1)", errCaptureIndex.Error()},
		{strings.Repeat("()", 33), errManyCaptures.Error()},
		{strings.Repeat("a", 5000), errPatternLong.Error()},
	} {
		p, err := compilePattern(c.text, true)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = describe(p)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", c.text, diff)
		}
	}
}

func TestSets(t *testing.T) {
	all := func(pattern string) string {
		p, err := compilePattern(pattern, true)
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		var in []byte
		for c := ' '; c < 0x7f; c++ {
			if p.items[0].set.has(byte(c)) {
				in = append(in, byte(c))
			}
		}
		return string(in)
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for _, c := range []struct{ pattern, want string }{
		{"[abc]", "abc"},
		{"[a-e]", "abcde"},
		{"[e-a]", ""},
		{"[a-]", "-a"},
		{"[-a]", "-a"},
		{"[%-a]", "-a"},
		{"[]a]", "]a"},
		{"[a^]", "^a"},
		{"[%d%.]", ".0123456789"},
		{"[%a-z]", "-" + letters},
		{"%a", letters},
		{"%x", "0123456789ABCDEFabcdef"},
		{"%s", " "},
		{"%p", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		{"%L", " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`{|}~"},
		{"[^%w%p]", " "},
		{"%c", ""},
		{"%Z", " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"},
	} {
		if diff := cmp.Diff(c.want, all(c.pattern)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.pattern, diff)
		}
	}
}

func TestPatternCache(t *testing.T) {
	var c patternCache
	first, err := c.get("^a+$")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.get(strings.Clone("^a+$")); again != first {
		t.Error("the same text is compiled again")
	}
	for i := range 10 * patternSlots { // more than there is room for
		text := fmt.Sprintf("x%dy", i)
		if p, err := c.get(text); err != nil || p.text != text {
			t.Fatalf("%q: %v, %v", text, p, err)
		}
	}
	if _, err := c.get("("); !errors.Is(err, errUnfinished) {
		t.Errorf("got %v, want %v", err, errUnfinished)
	}
}
