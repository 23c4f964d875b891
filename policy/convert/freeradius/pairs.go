package freeradius

import (
	"fmt"
	"strings"

	"perilune/engine/raddb"
)

// An entry of hints or huntgroups: a label, what must hold on its line, and pairs on the lines below.
type entry struct {
	label  string
	checks []pair
	pairs  []pair
	lines  []string // as they stand
	at     raddb.Pos

	huntgroup bool // the label is a huntgroup's, not a user's
	leftOut   bool // it could not be had
}

// A pair is `Attribute op value`.
type pair struct{ name, op, value string }

// entries reads a file of the preprocess module. What is not understood is noted and its entry left out.
func (s *source) entries(name string) (list []*entry) {
	text, ok := s.read(name)
	if !ok {
		return nil
	}
	n := 0
	var e *entry
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(withoutComment(line), " \t\r\n")
		rest := line
		switch {
		case strings.TrimSpace(line) == "":
			continue
		case begins(line):
			e = &entry{label: label(line), at: raddb.Pos{File: name, Line: n}}
			rest = line[len(e.label):]
			list = append(list, e)
		case e == nil:
			continue // of an entry that was left out
		}
		e.lines = append(e.lines, line)
		pairs, err := parsePairs(rest)
		if err != nil {
			s.report.Lookf(raddb.Pos{File: name, Line: n}, "the entry %s is left out: %v", e.label, err)
			list, e = list[:len(list)-1], nil
			continue
		}
		if len(e.lines) == 1 {
			e.checks = pairs
		} else {
			e.pairs = append(e.pairs, pairs...)
		}
	}
	return list
}

// parsePairs reads pairs with commas between them; one may stand at the end.
func parsePairs(text string) (list []pair, err error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		var p pair
		if p, text, err = parsePair(text); err != nil {
			return nil, err
		}
		list = append(list, p)
		text = strings.TrimSpace(text)
		if text != "" && text[0] != ',' {
			return nil, fmt.Errorf("found %q; expected a comma", text)
		}
		text = strings.TrimPrefix(text, ",")
	}
	return list, nil
}

func parsePair(text string) (p pair, rest string, err error) {
	end := strings.IndexAny(text, " \t=!<>:+")
	if end <= 0 {
		return p, "", fmt.Errorf("found %q; expected Attribute operator value", text)
	}
	p.name, rest = text[:end], strings.TrimSpace(text[end:])
	if i := len(p.name); rest != "" && rest[0] == ':' && i < len(text) && len(rest) > 1 && rest[1] != '=' { // a tag
		return p, "", fmt.Errorf("%s has a tag; expected none here", p.name)
	}
	n := 0
	for n < len(rest) && strings.IndexByte("=!<>:+~*", rest[n]) >= 0 {
		n++
	}
	if n == 0 {
		return p, "", fmt.Errorf("found %q; expected an operator after %s", rest, p.name)
	}
	p.op, rest = rest[:n], strings.TrimSpace(rest[n:])
	p.value, rest, err = parseValue(rest)
	return p, rest, err
}

func parseValue(text string) (value, rest string, err error) {
	if text == "" {
		return "", "", fmt.Errorf("found the end of the line; expected a value")
	}
	if quote := text[0]; quote == '"' || quote == '\'' || quote == '`' {
		for i := 1; i < len(text); i++ {
			switch {
			case text[i] == '\\':
				i++
			case text[i] == quote:
				return unquote(text[:i+1]), text[i+1:], nil
			}
		}
		return "", "", fmt.Errorf("a quoted text is not closed on its line")
	}
	end := strings.IndexAny(text, ", \t")
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:], nil
}

// get gives the value of the first pair of that name.
func get(list []pair, name string) (string, bool) {
	for _, p := range list {
		if strings.EqualFold(p.name, name) {
			return p.value, true
		}
	}
	return "", false
}

// yes reports whether a pair says Yes.
func yes(list []pair, name string, otherwise bool) bool {
	v, ok := get(list, name)
	if !ok {
		return otherwise
	}
	return strings.EqualFold(v, "yes") || v == "1"
}
