package module

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// Bounds of regular expressions. RE2 is linear in the text, but its steps are dearer than the interpreter's.
const (
	maxExpression = 4_096 // octets
	stepsPerOctet = 4
	maxMatches    = 10_000
)

func reFunctions() []Function {
	f := func(of, name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "re", Of: of, Name: name, Signature: signature, Doc: doc, call: call}
	}
	return []Function{
		f("", "compile", "re.compile(expression)", "A regular expression in RE2's syntax; nil and why if it is none. Compiled ones are kept.", reCompile),
		f("", "posix", "re.posix(expression)", "compile, but octet by octet and leftmost-longest as in POSIX: of the matches that begin first the longest, and a point is any octet. The syntax is RE2's all the same.", rePOSIX),
		f("re", "match", "r:match(text)", "The captures of the first match, the whole match if there are none; nil if nothing matches.", reMatch),
		f("re", "test", "r:test(text)", "Whether anything matches.", reTest),
		f("re", "gsub", "r:gsub(text, to [, n])", "The text with all matches replaced, or the first n, and their number; %0 to %9 in to are the captures.", reGsub),
		f("re", "all", "r:all(text)", "A list of all matches: strings, or lists of captures if there are several.", reAll),
	}
}

var reMeta = methods([]Function{
	{Of: "re", Name: "match", call: reMatch}, {Of: "re", Name: "test", call: reTest},
	{Of: "re", Name: "gsub", call: reGsub}, {Of: "re", Name: "all", call: reAll},
}, "re", map[string]lua.LGFunction{
	"__tostring": func(l *lua.LState) int { return pushedText(l, self[*expression](l, "re").String()) },
})

func reCompile(l *lua.LState) int { return newExpression(l, "", compile) }

// newExpression gives the compiled first argument. kind keeps those apart that are compiled otherwise.
func newExpression(l *lua.LState, kind string, compile func(text string) (*expression, error)) int {
	text := sandbox.CheckString(l, 1)
	if len(text) > maxExpression {
		return failed(l, fmt.Sprintf("an expression of %d octets; %d are allowed", len(text), maxExpression))
	}
	r, err := cached(&From(l).expr, kind+text, func() (*lua.LUserData, error) {
		sandbox.Charge(l, 100+len(text)*8)
		compiled, err := compile(text)
		return &lua.LUserData{Value: compiled, Metatable: reMeta}, err
	})
	if err != nil {
		return failed(l, err.Error())
	}
	return pushed(l, r)
}

// subject gives the expression and the text of a method, paid for.
func subject(l *lua.LState) (*expression, string) {
	r, text := self[*expression](l, "re"), sandbox.CheckString(l, 2)
	sandbox.Charge(l, 1+len(text)*stepsPerOctet)
	return r, text
}

func reTest(l *lua.LState) int {
	r, text := subject(l)
	return pushed(l, lua.LBool(r.matches(text)))
}

func reMatch(l *lua.LState) int {
	r, text := subject(l)
	at := r.first(text)
	if at == nil {
		return pushed(l, lua.LNil)
	}
	groups := max(len(at)/2-1, 1)
	for i := range groups {
		l.Push(group(text, at, i))
	}
	return groups
}

// group gives capture i from 0; the whole match if there are none; nil for one that took no part.
func group(text string, at []int, i int) lua.LValue {
	if len(at) > 2 {
		i++
	}
	if at[2*i] < 0 {
		return lua.LNil
	}
	return lua.LString(text[at[2*i]:at[2*i+1]])
}

func reAll(l *lua.LState) int {
	r, text := subject(l)
	list := l.NewTable()
	for _, at := range r.all(text, maxMatches) {
		sandbox.Charge(l, len(at))
		if len(at) <= 4 {
			list.Append(group(text, at, 0))
			continue
		}
		groups := l.NewTable()
		for i := range len(at)/2 - 1 {
			groups.RawSetInt(i+1, group(text, at, i))
		}
		list.Append(groups)
	}
	return pushed(l, list)
}

func reGsub(l *lua.LState) int {
	r, text := subject(l)
	to := sandbox.CheckString(l, 3)
	var out []byte
	last := 0
	matches := r.all(text, limit(l, 4))
	for _, at := range matches {
		out = append(out, text[last:at[0]]...)
		out = expandMatch(l, out, to, text, at)
		last = at[1]
		sandbox.Charge(l, len(to)/16+1)
		sandbox.CheckRoom(l, len(out))
	}
	sandbox.PushString(l, string(append(out, text[last:]...)))
	l.Push(lua.LNumber(len(matches)))
	return 2
}

// limit gives the number of replacements that argument n allows.
func limit(l *lua.LState, n int) int {
	if l.Get(n) == lua.LNil {
		return maxMatches
	}
	count := sandbox.CheckNumber(l, n)
	if count < 0 || count != float64(int(count)) {
		sandbox.ArgError(l, n, "a whole number from 0")
	}
	return min(int(count), maxMatches)
}

// expandMatch appends a replacement with %0 to %9 filled in.
func expandMatch(l *lua.LState, out []byte, to, text string, at []int) []byte {
	for i := 0; i < len(to); i++ {
		sandbox.CheckRoom(l, len(out))
		if to[i] != '%' || i+1 == len(to) {
			out = append(out, to[i])
			continue
		}
		i++
		if to[i] < '0' || to[i] > '9' {
			out = append(out, to[i])
			continue
		}
		n := int(to[i] - '0')
		if n == 1 && len(at) == 2 {
			n = 0
		}
		if 2*n >= len(at) {
			sandbox.RaiseMisuse(l, "%%%d in the replacement, but the expression has %d captures", n, len(at)/2-1)
		}
		if at[2*n] >= 0 {
			out = append(out, text[at[2*n]:at[2*n+1]]...)
		}
	}
	return out
}
