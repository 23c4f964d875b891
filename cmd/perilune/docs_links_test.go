package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocsLinks follows the links between the pages, to their headings and to files of the tree, from the examples,
// too.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)
	examples, _ := filepath.Glob("../../examples/*/README.md")
	for _, page := range append(docPages(t), examples...) {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			to := page
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(page), m[1])
			}
			if text, err := os.ReadFile(to); err != nil || m[2] != "" && !slices.Contains(anchors(string(text)), m[2]) {
				t.Errorf("%s: the link %s leads nowhere", page, m[0])
			}
		}
	}
}

// anchors gives the names by which headings of a page are linked to.
func anchors(page string) (names []string) {
	for _, m := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestDocsNameCommands: what pages, tutorials and examples call a command is one.
func TestDocsNameCommands(t *testing.T) {
	for _, dir := range []string{"docs", "raddb", "scripts", "examples", "README.md"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || strings.HasSuffix(path, ".go") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range regexp.MustCompile("(?:`|\\$ )perilune ([a-z]+)").FindAllStringSubmatch(string(b), -1) {
				if !slices.ContainsFunc(commands(), func(c command) bool { return c.name == m[1] }) {
					t.Errorf("%s names the command %s, which there is not", path, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestDocsPlaces finds the files that the pages name as the places of something.
func TestDocsPlaces(t *testing.T) {
	place := regexp.MustCompile("`((?:engine/|policy/|cmd/)?[a-z0-9_]+/[a-z0-9_/]+\\.go)`")
	for _, name := range []string{"rfcs.md", "architecture.md", "gnu-radius.md"} {
		page, err := os.ReadFile(filepath.Join("../../docs", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range place.FindAllStringSubmatch(string(page), -1) {
			path := m[1]
			if !strings.HasPrefix(path, "policy/") && !strings.HasPrefix(path, "cmd/") && !strings.HasPrefix(path, "engine/") {
				path = "engine/" + path
			}
			if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
				t.Errorf("docs/%s names %s: %v", name, m[1], err)
			}
		}
	}
}
