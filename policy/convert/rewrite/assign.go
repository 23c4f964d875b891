package rewrite

import (
	"perilune/engine/dictionary"
	"perilune/policy/convert/output"
)

// assigned is an assignment inside an expression: a line before, and then what was assigned.
func (e *emitter) assigned(x *assign) lua {
	if n, ok := x.to.(*name); ok {
		e.assign(x)
		return prefix("%s", e.name(n.v))
	}
	if simple(x.value) {
		e.assign(x)
		return e.value(x.value)
	}
	v := &variable{name: "value", typ: x.typ, holds: rangeOf(x.value)}
	e.line("local %s = %s", e.name(v), e.value(x.value).text)
	e.assign(&assign{node: x.node, to: x.to, value: &name{node: x.node, name: v.name, v: v}})
	return prefix("%s", v.lua)
}

// assign writes an assignment.
func (e *emitter) assign(x *assign) {
	if a, ok := x.to.(*attribute); ok {
		e.assignAttribute(a, x.value)
		return
	}
	v := x.to.(*name).v
	value := e.value(x.value)
	if x.wraps {
		value = e.helper("wrap", value)
	}
	local := ""
	if e.undeclared[v] {
		local = "local "
		delete(e.undeclared, v)
	}
	e.line("%s%s = %s", local, e.name(v), value.text)
}

// assignAttribute sets the first value, or the one at the place, and adds one if there is none.
func (e *emitter) assignAttribute(a *attribute, value expr) {
	attr := a.attr
	if a.index == nil {
		v := e.store(attr, value)
		switch {
		case attr.Name == "User-Name":
			e.line("req.user = %s", v.text)
		case alone(attr):
			e.line("req[%s] = %s", output.LuaString(attr.Name), v.text)
		default:
			e.line("req:set(%s, %s, 1)", output.LuaString(attr.Name), v.text)
		}
		return
	}
	v := e.ordered([]expr{a.index, value}, func(i int) lua {
		if i == 0 {
			return e.plus(a.index, 1)
		}
		return e.store(attr, value)
	})
	e.need("set")
	e.line("gnu.set(req, %s, %s, %s)", output.LuaString(attr.Name), v[1].text, v[0].text)
}

// alone reports whether a request carries the attribute once at most, so that setting it replaces nothing else.
// RFC 2865 s5.44 and RFC 2866 s5.13 list those that may come more often.
func alone(a *dictionary.Attribute) bool {
	if a.Vendor != nil || a.Internal || a.Number > 63 && a.Number != 87 {
		return false
	}
	switch a.Number {
	case 11, 14, 18, 22, 25, 26, 33: // Filter-Id, Login-IP-Host, Reply-Message, Framed-Route, Class, Vendor-Specific, Proxy-State
		return false
	case 50, 51: // Acct-Multi-Session-Id, Acct-Link-Count
		return false
	}
	return true
}

// store gives a value in the form that an attribute takes.
func (e *emitter) store(a *dictionary.Attribute, x expr) lua {
	switch {
	case isAddress(a):
		return e.address(x)
	case x.typed() == Integer:
		if n, ok := x.(*number); ok {
			if name, ok := a.ValueName(uint64(n.n)); ok && n.n >= 0 {
				return atom1("%s", output.LuaString(name))
			}
		}
		return e.in32(x)
	case a.Type == dictionary.TypeDate:
		if c, ok := x.(*cast); ok {
			return e.in32(c.x)
		}
	}
	return e.value(x)
}

// in32 gives a number as 32 bits hold it.
func (e *emitter) in32(x expr) lua {
	v := e.value(x)
	if rangeOf(x).within(unsigned) {
		return v
	}
	if n, ok := constant(x); ok {
		return atom1("%d", uint32(n))
	}
	return infix(v, "%", lua{"2^32", bindPower}, bindProduct)
}

// constant gives the value of a number that is written out, with a sign or not.
func constant(x expr) (int64, bool) {
	switch x := x.(type) {
	case *number:
		return x.n, true
	case *unary:
		if n, ok := constant(x.x); ok && x.op != "!" {
			if x.op == "-" {
				n = -n
			}
			return n, true
		}
	}
	return 0, false
}

func isAddress(a *dictionary.Attribute) bool {
	return a.Type == dictionary.TypeIPv4Addr || a.Type == dictionary.TypeComboIP
}

// address gives a number as the text of an address.
func (e *emitter) address(x expr) lua {
	switch y := x.(type) {
	case *number:
		if y.form == formAddress {
			return atom1("%s", output.LuaString(y.text))
		}
	case *attribute:
		if isAddress(y.attr) {
			return lua{e.raw(y).text + ` or "0.0.0.0"`, bindOr}
		}
	case *call:
		if y.builtin != nil && y.name == "request_source_ip" {
			return prefix("req.src")
		}
		if y.builtin != nil && y.name == "inet_aton" {
			if t, ok := y.args[0].(*text); ok && isIPv4(t.value) {
				return atom1("%s", output.LuaString(t.value))
			}
		}
	}
	return prefix("net.ntoa(%s)", e.in32(x).text)
}
