package rewrite

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

// match writes a comparison with a regular expression, and keeps the groups that are looked at.
func (e *emitter) match(x *match, want bool) lua {
	if x.negated {
		want = !want
	}
	if !x.shared && len(x.used) == 0 {
		return e.test(x.re, e.value(x.x), want)
	}
	subject := e.value(x.x)
	names := e.keep(x)
	test := names[0] // the whole match, if that is kept
	for n := 1; test == "" && n < len(names) && n < len(x.re.always); n++ {
		if x.re.always[n] && names[n] != "_" {
			test = names[n]
		}
	}
	if test == "" && !simple(x.x) {
		name := e.fresh("text")
		e.line("local %s = %s", name, subject.text)
		subject = prefix("%s", name)
	}
	local := "local "
	if x.shared {
		local = ""
	}
	first := 1
	if names[0] != "" {
		first = 0
	}
	e.line("%s%s = %s", local, strings.Join(names[first:], ", "), e.groups(x.re, subject, first == 0))
	if test == "" {
		return e.test(x.re, subject, want)
	}
	return wanted(prefix("%s", test), want)
}

// keep names the variables for the groups of a match.
func (e *emitter) keep(x *match) []string {
	if x.shared {
		return e.shared
	}
	names := make([]string, len(x.used))
	for n, used := range x.used {
		switch {
		case used:
			names[n] = e.captureName(n)
		case n > 0:
			names[n] = "_"
		}
	}
	e.captures[x] = names
	return names
}

// captureName is m1 for the first group, whichever match it is of: the last one counts.
func (e *emitter) captureName(n int) string {
	for len(e.captureNames) <= n {
		e.captureNames = append(e.captureNames, "")
	}
	if e.captureNames[n] == "" {
		e.captureNames[n] = e.fresh(fmt.Sprintf("m%d", n))
	}
	return e.captureNames[n]
}

// groups gives the call whose results are the groups, led by the whole match if that is wanted.
func (e *emitter) groups(p *pattern, subject lua, whole bool) string {
	switch {
	case whole:
		return fmt.Sprintf("%s:match(%s)", e.regexp("("+p.re2+")"), subject.text)
	case p.lua != "":
		return fmt.Sprintf("%s:match(%s)", subject.at(bindPrefix), output.LuaString(p.lua))
	}
	return fmt.Sprintf("%s:match(%s)", e.regexp(p.re2), subject.text)
}

// test gives whether an expression matches, by the simplest means that is the same.
func (e *emitter) test(p *pattern, subject lua, want bool) lua {
	equal := [...]string{"~=", "=="}[b2i(want)]
	text := atom1("%s", output.LuaString(p.plain))
	switch {
	case p.isPlain && p.begin && p.end:
		return infix(subject, equal, text, bindCompare)
	case p.isPlain && p.plain == "":
		return atom1("%v", want)
	case p.isPlain && p.begin:
		return lua{fmt.Sprintf("%s:sub(1, %d) %s %s", subject.at(bindPrefix), len(p.plain), equal, text.text), bindCompare}
	case p.isPlain && p.end:
		return lua{fmt.Sprintf("%s:sub(-%d) %s %s", subject.at(bindPrefix), len(p.plain), equal, text.text), bindCompare}
	case p.isPlain:
		return wanted(e.find(subject, text), want)
	case p.lua != "":
		return wanted(prefix("%s:find(%s)", subject.at(bindPrefix), output.LuaString(p.lua)), want)
	}
	return wanted(prefix("%s:test(%s)", e.regexp(p.re2), subject.text), want)
}

// regexp gives the name of a compiled expression, which stands before the function.
func (e *emitter) regexp(re2 string) string {
	if name := e.file.regexps[re2]; name != "" {
		return name
	}
	name := e.p.names.unique(e.f.lua + "_re")
	e.file.regexps[re2] = name
	e.file.pending = append(e.file.pending, fmt.Sprintf("local %s = re.posix(%s)", name, output.LuaString(re2)))
	return name
}

// group reads a group of the last match.
func (e *emitter) group(x *group) lua {
	name := ""
	switch {
	case x.shared && int(x.n) < len(e.shared):
		name = e.shared[x.n]
	case x.match != nil:
		name = e.captures[x.match][x.n]
	}
	switch {
	case name == "":
		return atom1(`""`)
	case x.sure && x.match.re.always[x.n]:
		return prefix("%s", name)
	}
	return lua{name + ` or ""`, bindOr}
}

// declareShared declares the variables of groups that may be those of several matches.
func (e *emitter) declareShared() {
	most, whole := -1, false
	walk(e.f, func(x expr, _ int) {
		if g, ok := x.(*group); ok && g.shared {
			most = max(most, int(g.n))
			whole = whole || g.n == 0
		}
	})
	if most < 0 {
		return
	}
	e.shared = make([]string, max(most, 1)+1)
	first := 1
	if whole {
		first = 0
	}
	for n := first; n < len(e.shared); n++ {
		e.shared[n] = e.captureName(n)
	}
	e.line("local %s", strings.Join(e.shared[first:], ", "))
}
