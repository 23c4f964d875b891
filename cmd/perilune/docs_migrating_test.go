package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDocsMigrating follows the two parts of docs/migrating.md with the directories of examples, from top to
// bottom: scripts that it shows go into the new tree, commands of its consoles are run by a shell, and what they
// print must be what the page says. The old server is FreeRADIUS itself; for GNU Radius the converted tree
// stands in, exactly as it was. Lines of root, behind "# ", are not run.
func TestDocsMigrating(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	text, err := os.ReadFile("../../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "perilune")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	starts := map[string]func(*migration) string{"GNU Radius": (*migration).standIn, "FreeRADIUS": (*migration).freeRADIUS}
	for _, part := range strings.Split(string(text), "\n## ")[1:] {
		name, ok := strings.CutPrefix(part[:strings.Index(part, "\n")], "From ")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m := &migration{T: t, dir: t.TempDir(), program: program, startOld: starts[name]}
			m.prepare()
			m.follow(part)
		})
		delete(starts, name)
	}
	if len(starts) > 0 {
		t.Errorf("the page has no part for %v", starts)
	}
}

// A migration follows one part of the page.
type migration struct {
	*testing.T
	dir, program string
	startOld     func(*migration) string // gives the address
	places       []string                // pairs for a strings.Replacer: of the page, of this machine
}

// prepare copies the old directories to where nothing else is.
func (m *migration) prepare() {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		m.Fatal(err)
	}
	m.places = []string{
		"/usr/local/etc/raddb", filepath.Join(m.dir, "gnu"), "/etc/freeradius/3.0", filepath.Join(m.dir, "freeradius"),
		"/etc/perilune", filepath.Join(m.dir, "new"), "/var/log/radius", filepath.Join(m.dir, "log"), "/var/acct/radius", filepath.Join(m.dir, "acct"), "examples/", examples + "/",
		"127.0.0.1:11812", fmt.Sprintf("127.0.0.1:%d", freePort(m.T)), "127.0.0.1:11813", fmt.Sprintf("127.0.0.1:%d", freePort(m.T)),
	}
	m.copyTree(filepath.Join(examples, "gnu-radius/raddb"), "gnu", "/var/log/radius", filepath.Join(m.dir, "log"), "/var/acct/radius", filepath.Join(m.dir, "acct"))
	m.copyTree(filepath.Join(examples, "freeradius/raddb"), "freeradius")
	if err := os.Mkdir(filepath.Join(m.dir, "log"), 0o755); err != nil {
		m.Fatal(err)
	}
}

// copyTree copies a directory and replaces texts in its files.
func (m *migration) copyTree(from, to string, replace ...string) {
	m.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(from, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[filepath.Join(to, strings.TrimPrefix(path, from))] = strings.NewReplacer(replace...).Replace(string(text))
		return err
	})
	if err != nil {
		m.Fatal(err)
	}
	writeFiles(m.T, m.dir, files)
}

// follow goes through the blocks of a part.
func (m *migration) follow(part string) {
	for _, f := range fencesOf(m.T, "migrating.md", part) {
		switch f.kind {
		case "lua":
			f.writeScript(m.T, filepath.Join(m.dir, "new"))
		case "console":
			for _, c := range consoleLines(f.text) {
				m.command(c)
			}
		case "text": // of root, or output
		default:
			m.Errorf("a block of %q", f.kind)
		}
	}
}

// command runs one line of a console.
func (m *migration) command(c shellCommand) {
	if strings.Contains(c.line, "127.0.0.1:1812") && m.startOld != nil {
		address := m.startOld(m)
		m.startOld = nil
		m.places = append(m.places, "127.0.0.1:1812", address)
	}
	line := strings.NewReplacer(m.places...).Replace(c.line)
	if strings.HasPrefix(line, "perilune serve ") {
		m.start(m.program, strings.Fields(line)[1:]...)
		return
	}
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(m.program)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		m.Fatal(err)
	}
	code := cmd.ProcessState.ExitCode()
	if strings.HasPrefix(c.line, "examples/compare") {
		c.exit = code // it tells of differences
	}
	back := make([]string, len(m.places))
	for i := range m.places {
		back[i] = m.places[i^1]
	}
	c.compare(m.T, code, strings.NewReplacer(back...).Replace(string(out)))
	if strings.Contains(line, " convert ") {
		m.quiet("new")
	}
}

