package server

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// failures counts wrong credentials by key, in bounded memory and without locks. A key has one word: 32 bits
// of its hash, and the tick at which it will be forgiven all. Each failure puts that tick off by span/limit,
// so that counts fade by themselves: nothing is ever deleted, there are no timers.
//
// A key has its place in one line of eight. When the line is full the key that is forgiven first makes room:
// a flood of names with a failure each pushes its own kind out, not somebody who fails all the time.
type failures struct {
	seed  maphash.Seed
	lines atomic.Pointer[[failureLines]failureLine] // taken at the first failure
}

type failureLine [8]atomic.Uint64

const (
	failureLines = 8192 // 65,536 keys in 512 KiB
	failureTick  = 50 * time.Millisecond
	tagBits      = 0xffffffff_00000000
)

func (f *failures) init() { f.seed = maphash.MakeSeed() }

// hash gives the hash of a key; its upper half, the tag, is not 0.
func (f *failures) hash(key []byte) uint64 { return maphash.Bytes(f.seed, key) | 1<<32 }

// step is how far one failure puts forgiveness off, in ticks.
func step(limit int, span time.Duration) int64 {
	return max(1, int64(span/failureTick)/int64(limit))
}

// left gives how many ticks it is until a word's key is forgiven. What lies further away than span is of
// another setting, or of the round of the counter before: it counts nothing.
func left(word uint64, now int64, span time.Duration) int64 {
	n := int64(int32(uint32(word) - uint32(now)))
	if n < 0 || n > int64(span/failureTick) {
		return 0
	}
	return n
}

// over reports whether a key has used up its limit.
func (f *failures) over(hash uint64, now int64, limit int, span time.Duration) bool {
	lines := f.lines.Load()
	if lines == nil || limit <= 0 {
		return false
	}
	line := &lines[hash%failureLines]
	for i := range line {
		if word := line[i].Load(); word&tagBits == hash&tagBits {
			return left(word, now, span) > int64(limit-1)*step(limit, span)
		}
	}
	return false
}

// add counts one failure of a key and gives the tick at which it is forgiven; 0 if that limit is off.
func (f *failures) add(hash uint64, now int64, limit int, span time.Duration) int64 {
	if limit <= 0 {
		return 0
	}
	lines := f.lines.Load()
	if lines == nil {
		f.lines.CompareAndSwap(nil, new([failureLines]failureLine))
		lines = f.lines.Load()
	}
	line := &lines[hash%failureLines]
	for {
		place, word := line.place(hash, now, span)
		until := now + step(limit, span)
		if word&tagBits == hash&tagBits {
			until = min(now+left(word, now, span)+step(limit, span), now+int64(limit)*step(limit, span))
		}
		if line[place].CompareAndSwap(word, hash&tagBits|uint64(uint32(until))) {
			return until
		}
	}
}

// place finds a key's word, or the one to be overwritten.
func (l *failureLine) place(hash uint64, now int64, span time.Duration) (at int, word uint64) {
	least := int64(1 << 62)
	for i := range l {
		w := l[i].Load()
		if w&tagBits == hash&tagBits {
			return i, w
		}
		n := left(w, now, span)
		if w == 0 {
			n = -1
		}
		if n < least {
			at, word, least = i, w, n
		}
	}
	return at, word
}

// forget forgives a key.
func (f *failures) forget(hash uint64) {
	lines := f.lines.Load()
	if lines == nil {
		return
	}
	line := &lines[hash%failureLines]
	for i := range line {
		if word := line[i].Load(); word&tagBits == hash&tagBits {
			line[i].CompareAndSwap(word, 0) // a failure at the same moment may stay
		}
	}
}

// count gives how many keys have used up their limit.
func (f *failures) count(now int64, limit int, span time.Duration) (n int) {
	lines := f.lines.Load()
	if lines == nil || limit <= 0 {
		return 0
	}
	for i := range lines {
		for j := range lines[i] {
			if left(lines[i][j].Load(), now, span) > int64(limit-1)*step(limit, span) {
				n++
			}
		}
	}
	return n
}

func (f *failures) clear() { f.lines.Store(nil) }
