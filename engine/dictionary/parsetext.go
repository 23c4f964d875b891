package dictionary

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"perilune/engine/raddb"
)

// ParseText appends to dst the wire form of a value given as text: VALUE names and aliases, digits, 0x…,
// addresses, prefixes, MACs, dates ("2026-01-05T09:00:00Z", "Jan 05 2026"), text as it stands, what a Codec reads. The error
// says what was expected and names a near value; it never contains text of a Secret attribute.
func (a *Attribute) ParseText(dst []byte, text string) ([]byte, error) {
	if a.Codec != nil && !strings.HasPrefix(text, "0x") {
		return a.Codec.ParseText(dst, text)
	}
	switch a.Type {
	case TypeString:
		return append(dst, text...), nil
	case TypeByte, TypeShort, TypeInteger, TypeInteger64, TypeSigned, TypeDate:
		return a.parseNumber(dst, text)
	}
	if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X") {
		return a.parseHex(dst, text)
	}
	switch a.Type {
	case TypeOctets:
		return a.parseOctets(dst, text)
	case TypeIPv4Addr, TypeIPv6Addr, TypeComboIP:
		return a.parseAddr(dst, text)
	case TypeIPv4Prefix, TypeIPv6Prefix:
		return a.parsePrefix(dst, text)
	case TypeIfID:
		return a.parseIfID(dst, text)
	case TypeEther:
		return a.parseEther(dst, text)
	case TypeABinary:
		if b, ok := parseFilter(dst, text); ok {
			return b, nil
		}
		return dst, a.expected(text, `a filter as "ip in forward dstip 192.0.2.0/24 tcp dstport = 80", or 0x and hexadecimal digits`)
	}
	return dst, a.expected(text, "0x and hexadecimal digits")
}

// expected gives the error of a value that is not what the attribute takes.
func (a *Attribute) expected(text, what string) error {
	if a.Secret {
		text = "[secret]"
	} else {
		text = strconv.Quote(text)
	}
	return fmt.Errorf("%s is %s; expected %s", a.FullName(), text, what)
}

func (a *Attribute) parseNumber(dst []byte, text string) ([]byte, error) {
	n, err := a.parseDigits(text)
	if v, ok := a.ValueNumber(text); ok && err != nil {
		n, err = v, nil
	}
	if errors.Is(err, strconv.ErrRange) {
		return dst, a.outOfRange(text)
	}
	if err == nil {
		if b, ok := a.AppendUint(dst, n); ok {
			return b, nil
		}
		return dst, a.outOfRange(text)
	}
	if a.Type == TypeDate {
		return a.parseDate(dst, text)
	}
	return dst, a.noNumber(text)
}

func (a *Attribute) parseDigits(text string) (uint64, error) {
	if a.Type == TypeSigned {
		n, err := strconv.ParseInt(text, 10, 64)
		return uint64(n), err
	}
	if digits, ok := strings.CutPrefix(fold(text), "0x"); ok {
		return strconv.ParseUint(digits, 16, 64)
	}
	return strconv.ParseUint(text, 10, 64)
}

func (a *Attribute) outOfRange(text string) error {
	if a.Type == TypeSigned {
		return a.expected(text, "a number from -2147483648 to 2147483647")
	}
	return a.expected(text, "a number from 0 to "+strconv.FormatUint(a.Type.maxUint(), 10))
}

func (a *Attribute) noNumber(text string) error {
	if !a.HasValues() {
		return a.expected(text, "a number")
	}
	err := a.expected(text, "a number or the name of a value")
	if a.Secret {
		return err
	}
	return errors.New(err.Error() + raddb.DidYouMean(text, a.ValueNames()))
}

// ValueNames gives the names of the attribute's values, each as it was declared, in no order.
func (a *Attribute) ValueNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for v := range maps.Values(a.values.byName) {
			if !yield(v.name) {
				return
			}
		}
	}
}

func (a *Attribute) parseDate(dst []byte, text string) ([]byte, error) {
	t, ok := ParseDate(text, time.Local)
	if !ok {
		return dst, a.expected(text, `a date as "2026-01-05T09:00:00Z", "Jan 05 2026" or seconds since 1970`)
	}
	if s := t.Unix(); s >= 0 && s <= 0xffffffff {
		return binary.BigEndian.AppendUint32(dst, uint32(s)), nil
	}
	return dst, a.expected(text, "a date from 1970 to 2106")
}

func (a *Attribute) parseHex(dst []byte, text string) ([]byte, error) {
	n := len(dst)
	b, err := hex.AppendDecode(dst, []byte(text[2:]))
	if err != nil {
		return dst, a.expected(text, "an even number of hexadecimal digits after 0x")
	}
	if !a.Fits(b[n:]) {
		return dst, a.expected(text, a.lengthText())
	}
	return b, nil
}

// lengthText says what octets the attribute takes.
func (a *Attribute) lengthText() string {
	switch n := a.size(); {
	case n > 0:
		return strconv.Itoa(n) + " octets"
	case a.Type == TypeComboIP:
		return "4 or 16 octets"
	case a.Type == TypeTLV:
		return "whole TLVs"
	}
	return "octets of a value of type " + a.Type.String()
}

func (a *Attribute) parseOctets(dst []byte, text string) ([]byte, error) {
	if a.Length > 0 && len(text) != a.Length {
		return dst, a.expected(text, a.lengthText())
	}
	return append(dst, text...), nil
}

func (a *Attribute) parseAddr(dst []byte, text string) ([]byte, error) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err == nil && addr.Zone() == "" && addr.Is4() && a.Type != TypeIPv6Addr:
		return append(dst, addr.AsSlice()...), nil
	case err == nil && addr.Zone() == "" && addr.Is6() && a.Type != TypeIPv4Addr:
		return append(dst, addr.AsSlice()...), nil
	}
	switch a.Type {
	case TypeIPv4Addr:
		return dst, a.expected(text, "an IPv4 address")
	case TypeIPv6Addr:
		return dst, a.expected(text, "an IPv6 address")
	}
	return dst, a.expected(text, "an address")
}

// parsePrefix reads a prefix; an address alone means all its bits.
func (a *Attribute) parsePrefix(dst []byte, text string) ([]byte, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		if addr, bad := netip.ParseAddr(text); bad == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
	}
	if want4 := a.Type == TypeIPv4Prefix; err == nil && p.Addr().Is4() == want4 {
		return a.appendPrefix(dst, p), nil
	}
	if a.Type == TypeIPv4Prefix {
		return dst, a.expected(text, "an IPv4 prefix as 192.0.2.0/24")
	}
	return dst, a.expected(text, "an IPv6 prefix as 2001:db8::/32")
}

func (a *Attribute) parseIfID(dst []byte, text string) ([]byte, error) {
	n := len(dst)
	groups := strings.Split(text, ":")
	for _, g := range groups {
		v, err := strconv.ParseUint(g, 16, 16)
		if err != nil || len(groups) != 4 {
			return dst[:n], a.expected(text, "an interface identifier as 0:0:0:1")
		}
		dst = binary.BigEndian.AppendUint16(dst, uint16(v))
	}
	return dst, nil
}

// parseEther reads a MAC in one of its usual forms: aa:bb:cc:dd:ee:ff, aa-bb-…, aabb.ccdd.eeff, bare.
func (a *Attribute) parseEther(dst []byte, text string) ([]byte, error) {
	n := len(dst)
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text)
	b, err := hex.AppendDecode(dst, []byte(digits))
	if err != nil || len(b)-n != 6 {
		return dst[:n], a.expected(text, "a MAC as 00:00:5e:00:53:01")
	}
	return b, nil
}
