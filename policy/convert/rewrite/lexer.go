package rewrite

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"perilune/engine/raddb"
)

// A lexer splits a source into tokens.
type lexer struct {
	file      string
	text      string
	i         int // next octet
	line      int
	begin     int // of the line
	flags     flags
	errs      *raddb.List
	tokens    []token
	before    []string // comments since the last token
	commented int      // line of the last of them
}

// scan gives all tokens of a source; the last one is tokenEnd.
func scan(file string, text []byte, errs *raddb.List) []token {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	l := &lexer{file: file, text: string(text), line: 1, errs: errs}
	for l.next() {
	}
	return l.tokens
}

func (l *lexer) pos() raddb.Pos {
	return raddb.Pos{File: l.file, Line: l.line, Col: l.i - l.begin + 1}
}

// peek gives the octet n places on, 0 beyond the end.
func (l *lexer) peek(n int) byte {
	if l.i+n < len(l.text) {
		return l.text[l.i+n]
	}
	return 0
}

// advance goes n octets on and counts lines.
func (l *lexer) advance(n int) {
	for range n {
		if l.i >= len(l.text) {
			return
		}
		if l.text[l.i] == '\n' {
			l.line++
			l.begin = l.i + 1
		}
		l.i++
	}
}

// while goes on as long as the octets are of a kind, and gives what it has passed.
func (l *lexer) while(of func(byte) bool) string {
	from := l.i
	for l.i < len(l.text) && of(l.text[l.i]) {
		l.advance(1)
	}
	return l.text[from:l.i]
}

// add ends a token that began at at.
func (l *lexer) add(t token, at raddb.Pos) {
	t.at, t.before, t.flags, t.end = at, l.before, l.flags, l.line
	l.before = nil
	l.tokens = append(l.tokens, t)
}

// next scans one token, comment or stretch of blanks; false at the end.
func (l *lexer) next() bool {
	at, c := l.pos(), l.peek(0)
	switch {
	case l.i >= len(l.text):
		l.add(token{kind: tokenEnd}, at)
		return false
	case isBlank(c):
		l.advance(1)
	case c == '#', c == '/' && l.peek(1) == '/':
		l.lineComment()
	case c == '/' && l.peek(1) == '*':
		l.blockComment(at)
	case isLetter(c):
		l.add(token{kind: tokenName, text: l.while(isWord)}, at)
	case isDigit(c):
		l.number(at)
	case c == '"':
		l.str(at)
	case c == '\'':
		l.char(at)
	case c == '%' && l.peek(1) == '[':
		l.attribute(at)
	case c == '\\' && isDigit(l.peek(1)):
		l.advance(1)
		n, _ := strconv.ParseInt(l.while(isDigit), 10, 32)
		l.add(token{kind: tokenGroup, number: n}, at)
	default:
		l.sign(at)
	}
	return true
}

var signs = []string{"&&", "||", "=~", "!~", "==", "!=", "<=", ">=", "<<", ">>"}

func (l *lexer) sign(at raddb.Pos) {
	for _, s := range signs {
		if strings.HasPrefix(l.text[l.i:], s) {
			l.advance(2)
			l.add(token{kind: tokenSign, text: s}, at)
			return
		}
	}
	c := l.peek(0)
	l.advance(1)
	if strings.IndexByte("=|&^<>+-*/%!(){};,", c) < 0 {
		l.errs.Errorf(at, "found %q, which begins nothing in this language", string(rune(c)))
		return
	}
	l.add(token{kind: tokenSign, text: string(c)}, at)
}

// comment keeps a comment: beside the token on whose line it begins, else before the next one.
func (l *lexer) comment(line int, text []string) {
	if n := len(l.tokens); n > 0 && l.tokens[n-1].end == line && len(l.before) == 0 && l.tokens[n-1].beside == "" && len(text) == 1 {
		l.tokens[n-1].beside = text[0]
		return
	}
	if len(l.before) > 0 && line > l.commented+1 {
		l.before = append(l.before, "")
	}
	l.before = append(l.before, text...)
	l.commented = l.line
}

func (l *lexer) lineComment() {
	line := l.line
	text := l.while(func(c byte) bool { return c != '\n' })
	if rest, ok := strings.CutPrefix(text, "#pragma"); ok {
		l.pragma(rest)
		return
	}
	l.comment(line, []string{strings.TrimRight(strings.TrimLeft(text, "#/"), " \t")})
}

