package output

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// quoted gives a text between quotes. Characters that plain refuses become escapes of their octets by the format octet.
func quoted(text, octet string, plain func(c rune, size int) bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRuneInString(text[i:])
		switch short := strings.IndexRune("\"\\\n\r\t", c); {
		case short >= 0:
			b.WriteByte('\\')
			b.WriteByte("\"\\nrt"[short])
		case plain(c, n):
			b.WriteString(text[i : i+n])
		default:
			for _, o := range []byte(text[i : i+n]) {
				fmt.Fprintf(&b, octet, o)
			}
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}

// Quote gives a text as a quoted field of a line-oriented file. Octets that are no printable ASCII are escaped, so
// that the line keeps the octets whatever an editor takes the file's character set for.
func Quote(text string) string {
	return quoted(text, `\x%02x`, func(c rune, _ int) bool { return c >= ' ' && c <= '~' })
}

// GNUString gives a text as a string of a users file in the GNU dialect. Octets of any character set stay as they are.
func GNUString(text string) string {
	return quoted(text, `\%03o`, func(c rune, _ int) bool { return c >= ' ' && c != 0x7f })
}

// GNUText is GNUString for files that must be UTF-8: octets beyond ASCII are escaped.
func GNUText(text string) string {
	return quoted(text, `\%03o`, func(c rune, _ int) bool { return c >= ' ' && c <= '~' })
}

// LuaString gives a text as a Lua literal. UTF-8 stays readable; octets that are none, and control characters, are
// written by their numbers.
func LuaString(text string) string {
	return quoted(text, `\%03d`, func(c rune, size int) bool { return c >= ' ' && c != 0x7f && (c != utf8.RuneError || size > 1) })
}

// tomlString gives a basic string. Octets that are not UTF-8 are taken as Latin-1, for TOML knows nothing else.
func tomlString(text string) string {
	return quoted(UTF8(text), `\u%04X`, func(c rune, _ int) bool { return c >= ' ' && c != 0x7f })
}

// Field gives a text as it is where that is a bare word, else quoted.
func Field(text string) string {
	if text == "" || strings.ContainsAny(text, "\"'\\# \t=,()@") || strings.Trim(text, printable) != "" {
		return Quote(text)
	}
	return text
}

const printable = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/*+!$%^&~|;<>?[]{}"

// LuaLong gives lines of text as a long literal of Lua. Whatever brackets the text holds, it does not end there.
func LuaLong(text string) string {
	brackets := ""
	for strings.Contains(text, "]"+brackets+"]") {
		brackets += "="
	}
	return "[" + brackets + "[\n" + text + "]" + brackets + "]"
}

// LiteralGlob gives the pattern of req:is that fits nothing but the text.
func LiteralGlob(text string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(text)
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
