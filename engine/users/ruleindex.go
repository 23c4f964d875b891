package users

import (
	"hash/maphash"
	"slices"

	"perilune/engine/dictionary"
)

// A ruleIndex finds those entries of a long list (BEGIN, DEFAULT, of a profile or user) that a request may match. Each entry
// lies in one bucket, that of its most selective equality; those without one are tried always. A bucket may hold too
// much, for what is found is compared as ever: the index only leaves out what is sure to fail, and what fails
// does nothing, for no check in front of the equality asks a script that had not been asked before.
type ruleIndex struct {
	last   place   // of the list, which it names
	places []place // in the order of the file: those tried always from 1 on; then each bucket, its length in front
	always uint32  // the end of the former
	slots  []uint64
	mask   uint64
	seed   maphash.Seed

	name    []dimension // of the user name
	pairs   []dimension // of values
	control bool        // some value may stand in the control list
	groups  bool        // some bucket is a huntgroup's
}

// An axis says which part of a value makes a key.
type axis uint8

const (
	axisWhole   axis = iota
	axisBegin        // its first octets
	axisEnd          // its last octets
	axisNetwork      // of an address
)

// A dimension is what entries of one index are told apart by: a part of an attribute's values, or of the name.
type dimension struct {
	axis    axis
	wide    bool                  // axisNetwork: of IPv6
	control bool                  // values in the control list count, too
	length  uint16                // octets of axisBegin and axisEnd, bits of axisNetwork
	attr    *dictionary.Attribute // nil: the user name
}

// part gives what of a value the key is made of; false if no entry can be meant. room is for what is not in v itself.
func (d *dimension) part(v []byte, room *[16]byte) ([]byte, bool) {
	n := int(d.length)
	switch d.axis {
	case axisBegin:
		if len(v) < n {
			return nil, false
		}
		return v[:n], true
	case axisEnd:
		if len(v) < n {
			return nil, false
		}
		return v[len(v)-n:], true
	case axisNetwork:
		return network(v, n, d.wide, room)
	}
	return v, true
}

// network masks an address of the family to its first bits.
func network(v []byte, bits int, wide bool, room *[16]byte) ([]byte, bool) {
	size := 4
	if wide {
		size = 16
	}
	if len(v) != size {
		return nil, false
	}
	masked := room[:size]
	clear(masked)
	whole := copy(masked, v[:bits/8])
	if bits%8 != 0 {
		masked[whole] = v[whole] &^ (0xff >> (bits % 8))
	}
	return masked, true
}

// key gives the hash of a value's part; the salt keeps dimensions apart.
func (x *ruleIndex) key(part []byte, salt uint64) uint64 {
	return maphash.Bytes(x.seed, part) ^ salt*0x9e3779b97f4a7c15
}

// salt tells a dimension from the others: equal ones have the same.
func (d *dimension) salt() uint64 {
	n := uint64(d.axis)<<16 | uint64(d.length) + 1
	if d.attr != nil {
		n |= uint64(d.attr.Index+1) << 32
	}
	return n
}

// groupSalt is that of huntgroups' buckets: no dimension has it.
const groupSalt = 0

// A run is a part of ruleIndex.places that has not been tried yet.
type run struct{ at, end uint32 }

// bucket gives the entries of a key.
func (x *ruleIndex) bucket(h uint64) (run, bool) {
	for i := h; ; i++ {
		s := x.slots[i&x.mask]
		if s == 0 {
			return run{}, false
		}
		if s>>32 == h>>32 {
			at := uint32(s)
			return run{at + 1, at + 1 + uint32(x.places[at])}, true
		}
	}
}

// after leaves out what lies up to a place.
func (x *ruleIndex) after(r run, p place) run {
	n, found := slices.BinarySearch(x.places[r.at:r.end], p)
	if r.at += uint32(n); found {
		r.at++
	}
	return r
}

// ruleIndex gives the index of a list, nil if it has none.
func (t *Table) ruleIndex(last place) *ruleIndex {
	from, to := 0, len(t.rules)
	for from < to {
		if mid := (from + to) / 2; t.rules[mid].last < last {
			from = mid + 1
		} else {
			to = mid
		}
	}
	if from == len(t.rules) || t.rules[from].last != last {
		return nil
	}
	return &t.rules[from]
}
