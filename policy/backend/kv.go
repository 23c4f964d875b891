package backend

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"perilune/engine/config"
	"perilune/policy/module"
)

// KV implements module.Backends. A table is known by its name alone: generations that open it with other options have
// the same one, whose options change when the generation is put in place.
func (l *Lease) KV(name string, o module.KVOptions) (module.KV, error) {
	if !plainName(name) {
		return nil, fmt.Errorf("the name %q; expected letters, digits and -_. alone, %d at most", name, maxTableName)
	}
	b := l.settings.KV[name]
	if b == nil {
		d := config.DefaultKV()
		b = &d
	}
	wish, err := l.wishes.agree(name, o, b)
	if err != nil {
		return nil, err
	}
	if b.Remote() && !l.settings.Memory {
		return l.remoteTable(name, b)
	}
	key := "kv " + name
	t, err := take(l, key, func() (*memoryTable, error) { return newMemoryTable(l.pools.now, wish.limits), nil })
	if err == nil && l.alone(key) {
		err = l.configure(name, t, wish)
	}
	if b.Remote() {
		return standIn{t}, err
	}
	return t, err
}

// A standIn is a table in memory for one that is in a Redis elsewhere.
type standIn struct{ *memoryTable }

// Remote implements module.KV.
func (standIn) Remote() bool { return true }

// A tableWish is how a generation wants a table of its memory to be.
type tableWish struct {
	limits
	persist bool
	said    bool // max or persist were named
}

// tableWishes are those of one generation.
type tableWishes struct {
	mu   sync.Mutex // protects list
	list map[string]tableWish
}

// agree takes what a script names. All that name options must name the same.
func (w *tableWishes) agree(name string, o module.KVOptions, b *config.BackendKV) (tableWish, error) {
	wish := tableWish{limits{o.Max, int(b.Size)}, o.Persist, o.Max != 0 || o.Persist}
	if wish.keys == 0 {
		wish.keys = defaultKeys
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	have, known := w.list[name]
	switch {
	case known && have.said && !wish.said:
		return have, nil
	case known && have.said && have != wish:
		return have, fmt.Errorf("opened elsewhere with max=%d, persist=%t; expected the same options, or none, everywhere", have.keys, have.persist)
	case w.list == nil:
		w.list = map[string]tableWish{}
	}
	w.list[name] = wish
	return wish, nil
}

// Tables gives the names of the tables that were opened.
func (l *Lease) Tables() []string {
	l.wishes.mu.Lock()
	defer l.wishes.mu.Unlock()
	return slices.Sorted(maps.Keys(l.wishes.list))
}

// Activate gives tables the options that this generation wants. It is called when the generation is put in place.
func (l *Lease) Activate() {
	l.wishes.mu.Lock()
	defer l.wishes.mu.Unlock()
	for name, wish := range l.wishes.list {
		l.mu.Lock()
		t, ok := l.held["kv "+name].(*memoryTable)
		l.mu.Unlock()
		if !ok {
			continue
		}
		if err := l.configure(name, t, wish); err != nil {
			l.pools.log.Error("a table cannot be kept over restarts", "table", name, "error", err)
		}
	}
}

// configure gives a table its bounds and its file. Commands that serve nothing touch no file.
func (l *Lease) configure(name string, t *memoryTable, wish tableWish) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	t.resize(wish.limits)
	if !l.settings.Serve || l.settings.StateDir == "" {
		return nil
	}
	path := filepath.Join(l.settings.StateDir, "kv", name+".table")
	switch {
	case wish.persist && t.keeper == nil:
		fresh := !t.used
		t.used = true
		return t.keep(path, fresh, l.pools.log)
	case !wish.persist && t.keeper != nil:
		t.unkeep()
		return putAside(path, l.pools.log)
	}
	t.used = true
	return nil
}

// putAside keeps the file of a table that is in memory alone from now on, for people.
func putAside(path string, log *slog.Logger) error {
	err := os.Rename(path, path+".old")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	log.Warn("a table is not kept over restarts any more; its file is put aside", "file", path+".old")
	return err
}

// remoteTable opens a table in a Redis or Valkey.
func (l *Lease) remoteTable(name string, b *config.BackendKV) (module.KV, error) {
	s, err := l.redisSettings(b)
	if err != nil {
		return nil, err
	}
	pool, err := take(l, s.key(), func() (*redisPool, error) { return openRedis(s) })
	if err != nil {
		return nil, err
	}
	c := l.pools.counter("kv", name)
	c.guardedBy(pool.breaker)
	return &redisTable{redisPool: pool, prefix: b.Prefix + name + ":", calls: c}, nil
}

// maxTableName bounds the names of tables, in octets: those that are kept are names of files.
const maxTableName = 64

func plainName(name string) bool {
	return name != "" && len(name) <= maxTableName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}
