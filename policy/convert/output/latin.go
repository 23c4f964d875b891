package output

import (
	"strings"
	"unicode/utf8"
)

// UTF8 gives the text as UTF-8: as it is, or taken as Latin-1, which old files are in. TOML and Lua comments
// know nothing else.
func UTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteRune(rune(c))
	}
	return b.String()
}
