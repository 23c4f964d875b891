package users

import "perilune/engine/raddb"

// A lexer cuts a window of a file into tokens. If it looks beyond the window while the file goes on, it
// notes so in hitEnd, and what was read of the entry is read again from a longer window.
type lexer struct {
	b         []byte
	i         int  // the next octet
	lineStart int  // offset of the first octet of the line; may lie before the window
	line      int  // from 1
	last      bool // the window reaches the end of the file
	hitEnd    bool
	gnu       bool // free form: the parts of a pair may stand on several lines
}

// A token is a name, a value or a label, where it stands and how it was quoted.
type token struct {
	text       []byte // without the quotes, escapes as written
	quote      byte   // '"', '\'', '`' or 0 for a bare word
	start, end int    // offsets in the window, quotes included
	line, col  int
}

func (lx *lexer) col() int { return lx.i - lx.lineStart + 1 }

// peek gives the next octet, 0 at the end of the window.
func (lx *lexer) peek() byte { return lx.ahead(0) }

func (lx *lexer) ahead(n int) byte {
	if lx.i+n >= len(lx.b) {
		lx.hitEnd = true
		return 0
	}
	return lx.b[lx.i+n]
}

func (lx *lexer) atEnd() bool {
	if lx.i < len(lx.b) {
		return false
	}
	lx.hitEnd = true
	return true
}

func (lx *lexer) newline() {
	lx.i++
	lx.line++
	lx.lineStart = lx.i
}

// blanks skips spaces, a backslash before the end of a line, and the CR of CRLF.
func (lx *lexer) blanks() {
	for lx.i < len(lx.b) {
		switch c := lx.b[lx.i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v':
			lx.i++
		case c == '\\' && lx.ahead(1) == '\n':
			lx.i++
			lx.newline()
		case c == '\\' && lx.ahead(1) == '\r' && lx.ahead(2) == '\n':
			lx.i += 2
			lx.newline()
		default:
			return
		}
	}
	lx.hitEnd = true
}

// comment skips a comment up to its newline, and reports whether there was one.
func (lx *lexer) comment() bool {
	if lx.i >= len(lx.b) || lx.b[lx.i] != '#' {
		return false
	}
	lx.restOfLine()
	return true
}

// restOfLine gives the octets up to the newline and goes there.
func (lx *lexer) restOfLine() []byte {
	start := lx.i
	for lx.i < len(lx.b) && lx.b[lx.i] != '\n' {
		lx.i++
	}
	if lx.i == len(lx.b) {
		lx.hitEnd = true
	}
	return lx.b[start:lx.i]
}

// space skips blanks, comments and newlines.
func (lx *lexer) space() {
	for {
		lx.blanks()
		lx.comment()
		if lx.i >= len(lx.b) || lx.b[lx.i] != '\n' {
			lx.atEnd()
			return
		}
		lx.newline()
	}
}

// lineEnd skips blanks and a comment, and reports whether nothing else stands on the line.
func (lx *lexer) lineEnd() bool {
	lx.blanks()
	lx.comment()
	return lx.atEnd() || lx.b[lx.i] == '\n'
}

// resync goes to the next line that begins with a label, after an entry from start on that cannot be read.
func (lx *lexer) resync(start int) {
	if lx.i > start && lx.lineStart == lx.i && lx.i < len(lx.b) {
		return // the next entry's label is what was not expected
	}
	for {
		lx.restOfLine()
		if lx.atEnd() {
			return
		}
		lx.newline()
		switch lx.peek() {
		case ' ', '\t', '\r', '\n', '#', 0:
		default:
			return
		}
	}
}

func (lx *lexer) begin() token {
	return token{start: lx.i, line: lx.line, col: lx.col()}
}

func (lx *lexer) finish(t token, textStart, textEnd int) token {
	t.text, t.end = lx.b[textStart:textEnd], lx.i
	return t
}

// isName holds the octets of attribute names; `:` is decided apart, for it begins `:=` too.
var isName = func() (set [256]bool) {
	for c := range 256 {
		set[c] = c > ' ' && c < 0x7f
	}
	for _, c := range "#,\"'`=!<>+~*^:\\$" {
		set[c] = false
	}
	return set
}()