func (l *lexer) pragma(text string) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != "regex" {
		return // other pragmas are comments
	}
	options := map[string]*bool{"extended": &l.flags.extended, "icase": &l.flags.icase, "newline": &l.flags.newline}
	for _, word := range words[1:] {
		option := options[strings.TrimLeft(word, "+-")]
		if option == nil || word[0] != '+' && word[0] != '-' {
			l.errs.Errorf(raddb.Pos{File: l.file, Line: l.line}, "#pragma regex: found %q; expected + or - and extended, icase or newline", word)
			continue
		}
		*option = word[0] == '+'
	}
}

func (l *lexer) blockComment(at raddb.Pos) {
	end := strings.Index(l.text[l.i+2:], "*/")
	if end < 0 {
		l.errs.Errorf(at, "the comment is not closed; expected */")
		l.advance(len(l.text) - l.i)
		return
	}
	text := l.text[l.i+2 : l.i+2+end]
	l.advance(end + 4)
	l.comment(at.Line, commentLines(text))
}

// commentLines gives the lines of a block comment without the stars at their side, and without empty ones at
// both ends.
func commentLines(text string) []string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimRight(strings.TrimLeft(line, " \t"), " \t*")
		if i > 0 {
			line = strings.TrimPrefix(line, "*")
		}
		lines[i] = line
	}
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// number scans 12, 017, 0x1f and 10.0.0.1.
func (l *lexer) number(at raddb.Pos) {
	text := l.while(func(c byte) bool { return isWord(c) || c == '.' })
	if strings.Contains(text, ".") {
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			l.errs.Errorf(at, "found %q; expected a number or an address such as 10.0.0.1", text)
			return
		}
		l.add(token{kind: tokenNumber, number: addressNumber(a), form: formAddress, text: text}, at)
		return
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil || n > 1<<32-1 || strings.ContainsAny(text, "_obOB") && !strings.HasPrefix(strings.ToLower(text), "0x") {
		l.errs.Errorf(at, "found %q; expected a number up to 4294967295, in C's form", text)
		n, text = 0, "0"
	}
	t := token{kind: tokenNumber, number: n, text: text}
	if strings.HasPrefix(strings.ToLower(text), "0x") {
		t.form = formHex
	}
	l.add(t, at)
}

func addressNumber(a netip.Addr) int64 {
	b := a.As4()
	return int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
}

// quoted scans up to the closing quote on the same line; a backslash before the line's end goes on. ok is
// false if there is none.
func (l *lexer) quoted(quote byte) (text string, ok bool) {
	l.advance(1)
	from := l.i
	for l.i < len(l.text) && l.peek(0) != '\n' {
		switch l.peek(0) {
		case quote:
			text = l.text[from:l.i]
			l.advance(1)
			return text, true
		case '\\':
			l.advance(1)
		}
		l.advance(1)
	}
	return l.text[from:l.i], false
}

func (l *lexer) str(at raddb.Pos) {
	text, ok := l.quoted('"')
	if !ok {
		l.errs.Errorf(at, "the string is not closed on its line; expected a \"")
	}
	l.add(token{kind: tokenString, text: text}, at)
}

func (l *lexer) char(at raddb.Pos) {
	text, ok := l.quoted('\'')
	value := unescape(text)
	if !ok || len(value) != 1 {
		l.errs.Errorf(at, "found '%s; expected one character between single quotes", text)
		value = "?"
	}
	l.add(token{kind: tokenNumber, number: int64(value[0]), form: formChar, text: text}, at)
}

func (l *lexer) attribute(at raddb.Pos) {
	l.advance(2)
	name := l.while(func(c byte) bool { return c != ']' && c != '\n' })
	if l.peek(0) != ']' {
		l.errs.Errorf(at, "%%[%s is not closed; expected ]", name)
	} else {
		l.advance(1)
	}
	l.add(token{kind: tokenAttribute, text: strings.TrimSpace(name)}, at)
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLetter(c byte) bool {
	return c == '_' || c == '$' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
func isWord(c byte) bool { return isLetter(c) || isDigit(c) }
