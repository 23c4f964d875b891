package raddb

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func split(text string, set func(*Fields)) (lines [][]string, errs List) {
	s := NewFields(text, "f", &errs)
	if set != nil {
		set(s)
	}
	for f := s.Next(); f != nil; f = s.Next() {
		var l []string
		for _, x := range f {
			l = append(l, x.Text)
		}
		lines = append(lines, l)
	}
	return lines, errs
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       [][]string
	}{
		{"empty", "", nil},
		{"blank lines", "\n  \n\t\n", nil},
		{"two", "a b\n", [][]string{{"a", "b"}}},
		{"no last newline", "a b\nc", [][]string{{"a", "b"}, {"c"}}},
		{"CR LF", "a b\r\nc\r\n", [][]string{{"a", "b"}, {"c"}}},
		{"CR at the end", "a\r", [][]string{{"a"}}},
		{"CR inside is text", "a\rb", [][]string{{"a\rb"}}},
		{"tabs", "\ta\t\tb ", [][]string{{"a", "b"}}},
		{"byte order mark", "\ufeffa b", [][]string{{"a", "b"}}},
		{"comment", "# x\na # b\n", [][]string{{"a"}}},
		{"comment without newline", "a # b", [][]string{{"a"}}},
		{"hash inside", "a b#c d", [][]string{{"a", "b#c", "d"}}},
		{"double quotes", `a "b c" d`, [][]string{{"a", "b c", "d"}}},
		{"single quotes", `a 'b "c" \' d'`, [][]string{{"a", `b "c" ' d`}}},
		{"quoted hash", `"#a"`, [][]string{{"#a"}}},
		{"empty quotes", `a "" b`, [][]string{{"a", "", "b"}}},
		{"escapes", `"\"\\\n\r\t\'\101\x41"`, [][]string{{"\"\\\n\r\t'AA"}}},
		{"octets", "\"\\377\xff\"", [][]string{{"\xff\xff"}}},
		{"bare backslash", `a\b c\\d`, [][]string{{`a\b`, `c\\d`}}},
		{"bare quote", `o'brien a"b`, [][]string{{"o'brien", `a"b`}}},
		{"option", `x="b c" y='d'`, [][]string{{"x=b c", "y=d"}}},
		{"only the first = opens", `x=a="b c"`, [][]string{{`x=a="b`, `c"`}}},
		{"call", `secret("a b") c`, [][]string{{"secret(a b)", "c"}}},
		{"continued", "a \\\n b", [][]string{{"a", "b"}}},
		{"continued directly", "a\\\nb", [][]string{{"a", "b"}}},
		{"continued CR LF", "a \\\r\nb\r\nc", [][]string{{"a", "b"}, {"c"}}},
		{"continued after a quote", "\"a\"\\\nb", [][]string{{"a", "b"}}},
		{"continued in a quote", "\"a\\\nb\"", [][]string{{"ab"}}},
		{"comments are not continued", "a # b \\\nc", [][]string{{"a"}, {"c"}}},
		{"backslash at the end", `a \`, [][]string{{"a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, errs := split(c.text, nil)
			if errs != nil {
				t.Fatal(errs)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestFieldsErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"open quote", "a \"b\nc d", "f:1:3: a quoted text is not closed on its line; expected another \""},
		{"open quote at the end", "c d\na 'b\\'", "f:2:3: a quoted text is not closed on its line; expected another '"},
		{"text after", `a "b"c`, `f:1:6: text directly after a closing quote; expected a space, or \ before a quote that belongs to the text`},
		{"unknown escape", `"a\qb"`, `f:1:3: unknown escape after a backslash; expected \" \' \\ \n \r \t, \ooo (three octal digits) or \xHH`},
		{"short octal", `"\12"`, `f:1:2: unknown escape after a backslash; expected three octal digits or x and two hexadecimal ones`},
		{"bad hex", `"\xg1"`, `f:1:2: unknown escape after a backslash; expected three octal digits or x and two hexadecimal ones`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, errs := split(c.text, nil)
			if d := cmp.Diff(c.want, errs.Error()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			for _, l := range got {
				if l[0] != "c" {
					t.Errorf("a bad line was given: %q", l)
				}
			}
		})
	}
}

func TestFieldsModes(t *testing.T) {
	got, errs := split("a b#c\nd#", func(s *Fields) { s.HashAnywhere = true })
	if d := cmp.Diff([][]string{{"a", "b"}, {"d"}}, got); d != "" || errs != nil {
		t.Errorf("HashAnywhere (-want +got)\n%s%v", d, errs)
	}
}

func TestFieldsPlaces(t *testing.T) {
	var errs List
	s := NewFields("\n a \\\n  \"b c\" x='d'\n", "f", &errs)
	f := s.Next()
	var got []string
	for _, x := range f {
		got = append(got, s.Pos(x).String()+" "+x.Raw)
	}
	want := []string{"f:2:2 a", `f:3:3 "b c"`, "f:3:9 x='d'"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if f[0].Quoted || !f[1].Quoted || f[2].Quoted {
		t.Errorf("Quoted: %v", f)
	}
}

func FuzzFields(f *testing.F) {
	for _, seed := range []string{"a b\n", "a \\\r\nb", `x="b c" # d`, "\"a\\x41\\101\\\n\"", "'", "\\", "\"\\", `secret("x")`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var errs List
		s := NewFields(text, "f", &errs)
		last := Pos{}
		for line := s.Next(); line != nil; line = s.Next() {
			for _, x := range line {
				p := s.Pos(x)
				if p.Line < last.Line || p.Line == last.Line && p.Col <= last.Col {
					t.Fatalf("place %v after %v", p, last)
				}
				last = p
				if !strings.Contains(text, x.Raw) {
					t.Fatalf("Raw %q is not in the text", x.Raw)
				}
			}
		}
	})
}

// A file of noise ends early.
func TestFieldsMaxErrors(t *testing.T) {
	var errs List
	f := NewFields(strings.Repeat("a \"open\n", 50)+"fine\n", "noise", &errs)
	f.MaxErrors = 10
	if line := f.Next(); line != nil {
		t.Errorf("%v is given", line)
	}
	if last := errs[len(errs)-1].Error(); len(errs) != 11 || last != "noise:11: more than 10 errors; the rest of the file was not read" {
		t.Errorf("%d errors, the last is %s", len(errs), last)
	}
}
