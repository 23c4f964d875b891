package acct

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// put appends and waits for the answer.
func put(j *Journal, record string) error {
	answer := make(chan error, 1)
	j.Append([]byte(record), func(err error) { answer <- err })
	return <-answer
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "acct")
	for _, record := range []string{"one", "two"} {
		j, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := put(j, record); err != nil {
			t.Errorf("Append: %v", err)
		}
		if err := put(j, "a\nb"); err != ErrNewline {
			t.Errorf("a record of two lines: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if err := put(j, "late"); err != ErrClosed {
			t.Errorf("Append after Close: %v", err)
		}
	}
	if diff := cmp.Diff([]string{"one", "two"}, lines(t, path)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	info, _ := os.Stat(path)
	if info.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode %v: the world reads accounting", info.Mode())
	}
}

func TestHeal(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	for _, c := range []struct{ name, before, after string }{
		{"whole", "a\nb\n", "a\nb\n"},
		{"half a line", "a\nhalf", "a\n"},
		{"nothing whole", "half", ""},
		{"empty", "", ""},
		{"zeros of a crash", "a\n\x00\x00\x00", "a\n"},
		{"longer than a chunk", "a\n" + long, "a\n"},
		{"long whole line", long + "\n" + "tail", long + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "acct")
			if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := put(j, "next"); err != nil {
				t.Fatal(err)
			}
			j.Close()
			got, _ := os.ReadFile(path)
			if want := c.after + "next\n"; string(got) != want {
				t.Errorf("got %d octets, want %d", len(got), len(want))
			}
		})
	}
}

