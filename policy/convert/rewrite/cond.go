package rewrite

import (
	"net/netip"

	"perilune/engine/dictionary"
	"perilune/policy/convert/output"
)

// isTruth reports whether an expression is a condition by its form: its number is 1 or 0.
func isTruth(x expr) bool {
	switch x := x.(type) {
	case *presence, *match:
		return true
	case *unary:
		return x.op == "!"
	case *binary:
		switch x.op {
		case "&&", "||", "==", "!=", "<", "<=", ">", ">=":
			return true
		}
	}
	return false
}

func isIPv4(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && a.Is4()
}

// cond gives an expression as a condition of Lua: whether it is not 0, or whether it is 0 if want is false.
func (e *emitter) cond(x expr, want bool) lua {
	switch x := x.(type) {
	case *unary:
		if x.op == "!" {
			return e.cond(x.x, !want)
		}
	case *presence:
		return wanted(e.presence(x), want)
	case *match:
		return e.match(x, want)
	case *number:
		return atom1("%v", (x.n != 0) == want)
	case *binary:
		switch {
		case x.op == "&&" || x.op == "||":
			return e.logical(x, want)
		case isTruth(x):
			return e.compare(x, want)
		}
	}
	return infix(e.value(x), [...]string{"==", "~="}[b2i(want)], atom1("0"), bindCompare)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func wanted(x lua, want bool) lua {
	if want {
		return x
	}
	return isNot(x)
}

func (e *emitter) presence(x *presence) lua {
	a := x.attr
	if a.index == nil {
		return prefix("req:has(%s)", output.LuaString(a.attr.Name))
	}
	return lua{e.raw(a).text + " ~= nil", bindCompare}
}

func (e *emitter) logical(x *binary, want bool) lua {
	if hoists(x.y) {
		return e.logicalLines(x, want)
	}
	bind, op := bindAnd, "and"
	if x.op == "||" {
		bind, op = bindOr, "or"
	}
	if want {
		return infix(e.cond(x.x, true), op, e.cond(x.y, true), bind)
	}
	if isComparison(x.x) && isComparison(x.y) { // not (a and b) is not a or not b
		bind, op = bindOr, "or"
		if x.op == "||" {
			bind, op = bindAnd, "and"
		}
		return infix(e.cond(x.x, false), op, e.cond(x.y, false), bind)
	}
	return isNot(infix(e.cond(x.x, true), op, e.cond(x.y, true), bind))
}

func isComparison(x expr) bool {
	switch x := x.(type) {
	case *unary:
		return x.op == "!"
	case *presence:
		return false
	case *binary:
		return isTruth(x) && x.op != "&&" && x.op != "||"
	}
	return false
}

// logicalLines writes && and || whose right side needs lines, which must not run if the left side decides.
func (e *emitter) logicalLines(x *binary, want bool) lua {
	ok := e.fresh("ok")
	e.line("local %s = %s", ok, e.cond(x.x, true).text)
	if x.op == "&&" {
		e.line("if %s then", ok)
	} else {
		e.line("if not %s then", ok)
	}
	e.level++
	e.line("%s = %s", ok, e.cond(x.y, true).text)
	e.level--
	e.line("end")
	return wanted(prefix("%s", ok), want)
}

var (
	luaCompare = map[string]string{"==": "==", "!=": "~=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
	opposite   = map[string]string{"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
	mirrored   = map[string]string{"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
)

// compare writes a comparison. What Lua says shorter is said so.
func (e *emitter) compare(x *binary, want bool) lua {
	op := x.op
	if !want {
		op = opposite[op]
	}
	if out, ok := e.shortCompare(x.x, op, x.y); ok {
		return out
	}
	if out, ok := e.shortCompare(x.y, mirrored[op], x.x); ok {
		return out
	}
	v := e.values(x.x, x.y)
	return lua{v[0].at(bindCompare+1) + " " + luaCompare[op] + " " + v[1].at(bindCompare+1), bindCompare}
}

// shortCompare knows comparisons with constants that have a form of their own.
func (e *emitter) shortCompare(x expr, op string, y expr) (out lua, ok bool) {
	equal := op == "==" || op == "!="
	switch x := x.(type) {
	case *attribute:
		if equal && !hoists(x) {
			return e.compareAttribute(x, op, y)
		}
	case *call:
		if n, known := constant(y); known && x.builtin != nil {
			return e.compareCall(x, op, n)
		}
	}
	n, known := constant(y)
	if !known || !isTruth(x) {
		return lua{}, false
	}
	switch {
	case equal && (n == 0 || n == 1):
		return e.cond(x, (n == 1) == (op == "==")), true
	case op == ">" && n == 0, op == ">=" && n == 1:
		return e.cond(x, true), true
	case op == "<" && n == 1, op == "<=" && n == 0:
		return e.cond(x, false), true
	}
	return lua{}, false
}

// compareAttribute compares an attribute for equality as the API gives it: an address or a named value as text,
// text without a default.
func (e *emitter) compareAttribute(x *attribute, op string, y expr) (out lua, ok bool) {
	sign := luaCompare[op]
	switch y := y.(type) {
	case *number:
		if isAddress(x.attr) && y.form == formAddress && y.n != 0 {
			return lua{e.raw(x).text + " " + sign + " " + output.LuaString(y.text), bindCompare}, true
		}
		if name, named := x.attr.ValueName(uint64(y.n)); named && y.n > 0 && x.typ == Integer {
			return lua{e.raw(x).text + " " + sign + " " + output.LuaString(name), bindCompare}, true
		}
	case *text:
		user := x.attr.Name == "User-Name" && x.index == nil
		if x.typ == String && y.value != "" && !user && x.attr.Type != dictionary.TypeDate {
			return lua{e.raw(x).text + " " + sign + " " + output.LuaString(y.value), bindCompare}, true
		}
	case *call:
		if y.builtin != nil && y.name == "request_source_ip" && isAddress(x.attr) {
			return lua{e.raw(x).text + " " + sign + " req.src", bindCompare}, true
		}
	}
	return lua{}, false
}

// compareCall compares the result of a built-in function with a constant.
func (e *emitter) compareCall(x *call, op string, n int64) (out lua, ok bool) {
	none := op == "==" && n == -1 || op == "<" && n == 0 || op == "<=" && n == -1
	some := op == "!=" && n == -1 || op == ">=" && n == 0 || op == ">" && n == -1
	switch x.name {
	case "index", "rindex":
		if none || some {
			v := e.values(x.args...)
			return wanted(e.find(v[0], e.charText(x.args[1], v[1])), some), true
		}
	case "length":
		empty := (op == "==" || op == "<=") && n == 0 || op == "<" && n == 1
		full := (op == "!=" || op == ">") && n == 0 || op == ">=" && n == 1
		if empty || full {
			sign := [...]string{"==", "~="}[b2i(full)]
			return infix(e.value(x.args[0]), sign, atom1(`""`), bindCompare), true
		}
	case "request_code":
		if name := codeNames[n]; name != "" && (op == "==" || op == "!=") {
			return lua{"req.code " + luaCompare[op] + " " + output.LuaString(name), bindCompare}, true
		}
	}
	return lua{}, false
}

// find looks for a character, given as Lua text.
func (e *emitter) find(s, char lua) lua {
	return prefix("%s:find(%s, 1, true)", s.at(bindPrefix), char.text)
}

// codeNames are the codes of packets as the API names them.
var codeNames = map[int64]string{
	1: "Access-Request", 2: "Access-Accept", 3: "Access-Reject", 4: "Accounting-Request", 5: "Accounting-Response",
	11: "Access-Challenge", 12: "Status-Server", 40: "Disconnect-Request", 41: "Disconnect-ACK", 42: "Disconnect-NAK",
	43: "CoA-Request", 44: "CoA-ACK", 45: "CoA-NAK",
}