// quiet takes the listener of metrics away, whose port is the same for all servers, and the delay of rejects.
func (m *migration) quiet(tree string) {
	path := filepath.Join(m.dir, tree, "raddb/config.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		m.Fatal(err)
	}
	s := regexp.MustCompile(`(?m)^#?listen = \["127.0.0.1:9812"\]`).ReplaceAllString(string(text), "listen = []")
	s = regexp.MustCompile(`(?m)^#?reject-delay = .*`).ReplaceAllString(s, "reject-delay = 0")
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		m.Fatal(err)
	}
}

// standIn serves the tree of GNU Radius as it was.
func (m *migration) standIn() string {
	if code, out, err := execute("convert", "-exact", filepath.Join(m.dir, "gnu"), filepath.Join(m.dir, "old")); code != exitOK {
		m.Fatalf("%s%s", out, err)
	}
	m.quiet("old")
	address := fmt.Sprintf("127.0.0.1:%d", freePort(m.T))
	m.start(m.program, "serve", "-d", filepath.Join(m.dir, "old/raddb"), "-auth-listen", address, "-acct-listen", "127.0.0.1:0")
	return address
}

// freeRADIUS runs the example's directory under FreeRADIUS, on free ports, as whoever runs the tests.
func (m *migration) freeRADIUS() string {
	tool := foreignTool(m.T, "freeradius")
	port, at := freePort(m.T), filepath.Join(m.dir, "theirs")
	m.copyTree(filepath.Join(m.dir, "freeradius"), "theirs", "raddbdir = /etc/freeradius/3.0", "raddbdir = "+at,
		"logdir = /var/log/freeradius", "logdir = "+m.dir, "localstatedir = /var", "localstatedir = "+m.dir,
		"\tuser = freerad\n", "", "\tgroup = freerad\n", "", "reject_delay = 1", "reject_delay = 0", "ipaddr = *", "ipaddr = 127.0.0.1",
		"type = auth\n", fmt.Sprintf("type = auth\n\t\tport = %d\n", port), "type = acct\n", fmt.Sprintf("type = acct\n\t\tport = %d\n", freePort(m.T)), "port = 0\n", "")
	if err := os.MkdirAll(filepath.Join(m.dir, "run/freeradius"), 0o755); err != nil {
		m.Fatal(err)
	}
	m.start(tool, "-f", "-l", "stdout", "-d", at, "-D", "/usr/share/freeradius", "-n", "radiusd")
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// start runs a server until the test ends, and waits until it answers.
func (m *migration) start(program string, args ...string) {
	m.Helper()
	log := newWatchedLog()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() {
		cmd.Wait()
		ended <- cmd.ProcessState.ExitCode()
	}()
	m.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
		}
		if m.Failed() {
			m.Logf("%s", log)
		}
	})
	ready := "Ready to process requests"
	if program == m.program {
		ready = "perilune serves "
	}
	if !log.wait(ready, ended) {
		m.Fatalf("%s %v does not start:\n%s", program, args, log)
	}
}

// TestExamples runs the commands with which the READMEs of the examples begin: each old directory is converted into
// a tree that loads and passes its tests.
func TestExamples(t *testing.T) {
	olds, _ := filepath.Glob("../../examples/*/raddb")
	if len(olds) < 2 {
		t.Fatalf("too few examples: %v", olds)
	}
	for _, old := range olds {
		readme := filepath.Join(filepath.Dir(old), "README.md")
		text, err := os.ReadFile(readme)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		lines := regexp.MustCompile(`(?m)^perilune (convert|check|test) .*$`).FindAllString(string(text), -1)
		for _, line := range lines {
			args := strings.Fields(line)[1:]
			for i := range args {
				args[i] = strings.Replace(args[i], "examples/", "../../examples/", 1)
				args[i] = regexp.MustCompile(`^/tmp/\w+`).ReplaceAllString(args[i], dir+"/new")
			}
			if code, out, errs := execute(args...); code != exitOK {
				t.Errorf("%s: %s: exit code %d\n%s%s", readme, line, code, out, errs)
			}
		}
		if len(lines) != 3 {
			t.Errorf("%s: %d commands", readme, len(lines))
		}
	}
}