func TestRotate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "acct")
	now := func() time.Time { return time.Unix(1704110400, 0) }
	j, err := Open(path, Options{MaxSize: 8, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := put(j, fmt.Sprintf("rec%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	var got []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		got = append(got, e.Name()+": "+strings.Join(lines(t, filepath.Join(dir, e.Name())), " "))
	}
	want := []string{"acct: rec4", "acct.20240101T120000Z: rec0 rec1", "acct.20240101T120000Z-1: rec2 rec3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "acct")
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(j, "old")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	j.Reopen()
	put(j, "new")
	j.Close()
	if diff := cmp.Diff([]string{"new"}, lines(t, path)); diff != "" {
		t.Errorf("after Reopen (-want +got):\n%s", diff)
	}
}

// shaky is a Directory in memory that fails when it is told to.
type shaky struct {
	mu       sync.Mutex
	content  []byte
	synced   []byte // what a power failure leaves
	noOpen   bool
	noWrite  bool // half of the octets arrive
	noSync   bool
	noShrink bool
	syncs    int
}

var errDisk = errors.New("disk is broken")

func (d *shaky) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *shaky) Open(string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noOpen {
		return nil, errDisk
	}
	return shakyFile{d}, nil
}

func (d *shaky) Exists(string) bool           { return false }
func (d *shaky) Rename(from, to string) error { return nil }
func (d *shaky) Sync(string) error            { return nil }

type shakyFile struct{ d *shaky }

func (f shakyFile) Write(b []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.noWrite {
		f.d.content = append(f.d.content, b[:len(b)/2]...)
		return len(b) / 2, errDisk
	}
	f.d.content = append(f.d.content, b...)
	return len(b), nil
}

func (f shakyFile) ReadAt(b []byte, off int64) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	n := copy(b, f.d.content[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f shakyFile) Size() (int64, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	return int64(len(f.d.content)), nil
}

func (f shakyFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.d.syncs++
	if f.d.noSync {
		return errDisk
	}
	f.d.synced = bytes.Clone(f.d.content)
	return nil
}

func (f shakyFile) Truncate(n int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if f.d.noShrink {
		return errDisk
	}
	f.d.content = f.d.content[:n]
	return nil
}

func (f shakyFile) Close() error { return nil }

func TestBrokenDisk(t *testing.T) {
	d := &shaky{}
	for _, c := range []struct {
		name   string
		broken *bool
	}{{"write", &d.noWrite}, {"fsync", &d.noSync}} {
		t.Run(c.name, func(t *testing.T) {
			d.content, d.synced = nil, nil
			j, err := Open("acct", Options{Directory: d, Retry: time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			put(j, "before")
			d.set(func() { *c.broken = true })
			if err := put(j, "refused"); !errors.Is(err, errDisk) {
				t.Errorf("on a broken disk: %v", err)
			}
			if j.Healthy() {
				t.Error("healthy on a broken disk")
			}
			d.set(func() { *c.broken = false })
			waitHealthy(t, j) // by itself: nobody appends
			if err := put(j, "after"); err != nil {
				t.Errorf("after the repair: %v", err)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff("before\nafter\n", string(d.synced)); diff != "" {
				t.Errorf("on the disk (-want +got):\n%s", diff)
			}
		})
	}
}

func waitHealthy(t *testing.T, j *Journal) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !j.Healthy(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never healthy again")
		}
	}
}

// TestGroup: records that come while the disk is busy share one fsync.
func TestGroup(t *testing.T) {
	d := &shaky{}
	j, err := Open("acct", Options{Directory: d})
	if err != nil {
		t.Fatal(err)
	}
	const n = 100
	d.mu.Lock() // the disk is busy
	before := d.syncs
	var all sync.WaitGroup
	all.Add(n)
	for i := range n {
		j.Append(fmt.Appendf(nil, "%d", i), func(err error) {
			if err != nil {
				t.Error(err)
			}
			all.Done()
		})
	}
	d.mu.Unlock()
	all.Wait()
	j.Close()
	if d.syncs-before > 3 {
		t.Errorf("%d fsyncs for %d records", d.syncs-before, n)
	}
	if got := bytes.Count(d.synced, []byte("\n")); got != n {
		t.Errorf("%d records of %d", got, n)
	}
}

func TestFull(t *testing.T) {
	d := &shaky{}
	j, err := Open("acct", Options{Directory: d, Waiting: 2})
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	var all sync.WaitGroup
	full := 0
	var mu sync.Mutex
	for range 20 {
		all.Add(1)
		j.Append([]byte("x"), func(err error) {
			mu.Lock()
			defer mu.Unlock()
			if err == ErrFull {
				full++
			}
			all.Done()
		})
	}
	d.mu.Unlock()
	all.Wait()
	j.Close()
	if full < 15 {
		t.Errorf("%d refused of 20 with room for 2 and one group at work", full)
	}
}

// TestDurable: whatever the disk does, a record that was answered is there after a power failure, once it is
// opened again, and every line is a record.
func TestDurable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &shaky{}
		j, err := Open("acct", Options{Directory: d, Retry: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		promised := map[string]bool{}
		for i := range rapid.IntRange(1, 30).Draw(t, "records") {
			d.set(func() {
				d.noWrite = rapid.IntRange(0, 5).Draw(t, "write") == 0
				d.noSync = rapid.IntRange(0, 5).Draw(t, "sync") == 0
				d.noOpen = rapid.IntRange(0, 5).Draw(t, "open") == 0
				d.noShrink = rapid.IntRange(0, 5).Draw(t, "truncate") == 0
			})
			record := fmt.Sprintf("<%d>", i)
			if put(j, record) == nil {
				promised[record] = true
			}
		}
		j.Close()
		d.set(func() {
			d.noWrite, d.noSync, d.noOpen, d.noShrink = false, false, false, false
			if rapid.Bool().Draw(t, "power failure") {
				d.content = d.synced
			}
		})
		if j, err = Open("acct", Options{Directory: d}); err != nil {
			t.Fatal(err)
		}
		j.Close()
		text := string(d.content)
		for record := range promised {
			if !strings.Contains(text, record+"\n") {
				t.Fatalf("answered and lost: %s in %q", record, text)
			}
		}
		for _, line := range strings.Fields(text) {
			if line[0] != '<' || line[len(line)-1] != '>' || strings.Count(line, "<") != 1 {
				t.Fatalf("mangled line %q in %q", line, text)
			}
		}
	})
}

// BenchmarkJournal appends from many goroutines to a real file: the more wait, the more share one fsync.
func BenchmarkJournal(b *testing.B) {
	j, err := Open(filepath.Join(b.TempDir(), "acct"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	record := []byte(strings.Repeat("x", 400))
	b.SetParallelism(64)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		answer := make(chan error, 1)
		done := func(err error) { answer <- err }
		for pb.Next() {
			j.Append(record, done)
			if err := <-answer; err != nil {
				b.Error(err)
			}
		}
	})
}
