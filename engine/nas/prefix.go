package nas

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
)

// parsePrefix reads an address, address/length or address/mask, and unmaps ::ffff:a.b.c.d. problem says what
// is wrong. Host bits are left as written.
func parsePrefix(text string) (p netip.Prefix, zone, problem string) {
	addr, length, slash := strings.Cut(text, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return p, "", fmt.Sprintf("%q is no address; expected 192.0.2.1, 192.0.2.0/24, 2001:db8::/32, a host name or DEFAULT", text)
	}
	zone = a.Zone()
	mapped := a.Is4In6()
	a = a.Unmap().WithZone("")
	if !slash {
		if a.IsUnspecified() {
			return p, "", fmt.Sprintf("%s is no source address; expected %s/0 or DEFAULT for any", text, a)
		}
		return netip.PrefixFrom(a, a.BitLen()), zone, ""
	}
	if zone != "" {
		return p, "", fmt.Sprintf("%q has a zone and a length; expected a zone only with a single address", text)
	}
	n, ok := parseLength(length, a)
	if mapped && ok && !strings.Contains(length, ".") {
		n -= 96
	}
	if !ok || n < 0 || n > a.BitLen() {
		return p, "", fmt.Sprintf("%q has no good length %q; expected 0 to %d%s", text, length, a.BitLen(), maskToo(a))
	}
	return netip.PrefixFrom(a, n), "", ""
}

func maskToo(a netip.Addr) string {
	if a.Is4() {
		return " or a mask like 255.255.255.0"
	}
	return ""
}

// parseLength reads a number of bits or, for IPv4, a mask.
func parseLength(text string, a netip.Addr) (int, bool) {
	if mask, err := netip.ParseAddr(text); err == nil && mask.Is4() && a.Is4() {
		m := key4(mask)
		n := bits.LeadingZeros32(^m)
		return n, m<<n == 0
	}
	if text == "" || len(text) > 3 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// IsHostName reports whether text looks like a host name: letters, digits, hyphens, underscores and dots, and
// not only digits and dots, which is a mistyped address.
func IsHostName(text string) bool {
	letter := false
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
			letter = true
		case c >= '0' && c <= '9' || c == '.' || c == '-':
		default:
			return false
		}
	}
	return letter && len(text) <= 253 && text[0] != '.' && text[0] != '-'
}
