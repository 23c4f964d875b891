package rewrite

import (
	"maps"
	"slices"
	"strconv"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

// A checker resolves names and gives each expression its type. Where the language converts a value silently it
// puts a cast.
type checker struct {
	p     *Program
	f     *function
	scope []map[string]*variable
	loops int
	errs  *raddb.List
}

// check judges one function; its errors make it broken.
func (c *checker) check(f *function) {
	c.f, c.loops = f, 0
	c.scope = []map[string]*variable{{}}
	for _, v := range f.params {
		c.declare(v)
	}
	c.block(f.body)
}

func (c *checker) errorf(at raddb.Pos, format string, args ...any) {
	c.errs.Errorf(at, format, args...)
	c.f.broken = true
}

func (c *checker) declare(v *variable) {
	inner := c.scope[len(c.scope)-1]
	if old := inner[v.name]; old != nil {
		c.errorf(v.at, "%s is declared twice, the first time on line %d", v.name, old.at.Line)
	}
	inner[v.name] = v
}

func (c *checker) lookup(name string) *variable {
	for _, s := range slices.Backward(c.scope) {
		if v := s[name]; v != nil {
			return v
		}
	}
	return nil
}

func (c *checker) block(b *block) {
	c.scope = append(c.scope, map[string]*variable{})
	for _, v := range b.vars {
		c.declare(v)
	}
	for _, s := range b.list {
		c.stmt(s)
	}
	c.scope = c.scope[:len(c.scope)-1]
}

func (c *checker) stmt(s stmt) {
	switch s := s.(type) {
	case *block:
		c.block(s)
	case *exprStmt:
		s.x = c.expr(s.x)
	case *ifStmt:
		s.cond = c.integer(s.cond)
		c.block(s.then)
		if s.els != nil {
			c.block(s.els)
		}
	case *whileStmt:
		c.loops++
		c.block(s.body)
		c.loops--
		s.cond = c.integer(s.cond)
	case *jumpStmt:
		if c.loops == 0 {
			c.errorf(s.at, "%s stands outside of a loop", s.word)
		}
	case *returnStmt:
		c.returns(s)
	case *deleteStmt:
		c.attribute(s.attr)
	}
}

// returns converts the value to the function's type, and tells if that makes a number of a text: it is seldom
// what was meant.
func (c *checker) returns(s *returnStmt) {
	s.x = c.expr(s.x)
	if s.x.typed() == String && c.f.typ == Integer && !c.f.synthetic {
		c.p.look(s.at, "%s is declared integer but returns a string: the number at its beginning counts, or 0; declare it string if the text is meant", c.f.name)
	}
	s.x = coerce(s.x, c.f.typ)
}

// integer checks an expression that must be a number.
func (c *checker) integer(x expr) expr { return coerce(c.expr(x), Integer) }

// coerce converts an expression to a type.
func coerce(x expr, typ Type) expr {
	if x.typed() == typ {
		return x
	}
	switch y := x.(type) {
	case *text:
		return &number{node: node{at: y.at, typ: Integer}, n: leadingNumber(y.value)}
	case *number:
		return &text{node: node{at: y.at, typ: String}, value: strconv.FormatInt(y.n, 10)}
	}
	return &cast{node: node{at: x.pos(), typ: typ}, x: x}
}

// expr checks an expression and gives what stands in its place.
func (c *checker) expr(x expr) expr {
	switch x := x.(type) {
	case *text:
		x.typ, x.value = String, unescape(x.raw)
	case *group:
		x.typ = String
	case *name:
		c.name(x)
	case *attribute:
		c.attribute(x)
		x.first()
	case *presence:
		c.attribute(x.attr)
		x.attr.first()
	case *call:
		c.call(x)
	case *cast:
		x.x = c.expr(x.x)
		return coerce(x.x, x.typ)
	case *unary:
		x.x = c.integer(x.x)
	case *binary:
		c.binary(x)
	case *match:
		x.x = coerce(c.expr(x.x), String)
		x.re = c.pattern(x.pattern)
	case *assign:
		x.to = c.expr(x.to)
		x.typ = x.to.typed()
		x.value = coerce(c.expr(x.value), x.typ)
	}
	return x
}

func (c *checker) name(x *name) {
	if x.v = c.lookup(x.name); x.v != nil {
		x.typ, x.v.used = x.v.typ, true
		return
	}
	known := map[string]*variable{}
	for _, s := range c.scope {
		maps.Copy(known, s)
	}
	hint := raddb.DidYouMean(x.name, maps.Keys(known))
	if c.p.named[x.name] != nil || builtins[x.name] != nil {
		hint = "; a function is called with brackets behind its name"
	}
	c.errorf(x.at, "%s is no variable%s", x.name, hint)
}

// attribute finds the attribute and its type.
func (c *checker) attribute(x *attribute) {
	x.typ = String
	if x.index != nil {
		x.index = c.integer(x.index)
	}
	if x.attr = c.p.attrs(x.name); x.attr == nil {
		c.errorf(x.at, "%%[%s]: the dictionary has no such attribute", x.name)
		return
	}
	switch x.attr.Type {
	case dictionary.TypeByte, dictionary.TypeShort, dictionary.TypeInteger, dictionary.TypeInteger64, dictionary.TypeSigned,
		dictionary.TypeIPv4Addr, dictionary.TypeComboIP:
		x.typ = Integer
	case dictionary.TypeTLV, dictionary.TypeStruct, dictionary.TypeVSA, dictionary.TypeExtended, dictionary.TypeLongExtended, dictionary.TypeEVS:
		c.errorf(x.at, "%%[%s]: an attribute of type %s has no value here; name its parts", x.name, x.attr.Type)
	}
}

// first makes a value of %[A](0), which is the same but for delete.
func (x *attribute) first() {
	if n, ok := x.index.(*number); ok && n.n == 0 {
		x.index = nil
	}
}

func (c *checker) binary(x *binary) {
	x.x, x.y = c.expr(x.x), c.expr(x.y)
	x.typ = Integer
	logical := x.op == "&&" || x.op == "||"
	if logical || x.x.typed() != x.y.typed() {
		x.x, x.y = coerce(x.x, Integer), coerce(x.y, Integer)
		return
	}
	if x.x.typed() == Integer {
		c.division(x)
		return
	}
	switch x.op {
	case "+":
		x.typ = String
	case "==", "!=", "<", "<=", ">", ">=":
	default:
		c.errorf(x.at, "%s stands between strings; expected numbers, write (integer) before them", x.op)
	}
}

func (c *checker) division(x *binary) {
	if n, ok := x.y.(*number); ok && n.n == 0 && (x.op == "/" || x.op == "%") {
		c.errorf(x.at, "division by zero")
	}
}

// call finds the function and converts the arguments.
func (c *checker) call(x *call) {
	for i := range x.args {
		x.args[i] = c.expr(x.args[i])
	}
	var want []Type
	if x.fn = c.p.named[x.name]; x.fn != nil {
		x.typ = x.fn.typ
		for _, v := range x.fn.params {
			want = append(want, v.typ)
		}
		c.f.calls[x.fn] = true
	} else if x.builtin = builtins[x.name]; x.builtin != nil {
		x.typ, want = x.builtin.typ, x.builtin.params
	} else {
		c.errorf(x.at, "%s is no function%s", x.name, raddb.DidYouMean(x.name, c.p.functionNames()))
		return
	}
	if len(x.args) != len(want) {
		c.errorf(x.at, "%s takes %d arguments, found %d", x.name, len(want), len(x.args))
		return
	}
	for i := range x.args {
		x.args[i] = coerce(x.args[i], want[i])
	}
	c.builtin(x)
}

// builtin checks what only some built-in functions ask for.
func (c *checker) builtin(x *call) {
	if x.builtin == nil || !x.builtin.pattern {
		return
	}
	t, ok := x.args[0].(*text)
	if !ok {
		c.errorf(x.args[0].pos(), "%s: the regular expression must be written out, one that is computed cannot be translated; write this function by hand", x.name)
		return
	}
	c.pattern(t)
}

// pattern translates a regular expression; nil if that cannot be done.
func (c *checker) pattern(t *text) *pattern {
	re, err := translate(unescapePattern(t.raw), t.flags)
	if err != nil {
		c.errorf(t.at, "the regular expression %q: %v; write this function by hand", t.raw, err)
		return nil
	}
	if re.escapes {
		c.p.differ(t.at, "\"%s\": a backslash before a sign makes it stand for itself, as the manual says; the old server dropped it", t.raw)
	}
	return re
}
