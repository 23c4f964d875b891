package reload

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain holds every reloader to end its goroutines.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A site is a tree of files with a reloader on it. Its server is the record of what was put in place.
type site struct {
	testing.TB
	dir string
	log *logBuffer
	r   *Reloader

	mu     sync.Mutex // protects placed
	placed []*Candidate
}

// Settings of most tests: events at once, no polling, all on loopback.
const siteConfig = `
[policy]
api = 1
scripts = "../scripts"
[state]
dir = "../state"
[reload]
poll = "1h"
quiet = "10ms"
longest = "500ms"
[http]
listen = []
`

var siteFiles = map[string]string{
	"raddb/config.toml":   siteConfig,
	"raddb/clients":       "127.0.0.1 a-secret-of-enough-octets here\n",
	"raddb/users":         "$DIALECT freeradius\nbob Cleartext-Password := \"x\"\n",
	"scripts/hello.lua":   "on(\"hints\", {name = \"hello\"}, function(req) end)\n",
	"scripts/lib/old.lua": "return {}\n",
}

// newSite writes the files, which stand above siteFiles; an empty text means that there is no such file.
func newSite(t testing.TB, files map[string]string) *site {
	t.Helper()
	s := &site{TB: t, dir: t.TempDir(), log: &logBuffer{}}
	if err := os.CopyFS(s.path("raddb/dictionary.d"), os.DirFS("../../raddb/dictionary.d")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../../raddb/dictionary")
	if err != nil {
		t.Fatal(err)
	}
	s.write("raddb/dictionary", string(b))
	for name, text := range siteFiles {
		if _, other := files[name]; !other {
			s.write(name, text)
		}
	}
	for name, text := range files {
		if text != "" {
			s.write(name, text)
		}
	}
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// write writes a file in place.
func (s *site) write(name, text string) {
	s.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// append adds to a file in place.
func (s *site) append(name, text string) {
	s.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.Fatal(err)
	}
	s.write(name, string(b)+text)
}

func (s *site) rename(from, to string) {
	s.Helper()
	s.must(os.Rename(s.path(from), s.path(to)))
}

func (s *site) link(target, name string) {
	s.Helper()
	s.must(os.Symlink(target, s.path(name)))
}

func (s *site) remove(name string) {
	s.Helper()
	s.must(os.RemoveAll(s.path(name)))
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// options are those of the site's reloader.
func (s *site) options() Options {
	return Options{Root: s.path("raddb"), Version: "test", Log: slog.New(slog.NewTextHandler(s.log, nil))}
}

// start starts from the files and fails the test if that does not work.
func (s *site) start(change ...func(*Reloader)) *site {
	s.Helper()
	if err := s.tryStart(s.options(), change...); err != nil {
		s.Fatalf("start: %v", err)
	}
	return s
}

func (s *site) tryStart(o Options, change ...func(*Reloader)) error {
	r, err := New(o)
	s.must(err)
	for _, f := range change {
		f(r)
	}
	s.r = r
	if _, err := r.Start(); err != nil {
		r.Close()
		return err
	}
	r.Attach(s.place)
	s.Cleanup(s.stop)
	return nil
}

// place is the server's side: the old generation is over at once, since nobody works on it.
func (s *site) place(c *Candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.placed); n > 0 {
		s.placed[n-1].Discard()
	}
	s.placed = append(s.placed, c)
}

// stop ends the reloader, so that another may be started.
func (s *site) stop() {
	s.r.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.placed); n > 0 {
		s.placed[n-1].Discard()
		s.placed = nil
	}
}

// watch lets the reloader watch until the test ends.
func (s *site) watch() *site {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.r.Watch(ctx)
	}()
	s.Cleanup(func() {
		cancel()
		<-over
	})
	return s
}

// wait waits for a condition, a minute at most: builds are slow on a busy machine.
func (s *site) wait(what string, ok func() bool) {
	s.Helper()
	for late := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(late) {
			s.Fatalf("%s: not within a minute; last report %+v\n%s", what, s.r.Status().Last, s.log)
		}
	}
}

// attempts gives the number of attempts so far, the start included.
func (s *site) attempts() int {
	n := s.r.Status().Reloads
	return int(n.OK + n.Unchanged + n.Refused)
}

// waitAttempt waits until more than n attempts were made and gives the report of the last.
func (s *site) waitAttempt(n int) Report {
	s.Helper()
	s.wait("an attempt", func() bool { return s.attempts() > n })
	return s.r.Status().Last
}

// good reloads by command and demands success.
func (s *site) good() Report {
	s.Helper()
	report := s.r.Reload("test", false)
	if !report.OK {
		s.Fatalf("refused: %s", strings.Join(report.Errors, "\n"))
	}
	return report
}

// refused reloads by command and demands errors that hold the texts; it gives them.
func (s *site) refused(texts ...string) string {
	s.Helper()
	before := s.r.Status().Generation
	report := s.r.Reload("test", false)
	all := strings.Join(report.Errors, "\n")
	if report.OK || report.To != before || s.r.Status().Generation != before {
		s.Fatalf("not refused: %+v", report)
	}
	for _, text := range texts {
		if !strings.Contains(all, text) {
			s.Errorf("the errors lack %q:\n%s", text, all)
		}
	}
	if s.r.Status().Degraded == "" {
		s.Error("not degraded after a refusal")
	}
	return all
}

// A logBuffer takes a log from several goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) count(text string) int { return strings.Count(l.String(), text) }

// content gives a stored file's text by its place in a manifest.
func content(t testing.TB, s *Store, m Manifest, path string) string {
	t.Helper()
	tree, err := s.Tree(m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := tree.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
