package backend

import (
	"strings"
	"sync"

	"perilune/policy/module"
)

// A windowShard holds a part of the keys of a window, in the order of their last count.
type windowShard struct {
	mu      sync.Mutex // protects all
	keys    map[string]*counted
	newest  *counted
	oldest  *counted
	octets  int
	buckets int
	_       [64]byte
}

// counted is what is known of a key.
type counted struct {
	key          string
	last         int64            // the newest bucket that counts has
	counts       []float64        // a ring: bucket b lies at b mod len
	values       map[uint64]int64 // with distinct: the hash of a value, and the bucket that it was last seen in
	newer, older *counted
}

// Octets that a key, a bucket and a value take.
const (
	keyOctets   = 192
	countOctets = 8
	valueOctets = 32
)

func (s *windowShard) open(buckets int) {
	s.keys, s.newest, s.oldest, s.octets, s.buckets = map[string]*counted{}, nil, nil, 0, buckets
}

// size is what a key takes beside its values.
func (s *windowShard) size(c *counted) int { return keyOctets + len(c.key) + countOctets*s.buckets }

// touch gives what is known of a key, as the last that was counted.
func (s *windowShard) touch(key string) *counted {
	c := s.keys[key]
	switch {
	case c == nil:
		c = &counted{key: strings.Clone(key), counts: make([]float64, s.buckets)}
		s.keys[c.key] = c
		s.octets += s.size(c)
	case c == s.newest:
		return c
	default:
		s.unlink(c)
	}
	c.older, c.newer = s.newest, nil
	if s.newest != nil {
		s.newest.newer = c
	} else {
		s.oldest = c
	}
	s.newest = c
	return c
}

func (s *windowShard) unlink(c *counted) {
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		s.newest = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		s.oldest = c.newer
	}
}

// shrink forgets the keys that were counted longest ago, as far as there are too many; keep stays. Keys that count
// nothing any more are among them.
func (s *windowShard) shrink(keep *counted) {
	for (len(s.keys) > shardKeys || s.octets > shardOctets) && s.oldest != keep {
		s.forget(s.oldest)
	}
	for range 2 {
		if c := s.oldest; c == keep || c.last > keep.last-int64(s.buckets) {
			return
		}
		s.forget(s.oldest)
	}
}

func (s *windowShard) forget(c *counted) {
	s.unlink(c)
	delete(s.keys, c.key)
	s.octets -= s.size(c) + valueOctets*len(c.values)
}

// advance empties the buckets up to at. A clock that was put back goes on in the newest bucket.
func (s *windowShard) advance(c *counted, at int64) {
	if at <= c.last {
		return
	}
	from := max(c.last+1, at-int64(s.buckets)+1)
	for b := from; b <= at; b++ {
		*s.count(c, b) = 0
	}
	c.last = at
	for hash, seen := range c.values {
		if seen <= at-int64(s.buckets) {
			delete(c.values, hash)
			s.octets -= valueOctets
		}
	}
}

func (s *windowShard) count(c *counted, bucket int64) *float64 {
	return &c.counts[bucket%int64(s.buckets)]
}

// see notes a value in the newest bucket. Each value counts in one bucket, the last that it was seen in.
func (s *windowShard) see(c *counted, hash uint64) {
	seen, known := c.values[hash]
	switch {
	case known:
		*s.count(c, seen)--
	case len(c.values) >= module.MaxDistinct:
		return
	case c.values == nil:
		c.values = map[uint64]int64{}
		fallthrough
	default:
		s.octets += valueOctets
	}
	c.values[hash] = c.last
	*s.count(c, c.last)++
}

// sum gives the count of the buckets that belong to the span that ends with bucket at.
func (s *windowShard) sum(c *counted, at int64) (sum float64) {
	for b := max(c.last, at) - int64(s.buckets) + 1; b <= c.last; b++ {
		if b >= 0 {
			sum += *s.count(c, b)
		}
	}
	return sum
}
