package rewrite

import (
	"errors"
	"fmt"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// Value translates the expression of an `=` value of a users file to what stands behind the `=` there.
// target is the attribute that takes it; nil if unknown. What only statements can say, or what needs more than
// such a value may use, becomes a function of rewrite.lua, and the value calls it.
func (p *Program) Value(text string, at raddb.Pos, target *dictionary.Attribute) (string, error) {
	f, err := p.parseExpression(text, at, target)
	if err != nil {
		return "", err
	}
	if f.waits {
		return "", errors.New("it asks a name server, which a computed value may not do: set the attribute in a hook")
	}
	return p.expression(f, target, false)
}

// Inline translates an expression for use inside a script, where `req` and `functions` (as for Share) stand for
// themselves.
func (p *Program) Inline(text string, at raddb.Pos, target *dictionary.Attribute) (string, error) {
	f, err := p.parseExpression(text, at, target)
	if err != nil {
		return "", err
	}
	return p.expression(f, target, true)
}

// parseExpression reads an expression as the body of a function without a name.
func (p *Program) parseExpression(text string, at raddb.Pos, target *dictionary.Attribute) (*function, error) {
	var errs raddb.List
	ps := &parser{tokens: scan(at.File, []byte(text), &errs), errs: &errs}
	for i := range ps.tokens { // the rule's place is what people look for
		ps.tokens[i].at = at
	}
	f := &function{at: at, synthetic: true, bound: true, calls: map[*function]bool{}}
	var x expr
	ps.try(func() {
		x = ps.expr()
		if t := ps.peek(); t.kind != tokenEnd {
			ps.fail("the end of the expression")
		}
	})
	if errs.Failed() {
		return nil, plainError(errs)
	}
	p.checkExpression(f, x, target, &errs)
	if errs.Failed() {
		return nil, plainError(errs)
	}
	return f, nil
}

// checkExpression makes an expression the body of its function and judges it.
func (p *Program) checkExpression(f *function, x expr, target *dictionary.Attribute, errs *raddb.List) {
	c := &checker{p: p, f: f, errs: errs, scope: []map[string]*variable{{}}}
	x = c.expr(x)
	f.typ = x.typed()
	if target != nil {
		f.typ = targetType(target)
		x = coerce(x, f.typ)
	}
	r := &returnStmt{x: x}
	r.at = f.at
	f.body = &block{list: []stmt{r}}
	if !errs.Failed() {
		f.look()
		if g, why := findGroups(f); g != nil {
			errs.Errorf(g.at, "\\%d: %s", g.n, why)
		}
	}
	for g := range f.calls {
		if g.broken {
			errs.Errorf(f.at, "%s could not be translated; see %s", g.name, g.at)
		}
		f.waits, f.matches = f.waits || g.waits, f.matches || g.matches
	}
}

// plainError gives the errors of an expression without places, which are those of its rule.
func plainError(errs raddb.List) error {
	messages := make([]string, len(errs))
	for i, e := range errs {
		messages[i] = e.Msg
	}
	return errors.New(strings.Join(messages, "; "))
}

func targetType(a *dictionary.Attribute) Type {
	c := &checker{p: &Program{attrs: func(string) *dictionary.Attribute { return a }}, f: &function{}, errs: &raddb.List{}}
	x := &attribute{}
	c.attribute(x)
	return x.typ
}

// expression writes a checked expression, or puts it into a function if it needs lines or modules of its own.
func (p *Program) expression(f *function, target *dictionary.Attribute, script bool) (string, error) {
	p.useCalled(f, script)
	f.lua = "value"
	file := p.newScript(script)
	e := p.newEmitter(f, file)
	e.oneLine = true
	x := f.body.list[0].(*returnStmt).x
	kept := p.names
	p.names = newScope(kept)
	helpers := p.helpers
	p.helpers = map[string]bool{}
	out := e.wanted(x, target)
	needs := len(p.helpers) > 0 || len(file.requires) > 0 || len(file.pending) > 0 || e.b.Len() > 0
	p.names, p.helpers = kept, helpers
	if !needs {
		return out.text, nil
	}
	return p.wrap(f, target, script)
}

func (p *Program) newScript(inTable bool) *script {
	return &script{p: p, requires: map[string]bool{}, regexps: map[string]string{}, inTable: inTable}
}

// wanted gives the value in the form that the target takes.
func (e *emitter) wanted(x expr, target *dictionary.Attribute) lua {
	if target == nil {
		return e.value(x)
	}
	return e.store(target, x)
}

// useCalled notes that a rule uses the functions that an expression calls, and with what.
func (p *Program) useCalled(f *function, script bool) {
	for g := range f.calls {
		g.external, g.asked = true, true
		if script {
			g.public, p.shared = true, true
		} else {
			g.registered = true
		}
	}
	walk(f, func(x expr, _ int) {
		if c, ok := x.(*call); ok && c.fn != nil {
			for i, v := range c.fn.params {
				if v.typ == Integer {
					v.given = v.given.join(rangeOf(c.args[i]))
				}
			}
		}
	})
	p.measure()
}

// wrap makes the expression a function of its own and gives the call of it.
func (p *Program) wrap(f *function, target *dictionary.Attribute, script bool) (string, error) {
	name := base(f.at.File)
	if name == "_" || name == "" {
		name = "value"
	}
	if f.at.Line > 0 {
		name = fmt.Sprintf("%s_line_%d", name, f.at.Line)
	}
	f.name, f.target = name, target
	f.lua = p.names.unique(name)
	f.external, f.asked = true, true
	f.comments = []string{" The value that is computed at " + f.at.String() + "."}
	if f.at.File == "" {
		f.comments = nil
	}
	p.functions = append(p.functions, f)
	if script {
		f.public, p.shared = true, true
		return "functions." + f.lua + "(req)", nil
	}
	f.registered = true
	return f.lua + "(req)", nil
}
