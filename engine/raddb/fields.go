package raddb

import "strings"

// A Field is one word of a line.
type Field struct {
	Text   string // without quotes, escapes undone
	Raw    string // as it stands in the file
	Line   int
	Col    int
	Quoted bool // it begins with a quote, so that nothing in it has a special meaning
}

// Fields splits the text of a line-oriented file (clients, realms, access.deny, dictionary) into lines of
// fields:
//
//   - Fields are parted by spaces and tabs. A line without fields is passed over.
//   - "..." and '...' quote, at the beginning of a field or after its first = or (. A backslash escapes
//     there: \" \' \\ \n \r \t \ooo (octal) \xHH. Outside of quotes it is an ordinary character.
//   - # begins a comment at the beginning of a field only: it may stand inside a secret.
//   - A backslash at the very end of a line joins the next one.
//   - Lines end in LF or CR LF; the last one needs none. A byte order mark at the start is ignored.
//
// Text is taken as octets: nothing is said about its character set.
type Fields struct {
	HashAnywhere bool // # begins a comment inside unquoted fields too
	MaxErrors    int  // bad lines after which the text ends; 0: no bound

	src  string
	file string
	errs *List

	at     int // offset of the next octet
	line   int // its line
	start  int // offset where that line begins
	fields []Field
	bad    bool // the line at hand had an error: it is not given
	flaws  int  // bad lines so far
}

// NewFields gives the lines of text. Errors go to errs with file as their place.
func NewFields(text, file string, errs *List) *Fields {
	return &Fields{src: strings.TrimPrefix(text, "\ufeff"), file: file, errs: errs, line: 1}
}

// Next gives the next line that has fields, nil at the end. Lines with errors are reported and left out.
// The slice is valid until the next call, the strings as long as one likes.
func (s *Fields) Next() []Field {
	for s.at < len(s.src) {
		s.fields, s.bad = s.fields[:0], false
		for s.field() {
		}
		if len(s.fields) > 0 && !s.bad {
			return s.fields
		}
		if s.bad {
			s.flaw()
		}
	}
	return nil
}

// flaw counts a bad line and ends the text at the last that is borne.
func (s *Fields) flaw() {
	s.flaws++
	if s.flaws == s.MaxErrors {
		s.errs.Errorf(Pos{File: s.file, Line: s.line}, "more than %d errors; the rest of the file was not read", s.MaxErrors)
		s.at = len(s.src)
	}
}

// Pos gives the place of a field.
func (s *Fields) Pos(f Field) Pos { return Pos{s.file, f.Line, f.Col} }

// field reads one field or the end of the line; false after the end.
func (s *Fields) field() bool {
	s.space()
	if s.at >= len(s.src) {
		return false
	}
	switch s.src[s.at] {
	case '\n':
		s.newline()
		return false
	case '#':
		s.comment()
		return s.at < len(s.src)
	}
	s.fields = append(s.fields, s.word())
	return true
}

// space passes blanks, joined lines and the CR of a CR LF.
func (s *Fields) space() {
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case c == ' ' || c == '\t' || c == '\r' && s.lineEnd(s.at):
			s.at++
		case c == '\\' && s.lineEnd(s.at+1):
			s.join()
		default:
			return
		}
	}
}

// lineEnd reports whether a line ends at offset i.
func (s *Fields) lineEnd(i int) bool {
	rest := s.src[i:]
	return rest == "" || rest[0] == '\n' || rest[0] == '\r' && (len(rest) == 1 || rest[1] == '\n')
}

// join passes a backslash and the end of the line behind it.
func (s *Fields) join() {
	s.at++
	if s.at < len(s.src) && s.src[s.at] == '\r' {
		s.at++
	}
	if s.at < len(s.src) {
		s.newline()
	}
}

func (s *Fields) newline() {
	s.at++
	s.line++
	s.start = s.at
}

func (s *Fields) comment() {
	if i := strings.IndexByte(s.src[s.at:], '\n'); i >= 0 {
		s.at += i
	} else {
		s.at = len(s.src)
	}
}

// word reads a field that begins at the next octet.
func (s *Fields) word() Field {
	f := Field{Line: s.line, Col: s.at - s.start + 1}
	begin := s.at
	if c := s.src[begin]; c == '"' || c == '\'' {
		f.Quoted = true
		f.Text = s.quoted()
		s.afterQuote(&f, begin)
	} else if quote := s.bare(); quote {
		f.Text = s.src[begin:s.at]
		f.Text += s.quoted()
		s.afterQuote(&f, begin)
	} else {
		f.Text = s.src[begin:s.at]
	}
	f.Raw = s.src[begin:s.at]
	return f
}

// bare passes an unquoted field; true if it stops before a quote within.
func (s *Fields) bare() (quote bool) {
	for opened := false; s.at < len(s.src); s.at++ {
		switch c := s.src[s.at]; c {
		case ' ', '\t', '\n':
			return false
		case '\r':
			if s.lineEnd(s.at) {
				return false
			}
		case '\\':
			if s.lineEnd(s.at + 1) {
				return false
			}
		case '#':
			if s.HashAnywhere {
				return false
			}
		case '=', '(':
			if next := s.at + 1; !opened && next < len(s.src) && (s.src[next] == '"' || s.src[next] == '\'') {
				s.at = next
				return true
			}
			opened = true
		}
	}
	return false
}

// afterQuote sees to what follows a closing quote: the end of the field, or the ) of a name("...").
func (s *Fields) afterQuote(f *Field, begin int) {
	if s.bad {
		return
	}
	end := s.at
	for s.at < len(s.src) && s.src[s.at] != ' ' && s.src[s.at] != '\t' && !s.lineEnd(s.at) {
		s.at++
	}
	rest := s.src[end:s.at]
	if rest == ")" && !f.Quoted {
		f.Text += rest
		return
	}
	if rest != "" && !(rest == "\\" && s.lineEnd(s.at)) {
		s.bad = true
		s.errs.Errorf(Pos{s.file, s.line, end - s.start + 1},
			"text directly after a closing quote; expected a space, or \\ before a quote that belongs to the text")
	}
	if rest == "\\" {
		s.at--
	}
}
