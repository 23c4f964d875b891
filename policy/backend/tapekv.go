package backend

import (
	"context"
	"time"

	"perilune/policy/module"
)

// A tapedKV is a table elsewhere. What it says depends on what was written before, so that its answers are told again
// in their order alone: see server.Recorded.RecallNext.
type tapedKV struct {
	module.KV // nil: nobody is asked
	of        string
}

// Remote implements module.KV.
func (tapedKV) Remote() bool { return true }

// Get implements module.KV.
func (t tapedKV) Get(ctx context.Context, key string) (string, error) {
	return inOrder(ctx, t.of, []any{"get", key}, asking(t.KV != nil, func() (string, error) { return t.KV.Get(ctx, key) }))
}

// Set implements module.KV.
func (t tapedKV) Set(ctx context.Context, key, value string, ttl time.Duration) error {
	_, err := inOrder(ctx, t.of, []any{"set", key, value, ttl}, asking(t.KV != nil, func() (bool, error) { return true, t.KV.Set(ctx, key, value, ttl) }))
	return err
}

// Incr implements module.KV.
func (t tapedKV) Incr(ctx context.Context, key string, by float64, ttl time.Duration) (float64, error) {
	return inOrder(ctx, t.of, []any{"incr", key, by, ttl}, asking(t.KV != nil, func() (float64, error) { return t.KV.Incr(ctx, key, by, ttl) }))
}

// CAS implements module.KV.
func (t tapedKV) CAS(ctx context.Context, key, old, value string, ttl time.Duration) (bool, error) {
	return inOrder(ctx, t.of, []any{"cas", key, old, value, ttl}, asking(t.KV != nil, func() (bool, error) { return t.KV.CAS(ctx, key, old, value, ttl) }))
}

// Del implements module.KV.
func (t tapedKV) Del(ctx context.Context, key string) (bool, error) {
	return inOrder(ctx, t.of, []any{"del", key}, asking(t.KV != nil, func() (bool, error) { return t.KV.Del(ctx, key) }))
}
