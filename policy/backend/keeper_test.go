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

	"pgregory.net/rapid"

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

// until waits until something holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: ", what)
		}
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
		until(t, "n = "+want, func() bool {
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
		{"a wrong octet", "a record with a wrong checksum", func(b []byte) []byte { b[len(b)/2] ^= 0x40; return b }},
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
	until(t, "told", func() bool { return strings.Contains(a.log.String(), "cannot be written") })
	a.incr("n", 1, 0)
	a.is("n", "2")
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	until(t, "written again", func() bool { return strings.Contains(a.log.String(), "written again") })
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

// TestTableChanges: bounds and the file change when a generation is put in place, not before.
func TestTableChanges(t *testing.T) {
	dir := t.TempDir()
	var log logged
	pools := New(time.Now, slog.New(slog.NewTextHandler(&log, nil)))
	generation := func(o module.KVOptions) (*Lease, module.KV) {
		l := pools.Lease(Settings{StateDir: dir, Serve: true})
		kv, err := l.KV("t", o)
		if err != nil {
			t.Fatal(err)
		}
		return l, kv
	}
	count := func(kv module.KV) (n int) {
		for i := range 200 {
			if v, _ := kv.Get(t.Context(), fmt.Sprint("k", i)); v != "" {
				n++
			}
		}
		return n
	}
	first, kv := generation(module.KVOptions{Max: 150})
	first.Activate()
	for i := range 200 {
		kv.Set(t.Context(), fmt.Sprint("k", i), plain("x"), 0)
	}
	if n := count(kv); n != 150 {
		t.Errorf("%d keys, want 150", n)
	}
	second, again := generation(module.KVOptions{Max: 50, Persist: true})
	if n := count(again); n != 150 {
		t.Errorf("before it is in place: %d keys, want 150", n)
	}
	second.Close() // it was refused
	if n := count(kv); n != 150 {
		t.Errorf("after it was refused: %d keys, want 150", n)
	}
	third, again := generation(module.KVOptions{Max: 50, Persist: true})
	third.Activate()
	first.Close()
	if n := count(again); n != 50 {
		t.Errorf("%d keys, want 50", n)
	}
	if v, _ := again.Get(t.Context(), "k199"); v == "" {
		t.Error("the newest is gone")
	}
	third.Close()
	fourth, again := generation(module.KVOptions{Max: 50, Persist: true})
	fourth.Activate()
	if n := count(again); n != 50 {
		t.Errorf("from the file: %d keys, want 50", n)
	}
	fifth, again := generation(module.KVOptions{Max: 5000})
	fifth.Activate()
	fourth.Close()
	if n := count(again); n != 50 {
		t.Errorf("in memory alone: %d keys, want 50", n)
	}
	if _, err := os.Stat(filepath.Join(dir, "kv", "t.table.old")); err != nil {
		t.Error(err)
	}
	fifth.Close()
	empty := pools.Lease(Settings{StateDir: dir, Serve: true})
	sixth, again := generation(module.KVOptions{Max: 5000})
	if n := count(again); n != 50 {
		t.Errorf("after a while that nobody had it open: %d keys, want 50", n)
	}
	sixth.Close()
	empty.Close()
}

func TestTablesAgree(t *testing.T) {
	l := New(time.Now, nil).Lease(Settings{})
	defer l.Close()
	for i, c := range []struct {
		o  module.KVOptions
		ok bool
	}{
		{module.KVOptions{TTL: time.Hour}, true}, {module.KVOptions{Max: 10}, true}, {module.KVOptions{Max: 10, TTL: time.Minute}, true},
		{module.KVOptions{}, true}, {module.KVOptions{Max: 11}, false}, {module.KVOptions{Max: 10, Persist: true}, false},
	} {
		if _, err := l.KV("t", c.o); (err == nil) != c.ok {
			t.Errorf("%d: %v", i, err)
		}
	}
	for _, name := range []string{"", "a/b", "a b", "../x", strings.Repeat("x", 65)} {
		if _, err := l.KV(name, module.KVOptions{}); err == nil {
			t.Errorf("%q opens", name)
		}
	}
}

// TestTablesWhileAllChanges: no increment is lost while bounds change and the file is written anew.
func TestTablesWhileAllChanges(t *testing.T) {
	dir := t.TempDir()
	a := born(t, dir, time.Now, module.KVOptions{Persist: true, Max: 100_000})
	table := a.kv.(*memoryTable)
	const workers, keys, each = 4, 100, 200
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range keys * each {
				a.incr(fmt.Sprint("k", (i+w)%keys), 1, 0)
			}
		})
	}
	stop := make(chan struct{})
	var resizing sync.WaitGroup
	resizing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			table.changing.Lock()
			table.resize(limits{1000 << (i % 8), defaultOctets})
			table.changing.Unlock()
		}
	})
	all.Wait()
	close(stop)
	resizing.Wait()
	a.lease.Close()
	b := born(t, dir, time.Now, module.KVOptions{Persist: true, Max: 100_000})
	for i := range keys {
		b.is(fmt.Sprint("k", i), fmt.Sprint(workers*each))
	}
	b.lease.Close()
}

