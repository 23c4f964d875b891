package raddb

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A written is a field with one of the ways to write it.
type written struct{ text, raw string }

// quote writes octets in quotes, each special one in one of its forms.
func quote(t *rapid.T, text, mark string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case string(c) == mark, c == '\\':
			b.WriteString("\\" + string(c))
		case c == '\n', c == 0, rapid.IntRange(0, 9).Draw(t, "escape") == 0:
			b.WriteString(fmt.Sprintf(rapid.SampledFrom([]string{"\\x%02x", "\\x%02X"}).Draw(t, "form"), c))
		default:
			b.WriteByte(c)
		}
	}
	return mark + b.String() + mark
}

func drawField(t *rapid.T) written {
	octets := rapid.SliceOfN(rapid.SampledFrom([]byte("ab\"'\\# \t\n=(,\x00\xff\xc3\xa4)$")), 0, 8)
	text := string(octets.Draw(t, "text"))
	mark := rapid.SampledFrom([]string{`"`, `'`}).Draw(t, "mark")
	switch rapid.IntRange(0, 3).Draw(t, "way") {
	case 0:
		return written{"name=" + text, "name=" + quote(t, text, mark)}
	case 1:
		return written{"secret(" + text + ")", "secret(" + quote(t, text, mark) + ")"}
	case 2:
		plain := rapid.StringMatching(`[a-z$.][a-z#.:@\\]{0,6}[a-z]`).Draw(t, "plain")
		return written{plain, plain}
	}
	return written{text, quote(t, text, mark)}
}

// TestFieldsAreReadAsWritten writes lines of fields in all their forms, with blanks, joined lines and comments
// between, and reads them back: text, raw text, and places.
func TestFieldsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
		var text strings.Builder
		var want [][]Field
		line, col := 1, 1
		put := func(s string) {
			text.WriteString(s)
			if n := strings.Count(s, "\n"); n > 0 {
				line += n
				col = len(s) - strings.LastIndexByte(s, '\n')
			} else {
				col += len(s)
			}
		}
		for range rapid.IntRange(0, 5).Draw(t, "lines") {
			var fields []Field
			for range rapid.IntRange(0, 4).Draw(t, "fields") {
				put(rapid.SampledFrom([]string{" ", "\t", "  ", " \\" + end, " \\" + end + "\t"}).Draw(t, "blank"))
				f := drawField(t)
				fields = append(fields, Field{Text: f.text, Raw: f.raw, Line: line, Col: col, Quoted: f.raw[0] == '"' || f.raw[0] == '\''})
				put(f.raw)
			}
			put(rapid.SampledFrom([]string{"", " ", " # a comment \" with = quotes \\x"}).Draw(t, "after") + end)
			if fields != nil {
				want = append(want, fields)
			}
		}
		var errs List
		var got [][]Field
		r := NewFields(text.String(), "f", &errs)
		for f := r.Next(); f != nil; f = r.Next() {
			got = append(got, slices.Clone(f))
		}
		if errs != nil {
			t.Fatalf("%q: %v", text.String(), errs)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q (-want +got)\n%s", text.String(), d)
		}
	})
}

// changes is Levenshtein's distance, by the book.
func changes(a, b string) int {
	switch {
	case a == "":
		return len(b)
	case b == "":
		return len(a)
	case a[0] == b[0]:
		return changes(a[1:], b[1:])
	}
	return 1 + min(changes(a[1:], b), changes(a, b[1:]), changes(a[1:], b[1:]))
}

// TestNearestFollowsTheBook: the name that is suggested is one of the nearest, and none is if all are far.
func TestNearestFollowsTheBook(t *testing.T) {
	word := rapid.StringMatching(`[abAB-]{1,6}`)
	rapid.Check(t, func(t *rapid.T) {
		name, candidates := word.Draw(t, "name"), rapid.SliceOfN(word, 0, 6).Draw(t, "candidates")
		least := len(name)/3 + 2 // beyond what is near
		for _, c := range candidates {
			least = min(least, changes(strings.ToLower(name), strings.ToLower(c)))
		}
		got := Nearest(name, slices.Values(candidates))
		switch {
		case least > len(name)/3+1 && got != "":
			t.Fatalf("%s: %s was suggested of %v, which are all far", name, got, candidates)
		case least <= len(name)/3+1 && (got == "" || changes(strings.ToLower(name), strings.ToLower(got)) != least):
			t.Fatalf("%s: %q was suggested of %v, which is not the nearest", name, got, candidates)
		}
	})
}
