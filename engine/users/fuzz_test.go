package users

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"perilune/engine/raddb"
)

// FuzzLoad reads any text in each dialect: it ends, collects its errors and matches without a panic.
func FuzzLoad(f *testing.F) {
	d := loadDictionary(f)
	paths, _ := filepath.Glob("testdata/*.txt")
	for _, path := range paths {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(ar.Files[0].Data), uint8(0))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, dialect uint8) {
		if strings.Contains(text, "$INCLUDE") {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, "users"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs raddb.List
		table := Load(raddb.Open(dir), "users", Options{Dictionary: d, Names: fakeNames{}, Dialect: Dialect(dialect % 3)}, &errs)
		defer table.Close(nil)
		for _, name := range []string{"bob", "DEFAULT", "BEGIN", "a"} {
			q := query(t, d, "NAS-Port = 1, Service-Type = Framed-User, Called-Station-Id = \"a:b\", Class = x")
			q.Name = []byte(name)
			q.Watch = watchFunc(func(Rule, bool, string, string) {})
			table.Match(q)
		}
	})
}

// FuzzRuleIndex reads any text with an index over each list: it gives what the entries one by one give.
func FuzzRuleIndex(f *testing.F) {
	d := loadDictionary(f)
	f.Add("DEFAULT NAS-Port = 1\n Fall-Through = Yes\nDEFAULT Suffix = b, Hint = x\n Class = y\nDEFAULT Huntgroup-Name = g1\n Class = z\n", uint8(1))
	f.Add("DEFAULT Class := x\n Fall-Through = Yes\nDEFAULT User-Name =~ \"b$\", Class == x\nbob Huntgroup-Name == g1, NAS-IP-Address == 10.0.0.0/8\n", uint8(2))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, dialect uint8) {
		if strings.Contains(text, "$INCLUDE") {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, "users"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var errs raddb.List
		table := Load(raddb.Open(dir), "users", Options{Dictionary: d, Names: manyGroups{}, Dialect: Dialect(dialect % 3)}, &errs)
		defer table.Close(nil)
		if errs.Failed() {
			return
		}
		table.indexRules(0, nil, func() {})
		for _, name := range []string{"bob", "DEFAULT", "a"} {
			sameWithoutIndex(t, table, func() (*Query, *groupHost) {
				q := query(t, d, "NAS-Port = 1, Service-Type = Framed-User, Called-Station-Id = \"a:b\", Class = x, NAS-IP-Address = 10.0.0.1, NAS-Port = 2")
				q.Name = []byte(name)
				return q, &groupHost{d: d, truths: [10]Truth{1: True, 2: Unknown}, fails: -1}
			})
		}
	})
}

// FuzzExpansion compiles any text and expands it: what it inserts from the request is bounded and never
// expanded again.
func FuzzExpansion(f *testing.F) {
	for _, s := range []string{
		"%{User-Name}", "%{%{Class}:-%{User-Name}}", "%{Class:-x%{User-Name}y}", "100%", "%%", "%{0}%u%Y", "%{", "%{%{", "%{:-}",
		"%{reply:Class[*]}", "%{Class[#]}", "%{%{%{%{Class}:-a}:-b}:-c}",
	} {
		f.Add(s)
	}
	d := loadDictionary(f)
	table, _ := loadText(f, d, "bob	NAS-Port = 1 NULL\n", Options{})
	f.Fuzz(func(t *testing.T, text string) {
		var errs raddb.List
		c := compiler{errs: &errs, table: table, names: newNames(d, table)}
		program, ok := c.expansion([]byte(text), raddb.Pos{File: "f", Line: 1})
		if ok == errs.Failed() {
			t.Fatalf("ok is %v, errors %v", ok, errs)
		}
		q := query(t, d, "User-Name = \"%{Class}\", Class = y, Class = z")
		got := string(table.expand(nil, program, q))
		if text == "%{User-Name}" && got != "%{Class}" {
			t.Fatalf("what was inserted was expanded: %s", got)
		}
		if len(got) > 2*maxExpansion {
			t.Fatalf("%d octets", len(got))
		}
	})
}

// FuzzLoginTime reads any text as hours.
func FuzzLoginTime(f *testing.F) {
	for _, s := range []string{"Wk0855-2305,Su1655-2305|Sa", "Any", "Never", "Mo-Fr0800-1700", "MoWe2200-0600", "Al0000-2400"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLoginTime(text)
		left, limited, ok := l.Within(clock, nil)
		if err != nil && ok || ok && limited && left <= 0 || !ok && left != 0 {
			t.Errorf("%q: %v, %v %v %v", text, err, left, limited, ok)
		}
	})
}
