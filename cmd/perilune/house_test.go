package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "perilune"

// layers says which packages of ours each package may import: those of the layers below and what is
// listed beside it. It is the picture of docs/architecture.md.
var layers = []struct {
	packages []string
	also     map[string][]string // package -> packages of its own layer that it may import
}{
	{packages: []string{"engine/radius", "engine/raddb", "engine/pcap", "raddb", "scripts"}},
	{packages: []string{"engine/dictionary"}},
	{packages: []string{"engine/nas", "engine/users", "engine/auth", "engine/acct", "engine/client", "engine/admin", "engine/program"}},
	{packages: []string{"engine/proxy"}},
	{packages: []string{"engine/config", "engine/server"}},
	{packages: []string{"policy/sandbox", "policy/module", "policy/backend", "policy", "policy/policytest", "policy/replay", "policy/reload",
		"policy/convert/output", "policy/convert/rewrite", "policy/convert/gnu", "policy/convert/freeradius", "policy/convert"}, also: map[string][]string{
		"policy/module":     {"policy/sandbox"},
		"policy/backend":    {"policy/module"},
		"policy":            {"policy/sandbox", "policy/module"},
		"policy/policytest": {"policy/sandbox", "policy/module", "policy/backend", "policy"},
		"policy/replay":     {"policy/module", "policy/backend", "policy"},
		"policy/reload":     {"policy/sandbox", "policy", "policy/backend", "policy/policytest", "policy/replay"},

		"policy/convert/rewrite":    {"policy/convert/output"},
		"policy/convert/gnu":        {"policy/convert/output", "policy/convert/rewrite"},
		"policy/convert/freeradius": {"policy/convert/output"},
		"policy/convert":            {"policy/convert/output", "policy/convert/gnu", "policy/convert/freeradius"},
	}},
	{packages: []string{"cmd/perilune"}},
}

// homes says where a foreign module may be imported, tests aside.
var homes = map[string]string{
	"github.com/yuin/gopher-lua":      "policy",
	"github.com/fsnotify/fsnotify":    "policy",
	"github.com/lmittmann/tint":       "cmd",
	"github.com/pelletier/go-toml":    "engine/config",
	"github.com/prometheus/":          "engine/admin",
	"github.com/go-crypt/":            "engine/auth",
	"github.com/redis/go-redis":       "policy/backend",
	"github.com/go-ldap/ldap":         "policy/backend",
	"github.com/google/go-cmp":        "nowhere",
	"pgregory.net/rapid":              "nowhere",
	"go.uber.org/goleak":              "nowhere",
	"github.com/rogpeppe/go-internal": "nowhere",
}

// allowed gives the packages of ours that pkg may import, nil if it has no place in the layers.
func allowed(pkg string) []string {
	var below []string
	for _, l := range layers {
		if slices.Contains(l.packages, pkg) {
			return append(slices.Clone(below), append(l.also[pkg], pkg)...)
		}
		below = append(below, l.packages...)
	}
	return nil
}

// TestLayers parses the imports of every file: lower never imports higher.
func TestLayers(t *testing.T) {
	eachGoFile(t, func(pkg, path string, f *ast.File) {
		may := allowed(pkg)
		if may == nil {
			t.Errorf("%s: package %s has no place in the layers", path, pkg)
			return
		}
		test := strings.HasSuffix(path, "_test.go")
		for _, imp := range f.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			if own, ok := strings.CutPrefix(name, module+"/"); ok {
				if !slices.Contains(may, own) && !test {
					t.Errorf("%s: %s must not import %s", path, pkg, own)
				}
				continue
			}
			checkHome(t, path, pkg, name, test)
		}
	})
}

func checkHome(t *testing.T, path, pkg, name string, test bool) {
	for prefix, home := range homes {
		if strings.HasPrefix(name, prefix) && !test && !strings.HasPrefix(pkg, home) {
			t.Errorf("%s: %s belongs in %s alone", path, name, home)
		}
	}
	if strings.Contains(name, ".") && !test && (pkg == "engine/radius" || pkg == "engine/raddb") {
		t.Errorf("%s: %s takes the standard library alone, not %s", path, pkg, name)
	}
}

// TestHouse holds the rules of names and comments that no compiler checks.
func TestHouse(t *testing.T) {
	eachGoFile(t, func(pkg, path string, f *ast.File) {
		for _, bad := range []string{"util", "common", "helper", "manager", "misc"} {
			if strings.Contains(path, bad) {
				t.Errorf("%s: a file or package is named by its subject, not %q", path, bad)
			}
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			checkDecl(t, path, d)
		}
	})
}

func checkDecl(t *testing.T, path string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.Name == "init" {
			t.Errorf("%s: no init functions", path)
		}
		if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
			t.Errorf("%s: %s has no doc comment", path, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
				t.Errorf("%s: type %s has no doc comment", path, ts.Name.Name)
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func eachGoFile(t *testing.T, visit func(pkg, path string, f *ast.File)) {
	t.Helper()
	root := filepath.Join("..", "..")
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if e.IsDir() && rel != "." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" || rel == "examples") {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, path, src, parser.ParseComments)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(filepath.Dir(rel)), filepath.ToSlash(rel), f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
