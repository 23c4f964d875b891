package raddb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// plant writes files of a tree that others cannot read.
func plant(t *testing.T, files map[string]string) *Tree {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Open(root)
}

// eachLine gives the first words of all lines with their places.
func eachLine(t *Tree, name string) (lines []string, errs List) {
	t.EachLine(name, &errs, func(l Line) {
		lines = append(lines, l.Pos(0).String()+" "+l.Fields[0].Text)
	})
	return lines, errs
}

func TestEachLine(t *testing.T) {
	tree := plant(t, map[string]string{
		"top":       "one\n$INCLUDE sub/first\n$include sub/second\ntwo\n\"$INCLUDE\" x\n",
		"sub/first": "three\n$INCLUDE beside\n$INCLUDE below-root\n",
		"sub/second": `four
`,
		"sub/beside": "five",
		"below-root": "six",
	})
	lines, errs := eachLine(tree, "top")
	if errs != nil {
		t.Fatal(errs)
	}
	want := []string{"top:1:1 one", "sub/first:1:1 three", "sub/beside:1:1 five", "below-root:1:1 six", "sub/second:1:1 four", "top:4:1 two", "top:5:1 $INCLUDE"}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestEachLineErrors(t *testing.T) {
	deep := map[string]string{}
	for i := range MaxIncludes + 1 {
		deep[fmt.Sprint("f", i)] = fmt.Sprintf("$INCLUDE f%d\n", i+1)
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", nil, "f0: there is no file"},
		{"missing", map[string]string{"f0": "a\n$INCLUDE x\n"}, "f0:2:10: there is no file x"},
		{"no name", map[string]string{"f0": "$INCLUDE\n"}, "f0:1:1: $INCLUDE with 0 fields behind it; expected one, the name of a file"},
		{"two names", map[string]string{"f0": "$INCLUDE a b\n"}, "f0:1:1: $INCLUDE with 2 fields behind it; expected one, the name of a file"},
		{"itself", map[string]string{"f0": "$INCLUDE f0\n"}, "f0:1:10: $INCLUDE loop: f0 includes f0; leave one of them out"},
		{"a ring", map[string]string{"f0": "$INCLUDE f1\n", "f1": "$INCLUDE f2\n", "f2": "$INCLUDE ./f1\n"}, "f2:1:10: $INCLUDE loop: f1 includes f2 includes f1; leave one of them out"},
		{"deep", deep, "f19:1:10: $INCLUDE is more than 20 files deep"},
		{"twice is no loop", map[string]string{"f0": "$INCLUDE f1\n$INCLUDE f1\n", "f1": "a"}, ""},
		{"a directory", map[string]string{"f0": "$INCLUDE d\n", "d/x": ""}, "f0:1:10: the file d cannot be read: is a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := eachLine(plant(t, c.files), "f0")
			if d := cmp.Diff(c.want, errs.Error()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestRelativeRoot: names stay relative to the root, however the root was given.
func TestRelativeRoot(t *testing.T) {
	t.Chdir(filepath.Dir(plant(t, map[string]string{"sub/a": "$INCLUDE b\n", "sub/b": "x"}).Root))
	dirs, err := filepath.Glob("*/sub")
	if err != nil || len(dirs) != 1 {
		t.Fatal(dirs, err)
	}
	lines, errs := eachLine(Open(filepath.Dir(dirs[0])), "sub/a")
	if d := cmp.Diff([]string{"sub/b:1:1 x"}, lines); d != "" || errs != nil {
		t.Errorf("%v (-want +got)\n%s", errs, d)
	}
}

func TestIncludePathRemembers(t *testing.T) {
	tree := plant(t, map[string]string{"sub/a": "", "b": ""})
	if got := tree.IncludePath("b", "sub/a"); got != "b" {
		t.Errorf("IncludePath = %s, want b", got)
	}
	if in := tree.Inputs(); len(in) != 1 || in[0].Path != tree.Path("sub/b") {
		t.Errorf("that sub/b does not exist is no input: %v", in)
	}
}

func TestSecret(t *testing.T) {
	tree := plant(t, map[string]string{"secrets/a.b-c_1": "hush \n", "secrets/crlf": "hush\r\n", "secrets/empty": "\n", "elsewhere": "x"})
	for _, c := range []struct{ name, want string }{
		{"a.b-c_1", "hush "},
		{"crlf", "hush"},
		{"empty", "the file secrets/empty is empty; expected a secret"},
		{"none", "there is no file secrets/none"},
		{"../elsewhere", `"../elsewhere" is no name of a secret; expected letters, digits, - _ and dots inside`},
		{".hidden", `".hidden" is no name of a secret; expected letters, digits, - _ and dots inside`},
		{"", `"" is no name of a secret; expected letters, digits, - _ and dots inside`},
	} {
		b, err := tree.Secret(c.name)
		got := string(b)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("Secret(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestExposed(t *testing.T) {
	tree := plant(t, map[string]string{"mine": "x", "all": "x"})
	if err := os.Chmod(tree.Path("all"), 0o644); err != nil {
		t.Fatal(err)
	}
	if tree.Exposed("mine") || !tree.Exposed("all") || tree.Exposed("none") {
		t.Error("Exposed is wrong about mine, all or none")
	}
	if carried := OpenFS(fstest.MapFS{"all": {Data: []byte("x"), Mode: 0o644}}); carried.Exposed("all") {
		t.Error("a file that the program carries is exposed")
	}
}

func TestErrorText(t *testing.T) {
	var l List
	l.Errorf(Pos{"b", 2, 1}, "second")
	l.Warnf(Pos{"b", 1, 0}, "first")
	l.Errorf(Pos{}, "nowhere")
	l.Errorf(Pos{"a", 9, 9}, "other file")
	l.Sort()
	want := "nowhere\na:9:9: other file\nb:1: warning: first\nb:2:1: second"
	if d := cmp.Diff(want, l.Err().Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if (List{{Msg: "x", Warning: true}}).Err() != nil {
		t.Error("a warning is an error")
	}
}

// TestErrorTextIsHarmless: what a file holds does not reach the terminal as orders.
func TestErrorTextIsHarmless(t *testing.T) {
	err := &Error{Pos: Pos{"a", 1, 0}, Msg: "found \x1b[2J\x07\xe4\u009b\x7f, ä\tb\nc"}
	if d := cmp.Diff(`a:1: found \x1b[2J\x07\xe4\xc2\x9b\x7f, ä`+"\tb\nc", err.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestNearest(t *testing.T) {
	words := strings.FieldsSeq("type proxy no-reply-ma require-message-authenticator")
	for name, want := range map[string]string{
		"tpye": "type", "PROXI": "proxy", "proxy": "proxy", "no-reply": "no-reply-ma", "zzz": "",
		"require-mesage-authentcator": "require-message-authenticator", "": "",
	} {
		if got := Nearest(name, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := DidYouMean("tpye", words); got != `; did you mean "type"?` {
		t.Errorf("DidYouMean: %s", got)
	}
}
