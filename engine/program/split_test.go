package program

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"/bin/true":                    {"/bin/true"},
		"  /bin/echo  a\tb\n ":         {"/bin/echo", "a", "b"},
		`/p 'a b' "c d" e\ f`:          {"/p", "a b", "c d", "e f"},
		`/p a'b'"c"d`:                  {"/p", "abcd"},
		`/p '' ""`:                     {"/p", "", ""},
		`/p '\' "\"\\" \'`:             {"/p", `\`, `"\`, `'`},
		`/p "a\b"`:                     {"/p", `a\b`},
		`/p $HOME *.go a;b |c >d #e`:   {"/p", "$HOME", "*.go", "a;b", "|c", ">d", "#e"},
		`/p %u %C{User-Name}`:          {"/p", "%u", "%C{User-Name}"},
		`/p %C{A:-two words} x`:        {"/p", "%C{A:-two words}", "x"},
		`/p %C{A:-it's} %C\{B} %\R{C}`: {"/p", "%C{A:-it's}", `%C\{B}`, `%\R{C}`},
		`/p "%C{A:-a "b"}" %C{open`:    {"/p", `%C{A:-a "b"}`, "%C{open"},
		`/p '%u'`:                      {"/p", "%u"},
	} {
		got, err := Split(line)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%q: error %v (-want +got)\n%s", line, err, d)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	for line, want := range map[string]error{
		"": ErrEmpty, " \t": ErrEmpty, "bin/true": ErrRelative, "'' /bin/true": ErrRelative, "|name": ErrRelative,
		"/p 'a": ErrQuote, `/p "a\"`: ErrQuote, `/p a\`: ErrBackslash, "/p a\x00b": ErrNUL,
	} {
		if got, err := Split(line); !errors.Is(err, want) {
			t.Errorf("%q: %q, error %v, want %v", line, got, err, want)
		}
	}
}

// TestQuotedWordsComeBack: whatever a word holds, in quotes it is one word.
func TestQuotedWordsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[ -$&-~\n\t]{0,12}`)).Draw(t, "words")
		line := "/p"
		for _, w := range words {
			line += " '" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		got, err := Split(line)
		if d := cmp.Diff(append([]string{"/p"}, words...), got); d != "" || err != nil {
			t.Fatalf("%q: error %v (-want +got)\n%s", line, err, d)
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{`/p "a b" 'c' \d`, "/p %C{A:-x y", `"`, "/p %", `/p %\`, `/p %C\`, "/p '%C{'}'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Split(line)
		if (err == nil) != (len(words) > 0) {
			t.Errorf("%q: %q, %v", line, words, err)
		}
	})
}
