package gnu

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// oldPrefix reads an address, address/length or address/mask of IPv4. problem says what is wrong.
func oldPrefix(text string) (p netip.Prefix, problem string) {
	host, length, slash := strings.Cut(text, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || !a.Is4() {
		return p, "expected an address, address/length or address/mask"
	}
	if !slash {
		return netip.PrefixFrom(a, 32), ""
	}
	if mask, err := netip.ParseAddr(length); err == nil && mask.Is4() {
		v := addressNumber(mask)
		n := bits.LeadingZeros32(^v)
		if v<<n != 0 {
			return p, fmt.Sprintf("the mask %s has holes, which no prefix can say", length)
		}
		return netip.PrefixFrom(a, n).Masked(), ""
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > 32 {
		return p, fmt.Sprintf("the length %q; expected 0 to 32, or a mask", length)
	}
	return netip.PrefixFrom(a, n).Masked(), ""
}

// addressNumber gives an address of IPv4 as a number.
func addressNumber(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// A prefixTable finds what stands for the longest prefix that holds another. Prefixes are of IPv4.
type prefixTable[T any] map[netip.Prefix]T

// add puts a value in the place of a prefix that has none. One that is not valid has no place.
func (t prefixTable[T]) add(p netip.Prefix, value T) {
	if _, taken := t[p]; p.IsValid() && !taken {
		t[p] = value
	}
}

// longest gives the value of the longest prefix that holds all of p.
func (t prefixTable[T]) longest(p netip.Prefix) (value T, ok bool) {
	for n := p.Bits(); n >= 0 && !ok; n-- {
		value, ok = t[netip.PrefixFrom(p.Addr(), n).Masked()]
	}
	return value, ok
}
