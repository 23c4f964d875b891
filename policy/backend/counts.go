package backend

import (
	"context"
	"fmt"
	"maps"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/module"
)

// Counts gives the counts of a fleet that a table in a Redis holds.
func (l *Lease) Counts(name string) (server.Counts, error) {
	b := l.settings.KV[name]
	if b == nil {
		return nil, notConfigured("kv", name, raddb.DidYouMean(name, maps.Keys(l.settings.KV)))
	}
	if !b.Remote() {
		return nil, fmt.Errorf("[backend.kv.%s] has no address; expected that of a Redis or Valkey, which the servers share", name)
	}
	kv, err := l.remoteTable(name, b)
	return counts{kv}, err
}

type counts struct{ module.KV }

// Add implements server.Counts.
func (c counts) Add(ctx context.Context, key string, n float64, ttl time.Duration) (float64, error) {
	return c.Incr(ctx, key, n, ttl)
}
