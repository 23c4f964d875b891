package gnu

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/gopher-lua/parse"

	"perilune/engine/raddb"
	"perilune/engine/users"
	"perilune/policy/convert/output"
	"perilune/policy/convert/rewrite"
)

// bare makes a source without files, for parsers that read no dictionary.
func bare() *source { return newSource(Options{Root: "."}, &output.Tree{}, &output.Report{}) }

// printRules gives rules as text: a line for each, with its places.
func printRules(rules []*rule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "%d:%d %s", r.at().Line, r.at().Col, r.label.text)
		for i, list := range [...][]pair{r.lhs, r.rhs} {
			b.WriteString(" |")
			if r.nulls[i].kind == isNull {
				b.WriteString(" NULL")
			}
			for _, p := range list {
				fmt.Fprintf(&b, " %d:%d %s%s%q", p.name.at.Line, p.name.at.Col, p.name.text, p.op.text, p.value.text)
			}
		}
		if r.dropped != "" {
			b.WriteString(" ! " + r.dropped)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestParseRules(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"lines", "bob A = 1,\n\tB != x\n\tC = \"d e\"\n", "1:1 bob | 1:5 A=\"1\" 2:2 B!=\"x\" | 3:2 C=\"d e\"\n"},
		{"one line", "bob A = 1 NULL carl NULL B = 2", "1:1 bob | 1:5 A=\"1\" | NULL\n1:16 carl | NULL | 1:26 B=\"2\"\n"},
		{"without blanks", "bob A<=1,B>=2,C<3,D>4 E!=5", "1:1 bob | 1:5 A<=\"1\" 1:10 B>=\"2\" 1:15 C<\"3\" 1:19 D>\"4\" | 1:23 E!=\"5\"\n"},
		{"comments", "# a\nbob # b\nA = 1, # c\n\n B = 2 # d\n C = 3 # e", "2:1 bob | 3:1 A=\"1\" 5:2 B=\"2\" | 6:2 C=\"3\"\n"},
		{"quotes", `"a b" A = "\a\b\f\n\r\t\v\e\\\"\101\x41\q\x" NULL`, "1:1 a b | 1:7 A=\"\\a\\b\\f\\n\\r\\t\\v\\x1b\\\\\\\"AAq\" | NULL\n"},
		{"continued string", "bob A = \"one \\\ntwo\" NULL", "1:1 bob | 1:5 A=\"one two\" | NULL\n"},
		{"CRLF", "bob A = 1\r\n\tB = 2\r\n", "1:1 bob | 1:5 A=\"1\" | 2:2 B=\"2\"\n"},
		{"address with a plus sign", "bob A = 10.0.0.1+ B = 1.2.3", "1:1 bob | 1:5 A=\"10.0.0.1+\" | 1:19 B=\"1.2.3\"\n"},
		{"word with signs", "bob A = a!b-c_d.e NULL", "1:1 bob | 1:5 A=\"a!b-c_d.e\" | NULL\n"},
		{"directives", "$DEBUG yes\nbob A = 1 $\n NULL\n$\n", "2:1 bob | 2:5 A=\"1\" | NULL\n"},
		{"empty", " \n# nothing", ""},
		{"no newline at the end", "bob A = 1 NULL", "1:1 bob | 1:5 A=\"1\" | NULL\n"},
		{"foreign operator", "bob A := 1\n\tB = 2\ncarl A = 1 NULL", "1:1 bob | | ! syntax error at line 1: found \":\" after A where one of = != < > <= >= should stand\n3:1 carl | 3:6 A=\"1\" | NULL\n"},
		{"two operators", "bob A == 1 NULL\ncarl A = 1 NULL", "1:1 bob | | ! syntax error at line 1: found \"=\" where a value should stand\n2:1 carl | 2:6 A=\"1\" | NULL\n"},
		{"no right list", "bob A = 1\ncarl A = 1 NULL\ndave A = 2 NULL", "1:1 bob | 1:5 A=\"1\" | ! syntax error at line 2: found \"A\" after carl where one of = != < > <= >= should stand\n3:1 dave | 3:6 A=\"2\" | NULL\n"},
		{"comma at the end", "bob A = 1,\nNULL", "1:1 bob | 1:5 A=\"1\" | ! syntax error at line 2: found \"NULL\" where an attribute should stand\n"},
		{"label", "= A = 1\n, \n NULL\nbob A = 1 NULL", "1:1 = | | ! syntax error at line 1: found \"=\" where a name should stand\n2:1 , | | ! syntax error at line 2: found \",\" where a name should stand\n4:1 bob | 4:5 A=\"1\" | NULL\n"},
		{"string without end", "bob A = \"x\n\tB = 1\ncarl A = 1 NULL", "1:1 bob | | ! syntax error at line 1: found a string without end where a value should stand\n3:1 carl | 3:6 A=\"1\" | NULL\n"},
		{"end of file", "bob A =", "1:1 bob | | ! syntax error at line 1: found the end of the file where a value should stand\n"},
		{"resumes in column 1", "bob A\n # x\n# y\n\tB = 2\n\ncarl A = 1 NULL", "1:1 bob | | ! syntax error at line 4: found \"B\" after A where one of = != < > <= >= should stand\n6:1 carl | 6:6 A=\"1\" | NULL\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := bare().parseRules("users", tt.text, nil)
			if diff := cmp.Diff(tt.want, printRules(f.rules)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestIncludes tests that rules of included files stand where the directive does.
func TestIncludes(t *testing.T) {
	root := writeFiles(t, map[string]string{
		"users": "a NULL X = 1\n$INCLUDE \"one\" # first\nb NULL X = 1\n$INCLUDE sub/two\n$INCLUDE none\n",
		"one":   "c NULL X = 1\n$INCLUDE users\n", "sub/two": "d NULL X = 1 $INCLUDE one\n",
	})
	var report output.Report
	s := newSource(Options{Root: root}, &output.Tree{}, &report)
	var labels []string
	f := s.readRules("users")
	for _, r := range f.all() {
		labels = append(labels, r.label.text)
	}
	same(t, "labels", "a c b d c", strings.Join(labels, " "))
	if got := len(f.files()); got != 4 {
		t.Errorf("%d files", got)
	}
	var b strings.Builder
	report.Print(&b)
	same(t, "report", "To look at:\n  one:2:1: left out: users includes itself\n"+
		"  users:5:1: left out: cannot read none: no such file or directory\n", b.String())
}

func TestAtoi(t *testing.T) {
	for text, want := range map[string]uint32{
		"7abc": 7, "0x14": 0, "010": 10, "4294967295": 4294967295, "4294967297": 1, "99999999999999999999": 4294967295, "": 0,
	} {
		if got := atoi(text); text != "" && got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	for text, want := range map[string]string{
		"1-5,9": "[{1 5} {9 9}]", " 1 - 5 , 9 ": "[{1 5} {9 9}]", "5-": "[]", "-5": "[]", "5-1": "[]", "a": "[]", "1,,2": "[]", "4294967296-5000000000": "[]",
	} {
		if got := fmt.Sprint(readRanges(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// FuzzRules holds that whatever is a users file is converted to one that loads.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		"bob User-Password = \"x\"\n\tReply-Message = \"hi\", Session-Timeout = 7abc\n", "DEFAULT NULL\n\tNULL\n", "a Auth-Type := x\nb Auth-Type = Accept NULL",
		"\"\\xff\" Auth-Type = Accept, No = 1 NULL", "x Match-Profile = x NULL", "a NULL Session-Timeout = \"=1+\"", "$INCLUDE users\n", "BEGIN NULL Framed-IP-Address = 1.2.3.4+, Fall-Through = Yes",
		"a Crypt-Password = b, Auth-Type = 4 Reply-Message > c c Login-Time = d, Auth-Type = PAM NULL # e\r\n",
	} {
		f.Add(seed)
	}
	base, err := fuzzSource(f)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := base.with(text)
		convertHints(s)
		convertHuntgroups(s)
		convertUsers(s)
		if errs := loadErrors(s); errs.Failed() {
			t.Errorf("%q becomes\n%s\n%v", text, s.out.File("raddb/users").String(), errs)
		}
		for _, name := range s.out.Names() {
			if strings.HasSuffix(name, ".lua") {
				if _, err := parse.Parse(strings.NewReader(s.out.File(name).String()), name); err != nil {
					t.Errorf("%q becomes\n%s\n%v", text, s.out.File(name).String(), err)
				}
			}
		}
	})
}

// fuzzSource makes a source with a dictionary, which takes too long to be done for each text.
func fuzzSource(f *testing.F) (*source, error) {
	text, err := os.ReadFile("testdata/rules/dictionary")
	if err != nil {
		return nil, err
	}
	root := f.TempDir()
	if err := os.WriteFile(filepath.Join(root, "dictionary"), text, 0o644); err != nil {
		return nil, err
	}
	s := newSource(Options{Root: root}, &output.Tree{}, &output.Report{})
	s.convertDictionary()
	return s, nil
}

// with gives a source whose three rule files hold a text.
func (s *source) with(text string) *source {
	n := newSource(s.o, &output.Tree{}, &output.Report{})
	n.dict, n.oldDict = s.dict, s.oldDict
	n.rewrite, _ = rewrite.Parse(nil, n.attribute)
	for _, name := range s.out.Names() {
		n.out.File(name).Write(s.out.File(name).Bytes())
	}
	for _, name := range [...]string{"users", "hints", "huntgroups"} {
		n.files[name] = sourceFile{text: []byte(text)}
	}
	return n
}

// loadErrors reads the users file of the new tree.
func loadErrors(s *source) (errs raddb.List) {
	w := usersWriter{source: s, methods: []string{"pam", "sql"}}
	d := s.dict
	if s.out.Has(methodsScript) {
		d = w.dictionary()
	}
	users.Load(raddb.OpenFS(s.out.FS("raddb")), "users", users.Options{Dictionary: d, Names: anyName{}}, &errs).Close(nil)
	return errs
}
