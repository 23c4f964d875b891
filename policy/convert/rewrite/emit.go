package rewrite

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

// An emitter writes one function in Lua.
type emitter struct {
	writer
	p            *Program
	f            *function
	file         *script
	names        *scope
	undeclared   map[*variable]bool  // declared by their first assignment
	loops        []string            // label behind `continue` of each loop, "" if none is needed
	captures     map[*match][]string // the variables of its groups, by number
	captureNames []string            // those in use, by number
	oneLine      bool                // long expressions do not break
	shared       []string            // the variables that several matches share, by number
}

// A script is what a file of Lua needs beside its functions.
type script struct {
	p        *Program
	requires map[string]bool   // "gnu", "nas"
	regexps  map[string]string // names by expression
	pending  []string          // lines before the next function
	inTable  bool              // functions of rules are fields of `functions`
}

func (p *Program) newEmitter(f *function, file *script) *emitter {
	e := &emitter{p: p, f: f, file: file, names: newScope(p.names), undeclared: map[*variable]bool{}, captures: map[*match][]string{}}
	for _, v := range f.params {
		v.lua = e.names.unique(v.name)
	}
	eachVariable(f, func(v *variable) {
		if v.used {
			v.lua = e.names.unique(v.name)
		}
	})
	return e
}

// fresh gives a name for a value that the source does not name.
func (e *emitter) fresh(name string) string { return e.names.unique(name) }

// block writes the statements of a block.
func (e *emitter) block(b *block) {
	waiting := b.vars
	for _, s := range b.list {
		waiting = e.declare(waiting, s)
		e.stmt(s)
	}
	e.comments(b.rest)
}

// indented writes a block one level deeper.
func (e *emitter) indented(b *block) {
	e.level++
	e.block(b)
	e.level--
}

// declare writes the declarations of the variables that a statement is the first to mention, unless the
// statement begins by giving them a value. It gives the variables that still wait.
func (e *emitter) declare(waiting []*variable, s stmt) (rest []*variable) {
	var names, values []string
	for _, v := range waiting {
		switch {
		case !v.used && !mentionedIn(s, v):
			continue // until it is mentioned
		case !mentionedIn(s, v):
			rest = append(rest, v)
		case begins(s, v):
			e.name(v)
			e.undeclared[v] = true
		default:
			names = append(names, e.name(v))
			values = append(values, [...]string{"0", `""`}[v.typ])
		}
	}
	if names != nil {
		e.line("local %s = %s", strings.Join(names, ", "), strings.Join(values, ", "))
	}
	return rest
}

func (e *emitter) name(v *variable) string {
	if v.lua == "" {
		v.lua = e.names.unique(v.name)
	}
	return v.lua
}

// begins reports whether a statement gives the variable a value before all else.
func begins(s stmt, v *variable) bool {
	var x expr
	switch s := s.(type) {
	case *exprStmt:
		x = s.x
	case *ifStmt:
		x = s.cond
	case *returnStmt:
		x = s.x
	default:
		return false
	}
	for {
		if a, ok := x.(*assign); ok {
			if n, ok := a.to.(*name); ok && n.v == v {
				return !mentions(a.value, v)
			}
		}
		parts := inner(x)
		b, ok := x.(*binary)
		if len(parts) == 0 || ok && (b.op == "&&" || b.op == "||") && hoists(b.y) {
			return false
		}
		x = parts[0]
	}
}

func (e *emitter) stmt(s stmt) {
	r := s.notes()
	e.comments(r.before)
	before := e.lines
	switch s := s.(type) {
	case *block:
		e.inner(s)
	case *exprStmt:
		e.effect(s.x)
	case *ifStmt:
		e.ifStmt(s)
	case *whileStmt:
		e.loop(s)
	case *jumpStmt:
		e.jump(s)
	case *returnStmt:
		e.returns(s)
	case *deleteStmt:
		e.delete(s)
	}
	if r.beside == "" {
		return
	}
	if e.lines == before || len(blocks(s)) > 0 {
		e.comments([]string{r.beside})
		return
	}
	e.beside(r.beside)
}

// inner writes a block that stands among statements. Its names are its own, so it needs no do and end but for
// what a return would cut off.
func (e *emitter) inner(b *block) {
	e.line("do")
	e.indented(b)
	e.line("end")
}

// returns writes a return. Nobody asks what a function gives that is called for its effect alone.
func (e *emitter) returns(s *returnStmt) {
	if !e.f.valued {
		e.effect(s.x)
		e.line("return")
		return
	}
	e.line("return %s", e.wanted(s.x, e.f.target).text)
}

func (e *emitter) delete(s *deleteStmt) {
	if s.attr.index == nil {
		e.line("req:del(%s)", output.LuaString(s.attr.attr.Name))
		return
	}
	e.line("req:del(%s, %s)", output.LuaString(s.attr.attr.Name), e.onePlus(s.attr.index))
}

// onePlus gives an integer expression and one: what Lua counts from 1 the old language counted from 0.
func (e *emitter) onePlus(x expr) string { return e.plus(x, 1).text }

// plus adds a constant to an expression, and folds it into a constant that is there.
func (e *emitter) plus(x expr, n int64) lua {
	switch y := x.(type) {
	case *number:
		return signed(y.n + n)
	case *binary:
		if c, ok := y.y.(*number); ok && (y.op == "+" || y.op == "-") {
			m := c.n
			if y.op == "-" {
				m = -m
			}
			return sum(e.value(y.x), m+n)
		}
	}
	return sum(e.value(x), n)
}

func sum(x lua, n int64) lua {
	switch {
	case n == 0:
		return x
	case n < 0:
		return infix(x, "-", atom1("%d", -n), bindSum)
	}
	return infix(x, "+", atom1("%d", n), bindSum)
}

func signed(n int64) lua {
	if n < 0 {
		return lua{fmt.Sprint(n), bindUnary}
	}
	return atom1("%d", n)
}

func (e *emitter) ifStmt(s *ifStmt) {
	if b, ok := s.cond.(*binary); ok && b.op == "&&" && s.els == nil && hoists(b.y) {
		e.nested(s, b)
		return
	}
	then, els, want := s.then, s.els, true
	if len(then.list) == 0 && els != nil && len(els.list) > 0 {
		then, els, want = els, nil, false
	}
	e.line("if %s then", e.cond(s.cond, want).text)
	e.indented(then)
	for els != nil {
		next := elseIf(els)
		if next == nil {
			break
		}
		e.comments(next.before)
		e.line("elseif %s then", e.cond(next.cond, true).text)
		e.indented(next.then)
		els = next.els
	}
	if els != nil && len(els.list)+len(els.rest) > 0 {
		e.line("else")
		e.indented(els)
	}
	e.line("end")
}

// nested writes a condition whose second half needs lines of its own as two ifs.
func (e *emitter) nested(s *ifStmt, b *binary) {
	e.line("if %s then", e.cond(b.x, true).text)
	e.level++
	e.ifStmt(&ifStmt{cond: b.y, then: s.then})
	e.level--
	e.line("end")
}

// elseIf gives the if that an else consists of, if elseif can say it.
func elseIf(b *block) *ifStmt {
	if len(b.list) != 1 || len(b.vars) > 0 || len(b.rest) > 0 {
		return nil
	}
	s, ok := b.list[0].(*ifStmt)
	if !ok || hoists(s.cond) || s.beside != "" {
		return nil
	}
	return s
}
