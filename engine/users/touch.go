package users

// A Handle is what Touch found. It is only good for Warm.
type Handle struct {
	last place
	sum  uint64
}

// Touch reads the index entry of a name, so that it is in the processor's cache when Match needs it. Over a
// whole batch of requests first Touch, then Warm, then Match: independent reads of memory overlap.
func (t *Table) Touch(name []byte) Handle {
	if len(name) > maxName || t.index.slots == nil {
		return Handle{}
	}
	h := t.index.hash(name)
	for i := h; ; i++ {
		tag, p := t.index.slot(i)
		if p == 0 || tag == uint32(h>>32) {
			return Handle{last: p, sum: h}
		}
	}
}

// Warm reads the first lines of the record that Touch found. The sum has no meaning: it is to be kept
// somewhere, so that the reading is not optimised away.
func (t *Table) Warm(h Handle) (sum uint64) {
	if h.last == 0 {
		return h.sum
	}
	r := t.record(h.last)
	sum = h.sum + uint64(r[0])
	if len(r) > 64 {
		sum += uint64(r[64])
	}
	return sum
}
