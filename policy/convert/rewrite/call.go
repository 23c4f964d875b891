package rewrite

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

// call writes a call whose result is wanted.
func (e *emitter) call(x *call) lua {
	if x.fn != nil {
		return prefix("%s(%s)", e.callee(x.fn), e.arguments(x))
	}
	switch x.name {
	case "logit":
		return lua{fmt.Sprintf("log.info(%s) or 0", e.value(x.args[0]).text), bindOr}
	case "inet_ntoa":
		return e.address(x.args[0])
	case "nas_name", "nas_short_name", "nas_full_name":
		e.file.requires["nas"] = true
		return prefix("nas.%s(%s)", strings.TrimPrefix(x.name, "nas_"), e.address(x.args[0]).text)
	case "gethostbyaddr":
		return lua{fmt.Sprintf(`net.reverse(%s) or ""`, e.address(x.args[0]).text), bindOr}
	case "sub", "gsub":
		return e.substitute(x)
	case "ngettext", "dngettext":
		return e.plural(x)
	}
	return e.plainCall(x, e.values(x.args...))
}

// callStmt gives a call that stands alone; ok is false if it has no effect.
func (e *emitter) callStmt(x *call) (text string, ok bool) {
	switch {
	case x.fn != nil:
		return e.call(x).text, true
	case x.name == "logit":
		return fmt.Sprintf("log.info(%s)", e.value(x.args[0]).text), true
	case x.builtin.waits:
		v := e.call(x)
		return "local _ = " + v.text, true
	}
	return "", false
}

// callee is how this script calls a function.
func (e *emitter) callee(f *function) string {
	if e.file.inTable && f.public {
		return "functions." + f.lua
	}
	return f.lua
}

// arguments gives the arguments of a call, with the request for those who look at it.
func (e *emitter) arguments(x *call) string {
	var list []string
	if x.fn.takesRequest() {
		list = append(list, "req")
	}
	return strings.Join(append(list, texts(e.values(x.args...))...), ", ")
}

// takesRequest reports whether the first parameter in Lua is req.
func (f *function) takesRequest() bool { return f.requests || f.isEntry() }

// isEntry reports whether rules or other scripts call the function, or might.
func (f *function) isEntry() bool { return f.external || !f.called }

// plainCall writes the built-in functions that Lua or the API have under another name.
func (e *emitter) plainCall(x *call, v []lua) lua {
	switch x.name {
	case "length":
		return lua{"#" + v[0].at(bindPrefix), bindUnary}
	case "index":
		return lua{fmt.Sprintf("(%s or 0) - 1", e.find(v[0], e.charText(x.args[1], v[1])).text), bindSum}
	case "rindex":
		return e.helper("rindex", v[0], e.charText(x.args[1], v[1]))
	case "substr":
		return e.substr(x, v)
	case "field":
		if n, ok := x.args[1].(*number); ok && n.n == 1 {
			return lua{v[0].at(bindPrefix) + `:match("%S+") or ""`, bindOr}
		}
		return e.helper("field", v...)
	case "tolower":
		return prefix("%s:lower()", v[0].at(bindPrefix))
	case "toupper":
		return prefix("%s:upper()", v[0].at(bindPrefix))
	case "inet_aton":
		if t, ok := x.args[0].(*text); ok && isIPv4(t.value) {
			return prefix("net.aton(%s)", v[0].text)
		}
		return lua{fmt.Sprintf("net.aton(%s) or 0", v[0].text), bindOr}
	case "htonl", "ntohl":
		return e.helper("htonl", v...)
	case "htons", "ntohs":
		return e.helper("htons", v...)
	case "time":
		return prefix("os.time()")
	case "strftime":
		return prefix("time.format(%s, %s)", v[1].text, v[0].text)
	case "gettext", "_":
		return v[0]
	case "dgettext":
		return v[1]
	}
	return e.requestCall(x, v)
}

