package gnu

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

// quoteField quotes a field of a line-oriented file, whatever octets it has.
func quoteField(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// bareField gives a field without quotes where none are needed.
func bareField(text string) string {
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"'#=\,()`, c) >= 0 {
			return quoteField(text)
		}
	}
	if text == "" || text[0] == '$' {
		return quoteField(text)
	}
	return text
}

// utf8Text gives old text as UTF-8.
func utf8Text(text string) string { return output.UTF8(text) }
