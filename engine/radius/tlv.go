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

// Find follows a path of numbers, the outermost first, to the first value there. No path gives v itself.
func (v TLVs) Find(path ...byte) ([]byte, bool) {
	value, ok := []byte(v), true
	for _, number := range path {
		if value, ok = Attributes(value).Find(Type(number)); !ok {
			return nil, false
		}
	}
	return value, ok
}

// AppendTLV appends one TLV; a value over MaxValueLen is ErrValueLen and dst returned unchanged.
func AppendTLV(dst []byte, number byte, value []byte) ([]byte, error) {
	if len(value) > MaxValueLen {
		return dst, ErrValueLen
	}
	return AppendAttribute(dst, Type(number), value), nil
}

// BeginTLV appends the header of a TLV whose value is appended next, further TLVs for instance. EndTLV,
// given the length that dst had before, completes it.
func BeginTLV(dst []byte, number byte) []byte { return append(dst, number, 0) }

// EndTLV writes the length of the TLV that begins at dst[from]. Over MaxValueLen it is ErrValueLen and dst
// is cut back to what it was before BeginTLV.
func EndTLV(dst []byte, from int) ([]byte, error) {
	n := len(dst) - from
	if n > 2+MaxValueLen {
		return dst[:from], ErrValueLen
	}
	dst[from+1] = byte(n)
	return dst, nil
}
