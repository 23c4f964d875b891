package backend

import (
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
