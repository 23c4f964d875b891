package users

// A Handle is the hash of a name. It is only good for the table that gave it.
type Handle uint64

// Over a whole batch of requests come first Hash, then Touch, then Warm, each in a loop of its own, then Match: reads
// of memory overlap if little else stands between them.

// Hash gives the handle of a name.
func (t *Table) Hash(name []byte) Handle {
	if len(name) > maxName || t.index.slots == nil {
		return 0
	}
	return Handle(t.index.hash(name))
}

// Touch reads the first place in the index where a name may stand. It looks at nothing there: a branch on what is
// still on its way from memory is one that the processor may guess wrong. The sum has no meaning, here and below: it is
// to be kept somewhere, so that the reading is not optimised away.
func (t *Table) Touch(h Handle) (sum uint64) {
	if t.index.slots == nil {
		return 0
	}
	_, p := t.index.slot(uint64(h))
	return uint64(p)
}

// Warm reads the first 128 octets of the name's last record: as a rule it has no more. It gives 0 if there is none.
func (t *Table) Warm(h Handle) (sum uint64) {
	if t.index.slots == nil {
		return 0
	}
	for i := uint64(h); ; i++ {
		tag, p := t.index.slot(i)
		if p == 0 {
			return 0
		}
		if tag == uint32(h>>32) {
			r := t.record(p)
			return uint64(p) + uint64(r[0]) + uint64(r[min(63, len(r)-1)]) + uint64(r[min(127, len(r)-1)])
		}
	}
}
