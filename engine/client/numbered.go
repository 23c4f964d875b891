package client

import (
	"strconv"
	"strings"
)

// numbered is a text with the place of a number: %d, or %07d for one padded with zeros.
type numbered struct {
	before, after string
	width         int // -1: the text has no number
}

// parseNumbered finds the first %d or %0Nd, N from 1 to 99. Any other % is text.
func parseNumbered(format string) numbered {
	for i := range len(format) {
		if format[i] != '%' {
			continue
		}
		digits, after, ok := strings.Cut(format[i+1:], "d")
		if !ok {
			break
		}
		if digits == "" {
			return numbered{format[:i], after, 0}
		}
		if width, err := strconv.ParseUint(digits, 10, 8); err == nil && digits[0] == '0' && width < 100 {
			return numbered{format[:i], after, int(width)}
		}
	}
	return numbered{format, "", -1}
}

// appendTo appends the text with n in its place.
func (f *numbered) appendTo(dst []byte, n int) []byte {
	dst = append(dst, f.before...)
	if f.width < 0 {
		return dst
	}
	var buf [20]byte
	digits := strconv.AppendUint(buf[:0], uint64(n), 10)
	for range f.width - len(digits) {
		dst = append(dst, '0')
	}
	return append(append(dst, digits...), f.after...)
}

// longest gives the octets of the text with the highest number under count.
func (f *numbered) longest(count int) int { return len(f.appendTo(nil, max(count-1, 0))) }
