package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"perilune/policy/policytest"
	"perilune/policy/reload"
)

// Every fenced block of the pages is used as what its info string says:
//
//	lua         a script; with "-- scripts/NAME" as its first line it stays for the page's later blocks
//	users, clients, realms, dictionary, toml, deny   the file of that name; clients, realms and a toml with [backend…] stay for the page's later blocks
//	console     lines with "$ perilune …" are run against a server; what follows them is their output
//	text        nothing: pictures, and output of other programs
//
// In output … stands for any text, alone on a line for any lines. "# exit code 1" behind a command is what
// it must exit with.

var updateDocs = flag.Bool("update", false, "write the tables of docs/lua.md anew")

// A fence is one block of a page.
type fence struct {
	page string
	line int
	kind string
	text string
}

// docPages gives the pages: all of docs and docs/modules, and README.md.
func docPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	modules, _ := filepath.Glob("../../docs/modules/*.md")
	if err != nil || len(pages) == 0 || len(modules) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	return append(append(pages, modules...), "../../README.md")
}

func fences(t *testing.T, page string) []fence {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return fencesOf(t, filepath.Base(page), string(b))
}

func fencesOf(t *testing.T, page, text string) (list []fence) {
	t.Helper()
	var open *fence
	for i, line := range strings.Split(text, "\n") {
		switch kind, isFence := strings.CutPrefix(line, "```"); {
		case isFence && open == nil:
			open = &fence{page: page, line: i + 1, kind: strings.TrimSpace(kind)}
		case isFence:
			list, open = append(list, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end", page, open.line)
	}
	return list
}

func (f *fence) at() string { return fmt.Sprintf("%s:%d", f.page, f.line) }

// script gives the file that a script belongs in, by its first line; "" if that does not say.
func (f *fence) script() string {
	first, _, _ := strings.Cut(f.text, "\n")
	if !strings.HasPrefix(first, "-- scripts/") {
		return ""
	}
	return strings.Fields(first)[1]
}

// writeScript writes a script to where its first line says.
func (f *fence) writeScript(t *testing.T, tree string) {
	t.Helper()
	name := f.script()
	if name == "" {
		t.Fatalf("%s: the first line names no file of scripts", f.at())
	}
	writeFiles(t, tree, map[string]string{name: f.text})
}

// ownTests are pages whose blocks have tests of their own.
var ownTests = []string{"send.md", "migrating.md", "tutorial.md", "testing.md", "replay.md"}

// blockFiles says which file a block of a kind is.
var blockFiles = map[string]string{
	"users": "raddb/users", "clients": "raddb/clients", "realms": "raddb/realms", "dictionary": "raddb/dictionary.page",
	"toml": "raddb/config.toml", "deny": "raddb/access.deny",
}

// TestDocsLoad loads every block that is a file: nothing that the pages show may be refused or warned about.
func TestDocsLoad(t *testing.T) {
	for _, page := range docPages(t) {
		scripts := map[string]string{}
		for _, f := range fences(t, page) {
			switch {
			case slices.Contains(ownTests, f.page), f.kind == "console", f.kind == "text":
			case f.kind == "lua":
				name := f.script()
				t.Run(f.at(), func(t *testing.T) { loadBlock(t, scripts, cmp.Or(name, "scripts/page.lua"), f.text) })
				if name != "" {
					scripts[name] = f.text
				}
			case blockFiles[f.kind] != "":
				t.Run(f.at(), func(t *testing.T) { loadBlock(t, scripts, blockFiles[f.kind], f.text) })
				switch f.kind { // what scripts forward to, and ask
				case "toml":
					if strings.Contains(f.text, "[backend") {
						scripts[blockFiles[f.kind]] = quietConfig + f.text
					}
				case "realms":
					scripts[blockFiles[f.kind]] = f.text
				case "clients":
					scripts[blockFiles[f.kind]] = fmt.Sprintf("127.0.0.0/8 %q loop type=test var.site=here\n", loopSecret) + f.text
				}
			default:
				t.Errorf("%s: no test knows what a block of %q is", f.at(), f.kind)
			}
		}
	}
}

// loadBlock builds a generation with one file of a page, and runs the tests that it has.
func loadBlock(t *testing.T, scripts map[string]string, name, text string) {
	files := map[string]string{
		"raddb/secrets/campus": "the secret of the campus", "raddb/secrets/shared": "a secret of 24 octets...",
		"raddb/users": "$DIALECT freeradius\n", "raddb/secrets/ldap": "s3rvice", "raddb/secrets/otp": "a token",
		"raddb/secrets/redis": "a password",
	}
	for k, v := range scripts {
		files[k] = v
	}
	if name == blockFiles["dictionary"] {
		text = "$INCLUDE dictionary\n" + text
		files["raddb/config.toml"] = quietConfig + "[dictionary]\nfile = \"dictionary.page\"\n"
	}
	if name == blockFiles["toml"] && strings.Contains(text, "[backend") {
		text += "\n[policy]\napi = 1\nscripts = \"../scripts\"\n" // the page's, which open it
	}
	files[name] = text
	dir := loopTree(t, files)
	c, errs := reload.Build(reload.Options{Root: filepath.Join(dir, "raddb")})
	if len(errs) > 0 {
		t.Errorf("%v\n%s", errs, text)
	}
	if c == nil {
		return
	}
	defer c.Discard()
	for _, failure := range c.RunTests(policytest.Options{}).Failures {
		t.Errorf("%s: %s", failure.At, failure.Text())
	}
}
