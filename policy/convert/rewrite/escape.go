package rewrite

import (
	"math/big"
	"strconv"
	"strings"
)

// escapes are those of one letter.
var escapes = map[byte]byte{'a': 7, 'b': 8, 'e': 27, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\', '"': '"'}

// unescape gives the value of a string: \( and \) stay two characters, other unknown escapes lose the backslash.
func unescape(text string) string {
	return unescaped(text, func(c byte) bool { return c == '(' || c == ')' })
}

// unescapePattern gives the regular expression of a string. The manual means `\.` to be a point, so unknown
// escapes keep their backslash.
func unescapePattern(text string) string {
	return unescaped(text, func(byte) bool { return true })
}

// unescaped replaces escapes; those of unknown letters keep the backslash if keep says so.
func unescaped(text string, keep func(byte) bool) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		c, n := numbered(text[i:])
		known, ok := escapes[text[i]]
		switch {
		case n > 0:
			b.WriteByte(c)
			i += n - 1
		case text[i] == '\n': // goes on in the next line
		case ok:
			b.WriteByte(known)
		case keep(text[i]):
			b.WriteByte('\\')
			b.WriteByte(text[i])
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// numbered reads an escape by number behind its backslash, ooo or xHH, and gives its length; 0 if it is none.
func numbered(text string) (c byte, n int) {
	base, from, digits := 8, 0, 3
	if text[0]|0x20 == 'x' {
		base, from, digits = 16, 1, 2
	}
	if len(text) < from+digits {
		return 0, 0
	}
	v, err := strconv.ParseUint(text[from:from+digits], base, 8)
	if err != nil {
		return 0, 0
	}
	return byte(v), from + digits
}

// leadingNumber reads the number at the beginning of a text as C does, and wraps it as lib/gnu.lua does.
func leadingNumber(text string) int64 {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 || digits == "" {
		return 0
	}
	base, all := 10, "0123456789"
	switch {
	case len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' && strings.IndexByte("0123456789abcdef", digits[2]|0x20) >= 0:
		base, all, digits = 16, "0123456789abcdefABCDEF", digits[2:]
	case digits[0] == '0':
		base, all = 8, "01234567"
	}
	n := new(big.Int)
	n.SetString("0"+digits[:len(digits)-len(strings.TrimLeft(digits, all))], base)
	if text[0] == '-' {
		n.Neg(n)
	}
	if n.Cmp(big.NewInt(minInt32)) < 0 || n.Cmp(big.NewInt(maxUint32)) > 0 {
		n.Mod(n, big.NewInt(1<<32))
	}
	return n.Int64()
}
