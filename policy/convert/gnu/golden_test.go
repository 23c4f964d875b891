package gnu

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/convert/output"
	"perilune/policy/policytest"
	"perilune/policy/reload"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRules converts each directory of testdata/rules: the rules, scripts, tests and reports are as in its
// directory want, all loads, the generated tests pass, and requests are answered as the file answers says.
func TestRules(t *testing.T) {
	dirs, err := filepath.Glob("testdata/rules/*/users")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, users := range dirs {
		dir := filepath.Dir(users)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			out, report := convert(t, fixture(t, dir), Options{})
			golden(t, dir, out, report)
			c := build(t, out)
			answers(t, dir, c)
		})
	}
}

// fixture reads the files of a fixture, with the dictionary that all share and a client.
func fixture(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{"dictionary": readText(t, "testdata/rules/dictionary"), "clients": "127.0.0.1 testing123\n", "naslist": ""}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() && e.Name() != "answers" {
			files[e.Name()] = readText(t, filepath.Join(dir, e.Name()))
		}
	}
	files["dictionary"] += files["dictionary.site"]
	delete(files, "dictionary.site")
	return files
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// golden compares what the rule files became, and what the report says of them.
func golden(t *testing.T, dir string, out *output.Tree, report string) {
	t.Helper()
	got := map[string]string{"report": rulesReport(report)}
	for _, name := range out.Names() {
		if strings.HasPrefix(name, "scripts/") || strings.HasPrefix(name, "raddb/users") || name == "raddb/loop" {
			got[strings.ReplaceAll(name, "/", "-")] = out.File(name).String()
		}
	}
	want := filepath.Join(dir, "want")
	if *update {
		os.RemoveAll(want)
		os.MkdirAll(want, 0o755)
		for name, text := range got {
			os.WriteFile(filepath.Join(want, name), []byte(text), 0o644)
		}
		return
	}
	entries, err := os.ReadDir(want)
	if err != nil {
		t.Fatal(err)
	}
	expected := map[string]string{}
	for _, e := range entries {
		expected[e.Name()] = readText(t, filepath.Join(want, e.Name()))
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// rulesReport gives the lines of a report that tell of rule files.
func rulesReport(report string) string {
	var b strings.Builder
	for line := range strings.Lines(report) {
		for _, name := range [...]string{"users", "hints", "huntgroups", "loop"} {
			if strings.HasPrefix(strings.TrimSpace(line), name+":") || strings.HasPrefix(strings.TrimSpace(line), name+".") {
				b.WriteString(strings.TrimSpace(line) + "\n")
			}
		}
		if line[0] != ' ' {
			b.WriteString(line)
		}
	}
	return b.String()
}

// build writes the tree, loads it and runs its tests.
func build(t *testing.T, out *output.Tree) *reload.Candidate {
	t.Helper()
	dir := t.TempDir()
	var report output.Report
	if err := out.Write(dir, &report); err != nil {
		t.Fatal(err)
	}
	c, errs := reload.Build(reload.Options{Root: filepath.Join(dir, "raddb")})
	if c == nil {
		t.Fatalf("the new tree does not load:\n%v", errs)
	}
	t.Cleanup(c.Discard)
	result := c.RunTests(policytest.Options{})
	for _, f := range result.Failures {
		t.Errorf("%s: %s", f.At, f.Text())
	}
	return c
}

// answers sends the requests of a fixture.
func answers(t *testing.T, dir string, c *reload.Candidate) {
	t.Helper()
	var request string
	for i, line := range strings.Split(strings.TrimSpace(readText(t, filepath.Join(dir, "answers"))), "\n") {
		kind, text, _ := strings.Cut(line, " ")
		if kind == ">" {
			request = text
			continue
		}
		word, list, _ := strings.Cut(text, " ")
		want := strings.TrimSpace(word + " " + shown(parsePairs(t, c.Dictionary, list)))
		if got := ask(t, c, parsePairs(t, c.Dictionary, request)); got != want {
			t.Errorf("answers:%d: %s\n got  %s\n want %s", i+1, request, got, want)
		}
	}
}

func ask(t *testing.T, c *reload.Candidate, request dictionary.List) string {
	t.Helper()
	o, err := server.NewOffline(time.Now).Run(c.Generation,
		&server.Question{Client: c.Clients.All()[0], Code: radius.CodeAccessRequest, Attributes: request})
	if err != nil {
		t.Fatal(err)
	}
	if o.Answer == 0 {
		return o.Kind.String()
	}
	return strings.TrimSpace(o.Answer.String() + " " + shown(o.Reply))
}

// parsePairs reads `Name = value, Name = value`.
func parsePairs(t *testing.T, d *dictionary.Dictionary, text string) (list dictionary.List) {
	t.Helper()
	lx := ruleLexer{text: text, line: 1}
	for {
		name := lx.next()
		if name.kind == atEnd {
			return list
		}
		lx.next()
		value := lx.next()
		a := d.Attribute(name.text)
		if a == nil {
			t.Fatalf("no attribute %s", name.text)
		}
		octets := []byte(value.text)
		if !isText(a) {
			var err error
			if octets, err = a.ParseText(nil, value.text); err != nil {
				t.Fatal(err)
			}
		}
		list.Add(dictionary.Ref{Attr: a, Tag: dictionary.AnyTag}, octets)
		lx.next()
	}
}

// shown gives attributes as text, sorted by nothing: their order counts.
func shown(list dictionary.List) string {
	var b bytes.Buffer
	for i := range list.Pairs {
		p := &list.Pairs[i]
		if i > 0 {
			b.WriteString(", ")
		}
		value := p.Attr.AppendText(nil, p.Value)
		if isText(p.Attr) {
			value = []byte(output.GNUString(string(p.Value)))
		}
		fmt.Fprintf(&b, "%s = %s", p.Attr.Name, value)
	}
	return b.String()
}
