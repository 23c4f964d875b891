package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// idle are the keys that nobody reads because their bounds leave no choice.
var idle = []string{"Policy.API"}

// readers are the files of this package that use settings; the rest of it only describes and checks them.
var readers = []string{"tree.go", "statedir.go"}

// TestEveryKeyHasAnEffect: a key that no code reads is a promise that nobody keeps.
func TestEveryKeyHasAnEffect(t *testing.T) {
	used := map[string]bool{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if strings.HasPrefix(path, filepath.Join(root, "engine", "config")) && !slices.Contains(readers, filepath.Base(path)) {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			reads(f, used)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys() {
		if !used[key] && !slices.Contains(idle, key) {
			t.Errorf("%s is read nowhere", key)
		}
	}
}

// keys gives all settings as Go spells them: Server.Loops.
func keys() []string { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(table reflect.Type, name string) (all []string) {
	for i := range table.NumField() {
		f := table.Field(i)
		switch {
		case f.Tag.Get("toml") == "":
		case isNamed(f.Type):
			all = append(all, keysOf(f.Type.Elem().Elem(), f.Type.Elem().Elem().Name())...)
		case isTable(f.Type):
			all = append(all, keysOf(f.Type, f.Name)...)
		default:
			all = append(all, name+"."+f.Name)
		}
	}
	return all
}

// reads collects Table.Field of c.Table.Field, and of x.Field where x is a variable or field that the file
// declares as config.Table or sets to c.Table.
func reads(f *ast.File, used map[string]bool) {
	tables := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			typ := n.Type
			if star, ok := typ.(*ast.StarExpr); ok {
				typ = star.X
			}
			if table, ok := typ.(*ast.SelectorExpr); ok && lastName(table.X) == "config" {
				for _, name := range n.Names {
					tables[name.Name] = table.Sel.Name
				}
			}
		case *ast.AssignStmt:
			for i, right := range n.Rhs {
				if from, ok := right.(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) {
					tables[lastName(n.Lhs[i])] = from.Sel.Name
				}
			}
		case *ast.SelectorExpr:
			table := lastName(n.X)
			used[table+"."+n.Sel.Name] = true
			used[tables[table]+"."+n.Sel.Name] = true
		}
		return true
	})
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
