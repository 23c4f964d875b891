package dictionary

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
)

// AppendText appends the value as text for people: VALUE name if there is one, canonical addresses (RFC
// 5952), 0x… for octets, plain text unquoted, what a Codec makes of them. A value whose length does not fit the
// type is given as 0x….
func (a *Attribute) AppendText(dst, value []byte) []byte {
	if a.Codec == nil {
		return a.AppendTyped(dst, value)
	}
	if text, ok := a.Codec.AppendText(dst, value); ok {
		return text
	}
	return appendHex(dst, value)
}

// AppendTyped is AppendText by the type alone, for records that outlive a Codec.
func (a *Attribute) AppendTyped(dst, value []byte) []byte {
	if !a.Fits(value) {
		return appendHex(dst, value)
	}
	switch a.Type {
	case TypeString:
		return append(dst, value...)
	case TypeByte, TypeShort, TypeInteger, TypeInteger64, TypeSigned, TypeDate:
		return a.appendNumber(dst, value)
	case TypeIPv4Addr, TypeIPv6Addr, TypeComboIP:
		addr, _ := netip.AddrFromSlice(value)
		return addr.AppendTo(dst)
	case TypeIPv4Prefix, TypeIPv6Prefix:
		return a.prefix(value).AppendTo(dst)
	case TypeIfID:
		return appendIfID(dst, value)
	case TypeEther:
		return appendEther(dst, value)
	case TypeABinary:
		return appendFilter(dst, value)
	}
	return appendHex(dst, value)
}

func (a *Attribute) appendNumber(dst, value []byte) []byte {
	n, _ := a.Uint(value)
	if name, ok := a.ValueName(n); ok {
		return append(dst, name...)
	}
	switch a.Type {
	case TypeDate:
		return time.Unix(int64(n), 0).UTC().AppendFormat(dst, time.RFC3339)
	case TypeSigned:
		return strconv.AppendInt(dst, int64(n), 10)
	}
	return strconv.AppendUint(dst, n, 10)
}

func appendHex(dst, value []byte) []byte {
	return hex.AppendEncode(append(dst, "0x"...), value)
}

// appendIfID gives an interface identifier in four groups (RFC 8044 s3.7).
func appendIfID(dst, value []byte) []byte {
	for i := 0; i < 8; i += 2 {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = strconv.AppendUint(dst, uint64(value[i])<<8|uint64(value[i+1]), 16)
	}
	return dst
}

func appendEther(dst, value []byte) []byte {
	for i := range value {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, value[i:i+1])
	}
	return dst
}
