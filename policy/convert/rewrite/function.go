package rewrite

import (
	"slices"
	"strings"

	"perilune/policy/convert/output"
)

// function writes one function with its comments, and how rules get at it.
func (s *script) function(f *function) string {
	e := s.p.newEmitter(f, s)
	e.level++
	e.declareShared()
	e.blockOf(f)
	e.level--
	body := e.b.String()
	var out writer
	for _, line := range s.pending {
		out.line("%s", line)
	}
	if s.pending != nil {
		out.line("")
	}
	s.pending = nil
	out.comments(f.comments)
	params := e.params(f)
	switch {
	case s.inTable && f.public:
		out.line("function functions.%s(%s)", f.lua, params)
	case !f.isEntry() || f.called || s.inTable:
		out.line("%s(%s)", s.opening(f), params)
	default:
		out.line("rewrite(%s, function(%s)", output.LuaString(f.lua), params)
		out.b.WriteString(body)
		out.line("end)")
		return out.b.String()
	}
	out.b.WriteString(body)
	out.line("end")
	if f.isEntry() && !s.inTable {
		out.line("")
		out.line("rewrite(%s, %s)", output.LuaString(f.lua), f.lua)
	}
	return out.b.String()
}

// opening begins a local function, or one that was declared before because functions call each other.
func (s *script) opening(f *function) string {
	if f.forward {
		return "function " + f.lua
	}
	return "local function " + f.lua
}

func (e *emitter) params(f *function) string {
	var list []string
	if f.takesRequest() {
		list = append(list, "req")
	}
	for _, v := range f.params {
		list = append(list, v.lua)
	}
	return strings.Join(list, ", ")
}

// blockOf writes the body of a function. The value of one that is called for its effect is not returned.
func (e *emitter) blockOf(f *function) {
	b := f.body
	if n := len(b.list); n > 0 && !f.valued {
		if r, ok := b.list[n-1].(*returnStmt); ok {
			last := &exprStmt{remarks: r.remarks, x: r.x}
			b = &block{remarks: b.remarks, vars: b.vars, rest: b.rest, list: append(slices.Clone(b.list[:n-1]), last)}
		}
	}
	e.block(b)
	if f.valued && f.falls {
		e.line("return %s", [...]string{"0", `""`}[f.typ])
	}
}

// order puts functions behind those that they call, else as the sources have them. Those that call each other in
// a circle are marked to be declared before.
func order(functions []*function) (sorted []*function) {
	const (
		open = 1
		done = 2
	)
	state := map[*function]int{}
	var visit func(f *function)
	visit = func(f *function) {
		state[f] = open
		for _, g := range functions {
			switch {
			case !f.calls[g]:
			case state[g] == open && g != f:
				g.forward = true
			case state[g] == 0:
				visit(g)
			}
		}
		state[f] = done
		sorted = append(sorted, f)
	}
	for _, f := range functions {
		f.forward = false
	}
	for _, f := range functions {
		if state[f] == 0 {
			visit(f)
		}
	}
	return sorted
}