// requestCall writes the built-in functions that look at the request, and those that lib/gnu.lua has.
func (e *emitter) requestCall(x *call, v []lua) lua {
	switch x.name {
	case "request_source_ip":
		return lua{"net.aton(req.src) or 0", bindOr}
	case "request_source_port":
		return prefix("req.src_port")
	case "request_id":
		return prefix("req.id")
	case "request_code":
		return e.helper("code", prefix("req.code"))
	case "request_code_string":
		if n, ok := x.args[0].(*number); ok && codeNames[n.n] != "" {
			return atom1("%s", output.LuaString(codeNames[n.n]))
		}
		return e.helper("code_name", v...)
	case "qprn":
		return e.helper("qprn", v...)
	case "quote_string":
		return e.helper("quote", v...)
	case "unquote_string":
		return e.helper("unquote", v...)
	case "gethostbyname":
		return e.helper("lookup", v...)
	case "textdomain":
		return atom1("%s", output.LuaString("radius"))
	}
	return atom1("nil")
}

// charText gives a character, which is a number in the old language, as text.
func (e *emitter) charText(x expr, v lua) lua {
	if n, ok := x.(*number); ok {
		return atom1("%s", output.LuaString(string([]byte{byte(n.n)})))
	}
	return prefix("string.char(%s)", v.text)
}

// substr writes s:sub where the places are known to lie at or behind the beginning.
func (e *emitter) substr(x *call, v []lua) lua {
	from, length := x.args[1], x.args[2]
	n, known := constant(length)
	if rangeOf(from).lo < 0 || !known && !(simple(from) && rangeOf(length).lo >= 0) || hoists(from) || hoists(length) {
		return e.helper("substr", v...)
	}
	s := v[0].at(bindPrefix)
	if known && n < 0 {
		if f, ok := from.(*number); ok && f.n == 0 {
			return v[0]
		}
		return prefix("%s:sub(%s)", s, e.plus(from, 1).text)
	}
	if known {
		return prefix("%s:sub(%s, %s)", s, e.plus(from, 1).text, e.plus(from, n).text)
	}
	if f, ok := from.(*number); ok && f.n == 0 {
		return prefix("%s:sub(1, %s)", s, v[2].text)
	}
	return prefix("%s:sub(%s, %s)", s, e.plus(from, 1).text, infix(v[1], "+", v[2], bindSum).text)
}

// substitute writes sub and gsub. The brackets keep the count of replacements out.
func (e *emitter) substitute(x *call) lua {
	t := x.args[0].(*text)
	p, err := translate(unescapePattern(t.raw), t.flags)
	if err != nil {
		return atom1("nil") // judged by the checker
	}
	v := e.values(x.args[1], x.args[2])
	to := v[0]
	if r, ok := x.args[1].(*text); ok {
		to = atom1("%s", output.LuaString(strings.ReplaceAll(r.value, "%", "%%")))
	} else {
		to = prefix(`%s:gsub("%%%%", "%%%%%%%%")`, to.at(bindPrefix))
		to.text = "(" + to.text + ")"
	}
	once := ""
	if x.name == "sub" {
		once = ", 1"
	}
	if p.lua != "" && p.groups == 0 && !p.begin && !p.end {
		return prefix("(%s:gsub(%s, %s%s))", v[1].at(bindPrefix), output.LuaString(p.lua), to.text, once)
	}
	return prefix("(%s:gsub(%s, %s%s))", e.regexp(p.re2), v[1].text, to.text, once)
}

// plural writes ngettext: no catalogue says otherwise.
func (e *emitter) plural(x *call) lua {
	args := x.args[len(x.args)-3:]
	v := e.values(args...)
	one := infix(v[2], "==", atom1("1"), bindCompare)
	return lua{fmt.Sprintf("%s and %s or %s", one.at(bindAnd), v[0].at(bindAnd+1), v[1].at(bindOr+1)), bindOr}
}
