package freeradius

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/raddb"
)

// outline gives a configuration as indented text: sections with their names, assignments, words.
func outline(it *item, depth int) string {
	var b strings.Builder
	for _, e := range it.items {
		b.WriteString(strings.Repeat("  ", depth))
		switch {
		case e.section:
			fmt.Fprintf(&b, "[%s|%s]\n%s", e.name, e.second, outline(e, depth+1))
		case e.op != "":
			fmt.Fprintf(&b, "%s %s %q\n", e.name, e.op, e.value)
		default:
			fmt.Fprintf(&b, "%s\n", e.name)
		}
	}
	return b.String()
}

func readText(files map[string]string) (*item, raddb.List) {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	var errs raddb.List
	root, _ := readConf(raddb.OpenFS(fsys), "radiusd.conf", &errs)
	return root, errs
}

func TestReadConf(t *testing.T) {
	for _, tt := range []struct{ name, text, want, err string }{
		{"assignments", "a = 1\nb=\"two words\" # comment\nc := '#no comment'\nd = \"say \\\"hi\\\"\"\n", "a = \"1\"\nb = \"two words\"\nc := \"#no comment\"\nd = \"say \\\"hi\\\"\"\n", ""},
		{"sections", "client one {\n\tsecret = x\n\tlimit {\n\t}\n}\nmodules {\n}\n", "[client|one]\n  secret = \"x\"\n  [limit|]\n[modules|]\n", ""},
		{"on one line", "client one { secret = x }\nlimit { a = 1 }\n", "[client|one]\n  secret = \"x\"\n[limit|]\n  a = \"1\"\n", ""},
		{"words", "authorize {\n\tchap\n\t-sql\n}\n", "[authorize|]\n  chap\n  -sql\n", ""},
		{"statements", "if (&User-Name =~ /^[0-9a-f]{2}$/) {\n\treject\n}\nelse {\n\tok\n}\n", "[if|(&User-Name =~ /^[0-9a-f]{2}$/)]\n  reject\n[else|]\n  ok\n", ""},
		{"else behind a brace", "if (x) {\n\tok\n} else {\n\tnoop\n}\n", "[if|(x)]\n  ok\n[else|]\n  noop\n", ""},
		{"a line in two", "a = \"one \\\ntwo\"\n", "a = \"one two\"\n", ""},
		{"variables", "base = /etc\nm {\n\tdir = ${base}/${.:name}\n\tfile = ${.dir}/x\n}\nn = ${m.dir}\nu = ${nothing}\n",
			"base = \"/etc\"\n[m|]\n  dir = \"/etc/m\"\n  file = \"/etc/m/x\"\nn = \"/etc/m\"\nu = \"${nothing}\"\n", ""},
		{"texts with braces", "x = \"%{User-Name}\"\ny = \"a } b { c\"\n", "x = \"%{User-Name}\"\ny = \"a } b { c\"\n", ""},
		{"not closed", "a {\n", "[a|]\n", "section a is not closed"},
		{"too many braces", "}\n", "", "no section is open"},
		{"missing include", "$INCLUDE nowhere\n", "", "nowhere cannot be read"},
		{"optional include", "$-INCLUDE nowhere\n", "", ""},
		{"include of itself", "$INCLUDE radiusd.conf\n", "", "radiusd.conf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root, errs := readText(map[string]string{"radiusd.conf": tt.text})
			if d := cmp.Diff(tt.want, outline(root, 0)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			var got string
			if len(errs) > 0 {
				got = errs[0].Error()
			}
			if !strings.Contains(got, tt.err) || tt.err == "" && got != "" {
				t.Errorf("error %q; want one with %q", got, tt.err)
			}
		})
	}
}

// TestIncludeDirectory: all plainly named files of a directory, in order; copies of editors are left out.
func TestIncludeDirectory(t *testing.T) {
	root, errs := readText(map[string]string{
		"radiusd.conf": "$INCLUDE mods/\nlast\n", "mods/b": "two\n", "mods/a": "one\n", "mods/a~": "old\n", "mods/.hidden": "no\n", "mods/c,v": "no\n",
	})
	if d := cmp.Diff("one\ntwo\nlast\n", outline(root, 0)); d != "" || len(errs) > 0 {
		t.Errorf("errors %v (-want +got):\n%s", errs, d)
	}
}

// TestDeepSections: a file of nothing but opening braces ends in an error.
func TestDeepSections(t *testing.T) {
	_, errs := readText(map[string]string{"radiusd.conf": strings.Repeat("a {\n", 100_000)})
	if len(errs) == 0 || len(errs) > 3 {
		t.Errorf("%d errors; want one or two", len(errs))
	}
}

func FuzzReadConf(f *testing.F) {
	f.Add("client one {\n secret = \"x\"\n}\n$INCLUDE b\nif (a =~ /{/) {\n}\n", "x = ${y}\n")
	f.Add("a { b { c = ${.:name} } }\n}", "$INCLUDE radiusd.conf\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		readText(map[string]string{"radiusd.conf": a, "b": b})
	})
}

func TestParsePairs(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []pair
		err  string
	}{
		{"", nil, ""},
		{`A == "x, y", B=1,C := 'it`, nil, "not closed"},
		{`A == "x, y", B=1,C := z,`, []pair{{"A", "==", "x, y"}, {"B", "=", "1"}, {"C", ":=", "z"}}, ""},
		{`A =* ANY`, []pair{{"A", "=*", "ANY"}}, ""},
		{`A != "say \"no\""`, []pair{{"A", "!=", `say "no"`}}, ""},
		{`A == x y`, nil, "expected a comma"},
		{`A`, nil, "expected Attribute operator value"},
		{`A ==`, nil, "expected a value"},
		{`A:1 == 2`, nil, "has a tag"},
	} {
		got, err := parsePairs(tt.text)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v; want %q", tt.text, err, tt.err)
			}
			continue
		}
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(pair{})); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.text, err, d)
		}
	}
}

func FuzzParsePairs(f *testing.F) {
	f.Add(`A == "x", B := 2, C =~ '^a'`)
	f.Add(`A =* ANY,`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parsePairs(text)
		for _, p := range list {
			if err == nil && (p.name == "" || p.op == "") {
				t.Errorf("%q gave %+v", text, p)
			}
		}
	})
}
