package users

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"perilune/engine/raddb"
)

const (
	firstWindow = 64 << 10 // octets read and hashed at once
	maxWindow   = 4 << 20  // the longest entry
)

// A fileReader reads one file in passing.
type fileReader struct {
	parser
	loader *loader
	src    io.Reader
	lang   language
	id     int
	seen   bool // something was read, so that $DIALECT comes too late
}

// A statement is what stands next in the file.
type statement struct {
	line    []byte  // of a directive, from the $ on; nil for an entry
	at      token   // of the directive
	ok      bool    // the entry was read, into parser.raw
	dialect Dialect // in which
}

// read parses and compiles one statement after another. One that reaches the end of the window is read
// again once more of the file has been read.
func (r *fileReader) read() {
	r.b = r.loader.takeWindow()
	defer r.giveWindow()
	r.fill()
	for !r.loader.stop() {
		if !r.toNext() {
			return
		}
		if r.quick() {
			r.parsed()
			continue
		}
		before, errs := r.lexer, len(*r.errs)
		s := r.statement()
		if r.hitEnd && !r.last {
			*r.errs = (*r.errs)[:errs]
			r.lexer = before
			if !r.mayGrow(before.i) {
				return
			}
			r.fill()
			continue
		}
		r.obey(&s)
	}
	if !r.loader.again {
		r.errs.Errorf(raddb.Pos{File: r.file, Line: r.line}, "more than %d errors; the rest of the file was not read", maxErrors)
	}
}

// takeWindow gives an empty window, one of an earlier file if there is one.
func (l *loader) takeWindow() []byte {
	if n := len(l.windows); n > 0 {
		b := l.windows[n-1]
		l.windows = l.windows[:n-1]
		return b
	}
	return make([]byte, 0, firstWindow)
}

// giveWindow leaves the window for another file. Nothing that was read points into it: entries are compiled.
func (r *fileReader) giveWindow() {
	if cap(r.b) == firstWindow {
		r.loader.windows = append(r.loader.windows, r.b[:0])
	}
	r.b = nil
}

// toNext goes to the next statement; false at the end of the file.
func (r *fileReader) toNext() bool {
	for {
		start := r.i
		r.space()
		if r.i < len(r.b) {
			r.hitEnd = false
			return true
		}
		if r.last {
			return false
		}
		if r.i = max(r.lineStart, start); !r.mayGrow(r.i) { // the last line may be the half of a comment
			return false
		}
		r.fill()
	}
}

// mayGrow tells of a statement that fills the window and is still not at its end.
func (r *fileReader) mayGrow(from int) bool {
	if len(r.b)-from < maxWindow {
		return true
	}
	r.errs.Errorf(r.pos(), "an entry or a comment has more than %d octets; the rest of the file was not read", maxWindow)
	return false
}

// fill moves what is left of the window to its front and reads on.
func (r *fileReader) fill() {
	rest := copy(r.b, r.b[r.i:])
	r.b = r.b[:rest]
	r.lineStart -= r.i
	r.i = 0
	if rest > cap(r.b)/2 {
		r.b = slices.Grow(r.b, cap(r.b))
	}
	n, err := io.ReadFull(r.src, r.b[rest:cap(r.b)])
	r.b = r.b[:rest+n]
	r.loader.window = r.b
	if err == nil {
		return
	}
	r.last = true
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.loader.unreadable(r.file, raddb.Pos{}, err)
	}
}

// statement parses what stands next: an entry in the dialect that its signs ask for, or a directive.
func (r *fileReader) statement() statement {
	if r.peek() == '$' {
		at := r.begin()
		return statement{line: r.restOfLine(), at: at}
	}
	start, errs := r.lexer, len(*r.errs)
	d := r.lang.of(0)
	ok := r.entry(d)
	own := r.lang.of(r.raw.signs)
	if own == d {
		return statement{ok: ok, dialect: d}
	}
	hit := r.hitEnd
	*r.errs = (*r.errs)[:errs]
	r.lexer = start
	ok = r.entry(own)
	r.hitEnd = r.hitEnd || hit
	return statement{ok: ok, dialect: own}
}

// obey compiles an entry or follows a directive.
func (r *fileReader) obey(s *statement) {
	l := r.loader
	if s.line != nil {
		r.directive(s)
		r.seen = true
		return
	}
	r.seen = true
	if !r.lang.declared {
		l.signs |= r.raw.signs
		if l.again = infer(l.signs) != r.lang; l.again {
			return
		}
	}
	if !s.ok {
		return
	}
	l.file, l.fileID, l.lang, l.window = r.file, r.id, r.lang, r.b
	l.entry(&r.raw, s.dialect)
	if s.dialect != r.lang.dialect && l.strange.Line == 0 {
		l.strange = r.raw.label.pos(r.file)
	}
	r.parsed()
}

// parsed counts an entry and lets others run now and then.
func (r *fileReader) parsed() {
	r.seen = true
	if r.loader.parsed++; r.loader.parsed%yieldEvery == 0 {
		r.loader.yield()
	}
}

// directive follows $INCLUDE, $DIALECT and the $DEBUG of GNU Radius, which means nothing here.
func (r *fileReader) directive(s *statement) {
	line := s.line
	if i := bytes.Index(line, []byte(" #")); i >= 0 {
		line = line[:i]
	}
	word, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
	if i := bytes.IndexByte(word, '\t'); i > 0 {
		word, rest = word[:i], line[i:]
	}
	arg := string(bytes.Trim(rest, " \t\"'\r"))
	at := s.at.pos(r.file)
	switch string(word) {
	case "$INCLUDE":
		r.includeFile(arg, at)
	case "$DIALECT":
		r.declare(arg, at)
	case "$DEBUG", "$":
	default:
		r.errs.Errorf(at, "found %s; expected $INCLUDE file or $DIALECT gnu|freeradius", word)
	}
}

func (r *fileReader) includeFile(name string, at raddb.Pos) {
	if name == "" {
		r.errs.Errorf(at, "$INCLUDE without the name of a file")
		return
	}
	r.loader.include(r.loader.tree.IncludePath(name, r.file), at, r.lang)
}

func (r *fileReader) declare(name string, at raddb.Pos) {
	l := r.loader
	d, ok := ParseDialect(name)
	switch {
	case !ok:
		r.errs.Errorf(at, "found $DIALECT %s; expected gnu or freeradius", name)
	case r.seen:
		r.errs.Errorf(at, "$DIALECT must stand at the top of its file")
	case r.id == 0 && l.o.Dialect != Infer:
		if d != l.o.Dialect {
			r.errs.Warnf(at, "$DIALECT %s does not count; the configuration says %s", d, l.o.Dialect)
		}
	default:
		r.lang = language{dialect: d, declared: true}
		if r.id == 0 {
			l.root, l.table.order = r.lang, d
		}
	}
}
