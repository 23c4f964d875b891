package users

import (
	"encoding/hex"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// maxInternal bounds the values of attributes that never go on the wire, in octets.
const maxInternal = maxValue

// unescape appends the octets that a value as written stands for. GNU Radius has escapes in strings alone.
func unescape(dst []byte, t token, d Dialect) []byte {
	s := t.text
	if d != FreeRADIUS && t.quote == 0 {
		return append(dst, s...)
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			dst = append(dst, s[i])
			continue
		}
		i++
		var n int
		if d == FreeRADIUS {
			dst, n = foreignEscape(dst, s[i:], t.quote)
		} else {
			dst, n = escape(dst, s[i:])
		}
		i += n - 1
	}
	return dst
}

// foreignEscape is escape of the FreeRADIUS dialect, which has fewer escapes, in bare words and '...', too.
// The backslash of others stays: passwords have them.
func foreignEscape(dst, s []byte, quote byte) ([]byte, int) {
	switch c := s[0]; {
	case c == '\n' || c == '\r' && len(s) > 1 && s[1] == '\n':
		return escape(dst, s)
	case c == 'n' || c == 'r' || c == 't':
		return append(dst, escapes[c]), 1
	case c == '\\' || c == '"' || c == quote && c != 0:
		return append(dst, c), 1
	case len(s) > 2 && hexDigit(s[0]) < 4 && hexDigit(s[1]) < 8 && hexDigit(s[2]) < 8:
		return digits(dst, s, 3, 8)
	default:
		return append(dst, '\\', c), 1
	}
}

var escapes = map[byte]byte{
	'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'e': 0x1b,
}

// escape appends what stands after a backslash and gives the octets that it takes in the file.
func escape(dst, s []byte) ([]byte, int) {
	c := s[0]
	switch {
	case c == '\n':
		return dst, 1
	case c == '\r' && len(s) > 1 && s[1] == '\n':
		return dst, 2
	case c >= '0' && c <= '7':
		return digits(dst, s, 3, 8)
	case c == 'x' && len(s) > 1 && hexDigit(s[1]) < 16:
		dst, n := digits(dst, s[1:], 2, 16)
		return dst, n + 1
	}
	if e, ok := escapes[c]; ok {
		c = e
	}
	return append(dst, c), 1
}

// digits appends the octet of at most n digits of a base.
func digits(dst, s []byte, n, base int) ([]byte, int) {
	v, i := 0, 0
	for i < n && i < len(s) && hexDigit(s[i]) < base && v*base+hexDigit(s[i]) < 256 {
		v = v*base + hexDigit(s[i])
		i++
	}
	return append(dst, byte(v)), i
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 255
}

// rawValue appends the octets of a value 0x... of an attribute that is named by its number, whatever its type.
func rawValue(dst []byte, p *rawPair) ([]byte, bool) {
	v, name := p.value.text, p.name.text
	numbered := len(name) > 5 && foldEqual(name[:5], "Attr-") || len(name) > 7 && foldEqual(name[:7], "Vendor-")
	if !numbered || p.value.quote != 0 || len(v) < 3 || v[0] != '0' || lower(v[1]) != 'x' {
		return dst, false
	}
	out, err := hex.AppendDecode(dst, v[2:])
	return out, err == nil
}

// encode appends the wire form of a value to dst.
func encode(dst []byte, a *dictionary.Attribute, text []byte) ([]byte, error) {
	if a.Type == dictionary.TypeString {
		return append(dst, text...), nil
	}
	return a.ParseText(dst, string(text))
}

// room gives the octets that a value of the attribute may have.
func room(a *dictionary.Attribute) int {
	if a.Internal {
		return maxInternal
	}
	n := radius.MaxValueLen
	switch {
	case a.Concat, a.Parent != nil && a.Parent.Type == dictionary.TypeLongExtended:
		return maxInternal
	case a.Vendor != nil && a.Parent == nil:
		n -= 4 + a.Vendor.Format.HeaderLen()
	}
	if a.Tagged && a.Type != dictionary.TypeInteger {
		n--
	}
	return n
}

// fits tells of a value that is longer than the attribute has room for (RFC 2865 s5).
func (c *compiler) fits(a *dictionary.Attribute, value []byte, at raddb.Pos) bool {
	if max := room(a); len(value) > max {
		c.errs.Errorf(at, "the value of %s has %d octets; expected at most %d", a.Name, len(value), max)
		return false
	}
	return true
}
