package raddb

import "strings"

// quoted reads "..." or '...' from the opening quote on.
func (s *Fields) quoted() string {
	mark, at := s.src[s.at], Pos{s.file, s.line, s.at - s.start + 1}
	s.at++
	if text, ok := s.plain(mark); ok {
		return text
	}
	var b strings.Builder
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case c == mark:
			s.at++
			return b.String()
		case c == '\n' || c == '\r' && s.lineEnd(s.at):
			s.unterminated(at, mark)
			return ""
		case c == '\\' && s.lineEnd(s.at+1):
			s.join()
		case c == '\\':
			b.WriteByte(s.escape())
		default:
			b.WriteByte(c)
			s.at++
		}
	}
	s.unterminated(at, mark)
	return ""
}

// plain reads quoted text that has no escapes without copying it.
func (s *Fields) plain(mark byte) (string, bool) {
	rest := s.src[s.at:]
	for i := range len(rest) {
		switch rest[i] {
		case mark:
			s.at += i + 1
			return rest[:i], true
		case '\\', '\n':
			return "", false
		}
	}
	return "", false
}

func (s *Fields) unterminated(at Pos, mark byte) {
	s.bad = true
	s.errs.Errorf(at, "a quoted text is not closed on its line; expected another %c", mark)
}

// escape reads what stands after a backslash, and gives the octet that is meant.
func (s *Fields) escape() byte {
	at := Pos{s.file, s.line, s.at - s.start + 1}
	s.at++
	c := s.src[s.at]
	s.at++
	switch c {
	case '"', '\'', '\\':
		return c
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'x':
		return s.digits(at, 16, 2, 0)
	case '0', '1', '2', '3':
		return s.digits(at, 8, 2, c-'0')
	}
	s.badEscape(at, `\" \' \\ \n \r \t, \ooo (three octal digits) or \xHH`)
	return c
}

// digits reads exactly n further digits of a number.
func (s *Fields) digits(at Pos, base byte, n int, value byte) byte {
	for range n {
		d, ok := byte(0), false
		if s.at < len(s.src) {
			d, ok = digit(s.src[s.at])
		}
		if !ok || d >= base {
			s.badEscape(at, `three octal digits or x and two hexadecimal ones`)
			return value
		}
		value = value*base + d
		s.at++
	}
	return value
}

func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func (s *Fields) badEscape(at Pos, expected string) {
	s.bad = true
	s.errs.Errorf(at, "unknown escape after a backslash; expected %s", expected)
}
