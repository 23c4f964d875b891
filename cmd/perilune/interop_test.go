package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Tests of the whole program: a server on loopback, asked by clients that others have written. A test whose
// tool is missing is skipped; with PERILUNE_TOOLS=require that is a failure.

// foreignTool gives the path of a program that a test needs.
func foreignTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		without(t, "%s is not installed", name)
	}
	return path
}

// without ends a test that cannot run here.
func without(t testing.TB, format string, a ...any) {
	t.Helper()
	text := fmt.Sprintf(format, a...)
	if os.Getenv("PERILUNE_TOOLS") == "require" {
		t.Fatalf("%s, and PERILUNE_TOOLS=require", text)
	}
	t.Skip(text)
}

// loopSecret is the secret of all clients in these tests.
const loopSecret = "a secret of loopback tests"

// loopTree writes the default tree with a quiet config.toml and the one client of these tests into a new
// directory and gives it. files, by path below the directory, stand above the default ones; scripts are only
// those that files brings.
func loopTree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	if code := run([]string{"init", dir}, streams{strings.NewReader(""), &out, &out}); code != exitOK {
		t.Fatalf("init: %s", &out)
	}
	scripts, _ := filepath.Glob(filepath.Join(dir, "scripts", "*.lua"))
	for _, path := range scripts {
		os.Remove(path)
	}
	writeFiles(t, dir, map[string]string{
		"raddb/config.toml": quietConfig,
		"raddb/clients":     fmt.Sprintf("127.0.0.0/8 %q loop type=test var.site=here\n", loopSecret),
	})
	writeFiles(t, dir, files)
	return dir
}

const quietConfig = `
[listen]
coa = ["127.0.0.1:0"]
[server]
reject-delay = 0
[policy]
api = 1
scripts = "../scripts"
[state]
dir = "../state"
[http]
listen = []
`

func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A loopServer is `perilune serve` in this process, on free ports of 127.0.0.1.
type loopServer struct {
	dir   string            // of loopTree
	addrs map[string]string // by kind; that of IPv6 has a 6 behind it
	log   *watchedLog
}

// port gives the port of a kind of listener: auth, acct, coa; http if the configuration has one.
func (s *loopServer) port(kind string) string {
	_, port, _ := strings.Cut(s.addrs[kind], ":")
	return port
}

func (s *loopServer) raddb() string { return filepath.Join(s.dir, "raddb") }

// serveOnLoopback starts a server on a tree, with further options, and ends it with the test. Only one may
// run at a time: the end of serve is a signal to the process.
func serveOnLoopback(t *testing.T, dir string, options ...string) *loopServer {
	t.Helper()
	s := &loopServer{dir: dir, addrs: map[string]string{}, log: newWatchedLog()}
	guard := make(chan os.Signal, 1) // so that no signal ends the tests
	signal.Notify(guard, syscall.SIGTERM)
	ended := make(chan int, 1)
	args := []string{"serve", "-d", s.raddb(), "-auth-listen", "127.0.0.1:0", "-acct-listen", "127.0.0.1:0", "-log-format", "text"}
	args = append(args, options...)
	go func() { ended <- run(args, streams{strings.NewReader(""), s.log, s.log}) }()
	t.Cleanup(func() {
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		select {
		case code := <-ended:
			if code != exitOK {
				t.Errorf("serve ended with %d:\n%s", code, s.log)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("serve does not end:\n%s", s.log)
		}
		signal.Stop(guard)
	})
	if !s.log.wait("perilune serves ", ended) {
		t.Fatalf("serve does not start:\n%s", s.log)
	}
	for _, m := range regexp.MustCompile(`msg=listening kind=(\w+) address=(\S+)`).FindAllStringSubmatch(s.log.String(), -1) {
		if strings.HasPrefix(m[2], "[") {
			m[1] += "6"
		}
		s.addrs[m[1]] = m[2]
	}
	if m := regexp.MustCompile(`msg="health and metrics" address=(\S+)`).FindStringSubmatch(s.log.String()); m != nil {
		s.addrs["http"] = m[1]
	}
	return s
}

// A watchedLog takes what a server writes and tells when a text has come.
type watchedLog struct {
	mu    sync.Mutex // protects all below
	text  bytes.Buffer
	grown chan struct{} // closed at the next write
}

func newWatchedLog() *watchedLog { return &watchedLog{grown: make(chan struct{})} }

func (w *watchedLog) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.grown)
	w.grown = make(chan struct{})
	return w.text.Write(b)
}

func (w *watchedLog) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// wait reports whether a text comes within ten seconds, and before the server ends.
func (w *watchedLog) wait(text string, ended chan int) bool {
	late := time.After(10 * time.Second)
	for {
		w.mu.Lock()
		found, grown := strings.Contains(w.text.String(), text), w.grown
		w.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-grown:
		case code := <-ended:
			ended <- code
			return false
		case <-late:
			return false
		}
	}
}

// command runs a subcommand with this server's directory and gives its exit code and both outputs.
func (s *loopServer) command(args ...string) (code int, text string) {
	var out bytes.Buffer
	code = run(args, streams{strings.NewReader(""), &out, &out})
	return code, out.String()
}

// expectLog fails the test if the server does not write a line with the text.
func (s *loopServer) expectLog(t *testing.T, text string) {
	t.Helper()
	if !s.log.wait(text, make(chan int, 1)) {
		t.Errorf("the log lacks %q:\n%s", text, s.log)
	}
}
