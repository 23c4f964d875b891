package dictionary

import (
	"bytes"
	"cmp"
	"net/netip"
)

// Compare orders two values of the attribute: numbers and addresses as unsigned numbers (only the type
// signed as signed ones), text and octets by octets. ok is false where the type has no order (prefixes,
// TLVs) or a length is wrong and the values differ.
func (a *Attribute) Compare(x, y []byte) (order int, ok bool) {
	if !a.Fits(x) || !a.Fits(y) || a.Type == TypeComboIP && len(x) != len(y) {
		return bytes.Compare(x, y), bytes.Equal(x, y)
	}
	switch a.Type {
	case TypeSigned:
		i, _ := a.Uint(x)
		j, _ := a.Uint(y)
		return cmp.Compare(int64(i), int64(j)), true
	case TypeIPv4Prefix, TypeIPv6Prefix:
		return comparePrefixes(a.prefix(x), a.prefix(y))
	case TypeTLV, TypeStruct, TypeVSA, TypeExtended, TypeLongExtended, TypeEVS:
		return bytes.Compare(x, y), bytes.Equal(x, y)
	}
	return bytes.Compare(x, y), true // network order is the order of numbers and addresses
}

func comparePrefixes(p, q netip.Prefix) (int, bool) {
	if c := p.Addr().Compare(q.Addr()); c != 0 {
		return c, false
	}
	return cmp.Compare(p.Bits(), q.Bits()), p.Bits() == q.Bits()
}

// Prefix gives the canonical form of a prefix or address: host bits zero, an address with all its bits.
// ok is false for other types and values that do not fit.
func (a *Attribute) Prefix(value []byte) (p netip.Prefix, ok bool) {
	if !a.Fits(value) {
		return p, false
	}
	switch a.Type {
	case TypeIPv4Prefix, TypeIPv6Prefix:
		return a.prefix(value), true
	case TypeIPv4Addr, TypeIPv6Addr, TypeComboIP:
		addr, _ := netip.AddrFromSlice(value)
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	return p, false
}

// prefix reads a value that fits one of the prefix types (RFC 8044 s3.10, s3.11).
func (a *Attribute) prefix(value []byte) netip.Prefix {
	var addr netip.Addr
	if a.Type == TypeIPv4Prefix {
		addr = netip.AddrFrom4([4]byte(value[2:6]))
	} else {
		var all [16]byte
		copy(all[:], value[2:])
		addr = netip.AddrFrom16(all)
	}
	p, _ := addr.Prefix(int(value[1])) // Fits has seen to the number of bits
	return p
}

// appendPrefix appends the canonical wire form: host bits zero and, for IPv6, no more octets than the
// length asks for (RFC 3162 s2.3).
func (a *Attribute) appendPrefix(dst []byte, p netip.Prefix) []byte {
	p = p.Masked()
	dst = append(dst, 0, byte(p.Bits()))
	if a.Type == TypeIPv4Prefix {
		octets := p.Addr().As4()
		return append(dst, octets[:]...)
	}
	octets := p.Addr().As16()
	return append(dst, octets[:(p.Bits()+7)/8]...)
}
