package rewrite

import "slices"

// block parses declarations and statements between braces.
func (p *parser) block() *block {
	defer p.deeper()()
	b := &block{}
	b.at = p.expect("{", "and the statements").at
	p.moveBeside()
	for p.is("integer") || p.is("string") {
		if !p.try(func() { p.declaration(b) }) {
			p.nextStatement()
		}
	}
	for !p.is("}") && p.peek().kind != tokenEnd {
		if !p.try(func() { b.add(p.statement()) }) {
			p.nextStatement()
		}
	}
	b.rest = p.peek().before
	if p.is("}") {
		p.peek().before = nil
	}
	p.expect("}", "at the end of the block")
	return b
}

// moveBeside makes the comment behind a brace one of the statement that follows.
func (p *parser) moveBeside() {
	t := p.peek()
	t.before = slices.Concat(p.beside, t.before)
	p.beside = nil
}

// add appends a statement; empty ones are nil.
func (b *block) add(s stmt) {
	if s != nil {
		b.list = append(b.list, s)
	}
}

// nextStatement skips a statement that could not be understood.
func (p *parser) nextStatement() {
	depth := 0
	if p.is("for") {
		p.skipBrackets()
	}
	for p.peek().kind != tokenEnd {
		switch {
		case p.is("{"):
			depth++
		case p.is("}"):
			if depth == 0 {
				return
			}
			if depth--; depth == 0 {
				p.take()
				return
			}
		case p.is(";") && depth == 0:
			p.take()
			return
		}
		p.take()
	}
}

// skipBrackets passes the semicolons between the brackets of a for.
func (p *parser) skipBrackets() {
	for depth := 0; p.peek().kind != tokenEnd && !p.is("{") && !p.is("}"); {
		p.take()
		switch {
		case p.is("("):
			depth++
		case p.is(")"):
			if depth--; depth == 0 {
				return
			}
		}
	}
}

func (p *parser) declaration(b *block) {
	typ := p.typeName("a type")
	for {
		t := p.identifier("the name of a variable")
		b.vars = append(b.vars, &variable{name: t.text, typ: typ, at: t.at})
		if p.is("=") {
			p.fail(`";": a declaration gives no value, write an assignment below it`)
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(";", "after the declaration")
	p.moveBeside()
}

// statement parses one statement; nil for an empty one.
func (p *parser) statement() stmt {
	defer p.deeper()()
	p.before, p.beside = nil, nil
	at := p.peek().at
	s := p.bare()
	if s == nil {
		return nil
	}
	r := s.notes()
	r.at, r.before = at, slices.Concat(p.before, r.before)
	if len(p.beside) > 0 {
		r.beside = p.beside[len(p.beside)-1]
		r.before = append(r.before, p.beside[:len(p.beside)-1]...)
	}
	p.before, p.beside = nil, nil
	return s
}

// bare parses a statement whose comments the caller claims.
func (p *parser) bare() stmt {
	switch {
	case p.is("{"):
		before := p.claim()
		b := p.block()
		b.before = before
		return b
	case p.accept("if"):
		return p.ifStmt()
	case p.accept("while"):
		return p.whileStmt()
	case p.accept("do"):
		return p.doStmt()
	case p.accept(";"):
		return nil
	case p.is("for"):
		p.fail("a statement: the language has no for; write while")
	case p.is("integer"), p.is("string"):
		p.fail("a statement: declarations stand at the beginning of a block")
	}
	return p.simple()
}

// simple parses the statements that end with a semicolon.
func (p *parser) simple() (s stmt) {
	switch {
	case p.is("break"), p.is("continue"):
		s = &jumpStmt{word: p.take().text}
	case p.accept("return"):
		s = &returnStmt{x: p.expr()}
	case p.accept("delete"):
		t := p.peek()
		if t.kind != tokenAttribute {
			p.fail("%[attribute] after delete")
		}
		s = &deleteStmt{attr: p.attribute()}
	default:
		s = &exprStmt{x: p.expr()}
	}
	p.expect(";", "after the statement")
	return s
}

// claim gives the comments so far, for a statement that has others inside.
func (p *parser) claim() []string {
	before := p.before
	p.before = nil
	return before
}

func (p *parser) condition() expr {
	p.expect("(", "and a condition")
	x := p.expr()
	p.expect(")", "after the condition")
	return x
}

// inner parses the statement that an if or a loop governs, as a block.
func (p *parser) inner() *block {
	p.moveBeside()
	if p.is("{") {
		return p.block()
	}
	b := &block{}
	b.at = p.peek().at
	b.add(p.statement())
	return b
}

func (p *parser) ifStmt() stmt {
	s := &ifStmt{cond: p.condition()}
	s.before = p.claim()
	s.then = p.inner()
	if p.is("else") {
		t := p.take()
		s.then.rest = append(s.then.rest, t.before...)
		p.before = nil
		s.els = p.inner()
	}
	return s
}

// maxLoops bounds loops in loops: what groups may be is followed round each of them, again in each round of the
// outer ones.
const maxLoops = 8

func (p *parser) loopBody() *block {
	if p.loops++; p.loops > maxLoops {
		p.fail("no further loop: loops are nested deeper than 8")
	}
	defer func() { p.loops-- }()
	return p.inner()
}

func (p *parser) whileStmt() stmt {
	s := &whileStmt{cond: p.condition()}
	s.before = p.claim()
	s.body = p.loopBody()
	return s
}

func (p *parser) doStmt() stmt {
	s := &whileStmt{after: true}
	s.before = p.claim()
	s.body = p.loopBody()
	p.expect("while", "after the statement of do")
	s.cond = p.condition()
	p.expect(";", "after the condition")
	return s
}
