package gnu

import (
	"strings"

	"perilune/engine/raddb"
)

// A tokenKind is the kind of a token of a rule file.
type tokenKind uint8

const (
	atEnd tokenKind = iota
	isName
	isString
	isOperator
	isComma
	isNull
	isStrange // an octet that the grammar does not know, or a string without end
)

// A token is one word of a rule file: its text without quotes and escapes, and where it stands.
type token struct {
	kind       tokenKind
	text       string
	start, end int // in the file, quotes included
	at         raddb.Pos
}

// A ruleLexer cuts a rule file into tokens. Line breaks mean nothing to it.
type ruleLexer struct {
	file      string
	text      string
	i         int
	line      int
	lineStart int

	directive func(line string, at raddb.Pos, start, end int) // of each $ statement
}

func (lx *ruleLexer) pos() raddb.Pos {
	return raddb.Pos{File: lx.file, Line: lx.line, Col: lx.i - lx.lineStart + 1}
}

func (lx *ruleLexer) newline() {
	lx.i++
	lx.line++
	lx.lineStart = lx.i
}

func (lx *ruleLexer) peek() byte {
	if lx.i < len(lx.text) {
		return lx.text[lx.i]
	}
	return 0
}

// restOfLine goes to the end of the line and gives what was skipped, without a CR.
func (lx *ruleLexer) restOfLine() string {
	n := strings.IndexByte(lx.text[lx.i:], '\n')
	if n < 0 {
		n = len(lx.text) - lx.i
	}
	rest := lx.text[lx.i : lx.i+n]
	lx.i += n
	return strings.TrimSuffix(rest, "\r")
}

// space skips blanks, line breaks, comments and directives.
func (lx *ruleLexer) space() {
	for lx.i < len(lx.text) {
		switch c := lx.text[lx.i]; {
		case c == '\n':
			lx.newline()
		case isSpace(c):
			lx.i++
		case c == '#':
			lx.restOfLine()
		case c == '$':
			at, start := lx.pos(), lx.i
			line := lx.restOfLine()
			lx.directive(line, at, start, start+len(line))
		default:
			return
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// next gives the next token.
func (lx *ruleLexer) next() token {
	lx.space()
	t := token{start: lx.i, at: lx.pos()}
	switch c := lx.peek(); {
	case lx.i >= len(lx.text):
	case c == '"':
		t.kind, t.text = lx.quotedText()
	case isWord(c):
		t.kind, t.text = lx.word()
	case c == ',':
		t.kind, t.text = isComma, ","
		lx.i++
	case strings.IndexByte("=<>!", c) >= 0:
		t.kind, t.text = lx.operator()
	default:
		lx.i++
		t.kind, t.text = isStrange, lx.text[lx.i-1:lx.i]
	}
	t.end = lx.i
	return t
}

// isWord reports whether an octet belongs to a word. An exclamation mark does, too, but for one before `=`.
func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c == '!'
}

func (lx *ruleLexer) word() (tokenKind, string) {
	start := lx.i
	for lx.i < len(lx.text) && isWord(lx.text[lx.i]) && !lx.unequal() {
		lx.i++
	}
	if lx.i == start { // !=
		return lx.operator()
	}
	text := lx.text[start:lx.i]
	switch {
	case text == "NULL":
		return isNull, text
	case lx.peek() == '+' && isQuad(text):
		lx.i++
		text += "+"
	}
	return isName, text
}

func (lx *ruleLexer) unequal() bool {
	return lx.text[lx.i] == '!' && lx.i+1 < len(lx.text) && lx.text[lx.i+1] == '='
}

// isQuad reports whether a word has the form of an address: four numbers with dots between.
func isQuad(text string) bool {
	parts := strings.Split(text, ".")
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return len(parts) == 4
}

func (lx *ruleLexer) operator() (tokenKind, string) {
	for _, op := range [...]string{"!=", "<=", ">=", "=", "<", ">"} {
		if strings.HasPrefix(lx.text[lx.i:], op) {
			lx.i += len(op)
			return isOperator, op
		}
	}
	lx.i++
	return isStrange, lx.text[lx.i-1 : lx.i]
}

// quotedText reads a string with its escapes. One that has no end on its line is strange.
func (lx *ruleLexer) quotedText() (tokenKind, string) {
	var b strings.Builder
	for lx.i++; lx.i < len(lx.text); {
		switch c := lx.text[lx.i]; c {
		case '"':
			lx.i++
			return isString, b.String()
		case '\n':
			return isStrange, `"` + b.String()
		case '\\':
			lx.escape(&b)
		default:
			b.WriteByte(c)
			lx.i++
		}
	}
	return isStrange, `"` + b.String()
}

// escape reads what begins with a backslash.
func (lx *ruleLexer) escape(b *strings.Builder) {
	lx.i++
	c := lx.peek()
	switch {
	case lx.i >= len(lx.text):
	case c == '\n':
		lx.newline()
	case c == '\r' && strings.HasPrefix(lx.text[lx.i:], "\r\n"):
		lx.i++
		lx.newline()
	case c >= '0' && c <= '7':
		lx.number(b, 3, 8)
	case c == 'x':
		lx.i++
		lx.number(b, 2, 16)
	default:
		if e, ok := escapes[c]; ok {
			c = e
		}
		b.WriteByte(c)
		lx.i++
	}
}

func (lx *ruleLexer) number(b *strings.Builder, most, base int) {
	n, used := number(lx.text[lx.i:], base, most)
	lx.i += used
	if used > 0 {
		b.WriteByte(n)
	}
}

// resync goes to the next line that begins with a character that is neither blank nor a comment.
func (lx *ruleLexer) resync() {
	for lx.i < len(lx.text) {
		lx.restOfLine()
		if lx.i >= len(lx.text) {
			return
		}
		lx.newline()
		if c := lx.peek(); !isSpace(c) && c != '#' {
			return
		}
	}
}
