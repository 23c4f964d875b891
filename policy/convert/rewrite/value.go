package rewrite

import (
	"fmt"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
	"perilune/policy/convert/output"
)

// hoists reports whether an expression needs lines of its own before the statement it stands in: it assigns, or
// keeps the groups of a match.
func hoists(x expr) (found bool) {
	eachExpr(x, func(x expr) {
		switch x := x.(type) {
		case *assign:
			found = true
		case *match:
			found = found || x.shared || len(x.used) > 0
		}
	})
	return found
}

// simple reports whether an expression may be written twice.
func simple(x expr) bool {
	switch x := x.(type) {
	case *number, *text, *name:
		return true
	case *cast:
		return simple(x.x)
	}
	return false
}

// stable reports whether the lines that y needs leave the value of x alone.
func stable(x, y expr) bool {
	ok := true
	eachExpr(x, func(x expr) {
		switch x := x.(type) {
		case *attribute, *presence, *call, *group:
			ok = false
		case *name:
			ok = ok && !assignsTo(y, x.v)
		case *assign:
			n, is := x.to.(*name)
			ok = ok && !(is && assignsTo(y, n.v))
		}
	})
	return ok
}

// assignsTo reports whether an expression assigns to a variable.
func assignsTo(x expr, v *variable) (found bool) {
	eachExpr(x, func(x expr) {
		if a, ok := x.(*assign); ok {
			n, ok := a.to.(*name)
			found = found || ok && n.v == v
		}
	})
	return found
}

// ordered evaluates expressions from left to right. If a later one needs lines of its own that may change an
// earlier one, that is kept in a local.
func (e *emitter) ordered(list []expr, value func(i int) lua) []lua {
	out := make([]lua, len(list))
	for i, x := range list {
		out[i] = value(i)
		for _, y := range list[i+1:] {
			if hoists(y) && !stable(x, y) {
				name := e.fresh("value")
				e.line("local %s = %s", name, out[i].text)
				out[i] = prefix("%s", name)
				break
			}
		}
	}
	return out
}

// values evaluates expressions in order.
func (e *emitter) values(list ...expr) []lua {
	return e.ordered(list, func(i int) lua { return e.value(list[i]) })
}

// value gives an expression as a number or string of Lua.
func (e *emitter) value(x expr) lua {
	if isTruth(x) {
		c := e.cond(x, true)
		return lua{c.at(bindAnd) + " and 1 or 0", bindOr}
	}
	switch x := x.(type) {
	case *number:
		return e.number(x)
	case *text:
		return atom1("%s", output.LuaString(x.value))
	case *name:
		return prefix("%s", e.name(x.v))
	case *group:
		return e.group(x)
	case *attribute:
		return e.attribute(x)
	case *cast:
		return e.cast(x)
	case *unary:
		return e.unary(x)
	case *binary:
		return e.arithmetic(x)
	case *call:
		return e.call(x)
	case *assign:
		return e.assigned(x)
	}
	return atom1("nil")
}

func (e *emitter) number(x *number) lua {
	switch x.form {
	case formHex:
		return atom1("%s", x.text)
	case formAddress:
		return prefix("net.aton(%s)", output.LuaString(x.text))
	case formChar:
		return prefix("string.byte(%s)", output.LuaString(string([]byte{byte(x.n)})))
	}
	return signed(x.n)
}

// attribute reads an attribute of the request.
func (e *emitter) attribute(x *attribute) lua {
	a := x.attr
	switch {
	case x.typ == Integer && x.index != nil:
		return lua{fmt.Sprintf("req:int(%s, %s) or 0", output.LuaString(a.Name), e.onePlus(x.index)), bindOr}
	case x.typ == Integer:
		return lua{fmt.Sprintf("req:int(%s) or 0", output.LuaString(a.Name)), bindOr}
	case a.Type == dictionary.TypeDate:
		return prefix("tostring(%s or \"\")", e.raw(x).text)
	case a.Name == "User-Name" && x.index == nil:
		return prefix("req.user")
	}
	return lua{e.raw(x).text + ` or ""`, bindOr}
}

// raw reads an attribute as the API gives it, nil if it is absent.
func (e *emitter) raw(x *attribute) lua {
	if x.index != nil {
		return prefix("req:get(%s, %s)", output.LuaString(x.attr.Name), e.onePlus(x.index))
	}
	return prefix("req[%s]", output.LuaString(x.attr.Name))
}

