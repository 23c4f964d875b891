package server

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"time"

	"perilune/engine/radius"
)

// The duplicate cache remembers answers (RFC 5080 s2.2.2). It is a ring of octets: an entry is a header of
// one cache line and the reply; the newest overwrites the oldest. An index of buckets, one cache line each,
// leads to the entries. A position older than the ring is simply dead, so nothing is ever deleted, there are
// no timers and no lists; expiry is one comparison. A full cache forgets, it never refuses.
//
// Requests whose answer is still to come are not in it: see pending.

// A key tells requests apart by RFC 5080 s2.2.2: source, code and identifier; and the address asked, because
// one socket may have several. The listener is the role's own.
type key [36]byte

// keyOf gives the key of a datagram, which must have a header.
func keyOf(source netip.AddrPort, local netip.Addr, datagram []byte) (k key) {
	a, b := source.Addr().As16(), local.As16()
	copy(k[0:16], a[:])
	if zone := source.Addr().Zone(); zone != "" { // bits 10 to 63 of a link-local address are zero
		copy(k[2:8], zone[max(0, len(zone)-6):])
	}
	copy(k[16:32], b[:])
	binary.BigEndian.PutUint16(k[32:34], source.Port())
	k[34], k[35] = datagram[0], datagram[1]
	return k
}

const (
	unit       = 16 // positions count in these octets
	entryRoom  = 64 // of an entry's header
	bucketWays = 8  // entries of a bucket
	tick       = 10 * time.Millisecond
	maxBatch   = 128                                                       // datagrams
	minRing    = 2 << 20                                                   // octets; holds the replies of the largest batch more than twice
	margin     = (maxBatch + 1) * (entryRoom + radius.MaxPacketLen) / unit // units; see alive
)

// A bucket is one cache line of the index. Tag 0 is an empty place.
type bucket struct {
	tags      [bucketWays]uint32
	positions [bucketWays]uint32
}

// duplicates is the cache of one role; it needs no lock. Memory is taken on the first store.
type duplicates struct {
	size    int // octets of the ring, a power of two
	seed    maphash.Seed
	epoch   time.Time
	ring    []byte
	index   []bucket
	head    uint32 // where the next entry goes, in units, growing
	touched byte   // keeps the touch pass from being optimised away
}

func newDuplicates(size int) *duplicates {
	size = 1 << bits.Len(uint(max(size, minRing)-1))
	return &duplicates{size: size, seed: maphash.MakeSeed(), epoch: time.Now()}
}

// hash gives the hash of a key; it is never 0 in its upper half, which is the tag.
func (c *duplicates) hash(k *key) uint64 { return maphash.Bytes(c.seed, k[:]) | 1<<32 }

// touch reads the first line that a look-up will need, so that the misses of a whole batch overlap.
func (c *duplicates) touch(hash uint64) {
	if c.index != nil {
		c.touched += byte(c.index[hash&uint64(len(c.index)-1)].tags[0])
	}
}

// lookup gives the reply to the same request if it was stored less than keep ago. The octets are the
// ring's: they stay until the batch is sent. An entry of the same key with another authenticator is purged:
// the new request has won.
func (c *duplicates) lookup(hash uint64, k *key, auth *radius.Authenticator, now time.Time, keep time.Duration) []byte {
	if c.index == nil {
		return nil
	}
	b := &c.index[hash&uint64(len(c.index)-1)]
	for i := range b.tags {
		if b.tags[i] != uint32(hash>>32) || !c.alive(b.positions[i]) {
			continue
		}
		e := c.entry(b.positions[i])
		if key(e[:36]) != *k {
			continue
		}
		if radius.Authenticator(e[36:52]) != *auth || c.age(e, now) >= keep {
			b.tags[i] = 0
			return nil
		}
		n := int(binary.NativeEndian.Uint16(e[56:]))
		return e[entryRoom : entryRoom+n : entryRoom+n]
	}
	return nil
}

// entry layout: key 36, authenticator 16, time 4, length 2, unused 6; then the reply.

func (c *duplicates) entry(position uint32) []byte {
	return c.ring[int(position)*unit&(c.size-1):]
}

func (c *duplicates) age(e []byte, now time.Time) time.Duration {
	return time.Duration(c.ticks(now)-binary.NativeEndian.Uint32(e[52:])) * tick
}

func (c *duplicates) ticks(t time.Time) uint32 { return uint32(t.Sub(c.epoch) / tick) }

// alive reports whether an entry is still whole, and stays so while one more batch is answered: its reply
// may be on the way out while that happens.
func (c *duplicates) alive(position uint32) bool {
	return int(c.head-position) <= c.size/unit-margin
}

// store files a reply under its request and gives the copy that may be sent. The time is the answer's: from
// there the entry's age counts.
func (c *duplicates) store(hash uint64, k *key, auth *radius.Authenticator, reply []byte, now time.Time) []byte {
	position, e := c.reserve(len(reply))
	copy(e[:36], k[:])
	copy(e[36:52], auth[:])
	binary.NativeEndian.PutUint32(e[52:], c.ticks(now))
	binary.NativeEndian.PutUint16(e[56:], uint16(len(reply)))
	c.file(hash, k, position)
	n := copy(e[entryRoom:], reply)
	return e[entryRoom : entryRoom+n : entryRoom+n]
}

// hold copies a reply that is to be sent with this batch and not to be remembered.
func (c *duplicates) hold(reply []byte) []byte {
	_, e := c.reserve(len(reply))
	clear(e[:entryRoom])
	n := copy(e[entryRoom:], reply)
	return e[entryRoom : entryRoom+n : entryRoom+n]
}

// reserve takes room for an entry in one piece.
func (c *duplicates) reserve(reply int) (position uint32, e []byte) {
	if c.ring == nil {
		c.ring = make([]byte, c.size)
		c.index = make([]bucket, c.size/512)
	}
	units := uint32(entryRoom+reply+unit-1) / unit
	total := uint32(c.size / unit)
	if at := c.head % total; at+units > total {
		c.advance(total - at)
	}
	position = c.head
	e = c.entry(position)
	c.advance(units)
	return position, e
}

// advance moves the head. When the counter wraps, old positions could look new: everything is forgotten.
func (c *duplicates) advance(units uint32) {
	if c.head += units; c.head < units {
		clear(c.index)
	}
}

// file puts a position into its bucket.
func (c *duplicates) file(hash uint64, k *key, position uint32) {
	b := &c.index[hash&uint64(len(c.index)-1)]
	i := c.placeOf(b, hash, k)
	b.tags[i], b.positions[i] = uint32(hash>>32), position
}

// placeOf gives the place of the same key, else the first empty or dead one, else the oldest.
func (c *duplicates) placeOf(b *bucket, hash uint64, k *key) int {
	for i, tag := range &b.tags {
		if tag == uint32(hash>>32) && c.alive(b.positions[i]) && key(c.entry(b.positions[i])[:36]) == *k {
			return i
		}
	}
	place, oldest, dead := 0, uint32(0), uint32(c.size/unit-margin)
	for i, tag := range &b.tags {
		age := c.head - b.positions[i]
		if tag == 0 || age > dead {
			return i
		}
		if age > oldest {
			place, oldest = i, age
		}
	}
	return place
}
