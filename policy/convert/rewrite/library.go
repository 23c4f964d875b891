package rewrite

import (
	_ "embed"
	"strings"
)

//go:embed gnu.lua
var libraryText string

// library gives lib/gnu.lua with the functions that are needed. The text is in parts that begin with a line
// `---- name` or `---- name: what it needs itself`.
func library(needed map[string]bool) string {
	parts := strings.Split(libraryText, "\n---- ")
	all := map[string]bool{}
	for name := range needed {
		all[name] = true
	}
	for _, part := range parts[1:] {
		title, _, _ := strings.Cut(part, "\n")
		name, deps, _ := strings.Cut(title, ":")
		if all[name] {
			for _, d := range strings.Fields(deps) {
				all[d] = true
			}
		}
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for _, part := range parts[1:] {
		title, body, _ := strings.Cut(part, "\n")
		name, _, _ := strings.Cut(title, ":")
		if all[name] {
			b.WriteString("\n" + strings.Trim(body, "\n") + "\n")
		}
	}
	b.WriteString("\nreturn gnu\n")
	return b.String()
}
