package dictionary

import "encoding/binary"

// Uint gives the number behind an integer, enumeration, date or IPv4 address; false for other types or a
// value of wrong length. A signed number is given in two's complement of 64 bits: int64(n) is the number.
func (a *Attribute) Uint(value []byte) (uint64, bool) {
	switch a.Type {
	case TypeByte, TypeShort, TypeInteger, TypeInteger64, TypeDate, TypeIPv4Addr, TypeSigned:
	default:
		return 0, false
	}
	if len(value) != sizes[a.Type] {
		return 0, false
	}
	switch len(value) {
	case 1:
		return uint64(value[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(value)), true
	case 8:
		return binary.BigEndian.Uint64(value), true
	}
	n := binary.BigEndian.Uint32(value)
	if a.Type == TypeSigned {
		return uint64(int64(int32(n))), true
	}
	return uint64(n), true
}

// AppendUint appends the wire form of a number; false if it does not fit the type.
func (a *Attribute) AppendUint(dst []byte, n uint64) ([]byte, bool) {
	switch a.Type {
	case TypeByte:
		return append(dst, byte(n)), n <= 0xff
	case TypeShort:
		return binary.BigEndian.AppendUint16(dst, uint16(n)), n <= 0xffff
	case TypeInteger, TypeDate, TypeIPv4Addr:
		return binary.BigEndian.AppendUint32(dst, uint32(n)), n <= 0xffffffff
	case TypeSigned:
		return binary.BigEndian.AppendUint32(dst, uint32(n)), int64(n) == int64(int32(n))
	case TypeInteger64:
		return binary.BigEndian.AppendUint64(dst, n), true
	}
	return dst, false
}

// maxUint is the greatest number of the type, for error texts.
func (t Type) maxUint() uint64 {
	switch t {
	case TypeByte:
		return 0xff
	case TypeShort:
		return 0xffff
	case TypeInteger64:
		return 1<<64 - 1
	case TypeSigned:
		return 1<<31 - 1
	}
	return 0xffffffff
}
