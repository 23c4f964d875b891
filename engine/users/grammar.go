package users

import (
	"bytes"

	"perilune/engine/raddb"
)

// A rawPair is one `attribute operator value` as written.
type rawPair struct {
	name  token
	op    operator
	opCol int
	value token
}

// text gives the pair as it stands in the window.
func (p *rawPair) text(window []byte) []byte { return window[p.name.start:p.value.end] }

// A rawEntry is one entry as written: its memory is used again for the next one.
type rawEntry struct {
	label  token
	checks []rawPair
	reply  []rawPair
	signs  signs
}

// A parser reads entries from a lexer by either grammar.
type parser struct {
	lexer
	file string
	errs *raddb.List
	raw  rawEntry
}

func (p *parser) pos() raddb.Pos {
	return raddb.Pos{File: p.file, Line: p.line, Col: p.col()}
}

// entry reads one entry whose label begins here. False means that a syntax error was told of and the
// rest of the entry was skipped.
func (p *parser) entry(d Dialect) bool {
	p.gnu = d != FreeRADIUS
	start := p.i
	p.raw = rawEntry{checks: p.raw.checks[:0], reply: p.raw.reply[:0]}
	ok := p.label()
	if ok && p.gnu {
		ok = p.gnuLists()
	} else if ok {
		ok = p.freeradiusLists()
	}
	if !ok {
		p.resync(start)
	}
	return ok
}

func (p *parser) label() bool {
	if p.peek() == ',' {
		p.errs.Errorf(p.pos(), "found a comma; expected the name of a user, BEGIN or DEFAULT")
		return false
	}
	t, ok := p.lexer.label()
	p.raw.label = t
	p.raw.signs |= labelSigns(t)
	switch {
	case !ok:
		p.errs.Errorf(t.pos(p.file), "the quoted name has no end on its line")
		return false
	case len(t.text) == 0:
		p.errs.Errorf(t.pos(p.file), "found an empty name; no User-Name is empty")
		return false
	}
	return true
}

// name gives the label for an error, cut short: in a file of another kind it may be anything.
func (e *rawEntry) name() []byte {
	const enough = 64
	return e.label.text[:min(len(e.label.text), enough)]
}

// gnuLists reads two lists in free form: each ends where no comma follows.
func (p *parser) gnuLists() bool {
	p.space()
	ok := p.gnuList(&p.raw.checks, "check list")
	if !ok {
		return false
	}
	return p.gnuList(&p.raw.reply, "reply list")
}

func (p *parser) gnuList(list *[]rawPair, what string) bool {
	p.space()
	if p.null() {
		p.raw.signs |= signGNU
		p.space()
		return true
	}
	if !p.pairFollows() {
		p.errs.Errorf(p.pos(), "%s ends before its %s; write NULL for an empty list", p.raw.name(), what)
		return false
	}
	for {
		if !p.pair(list) {
			return false
		}
		p.space()
		if p.atEnd() || p.b[p.i] != ',' {
			return true
		}
		p.i++
		p.space()
	}
}

// null consumes the word NULL.
func (p *parser) null() bool {
	if p.peek() != 'N' {
		return false
	}
	before := p.lexer
	if t := p.name(); string(t.text) == "NULL" {
		p.blanks()
		here := p.lexer
		if p.operator() == opNone {
			p.lexer = here
			return true
		}
	}
	hit := p.hitEnd
	p.lexer = before
	p.hitEnd = hit
	return false
}

// pairFollows looks ahead for a name and an operator: what has no operator is the next entry's label.
func (p *parser) pairFollows() bool {
	before := p.lexer
	t := p.name()
	p.space()
	ok := len(t.text) > 0 && p.operator() != opNone
	hit := p.hitEnd
	p.lexer = before
	p.hitEnd = hit
	return ok
}

// pair reads `attribute operator value`. In GNU's free form its parts may stand on several lines.
func (p *parser) pair(list *[]rawPair) bool {
	r := rawPair{name: p.name()}
	if len(r.name.text) == 0 {
		p.errs.Errorf(p.pos(), "found %s; expected an attribute", p.found())
		return false
	}
	p.gap()
	r.opCol = p.col()
	r.op = p.operator()
	if r.op == opNone || r.op == opUnknown {
		after := string(r.name.text)
		if p.afterSecret() {
			after = "an attribute"
		}
		p.errs.Errorf(p.pos(), "found %s after %s; expected one of = != < > <= >= == =~ !~ =* !* := +=", p.found(), after)
		return false
	}
	p.gap()
	var ok bool
	r.value, ok = p.value()
	switch {
	case !ok:
		p.errs.Errorf(r.value.pos(p.file), "the string has no end on its line; expected %c", r.value.quote)
		return false
	case r.value.quote == 0 && len(r.value.text) == 0 && r.op != opPresent && r.op != opAbsent:
		p.errs.Errorf(p.pos(), "found %s; expected a value for %s", p.found(), r.name.text)
		return false
	case r.value.quote == 0 && lostQuote(r.value.text):
		p.errs.Errorf(r.value.pos(p.file), `the value of %s ends with a quote but does not begin with one; expected "..." (or '...', if the quote belongs to it)`, r.name.text)
		return false
	}
	p.raw.signs |= pairSigns(&r)
	*list = append(*list, r)
	return true
}

