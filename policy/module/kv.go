package module

import (
	"context"
	"time"
)

// A KV is one table of keys and values. Values are plain data as appendPlain encodes them; nil is no value. Each method
// is atomic, for all servers that share the table.
type KV interface {
	// Remote reports that the methods may block: they take a context and run where nobody waits.
	Remote() bool
	Get(ctx context.Context, key string) ([]byte, error)
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Incr adds to a number, which begins at 0 and then lives for ttl.
	Incr(ctx context.Context, key string, by float64, ttl time.Duration) (float64, error)
	// CAS sets a value if it is old; nil stands for none.
	CAS(ctx context.Context, key string, old, value []byte) (bool, error)
	Del(ctx context.Context, key string) error
}

// KVOptions are those of kv.open. A zero field means the default.
type KVOptions struct {
	TTL     time.Duration // of values that name none; 0: they stay
	Max     int           // keys; the one whose time is over first, then the oldest, makes room
	Persist bool          // outlives a restart
}
