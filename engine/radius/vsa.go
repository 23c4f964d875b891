package radius

import (
	"encoding/binary"
	"iter"
)

// A VSAFormat tells how a vendor lays out the attributes inside its Vendor-Specific attribute (RFC 2865
// s5.26 recommends {1, 1, false}): octets of the type, octets of the length (0: the value fills the rest),
// and whether a continuation octet follows (WiMAX).
type VSAFormat struct {
	TypeLen      uint8 // 1, 2 or 4
	LenLen       uint8 // 0, 1 or 2
	Continuation bool
}

// DefaultVSAFormat is RFC 2865's recommendation.
var DefaultVSAFormat = VSAFormat{TypeLen: 1, LenLen: 1}

// vendorLen is the octets of the vendor's number before its attributes.
const vendorLen = 4

// continued is WiMAX's bit for "more of this value follows in the next attribute".
const continued = 0x80

// HeaderLen gives the octets before each value.
func (f VSAFormat) HeaderLen() int {
	n := int(f.TypeLen) + int(f.LenLen)
	if f.Continuation {
		n++
	}
	return n
}

// MaxValueLen gives the longest value that one attribute 26 holds, in octets.
func (f VSAFormat) MaxValueLen() int { return MaxValueLen - vendorLen - f.HeaderLen() }

// A SubAttribute is one attribute of a vendor as it stands inside a Vendor-Specific attribute.
type SubAttribute struct {
	Number uint32
	Value  []byte // shares the memory of what was walked
	More   bool   // the value goes on in the next attribute (only if the format has a continuation octet)
}

// SplitVSA takes the vendor's number off the value of an attribute 26. ok is false if it is shorter than
// the number and one octet (RFC 2865 s5.26).
func SplitVSA(value []byte) (vendor uint32, data []byte, ok bool) {
	if len(value) <= vendorLen {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(value), value[vendorLen:], true
}

// Next takes the first attribute off the vendor's data; ok is false at the end or at a flaw.
func (f VSAFormat) Next(data []byte) (sub SubAttribute, rest []byte, ok bool) {
	head := f.HeaderLen()
	if len(data) == 0 || len(data) < head {
		return SubAttribute{}, nil, false
	}
	n := len(data)
	if f.LenLen > 0 {
		n = int(bigEndian(data[f.TypeLen : int(f.TypeLen)+int(f.LenLen)]))
	}
	if n < head || n > len(data) {
		return SubAttribute{}, nil, false
	}
	sub = SubAttribute{Number: bigEndian(data[:f.TypeLen]), Value: data[head:n:n]}
	sub.More = f.Continuation && data[head-1]&continued != 0
	return sub, data[n:], true
}

// All walks the vendor's data in wire order and ends at a flaw.
func (f VSAFormat) All(data []byte) iter.Seq[SubAttribute] {
	return func(yield func(SubAttribute) bool) {
		for {
			sub, rest, ok := f.Next(data)
			if !ok || !yield(sub) {
				return
			}
			data = rest
		}
	}
}

// Valid reports whether data is one or more attributes whose lengths add up. What is not must be kept as
// octets of attribute 26 (RFC 2865 s5.26: the format is only recommended).
func (f VSAFormat) Valid(data []byte) bool {
	for {
		_, rest, ok := f.Next(data)
		if !ok {
			return false
		}
		if len(rest) == 0 {
			return true
		}
		data = rest
	}
}

// JoinVSA joins a value continued over several attributes 26 of one vendor. attrs begins with the first of
// them, and each holds one attribute of the vendor; value is appended to dst, rest is what follows the
// last. ok is false if the chain breaks off; dst and attrs are then given back as they were.
func (f VSAFormat) JoinVSA(dst []byte, attrs Attributes) (joined []byte, rest Attributes, ok bool) {
	joined, rest = dst, attrs
	var vendor, number uint32
	for first := true; ; first = false {
		t, value, after, ok := rest.Next()
		if !ok || t != TypeVendorSpecific {
			return dst, attrs, false
		}
		v, data, ok := SplitVSA(value)
		sub, left, fits := f.Next(data)
		if !ok || !fits || len(left) > 0 || !first && (v != vendor || sub.Number != number) {
			return dst, attrs, false
		}
		vendor, number = v, sub.Number
		joined, rest = append(joined, sub.Value...), after
		if !sub.More {
			return joined, rest, true
		}
	}
}

// AppendVSA appends an attribute 26 with one attribute of the vendor. A value over MaxValueLen is split if
// the format has a continuation octet, otherwise it is ErrValueLen. A number that does not fit the type
// field is ErrNumber. On an error dst is returned unchanged.
func (f VSAFormat) AppendVSA(dst []byte, vendor, number uint32, value []byte) ([]byte, error) {
	if err := f.check(number, len(value)); err != nil {
		return dst, err
	}
	room := f.MaxValueLen()
	for {
		part := value[:min(len(value), room)]
		value = value[len(part):]
		n := f.HeaderLen() + len(part)
		dst = append(dst, byte(TypeVendorSpecific), byte(2+vendorLen+n))
		dst = binary.BigEndian.AppendUint32(dst, vendor)
		dst = f.appendHeader(dst, number, n, len(value) > 0)
		dst = append(dst, part...)
		if len(value) == 0 {
			return dst, nil
		}
	}
}

// AppendSub appends one attribute of the vendor alone, to share an attribute 26 with others. The error and
// dst are as those of AppendVSA; nothing is split.
func (f VSAFormat) AppendSub(dst []byte, number uint32, value []byte) ([]byte, error) {
	if len(value) > f.MaxValueLen() {
		return dst, ErrValueLen
	}
	if err := f.check(number, len(value)); err != nil {
		return dst, err
	}
	dst = f.appendHeader(dst, number, f.HeaderLen()+len(value), false)
	return append(dst, value...), nil
}

// check refuses what no attribute of the format can hold.
func (f VSAFormat) check(number uint32, valueLen int) error {
	room := f.MaxValueLen()
	switch {
	case room <= 0, valueLen > room && !f.Continuation, valueLen > MaxPacketLen:
		return ErrValueLen
	case f.TypeLen < 4 && number>>(8*f.TypeLen) != 0:
		return ErrNumber
	}
	return nil
}

// appendHeader appends type, length and continuation; n is the length with the header.
func (f VSAFormat) appendHeader(dst []byte, number uint32, n int, more bool) []byte {
	dst = appendBigEndian(dst, number, f.TypeLen)
	dst = appendBigEndian(dst, uint32(n), f.LenLen)
	switch {
	case !f.Continuation:
		return dst
	case more:
		return append(dst, continued)
	}
	return append(dst, 0)
}

// bigEndian reads a number of up to four octets.
func bigEndian(b []byte) (n uint32) {
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}

// appendBigEndian appends the lowest size octets of n.
func appendBigEndian(dst []byte, n uint32, size uint8) []byte {
	for ; size > 0; size-- {
		dst = append(dst, byte(n>>(8*(size-1))))
	}
	return dst
}
