package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"perilune/engine/raddb"
)

// TestWarningCodes: each warning in the source has a code of its own, and each code a warning.
func TestWarningCodes(t *testing.T) {
	used := map[string]bool{}
	for _, form := range warningForms(t) {
		code := codeOf(&raddb.Error{Warning: true, Form: form})
		used[code] = true
		if strings.HasSuffix(code, "-warning") && form != "%s" && form != "%v" {
			t.Errorf("the warning %q has no code in check_codes.go", form)
		}
	}
	for _, c := range warningCodes {
		// Those that are put together at run time stand in no one place.
		if !used[c.code] && c.code != "replies-unsigned" && c.code != "accounting-unsigned" {
			t.Errorf("no warning has the code %s (%q)", c.code, c.form)
		}
	}
}

// warningForms gives the first argument of all calls of Warnf that are texts.
func warningForms(t *testing.T) (forms []string) {
	for _, root := range []string{"../../engine", "../../policy", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) < 2 {
					return true
				}
				if fn, ok := call.Fun.(*ast.SelectorExpr); !ok || fn.Sel.Name != "Warnf" {
					return true
				}
				if text, ok := call.Args[1].(*ast.BasicLit); ok {
					form, _ := strconv.Unquote(text.Value)
					forms = append(forms, form)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return forms
}