// TestTableModel compares a table with a map, over restarts.
func TestTableModel(t *testing.T) {
	dir := t.TempDir()
	lives := 0
	rapid.Check(t, func(rt *rapid.T) {
		lives++
		home := filepath.Join(dir, fmt.Sprint(lives))
		now := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		m := &tableModel{most: rapid.IntRange(1, 6).Draw(rt, "max")}
		o := module.KVOptions{Persist: true, Max: m.most}
		f := born(t, home, clock, o)
		defer func() { f.lease.Close() }()
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			key := rapid.StringMatching("[a-h]").Draw(rt, "key")
			ttl := time.Duration(rapid.IntRange(0, 4).Draw(rt, "ttl")) * time.Second
			n := float64(rapid.IntRange(0, 2).Draw(rt, "n"))
			what := rapid.SampledFrom([]string{"set", "incr", "cas", "del", "get", "time", "restart"}).Draw(rt, "what")
			got, want := "", ""
			switch what {
			case "set":
				got = fmt.Sprint(f.kv.Set(t.Context(), key, module.EncodeNumber(n), ttl))
				m.set(now, key, n, ttl)
				want = "<nil>"
			case "incr":
				sum, err := f.kv.Incr(t.Context(), key, n, ttl)
				got, want = fmt.Sprint(sum, err), fmt.Sprint(m.incr(now, key, n, ttl), nil)
			case "cas":
				done, err := f.kv.CAS(t.Context(), key, module.EncodeNumber(n), module.EncodeNumber(n+1), ttl)
				got, want = fmt.Sprint(done, err), fmt.Sprint(m.cas(now, key, n, ttl), nil)
			case "del":
				done, err := f.kv.Del(t.Context(), key)
				got, want = fmt.Sprint(done, err), fmt.Sprint(m.del(now, key), nil)
			case "get":
				v, err := f.kv.Get(t.Context(), key)
				n, ok := module.DecodeNumber(v)
				wn, wok := m.get(now, key)
				got, want = fmt.Sprint(n, ok, err), fmt.Sprint(wn, wok, nil)
			case "time":
				now = now.Add(ttl)
			case "restart":
				f.lease.Close()
				f = born(t, home, clock, o)
			}
			if got != want {
				rt.Fatalf("%s %s %v %v: got %s, want %s", what, key, n, ttl, got, want)
			}
		}
		if f.log.String() != "" {
			rt.Fatal(f.log.String())
		}
	})
}

// A tableModel is a table as its page describes it: a list in the order of setting, searched from one end to the other.
type tableModel struct {
	most int
	list []modelEntry
}

type modelEntry struct {
	key  string
	n    float64
	ends time.Time // zero: never
}

func (m *tableModel) find(now time.Time, key string) int {
	for i, e := range m.list {
		if e.key == key && (e.ends.IsZero() || e.ends.After(now)) {
			return i
		}
	}
	return -1
}

func (m *tableModel) get(now time.Time, key string) (float64, bool) {
	if i := m.find(now, key); i >= 0 {
		return m.list[i].n, true
	}
	return 0, false
}

func (m *tableModel) del(now time.Time, key string) bool {
	i := m.find(now, key)
	if i >= 0 {
		m.list = append(m.list[:i:i], m.list[i+1:]...)
	}
	return i >= 0
}

func (m *tableModel) set(now time.Time, key string, n float64, ttl time.Duration) {
	m.del(now, key)
	var live []modelEntry
	for _, e := range m.list {
		if e.ends.IsZero() || e.ends.After(now) {
			live = append(live, e)
		}
	}
	m.list = live
	for len(m.list) >= m.most {
		first := 0
		for i, e := range m.list {
			if have := m.list[first].ends; !e.ends.IsZero() && (have.IsZero() || e.ends.Before(have)) {
				first = i
			}
		}
		m.list = append(m.list[:first:first], m.list[first+1:]...)
	}
	e := modelEntry{key: key, n: n}
	if ttl > 0 {
		e.ends = now.Add(ttl)
	}
	m.list = append(m.list, e)
}

func (m *tableModel) incr(now time.Time, key string, n float64, ttl time.Duration) float64 {
	if i := m.find(now, key); i >= 0 {
		m.list[i].n += n
		return m.list[i].n
	}
	m.set(now, key, n, ttl)
	return n
}

func (m *tableModel) cas(now time.Time, key string, n float64, ttl time.Duration) bool {
	if have, ok := m.get(now, key); !ok || have != n {
		return false
	}
	m.set(now, key, n+1, ttl)
	return true
}

// FuzzTableFile: no octets crash the reader, and what was read can be written and read again.
func FuzzTableFile(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	good := appendTime([]byte(tableMagic), now, 5)
	good = appendSet(good, "key", plain("value"), never)
	good = appendDelete(appendSet(good, "n", module.EncodeNumber(3), 10), "key")
	f.Add(good)
	f.Add(good[:len(good)-2])
	f.Add([]byte(tableMagic))
	f.Fuzz(func(t *testing.T, octets []byte) {
		table := newMemoryTable(func() time.Time { return now }, limits{100, 1 << 20})
		at, err := table.load(bytes.NewReader(octets))
		if at > int64(len(octets)) || err == nil && at != int64(len(octets)) {
			t.Errorf("%d of %d octets, %v", at, len(octets), err)
		}
	})
}

// FuzzTableRecord: no payload crashes the reader behind its checksum.
func FuzzTableRecord(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	for _, record := range [][]byte{appendTime(nil, now, 5), appendSet(nil, "key", plain("value"), 10), appendDelete(nil, "key"),
		appendValue(nil, recordSum, "key", module.EncodeNumber(2), never)} {
		f.Add(record[recordHead:])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == 0 || len(payload) > maxRecord {
			return
		}
		file := appendSet(appendTime([]byte(tableMagic), now, 5), "key", module.EncodeNumber(1), never)
		from := len(file)
		file = sealRecord(append(append(file, make([]byte, recordHead)...), payload...), from)
		table := newMemoryTable(func() time.Time { return now }, limits{100, 1 << 20})
		if at, err := table.load(bytes.NewReader(file)); at != int64(len(file)) && err != errPayload {
			t.Errorf("%d of %d octets, %v", at, len(file), err)
		}
	})
}
