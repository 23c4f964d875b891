package backend

import "perilune/policy/module"

// KV implements module.Backends.
func (l *Lease) KV(name string, o module.KVOptions) (module.KV, error) {
	if o.Max == 0 {
		o.Max = defaultKeys
	}
	return take(l, "kv "+name, func() (*memoryTable, error) {
		return newMemoryTable(l.pools.now, limits{o.Max, defaultOctets}), nil
	})
}

// Close frees the table.
func (t *memoryTable) Close() error { return nil }

// Reset empties the table.
func (t *memoryTable) Reset() { t.shards.Store(newShards(t.shards.Load().limits)) }
