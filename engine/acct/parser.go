package acct

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A parser reads the part of JSON that records are made of: no white space.
type parser struct {
	text string
	at   int
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// quoted reads a string without escapes, such as a key.
func (p *parser) quoted() (string, bool) {
	s, ok := p.str()
	if !ok {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// str gives a string with its quotes, as it stands.
func (p *parser) str() (string, bool) {
	start := p.at
	if !p.take('"') {
		return "", false
	}
	for {
		i := strings.IndexByte(p.text[p.at:], '"')
		if i < 0 {
			return "", false
		}
		p.at += i + 1
		if !escaped(p.text[start+1 : p.at-1]) {
			return p.text[start:p.at], true
		}
	}
}

// escaped reports whether a quote behind text is part of the string: an odd number of backslashes ends text.
func escaped(text string) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// pair reads ["Name","value"], the value with its quotes.
func (p *parser) pair() (name, value string, ok bool) {
	if !p.take('[') {
		return "", "", false
	}
	name, ok = p.quoted()
	if !ok || !p.take(',') {
		return "", "", false
	}
	value, ok = p.str()
	return name, value, ok && p.take(']')
}

// value gives any value as it stands.
func (p *parser) value() (string, bool) {
	if p.at >= len(p.text) {
		return "", false
	}
	switch c := p.text[p.at]; {
	case c == '"':
		return p.str()
	case c == '[' || c == '{':
		return p.nested()
	case c >= '0' && c <= '9' || c == '-':
		start := p.at
		for p.at < len(p.text) && strings.IndexByte("0123456789.eE+-", p.text[p.at]) >= 0 {
			p.at++
		}
		return p.text[start:p.at], true
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			return word, true
		}
	}
	return "", false
}

// nested gives an array or object as it stands.
func (p *parser) nested() (string, bool) {
	start, depth := p.at, 0
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case '"':
			if _, ok := p.str(); !ok {
				return "", false
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		p.at++
		if depth == 0 {
			return p.text[start:p.at], true
		}
	}
	return "", false
}

// unquote gives what a JSON string means. Without escapes it costs nothing.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' {
		return ""
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			b = append(b, '\n')
		case 't':
			b = append(b, '\t')
		case 'r':
			b = append(b, '\r')
		case 'u':
			b, i = appendEscape(b, s, i)
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// appendEscape appends what \uXXXX means and gives the place of its last digit. s[i] is the u.
func appendEscape(b []byte, s string, i int) ([]byte, int) {
	r, ok := hex4(s, i+1)
	if !ok {
		return append(b, 'u'), i
	}
	i += 4
	if utf16.IsSurrogate(r) && strings.HasPrefix(s[i+1:], `\u`) {
		if low, ok := hex4(s, i+3); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return utf8.AppendRune(b, both), i + 6
			}
		}
	}
	return utf8.AppendRune(b, r), i
}

func hex4(s string, at int) (rune, bool) {
	if at+4 > len(s) {
		return 0, false
	}
	v, err := strconv.ParseUint(s[at:at+4], 16, 16)
	return rune(v), err == nil
}
