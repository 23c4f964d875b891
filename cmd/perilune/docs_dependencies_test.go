package main

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDocsDependencies demands a reason for each module that our code imports or runs as a tool, and none
// for others.
func TestDocsDependencies(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	used := directModules(t, string(mod))
	for _, m := range used {
		if !strings.Contains(string(page), "\n| `"+m+"` |") {
			t.Errorf("docs/dependencies.md has no reason for %s", m)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !slices.Contains(used, m[1]) {
			t.Errorf("docs/dependencies.md has %s, which nothing imports", m[1])
		}
	}
}

// directModules gives the modules of go.mod that our own code imports, tests included, or runs as tools.
func directModules(t *testing.T, mod string) (used []string) {
	var modules []string
	for _, line := range strings.Split(mod, "\n") {
		if f := strings.Fields(strings.TrimPrefix(line, "require ")); len(f) > 1 && strings.HasPrefix(f[1], "v") {
			modules = append(modules, f[0])
		}
	}
	note := func(path string) {
		for _, m := range modules {
			if (path == m || strings.HasPrefix(path, m+"/")) && !slices.Contains(used, m) {
				used = append(used, m)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^tool (\S+)`).FindAllStringSubmatch(mod, -1) {
		note(m[1])
	}
	eachGoFile(t, func(_, _ string, f *ast.File) {
		for _, imp := range f.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			note(path)
		}
	})
	return used
}
