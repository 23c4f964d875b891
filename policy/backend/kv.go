package backend

import (
	"fmt"
	"strings"

	"perilune/engine/config"
	"perilune/policy/module"
)

// KV implements module.Backends.
func (l *Lease) KV(name string, o module.KVOptions) (module.KV, error) {
	if !plainName(name) {
		return nil, fmt.Errorf("the name %q; expected letters, digits and -_. alone, %d at most", name, maxTableName)
	}
	b := l.settings.KV[name]
	if b == nil {
		d := config.DefaultKV()
		b = &d
	}
	if b.Remote() {
		return l.remoteTable(name, b)
	}
	if o.Max == 0 {
		o.Max = defaultKeys
	}
	return take(l, "kv "+name, func() (*memoryTable, error) {
		return newMemoryTable(l.pools.now, limits{o.Max, int(b.Size)}), nil
	})
}

// remoteTable opens a table in a Redis or Valkey.
func (l *Lease) remoteTable(name string, b *config.BackendKV) (module.KV, error) {
	s, err := l.redisSettings(b)
	if err != nil {
		return nil, err
	}
	pool, err := take(l, s.key(), func() (*redisPool, error) { return openRedis("backend.kv."+name, s) })
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

// Close frees the table.
func (t *memoryTable) Close() error { return nil }

// Reset empties the table.
func (t *memoryTable) Reset() { t.shards.Store(newShards(t.shards.Load().limits)) }
