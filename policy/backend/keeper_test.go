package backend

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"perilune/policy/module"
)

// A logged collects what is logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A life is one life of a server with a table "t" that is kept in a directory.
type life struct {
	t     testing.TB
	log   logged
	lease *Lease
	kv    module.KV
}

func born(t testing.TB, dir string, now func() time.Time, o module.KVOptions) *life {
	t.Helper()
	f := &life{t: t}
	pools := New(now, slog.New(slog.NewTextHandler(&f.log, nil)))
	f.lease = pools.Lease(Settings{StateDir: dir, Serve: true})
	kv, err := f.lease.KV("t", o)
	if err != nil {
		t.Fatal(err)
	}
	f.kv = kv
	return f
}

// is checks what the table holds, numbers and texts.
func (f *life) is(key, want string) {
	f.t.Helper()
	v, err := f.kv.Get(context.Background(), key)
	got := v
	if n, ok := module.DecodeNumber(v); ok {
		got = fmt.Sprint(n)
	}
	if got != want || err != nil {
		f.t.Errorf("%s = %q, %v; want %q", key, got, err, want)
	}
}

func (f *life) set(key, value string, ttl time.Duration) {
	f.t.Helper()
	if err := f.kv.Set(context.Background(), key, value, ttl); err != nil {
		f.t.Error(err)
	}
}

func (f *life) incr(key string, by float64, ttl time.Duration) {
	f.t.Helper()
	if _, err := f.kv.Incr(context.Background(), key, by, ttl); err != nil {
		f.t.Error(err)
	}
}

var keeping = module.KVOptions{Persist: true}

func TestTableOutlivesRestart(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	a := born(t, dir, clock, keeping)
	a.set("text", plain("x"), 0)
	a.set("short", plain("x"), time.Minute)
	a.set("long", plain("x"), time.Hour)
	a.set("gone", plain("x"), 0)
	a.incr("n", 2, 0)
	a.incr("n", 3, 0)
	if _, err := a.kv.Del(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	a.lease.Close()
	now = now.Add(30 * time.Minute)
	b := born(t, dir, clock, keeping)
	b.is("text", plain("x"))
	b.is("short", "")
	b.is("long", plain("x"))
	b.is("gone", "")
	b.is("n", "5")
	now = now.Add(30 * time.Minute)
	b.is("long", "")
	b.lease.Close()
	now = now.Add(-24 * time.Hour) // the clock was wrong
	c := born(t, dir, clock, keeping)
	c.is("n", "5")
	c.lease.Close()
	if c.log.String() != "" {
		t.Error(c.log.String())
	}
}

// copied gives a directory with the table's file as it is now: what a kill leaves.
func copied(t testing.TB, dir string, change func([]byte) []byte) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "kv", "t.table"))
	if err != nil {
		return ""
	}
	to := t.TempDir()
	if err := os.Mkdir(filepath.Join(to, "kv"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "kv", "t.table"), change(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func asIs(b []byte) []byte { return b }

// TestTableIsWrittenSoon: a change is in the file without any end of the process.
func TestTableIsWrittenSoon(t *testing.T) {
	dir := t.TempDir()
	a := born(t, dir, time.Now, keeping)
	defer a.lease.Close()
	for i := range 3 {
		want := fmt.Sprint(i + 1)
		a.incr("n", 1, 0)
		eventually(t, "n = "+want, func() bool {
			to := copied(t, dir, asIs)
			if to == "" {
				return false
			}
			b := born(t, to, time.Now, keeping)
			defer b.lease.Close()
			v, _ := b.kv.Get(t.Context(), "n")
			n, _ := module.DecodeNumber(v)
			return fmt.Sprint(n) == want
		})
	}
}

func TestDamagedTables(t *testing.T) {
	dir := t.TempDir()
	a := born(t, dir, time.Now, keeping)
	for i := range 50 {
		a.set(fmt.Sprint("k", i), plain("value"), 0)
	}
	a.lease.Close()
	for _, c := range []struct {
		name, want string
		change     func([]byte) []byte
	}{
		{"cut off", "ends in the middle of a change", func(b []byte) []byte { return b[:len(b)-3] }},
		{"cut off in a head", "ends in the middle of a change", func(b []byte) []byte { return append(b, 1, 2, 3) }},
		{"a wrong octet", "a record with a wrong checksum", func(b []byte) []byte { b[bytes.LastIndex(b, []byte("value"))] ^= 0x40; return b }},
		{"zeros at the end", "a record of 0 octets", func(b []byte) []byte { return append(b, make([]byte, 4096)...) }},
		{"another file", "does not begin like the file of a table", func([]byte) []byte { return []byte("SQLite format 3") }},
		{"empty", "does not begin like the file of a table", func([]byte) []byte { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := copied(t, dir, c.change)
			b := born(t, to, time.Now, keeping)
			if !strings.Contains(b.log.String(), c.want) {
				t.Errorf("told %q, want %q", b.log.String(), c.want)
			}
			_, err := os.Stat(filepath.Join(to, "kv", "t.table.damaged"))
			if damaged := strings.Contains(b.log.String(), "damaged"); damaged != (err == nil) {
				t.Errorf("told of damage: %t; put aside: %v", damaged, err)
			}
			b.set("new", plain("x"), 0)
			b.lease.Close()
			again := born(t, to, time.Now, keeping)
			again.is("new", plain("x"))
			again.lease.Close()
			if again.log.String() != "" {
				t.Error(again.log.String())
			}
		})
	}
}

// TestTableThatCannotBeWritten: the failure is told once, the table works, and the file is whole when it can be again.
func TestTableThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	blocker := filepath.Join(dir, "kv", "t.table.new")
	if err := os.MkdirAll(blocker, 0o700); err != nil {
		t.Fatal(err)
	}
	a := born(t, dir, time.Now, keeping)
	a.incr("n", 1, 0)
	eventually(t, "told", func() bool { return strings.Contains(a.log.String(), "cannot be written") })
	a.incr("n", 1, 0)
	a.is("n", "2")
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	eventually(t, "written again", func() bool { return strings.Contains(a.log.String(), "written again") })
	a.lease.Close()
	if n := strings.Count(a.log.String(), "cannot be written"); n != 1 {
		t.Errorf("told %d times: %s", n, a.log.String())
	}
	b := born(t, dir, time.Now, keeping)
	b.is("n", "2")
	b.lease.Close()
}

// TestTableFileIsBounded: what is written again and again does not stay in the file.
func TestTableFileIsBounded(t *testing.T) {
	dir := t.TempDir()
	a := born(t, dir, time.Now, module.KVOptions{Persist: true, Max: 100})
	value := "\x04\xe8\x07" + strings.Repeat("x", 1000)
	for i := range 20_000 {
		a.set(fmt.Sprint("k", i%150), value, 0)
	}
	a.lease.Close()
	info, err := os.Stat(filepath.Join(dir, "kv", "t.table"))
	if err != nil || info.Size() > minRewrite+4<<20 {
		t.Errorf("%d octets, %v", info.Size(), err)
	}
	b := born(t, dir, time.Now, module.KVOptions{Persist: true, Max: 100})
	b.is("k49", value) // 19,999 is k49
	b.lease.Close()
}
