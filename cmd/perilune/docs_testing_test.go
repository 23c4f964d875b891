package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsTesting writes the scripts of docs/testing.md into a tree as they come, and runs its commands there, those
// of its CI snippets, too.
func TestDocsTesting(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if code := run([]string{"init", dir}, streams{strings.NewReader(""), &out, &out}); code != exitOK {
		t.Fatal(&out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "scripts", "*.lua"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files { // the page begins with no scripts
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	writeFiles(t, dir, map[string]string{"raddb/users": "demo Cleartext-Password := \"hello\"\n"})
	blocks := fences(t, "../../docs/testing.md")
	t.Chdir(dir)
	for _, f := range blocks {
		switch f.kind {
		case "lua":
			f.writeScript(t, dir)
		case "console":
			for _, c := range shellCommands(f.text) {
				t.Run(f.at()+" "+c.line, func(t *testing.T) { c.checkHere(t) })
			}
		case "yaml":
			if err := os.RemoveAll(filepath.Join(dir, "scripts", "wrong_test.lua")); err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^ *- (?:run: )?perilune (.*)$`).FindAllStringSubmatch(f.text, -1) {
				c := shellCommand{line: m[1]}
				t.Run(f.at()+" "+c.line, func(t *testing.T) { c.checkHere(t) })
			}
		}
	}
}

// checkHere runs the command in the working directory and compares what it prints.
func (c *shellCommand) checkHere(t *testing.T) {
	var out bytes.Buffer
	code := run(shellWords(c.line), streams{strings.NewReader(""), &out, &out})
	c.compare(t, code, out.String())
}
