package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocsCommands runs the commands of each page, in order, against a server of its own with the default configuration.
func TestDocsCommands(t *testing.T) {
	pages := map[string][]shellCommand{}
	for _, page := range docPages(t) {
		for _, f := range fences(t, page) {
			if f.kind != "console" || slices.Contains(ownTests, f.page) {
				continue
			}
			for _, c := range shellCommands(f.text) {
				c.at = f.at()
				pages[f.page] = append(pages[f.page], c)
			}
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages["README.md"] = readmeCommands(string(readme))
	for name, commands := range pages {
		t.Run(name, func(t *testing.T) { checkCommands(t, commands) })
	}
}

func checkCommands(t *testing.T, commands []shellCommand) {
	dir := defaultTree(t)
	s := serveOnLoopback(t, dir)
	writeFiles(t, dir, map[string]string{"raddb/radius.conf": fmt.Sprintf("auth %s testing123\nacct %s testing123\n", s.addrs["auth"], s.addrs["acct"])})
	t.Chdir(dir)
	for _, c := range commands {
		t.Run(c.at+" "+c.line, func(t *testing.T) { c.check(t, s) })
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
	at     string // file:line of its block; "" in README.md
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
		case "127.0.0.1:1813":
			args[i] = s.addrs["acct"]
		}
	}
	switch args[0] {
	case "serve":
		return // it runs
	case "trace":
		defer s.feedTrace(t)()
	}
	code, out := s.command(args...)
	c.compare(t, code, out)
	if t.Failed() {
		t.Logf("%s", s.log)
	}
}

// compare demands the exit code and, where the page shows it, the output.
func (c *shellCommand) compare(t *testing.T, code int, out string) {
	t.Helper()
	out = strings.TrimRight(out, "\n")
	if code != c.exit {
		t.Errorf("%s: exit code %d, the page says %d\n%s", c.line, code, c.exit, out)
	}
	if len(c.output) > 0 && !shows(c.output, strings.Split(out, "\n")) {
		t.Errorf("%s: (-page +got)\n%s", c.line, cmp.Diff(strings.Join(c.output, "\n"), out))
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
