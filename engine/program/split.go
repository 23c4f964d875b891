package program

import (
	"errors"
	"strings"
)

// Errors of Split.
var (
	ErrQuote     = errors.New("a quote is not closed")
	ErrBackslash = errors.New("a backslash ends the text")
	ErrEmpty     = errors.New("no program is named")
	ErrRelative  = errors.New("the program is not named by its absolute path, which begins with /")
	ErrNUL       = errors.New("the text holds a NUL")
)

// Split parts a command line into its words as a shell does: at white space, with '...', "..." and backslashes. It
// expands nothing. A macro in braces, %C{name:-two words}, stays one piece and is not looked into. The first word
// must be an absolute path.
func Split(line string) ([]string, error) {
	words, err := Words(line)
	switch {
	case err != nil:
		return nil, err
	case len(words) == 0:
		return nil, ErrEmpty
	case !strings.HasPrefix(words[0], "/"):
		return nil, ErrRelative
	}
	return words, nil
}

// Words is Split for any text: there may be no word at all.
func Words(line string) ([]string, error) {
	if strings.IndexByte(line, 0) >= 0 {
		return nil, ErrNUL
	}
	var words []string
	s := splitter{text: line}
	for s.space() {
		word, err := s.word()
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}

type splitter struct {
	text string
	i    int
}

const white = " \t\n\r\v\f"

// space goes to the next word; false at the end.
func (s *splitter) space() bool {
	for s.i < len(s.text) && strings.IndexByte(white, s.text[s.i]) >= 0 {
		s.i++
	}
	return s.i < len(s.text)
}

// word takes one word without its quotes.
func (s *splitter) word() (string, error) {
	out, quote := []byte{}, byte(0)
	for ; s.i < len(s.text); s.i++ {
		c := s.text[s.i]
		switch {
		case macroLen(s.text[s.i:]) > 0:
			n := macroLen(s.text[s.i:])
			out = append(out, s.text[s.i:s.i+n]...)
			s.i += n - 1
		case quote == 0 && strings.IndexByte(white, c) >= 0:
			return string(out), nil
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '\\' && quote != '\'':
			if s.i++; s.i == len(s.text) {
				return "", ErrBackslash
			}
			out = appendEscaped(out, s.text[s.i], quote)
		default:
			out = append(out, c)
		}
	}
	if quote != 0 {
		return "", ErrQuote
	}
	return string(out), nil
}

// appendEscaped appends what a backslash makes of c: within "..." it takes the meaning of few signs alone.
func appendEscaped(out []byte, c, quote byte) []byte {
	if quote == '"' && strings.IndexByte("\\\"$`", c) < 0 {
		out = append(out, '\\')
	}
	return append(out, c)
}

// macroLen gives the length of a macro in braces that begins the text, 0 if none does.
func macroLen(text string) int {
	if text[0] != '%' {
		return 0
	}
	i := 1
	if i < len(text) && text[i] == '\\' {
		i++
	}
	if i >= len(text) || text[i] != 'C' && text[i] != 'R' {
		return 0
	}
	if i++; i < len(text) && text[i] == '\\' {
		i++
	}
	if i >= len(text) || text[i] != '{' {
		return 0
	}
	end := strings.IndexByte(text[i:], '}')
	if end < 0 {
		return 0
	}
	return i + end + 1
}
