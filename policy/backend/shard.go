package backend

import (
	"container/heap"
	"strings"
	"sync"

	"perilune/policy/module"
)

// A shard is a part of a table. The heap orders its entries by what goes first: the one whose life is over first,
// among those that stay the one that was set first.
type shard struct {
	mu      sync.Mutex // protects all
	entries map[string]*entry
	queue   queue
	limits  limits
	octets  int // of keys and values, with what each takes beside
	serial  uint64
	moved   bool // to the shards that follow these

	kept    bool          // changes are noted in changes, for the file of the table
	changes []byte        // records that are not in the file yet
	lost    bool          // changes were more than there is room for: the file must be written anew
	wake    chan struct{} // told of the first change
	_       [64]byte
}

// An entry is a key with its value: the octets of plain data, or, if value is "", number.
type entry struct {
	key    string
	value  string
	number float64
	ends   int64  // on the clock of the table
	serial uint64 // when it was set, in the order of its shard
	at     int    // in the heap
}

// overhead is what an entry takes beside key and value: itself, its places in map and heap.
const overhead = 128

func (e *entry) size() int { return overhead + len(e.key) + len(e.value) }

// text gives the value as plain data.
func (e *entry) text() string {
	if e.value == "" {
		return module.EncodeNumber(e.number)
	}
	return e.value
}

// find gives the entry of a key, nil if there is none or its life is over.
func (s *shard) find(key string, now int64) *entry {
	e := s.entries[key]
	if e == nil || e.ends > now {
		return e
	}
	s.remove(e)
	return nil
}

// set puts a value in place of what is there.
func (s *shard) set(key, value string, ends, now int64) error {
	e := s.entries[key]
	if e == nil {
		return s.add(key, value, 0, ends, now)
	}
	if s.octets+len(value)-len(e.value) > s.limits.octets {
		s.remove(e)
		return s.add(key, value, 0, ends, now)
	}
	s.octets += len(value) - len(e.value)
	s.serial++
	e.value, e.number, e.ends, e.serial = value, 0, ends, s.serial
	heap.Fix(&s.queue, e.at)
	s.noteSet(e)
	s.sweep(now)
	return nil
}

// add makes an entry for a key that has none, and room for it.
func (s *shard) add(key, value string, number float64, ends, now int64) error {
	s.serial++
	e := &entry{key: strings.Clone(key), value: value, number: number, ends: ends, serial: s.serial}
	if e.size() > s.limits.octets {
		return tooLarge(e.size(), s.limits.octets)
	}
	s.sweep(now)
	for len(s.queue) >= s.limits.keys || s.octets+e.size() > s.limits.octets {
		s.drop(s.queue[0])
	}
	s.entries[e.key] = e
	heap.Push(&s.queue, e)
	s.octets += e.size()
	s.noteSet(e)
	return nil
}

// drop removes an entry whose life is not over.
func (s *shard) drop(e *entry) {
	if s.kept {
		s.noted(appendDelete(s.changes, e.key))
	}
	s.remove(e)
}

// noteSet notes what an entry holds now.
func (s *shard) noteSet(e *entry) {
	if s.kept {
		s.noted(appendSet(s.changes, e.key, e.text(), e.ends))
	}
}

// noteSum notes what was added to an entry.
func (s *shard) noteSum(e *entry) {
	if s.kept {
		s.noted(appendValue(s.changes, recordSum, e.key, module.EncodeNumber(e.number), e.ends))
	}
}

// maxChanges bounds the changes of a shard that wait for the file, in octets.
const maxChanges = 1 << 20

func (s *shard) noted(changes []byte) {
	if s.lost {
		return
	}
	if len(s.changes) == 0 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	if s.changes = changes; len(changes) > maxChanges {
		s.changes, s.lost = nil, true
	}
}

// sweep removes some of the entries whose life is over: more than are added at a time, so that none stays for long.
func (s *shard) sweep(now int64) {
	for range 4 {
		if len(s.queue) == 0 || s.queue[0].ends > now {
			return
		}
		s.remove(s.queue[0])
	}
}

func (s *shard) remove(e *entry) {
	delete(s.entries, e.key)
	heap.Remove(&s.queue, e.at)
	s.octets -= e.size()
}

// queue is a heap of entries by what goes first.
type queue []*entry

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if q[i].ends != q[j].ends {
		return q[i].ends < q[j].ends
	}
	return q[i].serial < q[j].serial
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(e any) {
	added := e.(*entry)
	added.at = len(*q)
	*q = append(*q, added)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
