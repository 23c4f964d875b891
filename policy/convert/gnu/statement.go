package gnu

import (
	"perilune/engine/raddb"
)

// A statement is one of the old config file: `keyword values ;` or `keyword values { statements } ;`.
type statement struct {
	keyword string
	at      raddb.Pos
	values  []word
	block   []statement
	isBlock bool
}

// value gives the i-th value's text, "" if there is none.
func (t *statement) value(i int) string {
	if i < len(t.values) {
		return t.values[i].text
	}
	return ""
}

// yes reports whether the first value is yes or on; ok is false if it is none of yes, no, on, off.
func (t *statement) yes() (yes, ok bool) {
	switch t.value(0) {
	case "yes", "on":
		return true, true
	case "no", "off":
		return false, true
	}
	return false, false
}

// maxBlocks is how deep blocks may lie in one another; the old file has three.
const maxBlocks = 20

// parseConfig reads the old config file. What is wrong goes to errs; reading goes on behind the next semicolon.
func parseConfig(file, text string, errs *raddb.List) []statement {
	p := configParser{lex: newLexer(file, text, errs), errs: errs}
	p.step()
	var all []statement
	for p.more {
		all = append(all, p.statements(0)...)
		if p.more { // a } too many
			errs.Errorf(p.word.at, "} without a block; expected a keyword")
			p.step()
			p.accept(";")
		}
	}
	return all
}

type configParser struct {
	lex  *lexer
	errs *raddb.List
	word word // the next one
	more bool
}

func (p *configParser) step() { p.word, p.more = p.lex.next() }

func (p *configParser) accept(mark string) bool {
	if p.more && p.word.mark(mark) {
		p.step()
		return true
	}
	return false
}

// statements reads up to the end or a }.
func (p *configParser) statements(depth int) (list []statement) {
	for p.more && !p.word.mark("}") {
		if p.accept(";") {
			continue
		}
		if depth > maxBlocks {
			p.errs.Errorf(p.word.at, "blocks lie more than %d deep in one another", maxBlocks)
			p.skip()
			return list
		}
		list = append(list, p.statement(depth))
	}
	return list
}

// skip gives up the rest of the file.
func (p *configParser) skip() {
	for p.more {
		p.step()
	}
}

func (p *configParser) statement(depth int) statement {
	t := statement{keyword: p.word.text, at: p.word.at}
	p.step()
	for p.more {
		switch w := p.word; {
		case w.mark(";"):
			p.step()
			return t
		case w.mark("{"):
			t.isBlock = true
			p.step()
			t.block = p.statements(depth + 1)
			if !p.accept("}") {
				p.errs.Errorf(t.at, "the block %s is not closed; expected };", t.keyword)
			}
			p.accept(";")
			return t
		case w.mark("}"):
			p.errs.Errorf(w.at, "%s is not ended; expected ;", t.keyword)
			return t
		case w.mark(",") || w.mark("(") || w.mark(")"):
			p.step()
		default:
			t.values = append(t.values, w)
			p.step()
		}
	}
	p.errs.Errorf(t.at, "%s is not ended; expected ;", t.keyword)
	return t
}
