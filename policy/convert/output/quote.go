package output

import (
	"fmt"
	"strings"
)

// Quote gives a text as a quoted field of a line-oriented file. Octets that are no printable ASCII are escaped, so
// that the line keeps the octets whatever an editor takes the file's character set for.
func Quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(text) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Field gives a text as it is where that is a bare word, else quoted.
func Field(text string) string {
	if text == "" || strings.ContainsAny(text, "\"'\\# \t=,()@") || strings.Trim(text, printable) != "" {
		return Quote(text)
	}
	return text
}

const printable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/*+!$%^&~|;<>?[]{}"

// LuaString gives a text as a Lua literal. Octets that are no printable ASCII become \ddd.
func LuaString(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// LuaLong gives lines of text as a long literal of Lua. Whatever brackets the text holds, it does not end there.
func LuaLong(text string) string {
	brackets := ""
	for strings.Contains(text, "]"+brackets+"]") {
		brackets += "="
	}
	return "[" + brackets + "[\n" + text + "]" + brackets + "]"
}

// Comment gives a text for one line of a comment. Control characters become blanks, for also a carriage return
// would end the comment, and what follows would be code.
func Comment(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, UTF8(text))
}
