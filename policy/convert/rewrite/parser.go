package rewrite

import (
	"fmt"
	"slices"

	"perilune/engine/raddb"
)

// maxDepth bounds nesting, so that no source exhausts the stack, and Lua takes what comes out.
const maxDepth = 100

// A parser turns tokens into functions. After an error it goes on with the next statement, or the next
// function, so that one run tells all errors.
type parser struct {
	tokens []token
	i      int
	errs   *raddb.List
	depth  int
	loops  int  // around the current statement
	failed bool // in the current function

	before, beside []string // comments of the tokens taken, until a statement claims them
}

// bailout ends a statement that cannot be understood.
type bailout struct{}

func (p *parser) peek() *token { return &p.tokens[p.i] }

func (p *parser) is(sign string) bool {
	t := p.peek()
	return t.text == sign && (t.kind == tokenSign || t.kind == tokenName)
}

// take goes on by one token. The last one is never passed.
func (p *parser) take() *token {
	t := p.peek()
	p.before = append(p.before, t.before...)
	if t.beside != "" {
		p.beside = append(p.beside, t.beside)
	}
	if p.i < len(p.tokens)-1 {
		p.i++
	}
	return t
}

// accept takes a sign or keyword if it is next.
func (p *parser) accept(sign string) bool {
	if !p.is(sign) {
		return false
	}
	p.take()
	return true
}

func (p *parser) expect(sign, what string) *token {
	if !p.is(sign) {
		p.fail(fmt.Sprintf("%q %s", sign, what))
	}
	return p.take()
}

// fail says what was expected at the next token and gives the statement up.
func (p *parser) fail(expected string) {
	t := p.peek()
	p.errs.Errorf(t.at, "found %s; expected %s", t.describe(), expected)
	p.failed = true
	panic(bailout{})
}

// describe names a token in errors.
func (t *token) describe() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the file"
	case tokenString:
		return "a string"
	case tokenAttribute:
		return "%[" + t.text + "]"
	case tokenGroup:
		return fmt.Sprintf("\\%d", t.number)
	case tokenNumber:
		return "a number"
	}
	return fmt.Sprintf("%q", t.text)
}

// try runs f and reports whether it came to its end.
func (p *parser) try(f func()) (ok bool) {
	depth, loops := p.depth, p.loops
	defer func() {
		switch r := recover().(type) {
		case nil:
		case bailout:
			p.depth, p.loops, ok = depth, loops, false
		default:
			panic(r)
		}
	}()
	f()
	return true
}

// deeper guards recursion.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		p.errs.Errorf(p.peek().at, "nested deeper than %d", maxDepth)
		p.failed = true
		panic(bailout{})
	}
	return func() { p.depth-- }
}

// functions parses a whole source.
func (p *parser) functions() (list []*function) {
	for p.peek().kind != tokenEnd {
		start := p.i
		f := &function{comments: slices.Clone(p.peek().before)}
		p.failed, p.depth = false, 0
		if !p.try(func() { p.function(f) }) {
			p.nextFunction(start)
		}
		f.broken = p.failed
		if f.name != "" {
			list = append(list, f)
		}
	}
	return list
}

// nextFunction skips to what looks like a definition outside of braces.
func (p *parser) nextFunction(start int) {
	p.i = max(start, 0)
	depth := 0
	for first := true; p.peek().kind != tokenEnd; first = false {
		switch {
		case p.is("{"):
			depth++
		case p.is("}"):
			if depth--; depth <= 0 {
				p.take()
				return
			}
		case !first && p.isDefinition() && p.peek().at.Col == 1:
			return
		}
		p.take()
	}
}

// isDefinition looks for "type name (".
func (p *parser) isDefinition() bool {
	if !p.is("integer") && !p.is("string") || p.i+2 >= len(p.tokens) {
		return false
	}
	n, b := p.tokens[p.i+1], p.tokens[p.i+2]
	return n.kind == tokenName && b.kind == tokenSign && b.text == "("
}

func (p *parser) function(f *function) {
	f.at = p.peek().at
	f.typ = p.typeName("a function: integer or string, its name and parameters")
	t := p.identifier("the name of the function")
	f.name, f.at = t.text, t.at
	p.expect("(", "and the parameters")
	if !p.is(")") {
		p.parameter(f)
		for p.accept(",") {
			p.parameter(f)
		}
	}
	p.expect(")", "after the parameters")
	p.before, p.beside = nil, nil
	f.body = p.block()
	f.last = p.tokens[p.i-1].at.Line
}

func (p *parser) parameter(f *function) {
	t := p.typeName("the type of a parameter, integer or string")
	name := p.identifier("the name of the parameter")
	f.params = append(f.params, &variable{name: name.text, typ: t, at: name.at, given: nothing})
}

func (p *parser) typeName(expected string) Type {
	switch {
	case p.accept("integer"):
		return Integer
	case p.accept("string"):
		return String
	}
	p.fail(expected)
	return Integer
}

func (p *parser) identifier(expected string) *token {
	t := p.peek()
	if t.kind == tokenName && keywords[t.text] {
		p.errs.Errorf(t.at, "%q is a word of the language; expected %s", t.text, expected)
		p.failed = true
		panic(bailout{})
	}
	if t.kind != tokenName {
		p.fail(expected)
	}
	return p.take()
}
