package users

import (
	"bytes"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// clock is when all requests of the tests arrive: a Monday.
var clock = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// fakeNames registers the huntgroups east and west, the rewrite function fixup, and every expression.
type fakeNames struct{ sources *[]string }

func (fakeNames) Huntgroup(name string) (int, bool) {
	i := slices.Index([]string{"east", "west", "broken"}, name)
	return i, i >= 0
}

func (fakeNames) Rewrite(name string) (int, bool) { return 7, name == "fixup" }

func (n fakeNames) Expression(source string, at raddb.Pos) (int, error) {
	if strings.Contains(source, "syntax error") {
		return 0, fmt.Errorf("%s: unexpected symbol", at)
	}
	if n.sources == nil {
		return 1, nil
	}
	*n.sources = append(*n.sources, source)
	return len(*n.sources), nil
}

func (fakeNames) All(kind string) iter.Seq[string] {
	if kind == "rewrite" {
		return slices.Values([]string{"fixup"})
	}
	return slices.Values([]string{"east", "west", "broken"})
}

// fakeHost says that the request is in the huntgroup east and that the answer for broken is unknown. Its
// rewrite function adds a Filter-Id to the reply, and decides the request of the user "decided".
type fakeHost struct{ q *Query }

func (h fakeHost) Huntgroup(ref int) Truth { return [...]Truth{True, False, Unknown}[ref] }

func (h fakeHost) Rewrite(int) bool {
	if string(h.q.Name) == "decided" {
		return false
	}
	for i := range h.q.Request.Pairs {
		if a := h.q.Request.Pairs[i].Attr; a.Name == "NAS-Port" {
			h.q.Request.Set(a.AnyTag(), []byte{0, 0, 0, 99})
		}
	}
	return true
}

func loadDictionary(tb testing.TB) *dictionary.Dictionary {
	tb.Helper()
	var errs raddb.List
	d := dictionary.Load(raddb.Open("testdata"), "dictionary", &errs)
	d.Freeze()
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	return d
}

// loadFiles writes the files to a directory and loads the one named users.
func loadFiles(tb testing.TB, d *dictionary.Dictionary, files []txtar.File, o Options) (*Table, raddb.List) {
	tb.Helper()
	dir := tb.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	var errs raddb.List
	o.Dictionary = d
	o.Location = time.UTC
	if o.Names == nil {
		o.Names = fakeNames{}
	}
	t := Load(raddb.Open(dir), "users", o, &errs)
	tb.Cleanup(func() { t.Close(nil) })
	for _, e := range errs {
		e.File = strings.TrimPrefix(e.File, dir+"/")
		e.Msg = strings.ReplaceAll(e.Msg, dir+"/", "")
	}
	return t, errs
}

func loadText(tb testing.TB, d *dictionary.Dictionary, text string, o Options) (*Table, raddb.List) {
	tb.Helper()
	return loadFiles(tb, d, []txtar.File{{Name: "users", Data: []byte(text)}}, o)
}

// parsePairs reads `Name = value, ...` into a list.
func parsePairs(tb testing.TB, d *dictionary.Dictionary, text string) *dictionary.List {
	tb.Helper()
	list := &dictionary.List{}
	if strings.TrimSpace(text) == "" {
		return list
	}
	var errs raddb.List
	p := parser{file: "request", errs: &errs}
	p.b, p.last, p.line = []byte("x "+text+"\n"), true, 1
	if !p.entry(FreeRADIUS) {
		tb.Fatalf("request %q: %v", text, errs)
	}
	for _, raw := range p.raw.checks {
		ref, err := d.Resolve(string(raw.name.text))
		if err != nil {
			tb.Fatal(err)
		}
		v, err := encode(nil, ref.Attr, unescape(nil, raw.value, FreeRADIUS))
		if err != nil {
			tb.Fatal(err)
		}
		list.Add(ref, v)
	}
	return list
}

// query makes a Query of a request given as text.
func query(tb testing.TB, d *dictionary.Dictionary, text string) *Query {
	tb.Helper()
	q := &Query{Request: parsePairs(tb, d, text), Control: &dictionary.List{}, Reply: &dictionary.List{}, Now: clock}
	if name, ok := q.Request.First(d.Known.UserName); ok {
		q.Name = name
	}
	q.Host = fakeHost{q}
	return q
}

func listText(l *dictionary.List) string {
	var items []string
	for i := range l.Pairs {
		p := l.Pairs[i]
		if p.Tag == Deferred {
			items = append(items, fmt.Sprintf("%s = computed %x", p.Attr.Name, p.Value))
			continue
		}
		items = append(items, string(p.AppendText(nil, false)))
	}
	return strings.Join(items, ", ")
}

// answer gives what Match did with a request, as the golden files write it.
func answer(tb testing.TB, d *dictionary.Dictionary, t *Table, request string) string {
	q := query(tb, d, request)
	var tried strings.Builder
	q.Watch = watchFunc(func(r Rule, matched bool, failed, found string) {
		if !matched {
			fmt.Fprintf(&tried, "tried    %s:%d %s: %s; %s\n", r.File, r.Line, r.Label, failed, found)
		}
	})
	t.Match(q)
	var b strings.Builder
	fmt.Fprintf(&b, "> %s\n%s", request, tried.String())
	for _, r := range q.Rules {
		fmt.Fprintf(&b, "matched  %s:%d %s (%s)\n", r.File, r.Line, printable(r.Label), r.Dialect)
	}
	for _, l := range []struct {
		name string
		list *dictionary.List
	}{{"control", q.Control}, {"reply", q.Reply}} {
		if text := listText(l.list); text != "" {
			fmt.Fprintf(&b, "%-8s %s\n", l.name, text)
		}
	}
	for _, dr := range q.Dropped {
		fmt.Fprintf(&b, "dropped  %s: %s\n", dr.Attr.Name, dr.Why)
	}
	if !bytes.Equal(q.Stripped, q.Name) {
		fmt.Fprintf(&b, "stripped %s\n", q.Stripped)
	}
	switch {
	case q.Err != nil:
		fmt.Fprintf(&b, "error    %v\n", q.Err)
	case q.Ended:
		b.WriteString("decided by the rewrite function\n")
	case !q.Found:
		b.WriteString("unknown user\n")
	}
	return b.String()
}

// printable gives a label as it stands, or quoted if it cannot be read so.
func printable(label string) string {
	if utf8.ValidString(label) && !strings.ContainsFunc(label, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return label
	}
	return strconv.Quote(label)
}

type watchFunc func(r Rule, matched bool, failed, found string)

func (f watchFunc) Matched(r Rule)                     { f(r, true, "", "") }
func (f watchFunc) Near(Rule, int, int) bool           { return true }
func (f watchFunc) Missed(r Rule, wants, found string) { f(r, false, wants, found) }

// TestGolden runs the cases of testdata/*.txt. Each is an archive with a users file (and those that it
// includes), and sections gnu, freeradius and inferred: the file read in that dialect, with the errors and
// warnings of loading it and the answers to requests, which begin with >.
func TestGolden(t *testing.T) {
	d := loadDictionary(t)
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { golden(t, d, path) })
	}
}

func golden(t *testing.T, d *dictionary.Dictionary, path string) {
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ar.Files {
		f := &ar.Files[i]
		o := Options{Dialect: map[string]Dialect{"gnu": GNU, "freeradius": FreeRADIUS}[f.Name]}
		o.IgnoreCase = f.Name == "ignore-case"
		if o.Dialect == Infer && f.Name != "inferred" && !o.IgnoreCase {
			continue
		}
		got := section(t, d, ar.Files, o, string(f.Data))
		if *update {
			f.Data = []byte(got)
		} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s, section %s (-want +got):\n%s", path, f.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(ar), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// section loads the files and answers the requests of a section.
func section(t *testing.T, d *dictionary.Dictionary, files []txtar.File, o Options, want string) string {
	table, errs := loadFiles(t, d, files, o)
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintln(&b, e.Error())
	}
	if errs.Failed() {
		b.WriteString("refused\n")
	}
	for line := range strings.Lines(want) {
		if request, ok := strings.CutPrefix(line, "> "); ok {
			if b.Len() > 0 {
				b.WriteString("\n")
			}
			b.WriteString(answer(t, d, table, strings.TrimSpace(request)))
		}
	}
	return b.String()
}
