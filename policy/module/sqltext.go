package module

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// placeholders counts the placeholders of a query, $1 to $n, each at least once. It knows enough of SQL to leave
// strings, names and comments alone. More than one statement is an error, as are placeholders of other kinds.
func placeholders(query string) (n int, err error) {
	var seen [maxArguments + 1]bool
	s := sqlScanner{rest: query}
	first, ended := true, false
	for {
		token := s.token()
		switch {
		case s.err != nil:
			return 0, s.err
		case token == "":
			return n, missing(seen[1:n+1], first)
		case ended && token != ";":
			return 0, errors.New("a second statement; expected one")
		case token == ";":
			ended = true
		case token == "?":
			return 0, errors.New("? is no placeholder; write $1, $2 … (PostgreSQL's operator ? is jsonb_exists)")
		case token[0] == '$':
			i, err := strconv.Atoi(token[1:])
			if err != nil || i < 1 || i > maxArguments {
				return 0, fmt.Errorf("%s is no placeholder; write $1 to $%d", token, maxArguments)
			}
			seen[i], n = true, max(n, i)
		case first:
			if why := refusedVerb(token); why != "" {
				return 0, errors.New(why)
			}
		}
		first = first && token == ";"
	}
}

// missing finds fault with placeholders that leave one out.
func missing(seen []bool, empty bool) error {
	if empty {
		return errors.New("there is no statement in the query")
	}
	for i, is := range seen {
		if !is {
			return fmt.Errorf("the query has $%d and no $%d", len(seen), i+1)
		}
	}
	return nil
}

// A sqlScanner splits a query into words, placeholders and single characters; strings and names in quotes are one
// token that begins with the quote.
type sqlScanner struct {
	rest string
	err  error
}

// token gives the next token, "" at the end.
func (s *sqlScanner) token() string {
	s.skip()
	if s.rest == "" || s.err != nil {
		return ""
	}
	switch c := s.rest[0]; {
	case c == '\'' || c == '"' || c == '`':
		return s.quoted(0, c, false)
	case (c == 'e' || c == 'E') && len(s.rest) > 1 && s.rest[1] == '\'':
		return s.quoted(1, '\'', true)
	case c == '$':
		return s.dollar()
	case wordOctet(c):
		return s.cut(wordLength(s.rest))
	}
	return s.cut(1)
}

func (s *sqlScanner) cut(n int) string {
	token := s.rest[:n]
	s.rest = s.rest[n:]
	return token
}

// skip passes over white space and comments. PostgreSQL's comments nest, SQLite's do not: one within another is an
// error, since the two would see different statements.
func (s *sqlScanner) skip() {
	for {
		s.rest = strings.TrimLeft(s.rest, " \t\r\n\f\v")
		switch {
		case strings.HasPrefix(s.rest, "--"):
			_, s.rest, _ = strings.Cut(s.rest, "\n")
		case strings.HasPrefix(s.rest, "/*"):
			inner, rest, closed := strings.Cut(s.rest[2:], "*/")
			if !closed || strings.Contains(inner, "/*") {
				s.err = errors.New("a comment that is not closed, or in another")
				return
			}
			s.rest = rest
		default:
			if i := strings.IndexByte(s.rest, 0); i == 0 {
				s.err = errors.New("a query with an octet 0")
			}
			return
		}
	}
}

// quoted cuts text in quotes that begins at octet start; a doubled quote is one in the text.
func (s *sqlScanner) quoted(start int, quote byte, backslash bool) string {
	for i := start + 1; i < len(s.rest); i++ {
		switch {
		case s.rest[i] == 0:
			s.err = errors.New("a query with an octet 0")
			return ""
		case backslash && s.rest[i] == '\\':
			i++
		case s.rest[i] != quote:
		case i+1 < len(s.rest) && s.rest[i+1] == quote:
			i++
		default:
			return s.cut(i + 1)
		}
	}
	s.err = fmt.Errorf("a quote %c that is not closed", quote)
	return ""
}

// dollar cuts $1, or PostgreSQL's $tag$ text $tag$.
func (s *sqlScanner) dollar() string {
	n := 1 + wordLength(s.rest[1:])
	if n < len(s.rest) && s.rest[n] == '$' && (n == 1 || s.rest[1] > '9') {
		tag := s.rest[:n+1]
		end := strings.Index(s.rest[n+1:], tag)
		if end < 0 {
			s.err = fmt.Errorf("a quote %s that is not closed", tag)
			return ""
		}
		s.cut(n + 1 + end + len(tag))
		return "'"
	}
	return s.cut(n)
}

func wordOctet(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func wordLength(text string) int {
	for i := range len(text) {
		if !wordOctet(text[i]) {
			return i
		}
	}
	return len(text)
}
