package users

import (
	"encoding/binary"
	"hash/maphash"
)

// maxName is the longest User-Name (RFC 2865 s5.1): a longer label can never match.
const maxName = 253

// An index finds the entries of a name: open addressing over slots of eight octets, at most half of them
// used; a slot holds 32 bits of the hash and the place of the name's last record. Records of one name form a
// ring, so that the last leads to the first.
type index struct {
	slots []byte
	mask  uint64
	seed  maphash.Seed
	fold  bool
}

const slotSize = 8

func newIndex(names int, fold bool) (index, error) {
	size := 64
	for size < 2*names {
		size *= 2
	}
	m, err := mapMemory(size * slotSize)
	return index{slots: m, mask: uint64(size - 1), seed: maphash.MakeSeed(), fold: fold}, err
}

// hash gives the seeded hash of a name of at most maxName octets.
func (x *index) hash(name []byte) uint64 {
	if !x.fold {
		return maphash.Bytes(x.seed, name)
	}
	var folded [maxName]byte
	for i, c := range name {
		folded[i] = lower(c)
	}
	return maphash.Bytes(x.seed, folded[:len(name)])
}

func (x *index) slot(i uint64) (tag uint32, p place) {
	s := x.slots[i&x.mask*slotSize:]
	v := binary.LittleEndian.Uint64(s)
	return uint32(v >> 32), place(v)
}

func (x *index) set(i uint64, tag uint32, p place) {
	binary.LittleEndian.PutUint64(x.slots[i&x.mask*slotSize:], uint64(tag)<<32|uint64(p))
}

// find gives the last record of a name and the slot where it is or would be.
func (t *Table) find(name []byte, h uint64) (i uint64, last place) {
	tag := uint32(h >> 32)
	for i = h; ; i++ {
		have, p := t.index.slot(i)
		if p == 0 {
			return i, 0
		}
		if have == tag && t.sameName(t.record(p).name(), name) {
			return i, p
		}
	}
}

func (t *Table) sameName(a, b []byte) bool {
	if t.index.fold {
		return foldEqual(a, b)
	}
	return string(a) == string(b)
}

// lookup gives the last record of a name, 0 if there is none.
func (t *Table) lookup(name []byte) place {
	if len(name) > maxName || t.index.slots == nil {
		return 0
	}
	_, p := t.find(name, t.index.hash(name))
	return p
}

// enter adds a record to the ring of its name, which has hash h, and gives the record that was last before, 0 if none.
func (t *Table) enter(p place, h uint64) place {
	i, last := t.find(t.record(p).name(), h)
	t.index.set(i, uint32(h>>32), p)
	return t.join(last, p)
}

// join puts p behind the last record of a ring and gives that record.
func (t *Table) join(last, p place) place {
	r := t.record(p)
	if last == 0 {
		r.setNext(p)
		return 0
	}
	r.setNext(t.record(last).next())
	t.record(last).setNext(p)
	return last
}