// cast converts between the types.
func (e *emitter) cast(x *cast) lua {
	if x.typ == Integer {
		return e.helper("toint", e.value(x.x))
	}
	if isTruth(x.x) {
		c := e.cond(x.x, true)
		return lua{c.at(bindAnd) + ` and "1" or "0"`, bindOr}
	}
	return prefix("tostring(%s)", e.value(x.x).text)
}

func (e *emitter) unary(x *unary) lua {
	v := e.value(x.x)
	if x.op == "+" {
		return v
	}
	if v.text != "" && v.text[0] == '-' {
		v.bind = bindOr // two signs would be a comment
	}
	return lua{"-" + v.at(bindUnary), bindUnary}
}

// arithmetic writes the binary operators whose result is a number or text.
func (e *emitter) arithmetic(x *binary) lua {
	if x.typ == String {
		return e.concat(x)
	}
	v := e.values(x.x, x.y)
	exact := e.sumRange(x).exact()
	switch x.op {
	case "+", "-":
		out := infix(v[0], x.op, v[1], bindSum)
		if !exact {
			return e.helper("wrap", out)
		}
		return out
	case "*":
		if !exact {
			return e.helper("mul", v...)
		}
		return infix(v[0], "*", v[1], bindProduct)
	case "/", "%":
		return e.divide(x, v)
	}
	return prefix("bit32.%s(%s, %s)", bitwise[x.op], v[0].text, v[1].text)
}

var bitwise = map[string]string{"&": "band", "|": "bor", "^": "bxor", "<<": "lshift", ">>": "rshift"}

// sumRange is where a sum or product lies before anything is cut off.
func (e *emitter) sumRange(x *binary) interval {
	a, b := rangeOf(x.x), rangeOf(x.y)
	switch x.op {
	case "+":
		return a.plus(b)
	case "-":
		return a.minus(b)
	case "*":
		return a.times(b)
	}
	return truth
}

// divide writes / and %. Where both sides are known to be positive Lua's own operators do.
func (e *emitter) divide(x *binary, v []lua) lua {
	a, b := rangeOf(x.x), rangeOf(x.y)
	if n, ok := constant(x.x); ok {
		if m, ok := constant(x.y); ok && m != 0 {
			if x.op == "/" {
				return signed(n / m)
			}
			return signed(n % m)
		}
	}
	positive := a.lo >= 0 && b.lo > 0
	switch {
	case positive && x.op == "/":
		return prefix("math.floor(%s)", infix(v[0], "/", v[1], bindProduct).text)
	case positive:
		return infix(v[0], "%", v[1], bindProduct)
	case x.op == "/":
		return e.helper("div", v...)
	}
	return e.helper("mod", v...)
}

// helper calls a function of lib/gnu.lua.
func (e *emitter) helper(name string, args ...lua) lua {
	e.need(name)
	return prefix("gnu.%s(%s)", name, strings.Join(texts(args), ", "))
}

func texts(list []lua) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.text
	}
	return out
}

func (e *emitter) need(helper string) {
	e.file.requires["gnu"] = true
	e.p.helpers[helper] = true
}

// concat joins texts. Numbers become text by themselves there.
func (e *emitter) concat(x *binary) lua {
	parts := flatten(x, nil)
	v := e.ordered(parts, func(i int) lua { return e.part(parts[i]) })
	text, width := "", 2*e.level
	for i := range v {
		part := v[i].at(bindUnary)
		if i > 0 && width+len(part) > maxWidth && !e.oneLine {
			text += "\n" + strings.Repeat("  ", e.level+2)
			width = 2 * e.level
		} else if i > 0 {
			text += " "
		}
		if i > 0 {
			part = ".. " + part
		}
		text += part
		width += len(part) + 1
	}
	return lua{text, bindConcat}
}

// maxWidth is where long chains of texts break into lines.
const maxWidth = 90

// flatten gives the operands of a chain of concatenations.
func flatten(x expr, list []expr) []expr {
	if b, ok := x.(*binary); ok && b.op == "+" && b.typ == String {
		return flatten(b.y, flatten(b.x, list))
	}
	return append(list, x)
}

// part is one operand of a concatenation.
func (e *emitter) part(x expr) lua {
	c, ok := x.(*cast)
	if !ok || isTruth(c.x) {
		return e.value(x)
	}
	if n, known := constant(c.x); known { // a number with two points behind it is none
		return atom1("%s", output.LuaString(strconv.FormatInt(n, 10)))
	}
	return e.value(c.x)
}
