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
	var files []*ast.File
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if strings.HasPrefix(path, filepath.Join(root, "engine", "config")) && !slices.Contains(readers, filepath.Base(path)) {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	used, embedded := map[string]bool{}, embeddings(files)
	for _, f := range files {
		reads(f, embedded, used)
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

// embeddings gives the tables that types embed, also by a type between.
func embeddings(files []*ast.File) map[string]string {
	in := map[string][]string{} // the types that embed a type
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if t, ok := n.(*ast.TypeSpec); ok {
				if s, ok := t.Type.(*ast.StructType); ok {
					for _, field := range s.Fields.List {
						if len(field.Names) == 0 {
							name := typeName(field.Type)
							in[name] = append(in[name], t.Name.Name)
						}
					}
				}
			}
			return true
		})
	}
	embedded := map[string]string{}
	var note func(name, table string)
	note = func(name, table string) {
		for _, outer := range in[name] {
			if embedded[outer] == "" {
				embedded[outer] = table
				note(outer, table)
			}
		}
	}
	for name := range in {
		if table, ok := strings.CutPrefix(name, "config."); ok {
			note(name, table)
		}
	}
	return embedded
}

// typeName gives "T" of T and *T, "config.T" of config.T.
func typeName(e ast.Expr) string {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if s, ok := e.(*ast.SelectorExpr); ok && lastName(s.X) == "config" {
		return "config." + s.Sel.Name
	}
	return lastName(e)
}

// reads collects Table.Field of c.Table.Field, and of x.Field where x is a variable or field that the file
// declares as config.Table, or as a type that embeds one, or sets to c.Table.
func reads(f *ast.File, embedded map[string]string, used map[string]bool) {
	tables := map[string][]string{} // by the name of a variable
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			name := typeName(n.Type)
			table, ok := strings.CutPrefix(name, "config.")
			if !ok {
				table = embedded[name]
			}
			for _, name := range n.Names {
				tables[name.Name] = append(tables[name.Name], table)
			}
		case *ast.AssignStmt:
			for i, right := range n.Rhs {
				if from, ok := right.(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) {
					name := lastName(n.Lhs[i])
					tables[name] = append(tables[name], from.Sel.Name)
				}
			}
		}
		return true
	})
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			of := lastName(s.X)
			used[of+"."+s.Sel.Name] = true
			for _, table := range tables[of] {
				used[table+"."+s.Sel.Name] = true
			}
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