// lostQuote reports whether a bare word is a string whose first quote has gone. The value may be a password:
// with the quote in it nobody could log in, and nothing would say why.
func lostQuote(text []byte) bool {
	last := len(text) - 1
	return last > 0 && text[last] == '"' && bytes.IndexByte(text, '"') == last && text[last-1] != '\\'
}

func (p *parser) gap() {
	if p.gnu {
		p.space()
	} else {
		p.blanks()
	}
}

// afterSecret reports whether the last pair read is a password: what stands behind it may be the rest of
// one that lacks quotes, and must not be printed.
func (p *parser) afterSecret() bool {
	list := p.raw.checks
	if len(p.raw.reply) > 0 {
		list = p.raw.reply
	}
	const word = "assword"
	if len(list) == 0 {
		return false
	}
	n := list[len(list)-1].name.text
	return len(n) >= len(word) && foldEqual(n[len(n)-len(word):], word)
}

// found names what stands here, for an error.
func (p *parser) found() string {
	switch c := p.peek(); {
	case c == 0 || c == '\n':
		return "the end of the line"
	case c == ',':
		return "a comma"
	case p.afterSecret():
		return "further text"
	default:
		rest := p.b[p.i:min(len(p.b), p.i+20)]
		if n := bytes.IndexAny(rest, " \t\r\n,"); n > 0 {
			rest = rest[:n]
		}
		return `"` + string(bytes.ToValidUTF8(rest, []byte("?"))) + `"`
	}
}

// freeradiusLists reads the check items on the label's line, then the reply items on indented lines.
func (p *parser) freeradiusLists() bool {
	if !p.lineEnd() && (p.foreignNull() || !p.pairsOfLine(&p.raw.checks)) {
		return false
	}
	if p.trailingComma() {
		p.errs.Errorf(p.pos(), "found a comma at the end of the check items; they all stand on the line of the name")
		return false
	}
	more := true // a reply item may follow: the first, or one after a comma
	for p.indented() {
		if !more {
			p.errs.Errorf(p.pos(), "found a further reply item; the line before it has no comma at its end")
			return false
		}
		if p.foreignNull() || !p.pairsOfLine(&p.raw.reply) {
			return false
		}
		more = p.trailingComma()
	}
	if more && len(p.raw.reply) > 0 {
		p.errs.Errorf(p.pos(), "the reply items of %s end with a comma; expected another item", p.raw.name())
		return false
	}
	return true
}

// foreignNull tells of the word NULL, which is GNU Radius's sign.
func (p *parser) foreignNull() bool {
	at := p.pos()
	if !p.null() {
		return false
	}
	p.raw.signs |= signGNU
	p.errs.Errorf(at, "found NULL; in the FreeRADIUS dialect an empty list is left out")
	return true
}

// pairsOfLine reads pairs up to the end of the line. A comma at its end is left standing.
func (p *parser) pairsOfLine(list *[]rawPair) bool {
	for {
		if !p.pair(list) {
			return false
		}
		if p.lineEnd() {
			return true
		}
		if p.b[p.i] != ',' {
			p.errs.Errorf(p.pos(), "found %s; expected a comma or the end of the line", p.found())
			return false
		}
		comma := p.lexer
		p.i++
		if p.lineEnd() {
			hit := p.hitEnd
			p.lexer = comma
			p.hitEnd = hit
			return true
		}
	}
}

// trailingComma consumes the comma that pairsOfLine has left, and the rest of the line.
func (p *parser) trailingComma() bool {
	p.blanks()
	if p.atEnd() || p.b[p.i] != ',' {
		return false
	}
	p.i++
	p.lineEnd()
	return true
}

// indented goes to the next line that is neither empty nor a comment and reports whether it is indented.
// It stays before the label of the next entry.
func (p *parser) indented() bool {
	for {
		if p.lineEnd() && !p.atEnd() {
			p.newline()
			continue
		}
		return !p.atEnd() && p.col() > 1
	}
}
