package gnu

import (
	"strings"

	"perilune/engine/raddb"
)

// A word is one token of the old config file: a word, a number, a quoted text, or one of the marks { } ; , ( ).
type word struct {
	text   string // escapes undone
	at     raddb.Pos
	quoted bool
}

// mark reports whether the word is that mark.
func (w word) mark(c string) bool { return !w.quoted && w.text == c }

// A lexer splits the old config file into words. Comments are # and // to the end of the line, and /* */.
type lexer struct {
	src, file string
	errs      *raddb.List

	at, line, start int // offset, its line, and where that begins
}

func newLexer(file, src string, errs *raddb.List) *lexer {
	return &lexer{src: strings.TrimPrefix(src, "\ufeff"), file: file, errs: errs, line: 1}
}

func (l *lexer) pos() raddb.Pos {
	return raddb.Pos{File: l.file, Line: l.line, Col: l.at - l.start + 1}
}

// advance passes n octets and counts lines.
func (l *lexer) advance(n int) {
	for range n {
		if l.src[l.at] == '\n' {
			l.line, l.start = l.line+1, l.at+1
		}
		l.at++
	}
}

// next gives the next word; false at the end.
func (l *lexer) next() (word, bool) {
	l.blanks()
	if l.at >= len(l.src) {
		return word{at: l.pos()}, false
	}
	w := word{at: l.pos()}
	switch c := l.src[l.at]; {
	case strings.IndexByte("{};,()", c) >= 0:
		w.text = string(c)
		l.advance(1)
	case c == '"':
		w.quoted = true
		w.text = l.quoted()
	default:
		begin := l.at
		for l.at < len(l.src) && strings.IndexByte("{};,() \t\r\n\"", l.src[l.at]) < 0 {
			l.at++
		}
		w.text = l.src[begin:l.at]
	}
	return w, true
}

// blanks passes white space and comments.
func (l *lexer) blanks() {
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			l.advance(1)
		case rest[0] == '#' || strings.HasPrefix(rest, "//"):
			l.advance(ends(rest, "\n", 0))
		case strings.HasPrefix(rest, "/*"):
			if !strings.Contains(rest, "*/") {
				l.errs.Errorf(l.pos(), "a comment is not closed; expected */")
			}
			l.advance(ends(rest, "*/", 2))
		default:
			return
		}
	}
}

// ends gives how far text reaches up to mark, and more behind that; all of it if there is none.
func ends(text, mark string, more int) int {
	if i := strings.Index(text, mark); i >= 0 {
		return i + more
	}
	return len(text)
}

// quoted reads "..." with the escapes of C.
func (l *lexer) quoted() string {
	at := l.pos()
	l.advance(1)
	begin := l.at
	for l.at < len(l.src) {
		switch l.src[l.at] {
		case '"':
			text := l.src[begin:l.at]
			l.advance(1)
			return unescape(text)
		case '\\':
			l.advance(min(2, len(l.src)-l.at))
		default:
			l.advance(1)
		}
	}
	l.errs.Errorf(at, `a quoted text is not closed; expected another "`)
	return unescape(l.src[begin:])
}

var escapes = map[byte]byte{'a': 7, 'b': 8, 'e': 27, 'f': 12, 'n': '\n', 'r': '\r', 't': '\t', 'v': 11}

// unescape undoes the escapes of C: \n and its like, \ooo, \xHH; \ before the end of a line joins the next;
// before anything else it is left out.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		c := text[i]
		if e, ok := escapes[c]; ok {
			b.WriteByte(e)
			continue
		}
		switch {
		case c >= '0' && c <= '7':
			n, used := number(text[i:], 8, 3)
			b.WriteByte(n)
			i += used - 1
		case c == 'x' && i+1 < len(text) && digitOf(text[i+1]) < 16:
			n, used := number(text[i+1:], 16, 2)
			b.WriteByte(n)
			i += used
		case c != '\n':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// number reads at most limit digits.
func number(text string, base, limit int) (n byte, used int) {
	for used < limit && used < len(text) && digitOf(text[used]) < base {
		n = n*byte(base) + byte(digitOf(text[used]))
		used++
	}
	return n, used
}

// digitOf gives the value of a digit, 99 for what is none.
func digitOf(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}
