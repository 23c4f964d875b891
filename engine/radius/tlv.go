package radius

import "iter"

// TLVs is a sequence of type, length, value inside an attribute (RFC 6929 s2.3). Values may hold further
// TLVs; each level is walked on its own.
type TLVs []byte

// Next takes the first TLV off; ok is false at the end or at a flaw.
func (v TLVs) Next() (number byte, value []byte, rest TLVs, ok bool) {
	t, value, after, ok := Attributes(v).Next()
	return byte(t), value, TLVs(after), ok
}

// All walks the TLVs of one level in wire order and ends at a flaw. Values share the memory.
func (v TLVs) All() iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		for t, value := range Attributes(v).All() {
			if !yield(byte(t), value) {
				return
			}
		}
	}
}

// Valid reports whether there is one TLV at least and the lengths add up. What is not must be kept as
// octets (RFC 6929 s2.8).
func (v TLVs) Valid() bool { return len(v) > 0 && Attributes(v).Valid() }
