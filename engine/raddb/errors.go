package raddb

import (
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Pos is a place in a file. Line and Col count from 1, Col in octets; 0 means unknown and is not printed.
type Pos struct {
	File string
	Line int
	Col  int
}

// String gives file:line:col as far as it is known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// An Error is one thing wrong in one place. A warning does not stop a generation.
type Error struct {
	Pos
	Msg     string
	Warning bool
	Form    string // of Msg, before its places were filled: it is the same for all of a kind
}

// Error gives "file:line:col: message". Control characters that a file has brought into it are escaped: they are
// for a terminal to obey.
func (e *Error) Error() string {
	msg := e.Msg
	if e.Warning {
		msg = "warning: " + msg
	}
	if p := e.Pos.String(); p != "" {
		msg = p + ": " + msg
	}
	return harmless(msg)
}

// harmless escapes control characters, also those of C1, and octets that are no UTF-8. Line ends and tabs stay.
func harmless(text string) string {
	bad := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' || r == utf8.RuneError }
	if !strings.ContainsFunc(text, bad) {
		return text
	}
	var b strings.Builder
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(text[i:])
		if !bad(r) {
			b.WriteString(text[i : i+size])
			continue
		}
		for _, c := range []byte(text[i : i+size]) {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}

// A List collects what is wrong, so that all of it is told at once. The zero List is empty.
type List []*Error

// Errorf adds an error.
func (l *List) Errorf(p Pos, format string, a ...any) {
	*l = append(*l, &Error{Pos: p, Msg: fmt.Sprintf(format, a...), Form: format})
}

// Warnf adds a warning.
func (l *List) Warnf(p Pos, format string, a ...any) {
	*l = append(*l, &Error{Pos: p, Msg: fmt.Sprintf(format, a...), Warning: true, Form: format})
}

// Failed reports whether the list holds more than warnings.
func (l List) Failed() bool {
	for _, e := range l {
		if !e.Warning {
			return true
		}
	}
	return false
}

// Err gives the list as an error, nil if it holds only warnings.
func (l List) Err() error {
	if !l.Failed() {
		return nil
	}
	return l
}

// Error gives all entries, one a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Sort orders by file and place, keeping the order of equals.
func (l List) Sort() {
	sort.SliceStable(l, func(i, j int) bool {
		a, b := l[i].Pos, l[j].Pos
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
}
