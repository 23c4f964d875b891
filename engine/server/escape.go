package server

import (
	"unicode"
	"unicode/utf8"
)

// Values from the wire may hold anything. A log line shows printable UTF-8 as it is and the rest as \xNN, so
// that no user name can forge a line or speak to a terminal.

const hexDigits = "0123456789abcdef"

// appendText appends a value of key=value form: bare if it is plain, else in quotes.
func appendText[T string | []byte](dst []byte, value T) []byte {
	if plain(value) {
		return append(dst, value...)
	}
	dst = append(dst, '"')
	dst = appendEscaped(dst, value, false)
	return append(dst, '"')
}

// needsQuotes holds the octets that make quotes necessary: all but printable ASCII, and space, quote, equals sign
// and backslash.
var needsQuotes = func() (t [256]bool) {
	for c := range t {
		t[c] = c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\'
	}
	return t
}()

// plain reports whether a value needs no quotes.
func plain[T string | []byte](value T) bool {
	for i := range len(value) {
		if needsQuotes[value[i]] {
			return false
		}
	}
	return true
}

// appendBare appends a key: what isn't plain becomes '_'.
func appendBare(dst []byte, key string) []byte {
	for i := range len(key) {
		if needsQuotes[key[i]] {
			dst = append(dst, '_')
			continue
		}
		dst = append(dst, key[i])
	}
	return dst
}

// appendJSON appends a JSON string.
func appendJSON[T string | []byte](dst []byte, value T) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, value, true)
	return append(dst, '"')
}

// appendEscaped appends what stands between the quotes. JSON has no \xNN: there the backslash is doubled.
func appendEscaped[T string | []byte](dst []byte, value T, json bool) []byte {
	for i := 0; i < len(value); {
		c := value[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
			i++
		case c >= ' ' && c < 0x7f:
			dst = append(dst, c)
			i++
		case c >= utf8.RuneSelf:
			n := runeAt(value, i)
			if n == 0 {
				dst = appendOctet(dst, c, json)
				n = 1
			} else {
				dst = append(dst, value[i:i+n]...)
			}
			i += n
		default:
			dst = appendOctet(dst, c, json)
			i++
		}
	}
	return dst
}

func appendOctet(dst []byte, c byte, json bool) []byte {
	if json {
		dst = append(dst, '\\')
	}
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// runeAt gives the length of the printable rune at i, 0 if there is none.
func runeAt[T string | []byte](value T, i int) int {
	var few [utf8.UTFMax]byte
	n := copy(few[:], value[i:min(i+utf8.UTFMax, len(value))])
	r, size := utf8.DecodeRune(few[:n])
	if r == utf8.RuneError && size <= 1 || !unicode.IsPrint(r) {
		return 0
	}
	return size
}
