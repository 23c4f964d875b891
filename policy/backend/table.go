package backend

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"perilune/policy/module"
)

// A memoryTable is a table of keys in the memory of this process. It is cut into shards, each with a lock of its own.
type memoryTable struct {
	now    func() time.Time
	base   time.Time // the zero of the shards' clock
	seed   maphash.Seed
	shards atomic.Pointer[shards]

	changing sync.Mutex // protects all below, and the exchange of shards
	keeper   *keeper    // of the file; nil: it has none
	used     bool       // it has been opened: a file that it is given now is not read
}

// limits bound a table.
type limits struct{ keys, octets int }

// Defaults of tables. leastKeys and leastOctets are what a shard has at least: fewer, and an unlucky spread of the
// keys would leave much of a table unused.
const (
	defaultKeys   = 1 << 16
	defaultOctets = 64 << 20
	leastKeys     = 1 << 11
	leastOctets   = 1 << 20
	mostShards    = 32
)

// shards is all of a table. A table whose bounds change gets new ones.
type shards struct {
	limits
	list []shard // a power of two
}

func newMemoryTable(now func() time.Time, l limits) *memoryTable {
	t := &memoryTable{now: now, base: now(), seed: maphash.MakeSeed()}
	t.shards.Store(newShards(l))
	return t
}

func newShards(l limits) *shards {
	n := 1
	for n < mostShards && l.keys/(2*n) >= leastKeys && l.octets/(2*n) >= leastOctets {
		n *= 2
	}
	s := &shards{limits: l, list: make([]shard, n)}
	for i := range s.list {
		s.list[i].entries = map[string]*entry{}
		s.list[i].limits = limits{l.keys / n, l.octets / n}
	}
	return s
}

// clock gives the time of the shards, in nanoseconds.
func (t *memoryTable) clock() int64 { return int64(t.now().Sub(t.base)) }

// never is the end of a value that stays.
const never = math.MaxInt64

// end gives when a value's life is over.
func end(now int64, ttl time.Duration) int64 {
	if ttl <= 0 {
		return never
	}
	return now + int64(ttl)
}

// lock gives the shard of a key, locked.
func (t *memoryTable) lock(key string) *shard {
	for {
		all := t.shards.Load()
		s := &all.list[t.place(key, all)]
		s.mu.Lock()
		if !s.moved {
			return s
		}
		s.mu.Unlock()
	}
}

// place gives the number of a key's shard.
func (t *memoryTable) place(key string, all *shards) uint64 {
	return maphash.String(t.seed, key) & uint64(len(all.list)-1)
}

// Remote implements module.KV.
func (t *memoryTable) Remote() bool { return false }

// Get implements module.KV.
func (t *memoryTable) Get(_ context.Context, key string) (string, error) {
	now, s := t.clock(), t.lock(key)
	defer s.mu.Unlock()
	if e := s.find(key, now); e != nil {
		return e.text(), nil
	}
	return "", nil
}

// Set implements module.KV.
func (t *memoryTable) Set(_ context.Context, key, value string, ttl time.Duration) error {
	now, s := t.clock(), t.lock(key)
	defer s.mu.Unlock()
	return s.set(key, value, end(now, ttl), now)
}

// Incr implements module.KV.
func (t *memoryTable) Incr(_ context.Context, key string, by float64, ttl time.Duration) (float64, error) {
	now, s := t.clock(), t.lock(key)
	defer s.mu.Unlock()
	e := s.find(key, now)
	if e == nil {
		sum := 0 + by // never the negative zero
		return sum, s.add(key, "", sum, end(now, ttl), now)
	}
	sum, err := addTo(e, by)
	if err != nil {
		return 0, err
	}
	s.octets -= len(e.value)
	e.value, e.number = "", sum
	s.noteSum(e)
	return sum, nil
}

// addTo gives the sum of a number that a table holds and by.
func addTo(e *entry, by float64) (float64, error) {
	n, ok := e.number, e.value == ""
	if !ok {
		n, ok = module.DecodeNumber(e.value)
	}
	if !ok {
		return 0, errNoNumber
	}
	if n += by; math.IsInf(n, 0) || math.IsNaN(n) {
		return 0, errTooLarge
	}
	return n, nil
}

var (
	errNoNumber = &module.Misuse{Err: errors.New("incr: the value is no number")}
	errTooLarge = &module.Misuse{Err: errors.New("incr: the sum is beyond all numbers")}
)

// CAS implements module.KV.
func (t *memoryTable) CAS(_ context.Context, key, old, value string, ttl time.Duration) (bool, error) {
	now, s := t.clock(), t.lock(key)
	defer s.mu.Unlock()
	have := ""
	e := s.find(key, now)
	if e != nil {
		have = e.text()
	}
	switch {
	case have != old:
		return false, nil
	case value != "":
		return true, s.set(key, value, end(now, ttl), now)
	case e != nil:
		s.drop(e)
	}
	return true, nil
}

// Del implements module.KV.
func (t *memoryTable) Del(_ context.Context, key string) (bool, error) {
	now, s := t.clock(), t.lock(key)
	defer s.mu.Unlock()
	e := s.find(key, now)
	if e != nil {
		s.drop(e)
	}
	return e != nil, nil
}

// tooLarge is the error of a value that the table cannot hold even alone.
func tooLarge(size, room int) error {
	return &module.Misuse{Err: fmt.Errorf("a key and value of %d octets; the table takes %d", size, room)}
}
