package radius

import "encoding/binary"

// flagMore is the M flag of a long extended attribute (RFC 6929 s2.2). The other flags are ignored.
const flagMore = 0x80

// ExtendedVendorSpecific is the extended type that carries vendors' attributes (RFC 6929 s2.4).
const ExtendedVendorSpecific byte = 26

// evsLen is the octets of vendor and type before the value of an Extended-Vendor-Specific attribute.
const evsLen = 5

// IsExtended reports whether the type is one of 241 to 246, which have an extended type (RFC 6929 s3).
func (t Type) IsExtended() bool { return t >= TypeExtended1 && t <= TypeLongExtended2 }

// IsLong reports whether the type is 245 or 246, whose values may be split (RFC 6929 s2.2).
func (t Type) IsLong() bool { return t == TypeLongExtended1 || t == TypeLongExtended2 }

// extendedHeaderLen gives the octets between an attribute's length and its value.
func (t Type) extendedHeaderLen() int {
	if t.IsLong() {
		return 2
	}
	return 1
}

// An Extended is one extended attribute of the wire, perhaps a fragment of a long value.
type Extended struct {
	Type   Type   // 241 to 246
	Number byte   // the extended type
	Value  []byte // shares the memory of what was split
	More   bool   // the value goes on in the next attribute
}

// SplitExtended takes the value of an attribute 241 to 246 apart. ok is false for other types and for an
// empty value (RFC 6929 s2.1: the attribute has 4 octets at least, s2.2: 5 at least).
func SplitExtended(t Type, value []byte) (e Extended, ok bool) {
	head := t.extendedHeaderLen()
	if !t.IsExtended() || len(value) <= head {
		return Extended{}, false
	}
	e = Extended{Type: t, Number: value[0], Value: value[head:]}
	if t.IsLong() {
		e.More = value[1]&flagMore != 0
	}
	return e, true
}

// JoinExtended joins the fragments of one long extended value. attrs begins with the first of them; the
// value is appended to dst and rest is what follows the last fragment. ok is false if the fragments break
// off or one between is of another type (RFC 6929 s2.2: they lie next to each other); dst and attrs are
// then given back as they were.
func JoinExtended(dst []byte, attrs Attributes) (joined []byte, rest Attributes, ok bool) {
	joined, rest = dst, attrs
	var first Extended
	for {
		t, value, after, ok := rest.Next()
		e, fits := SplitExtended(t, value)
		if !ok || !fits {
			return dst, attrs, false
		}
		if first.Type == 0 {
			first = e
		} else if e.Type != first.Type || e.Number != first.Number {
			return dst, attrs, false
		}
		joined, rest = append(joined, e.Value...), after
		if !e.More {
			return joined, rest, true
		}
	}
}

// AppendExtended appends an extended attribute. A value that needs more than one is split for 245 and 246,
// otherwise it is ErrValueLen; an empty one too, because the wire has none. A type that is not extended is
// ErrNumber. On an error dst is returned unchanged.
func AppendExtended(dst []byte, t Type, number byte, value []byte) ([]byte, error) {
	return appendExtended(dst, t, number, nil, value)
}

// SplitEVS takes the value of an extended attribute of type 26 apart (RFC 6929 s2.4). Fragments are joined
// before, because only the first holds vendor and type.
func SplitEVS(data []byte) (vendor uint32, number byte, value []byte, ok bool) {
	if len(data) <= evsLen {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint32(data), data[4], data[evsLen:], true
}

// AppendEVS appends a vendor's extended attribute; errors are those of AppendExtended.
func AppendEVS(dst []byte, t Type, vendor uint32, number byte, value []byte) ([]byte, error) {
	var head [evsLen]byte
	binary.BigEndian.PutUint32(head[:], vendor)
	head[4] = number
	if len(value) == 0 {
		return dst, ErrValueLen
	}
	return appendExtended(dst, t, ExtendedVendorSpecific, head[:], value)
}

// appendExtended appends head and value as one value, in fragments where that is allowed.
func appendExtended(dst []byte, t Type, number byte, head, value []byte) ([]byte, error) {
	room := MaxValueLen - t.extendedHeaderLen()
	total := len(head) + len(value)
	switch {
	case !t.IsExtended():
		return dst, ErrNumber
	case total == 0 || total > room && !t.IsLong() || total > MaxPacketLen:
		return dst, ErrValueLen
	}
	for total > 0 {
		part := value[:min(len(value), room-len(head))]
		n := len(head) + len(part)
		total -= n
		dst = append(dst, byte(t), byte(2+t.extendedHeaderLen()+n), number)
		if t.IsLong() {
			dst = append(dst, moreFlag(total > 0))
		}
		dst = append(append(dst, head...), part...)
		head, value = nil, value[len(part):]
	}
	return dst, nil
}

func moreFlag(more bool) byte {
	if more {
		return flagMore
	}
	return 0
}