// name reads an attribute name with its tag; an empty one if none stands here.
func (lx *lexer) name() token {
	t := lx.begin()
	for lx.i < len(lx.b) {
		c := lx.b[lx.i]
		if !isName[c] && (c != ':' || lx.ahead(1) == '=') {
			return lx.finish(t, t.start, lx.i)
		}
		lx.i++
	}
	lx.hitEnd = true
	return lx.finish(t, t.start, lx.i)
}

// label reads the first field of an entry; ok is false for a string without end.
func (lx *lexer) label() (t token, ok bool) {
	if c := lx.peek(); c == '"' || c == '\'' {
		return lx.quoted()
	}
	t = lx.begin()
	for lx.i < len(lx.b) && lx.b[lx.i] > ' ' {
		lx.i++
	}
	lx.atEnd()
	return lx.finish(t, t.start, lx.i), true
}

// value reads a quoted string or a bare word, an empty one if none stands here.
func (lx *lexer) value() (t token, ok bool) {
	switch lx.peek() {
	case '"', '\'', '`':
		return lx.quoted()
	}
	t = lx.begin()
	for lx.i < len(lx.b) {
		c := lx.b[lx.i]
		if c <= ' ' || c == ',' || c == '#' {
			break
		}
		lx.i++
	}
	lx.atEnd()
	return lx.finish(t, t.start, lx.i), true
}

// quoted reads a string. A newline may stand in it only after a backslash.
func (lx *lexer) quoted() (token, bool) {
	t := lx.begin()
	t.quote = lx.b[lx.i]
	lx.i++
	for lx.i < len(lx.b) {
		switch lx.b[lx.i] {
		case t.quote:
			lx.i++
			return lx.finish(t, t.start+1, lx.i-1), true
		case '\n':
			return lx.finish(t, t.start+1, lx.i), false
		case '\\':
			lx.i++
			if lx.peek() == '\r' && lx.ahead(1) == '\n' {
				lx.i++
			}
			if lx.peek() == '\n' {
				lx.newline()
				continue
			}
		}
		lx.i++
	}
	lx.hitEnd = true
	lx.i = len(lx.b)
	return lx.finish(t, t.start+1, lx.i), false
}

// An operator stands between an attribute and its value.
type operator uint8

const (
	opNone      operator = iota
	opAssign             // =
	opNotEqual           // !=
	opLess               // <
	opGreater            // >
	opLessEq             // <=
	opGreaterEq          // >=
	opEqual              // ==
	opMatch              // =~
	opNotMatch           // !~
	opPresent            // =*
	opAbsent             // !*
	opSet                // :=
	opAdd                // +=
	opUnknown            // something like an operator
)

var operatorText = [...]string{"", "=", "!=", "<", ">", "<=", ">=", "==", "=~", "!~", "=*", "!*", ":=", "+=", "?"}

func (o operator) String() string { return operatorText[o] }

// foreign reports whether the operator is none of GNU Radius's.
func (o operator) foreign() bool { return o >= opEqual && o <= opAdd }

// operator reads the longest operator that stands here, opNone if none does.
func (lx *lexer) operator() operator {
	pair := [2]byte{lx.peek(), lx.ahead(1)}
	if pair[0] == '=' && (pair[1] == ' ' || pair[1] == '"') { // by far the most
		lx.i++
		return opAssign
	}
	for o := opEqual; o <= opAdd; o++ {
		if s := operatorText[o]; s[0] == pair[0] && s[1] == pair[1] {
			lx.i += 2
			return o
		}
	}
	for _, o := range [...]operator{opNotEqual, opLessEq, opGreaterEq} {
		if s := operatorText[o]; s[0] == pair[0] && s[1] == pair[1] {
			lx.i += 2
			return o
		}
	}
	switch pair[0] {
	case '=':
		lx.i++
		return opAssign
	case '<':
		lx.i++
		return opLess
	case '>':
		lx.i++
		return opGreater
	case '!', ':', '+', '~', '*', '^':
		return opUnknown
	}
	return opNone
}

func (t token) pos(file string) raddb.Pos { return raddb.Pos{File: file, Line: t.line, Col: t.col} }
