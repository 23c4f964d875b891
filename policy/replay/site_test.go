package replay_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"perilune/engine/dictionary"
	"perilune/engine/server"
	"perilune/policy/backend"
	"perilune/policy/reload"
	"perilune/policy/replay"
)

// TestMain holds every engine and recorder to end its goroutines.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A site is a server without sockets whose requests are captured.
type site struct {
	testing.TB
	c        *reload.Candidate
	offline  *server.Offline
	now      time.Time
	captured []*server.Captured
}

const siteConfig = "[policy]\napi = 1\nscripts = \"../scripts\"\n[state]\ndir = \"../state\"\n[http]\nlisten = []\n[server]\nreject-delay = \"0s\"\n"

var siteFiles = map[string]string{
	"raddb/config.toml": siteConfig,
	"raddb/clients":     "127.0.0.1 a-secret-of-enough-octets here\n",
	"raddb/users":       "$DIALECT freeradius\nbob Cleartext-Password := \"hello-bob\"\n  Session-Timeout = 600\n",
	"scripts/empty.lua": "\n",
}

// build makes a candidate of files, which stand above siteFiles.
func build(t testing.TB, files map[string]string) *reload.Candidate {
	t.Helper()
	return buildWith(t, files, nil)
}

// buildWith is build with what stands for the backends.
func buildWith(t testing.TB, files map[string]string, wrap func(backend.Backends) backend.Backends) *reload.Candidate {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "raddb/dictionary.d"), os.DirFS("../../raddb/dictionary.d")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../../raddb/dictionary")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "raddb/dictionary"), string(b))
	for name, text := range siteFiles {
		if _, other := files[name]; !other {
			write(t, filepath.Join(dir, name), text)
		}
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	c, errs := reload.Build(reload.Options{Root: filepath.Join(dir, "raddb"), Wrap: wrap})
	if errs.Failed() {
		t.Fatal(errs)
	}
	t.Cleanup(c.Discard)
	return c
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newSite(t testing.TB, files map[string]string) *site { return siteOf(t, build(t, files)) }

func siteOf(t testing.TB, c *reload.Candidate) *site {
	s := &site{TB: t, c: c, now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	s.offline = server.NewOffline(func() time.Time { return s.now })
	if _, ok := s.offline.Capture(s); !ok {
		t.Fatal("no capture")
	}
	return s
}

// Wants implements server.Captor.
func (s *site) Wants(*server.Request) bool { return true }

// Take implements server.Captor.
func (s *site) Take(k *server.Captured) { s.captured = append(s.captured, k) }

// ask sends a request, whose attributes are pairs as on a command line; CHAP-Password stands for the password.
func (s *site) ask(pairs ...string) *server.Outcome {
	s.Helper()
	return s.send(&server.Question{}, pairs...)
}

func (s *site) send(q *server.Question, pairs ...string) *server.Outcome {
	s.Helper()
	s.now = s.now.Add(time.Second)
	q.Client = s.c.Clients.All()[0]
	q.Attributes = dictionary.List{}
	for _, text := range pairs {
		if clear, ok := strings.CutPrefix(text, "CHAP-Password="); ok {
			q.CHAP = clear
			continue
		}
		p, err := s.c.Dictionary.ParsePair(text)
		if err != nil {
			s.Fatal(err)
		}
		q.Attributes.AddShared(p)
	}
	out, err := s.offline.Run(s.c.Generation, q)
	if err != nil {
		s.Fatal(err)
	}
	return out
}

// pairs reads attributes as on a command line.
func (s *site) pairs(texts ...string) (l dictionary.List) {
	s.Helper()
	for _, text := range texts {
		p, err := s.c.Dictionary.ParsePair(text)
		if err != nil {
			s.Fatal(err)
		}
		l.AddShared(p)
	}
	return l
}

// answer goes on with a challenge.
func (s *site) answer(out *server.Outcome, pairs ...string) *server.Outcome {
	s.Helper()
	if out.State == nil {
		s.Fatalf("no State: %v", out)
	}
	return s.send(&server.Question{State: out.State}, pairs...)
}

// text gives what a record has of all requests.
func (s *site) text(key *replay.Key, answers bool) string {
	s.Helper()
	path := filepath.Join(s.TempDir(), "record.json")
	r := replay.NewRecorder(traffic{}, slog.New(slog.DiscardHandler), key)
	r.Configure(replay.RecorderSettings{File: path, Size: 1 << 30, Keep: 1, Answers: answers})
	for _, k := range s.captured {
		r.Take(k)
	}
	r.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

// traffic is none.
type traffic struct{}

// Capture implements replay.Traffic.
func (traffic) Capture(server.Captor) (func(), bool) { return func() {}, true }

// replayed runs a record through files.
func replayed(t testing.TB, record string, key *replay.Key, files map[string]string) *replay.Report {
	t.Helper()
	return replayedBy(t, record, key, build(t, files))
}

func replayedBy(t testing.TB, record string, key *replay.Key, c *reload.Candidate) *replay.Report {
	t.Helper()
	e := replay.New(replay.Subject{Generation: c.Generation, Program: c.Program, Backend: c.Config.Backend}, replay.Options{})
	if err := e.Run(replay.Read(strings.NewReader(record), "record.json", key)); err != nil {
		t.Fatal(err)
	}
	return e.Close()
}

// shadowed runs the captured requests through files as a shadow does.
func (s *site) shadowed(files map[string]string) *replay.Report {
	s.Helper()
	c := build(s, files)
	e := replay.New(replay.Subject{Generation: c.Generation, Program: c.Program, Backend: c.Config.Backend}, replay.Options{Workers: 1})
	for _, k := range s.captured {
		e.Put(replay.FromCaptured(k))
	}
	return e.Close()
}

// written gives a report as people read it.
func written(r *replay.Report) string {
	var b strings.Builder
	r.Write(&b)
	return b.String()
}

var testKey = func() *replay.Key {
	k, err := replay.NewKey([]byte("a key of the tests"))
	if err != nil {
		panic(err)
	}
	return k
}()
