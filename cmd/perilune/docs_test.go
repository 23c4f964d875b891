package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/server"
	"perilune/policy"
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

func fences(t *testing.T, page string) (list []fence) {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var open *fence
	for i, line := range strings.Split(string(b), "\n") {
		switch kind, isFence := strings.CutPrefix(line, "```"); {
		case isFence && open == nil:
			open = &fence{page: filepath.Base(page), line: i + 1, kind: strings.TrimSpace(kind)}
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
				name := "scripts/page.lua"
				if first, _, _ := strings.Cut(f.text, "\n"); strings.HasPrefix(first, "-- scripts/") {
					name = strings.Fields(first)[1]
				}
				t.Run(f.at(), func(t *testing.T) { loadBlock(t, scripts, name, f.text) })
				if name != "scripts/page.lua" {
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

// TestDocsCommands runs the commands of the pages against a server with the default configuration.
func TestDocsCommands(t *testing.T) {
	dir := defaultTree(t)
	s := serveOnLoopback(t, dir)
	writeFiles(t, dir, map[string]string{"raddb/radius.conf": fmt.Sprintf("auth %s testing123\nacct %s testing123\n", s.addrs["auth"], s.addrs["acct"])})
	var all []fence
	for _, page := range docPages(t) {
		all = append(all, fences(t, page)...)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, f := range all {
		if f.kind != "console" || slices.Contains(ownTests, f.page) {
			continue
		}
		for _, c := range shellCommands(f.text) {
			t.Run(f.at()+" "+c.line, func(t *testing.T) { c.check(t, s) })
		}
	}
	for _, c := range readmeCommands(string(readme)) {
		t.Run("README.md "+c.line, func(t *testing.T) { c.check(t, s) })
	}
}

// readmeCommands gives the commands of README.md: those of its indented blocks and of its table. What would
// not end is made to; bench, replay and shadows have tests of their own.
func readmeCommands(text string) (list []shellCommand) {
	for _, m := range regexp.MustCompile("(?m)^(?:    (?:go run \\./cmd/perilune|\\./perilune) (.*?)(?: +#.*)?|\\| `perilune ([^`]+)`.*)$").FindAllStringSubmatch(text, -1) {
		c := shellCommand{line: m[1] + m[2]}
		switch {
		case strings.HasPrefix(c.line, "trace"):
			c.line += " -count 1"
		case strings.HasPrefix(c.line, "bench"), strings.HasPrefix(c.line, "replay"), strings.Contains(c.line, "-shadow"):
			continue
		}
		list = append(list, c)
	}
	return list
}

// defaultTree is what init writes, on free ports.
func defaultTree(t *testing.T) string {
	dir := t.TempDir()
	var out bytes.Buffer
	if code := run([]string{"init", dir}, streams{strings.NewReader(""), &out, &out}); code != exitOK {
		t.Fatalf("init: %s", &out)
	}
	path := filepath.Join(dir, "raddb", "config.toml")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(`#listen = ["127.0.0.1:9812"]`, `listen = ["127.0.0.1:0"]`, `#reject-delay = "1s"`, `reject-delay = 0`).Replace(string(b))
	writeFiles(t, dir, map[string]string{"raddb/config.toml": text})
	return dir
}

// A shellCommand is a line of a console with what it shows.
type shellCommand struct {
	line   string
	exit   int
	output []string
}

var exitComment = regexp.MustCompile(`\s+# exit code (\d)$`)

// shellCommands gives the commands of a console that are ours, with their output.
func shellCommands(text string) (list []shellCommand) {
	for _, c := range consoleLines(text) {
		for _, form := range []string{"go run ./cmd/perilune ", "./perilune ", "perilune "} {
			if rest, ok := strings.CutPrefix(c.line, form); ok {
				c.line = rest
				list = append(list, c)
				break
			}
		}
	}
	return list
}

// consoleLines takes a console apart: a line behind "$ " is a command, what follows it its output.
func consoleLines(text string) (list []shellCommand) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			if n := len(list); n > 0 {
				list[n-1].output = append(list[n-1].output, line)
			}
			continue
		}
		c := shellCommand{line: command}
		if m := exitComment.FindStringSubmatch(command); m != nil {
			c.line = strings.TrimSuffix(command, m[0])
			c.exit, _ = strconv.Atoi(m[1])
		}
		list = append(list, c)
	}
	return list
}

// shellWords parts a line at blanks, outside of quotes.
func shellWords(line string) (words []string) {
	for _, m := range regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`).FindAllString(line, -1) {
		words = append(words, strings.NewReplacer(`'`, "", `"`, "").Replace(m))
	}
	return words
}

// check runs the command and compares what it prints.
func (c *shellCommand) check(t *testing.T, s *loopServer) {
	args := shellWords(c.line)
	for i, a := range args {
		switch a {
		case "/etc/perilune/raddb":
			args[i] = s.raddb()
		case "/etc/perilune":
			args[i] = t.TempDir()
		case "127.0.0.1:1812":
			args[i] = s.addrs["auth"]
		}
	}
	switch args[0] {
	case "serve":
		return // it runs
	case "trace":
		defer s.feedTrace(t)()
	}
	code, out := s.command(args...)
	if code != c.exit {
		t.Errorf("exit code %d, the page says %d\n%s\n%s", code, c.exit, out, s.log)
	}
	if len(c.output) > 0 && !shows(c.output, strings.Split(strings.TrimRight(out, "\n"), "\n")) {
		t.Errorf("(-page +got)\n%s", cmp.Diff(strings.Join(c.output, "\n"), strings.TrimRight(out, "\n")))
	}
}

// feedTrace asks the server until the trace that runs meanwhile has seen enough.
func (s *loopServer) feedTrace(t *testing.T) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
				s.command("send", "auth", "User-Name=demo", "User-Password=hello")
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// shows reports whether output is what a page says, where … stands for any text or lines.
func shows(page, got []string) bool {
	if len(page) == 0 {
		return len(got) == 0
	}
	if strings.TrimSpace(page[0]) == "…" {
		for i := range len(got) + 1 {
			if shows(page[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	if len(got) == 0 {
		return false
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(page[0]), "…", ".*") + "$"
	return regexp.MustCompile(pattern).MatchString(got[0]) && shows(page[1:], got[1:])
}

// TestDocsLua keeps docs/lua.md in step with the tables that register the API; -update writes its tables
// anew.
func TestDocsLua(t *testing.T) {
	const name, mark = "../../docs/lua.md", "<!-- What follows is made by go test ./cmd/perilune -run TestDocsLua -update. -->\n"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	intro, tables, ok := strings.Cut(string(page), mark)
	if !ok {
		t.Fatalf("%s has no line %q", name, mark)
	}
	var b bytes.Buffer
	if err := errors.Join(policy.WriteDocs(&b), policytest.WriteDocs(&b)); err != nil {
		t.Fatal(err)
	}
	_, made, _ := strings.Cut(b.String(), "\n\n") // the page has its own title
	_, made, _ = strings.Cut(made, "\n\n")
	made = "\n" + made
	if *updateDocs {
		if err := os.WriteFile(name, []byte(intro+mark+made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(tables, made); diff != "" {
		t.Errorf("%s is stale; -update mends it (-page +code)\n%s", name, diff)
	}
}

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

// TestDocsMetrics demands that docs/operation.md names each metric of a running server, and no other.
func TestDocsMetrics(t *testing.T) {
	tree := defaultTree(t)
	writeFiles(t, tree, map[string]string{"raddb/realms": "example.net 127.0.0.1:1 secret=\"for metrics of home servers\"\n"})
	s := serveOnLoopback(t, tree)
	resp, err := http.Get("http://" + s.addrs["http"] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	shown, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/operation.md")
	if err != nil {
		t.Fatal(err)
	}
	names := func(text []byte, form string) (list []string) {
		for _, m := range regexp.MustCompile(form).FindAllSubmatch(text, -1) {
			if !slices.Contains(list, string(m[1])) {
				list = append(list, string(m[1]))
			}
		}
		slices.Sort(list)
		return list
	}
	for _, later := range []string{"home_latency_seconds", "backend_calls_total", "backend_breaker_open"} { // come with what they count
		shown = append(shown, "# HELP perilune_"+later+"\n"...)
	}
	got, want := names(page, "(perilune_[a-z_]+)"), names(shown, "(?m)^# HELP (perilune_[a-z_]+)")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operation.md (-server +page)\n%s", diff)
	}
}

// TestDocsReasons demands that docs/operation.md has every reason of the one table.
func TestDocsReasons(t *testing.T) {
	page, err := os.ReadFile("../../docs/operation.md")
	if err != nil {
		t.Fatal(err)
	}
	for r := server.ReasonNone + 1; r < server.NumReasons; r++ {
		if name := r.String(); name != "" && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/operation.md lacks the reason %s", name)
		}
	}
}

// TestDocsPhases compares the verdicts that docs/hooks.md allows with the generated table of docs/lua.md.
func TestDocsPhases(t *testing.T) {
	want, got := phaseTable(t, "lua.md", 2), phaseTable(t, "hooks.md", 3)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-lua.md +hooks.md)\n%s", diff)
	}
}

// phaseTable reads the verdicts of each phase from the table below a heading "| Phase |"; column counts from 0.
func phaseTable(t *testing.T, name string, column int) map[string][]string {
	page, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n| Phase |")
	table, _, _ := strings.Cut(rest, "\n\n")
	if !ok {
		t.Fatalf("%s has no table of phases", name)
	}
	phases := map[string][]string{}
	for _, row := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		phase := strings.Trim(cells[0], " `*")
		if strings.Contains(phase, "load") || phase == "session" {
			continue // no request
		}
		text := regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(cells[column], "")
		var verdicts []string
		for _, v := range strings.Split(text, ",") {
			verdicts = append(verdicts, strings.TrimSpace(v))
		}
		slices.Sort(verdicts)
		phases[phase] = verdicts
	}
	return phases
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
