package rewrite

import (
	"fmt"
	"strings"

	"perilune/policy/convert/output"
)

// loop writes while, and do … while.
func (e *emitter) loop(s *whileStmt) {
	label := ""
	if continues(s.body) {
		label = e.fresh("continue")
	}
	e.loops = append(e.loops, label)
	defer func() { e.loops = e.loops[:len(e.loops)-1] }()
	switch {
	case s.after:
		e.repeat(s, label)
		return
	case hoists(s.cond):
		e.line("while true do")
		e.level++
		e.leave(s.cond)
		e.level--
	case always(s.cond):
		e.line("while true do")
	default:
		e.line("while %s do", e.cond(s.cond, true).text)
	}
	e.body(s, label)
	e.line("end")
}

// leave ends a loop whose condition needs lines of its own.
func (e *emitter) leave(cond expr) {
	e.line("if %s then", e.cond(cond, false).text)
	e.level++
	e.line("break")
	e.level--
	e.line("end")
}

// repeat writes do … while.
func (e *emitter) repeat(s *whileStmt, label string) {
	e.line("repeat")
	e.body(s, label)
	until := lua{"false", bindAtom}
	if !always(s.cond) {
		e.level++
		until = e.cond(s.cond, false)
		e.level--
	}
	e.line("until %s", until.text)
}

// body writes the body of a loop and the label that continue goes to. No goto may enter the life of a local,
// so those of the body end before the label.
func (e *emitter) body(s *whileStmt, label string) {
	if label == "" {
		e.indented(s.body)
		return
	}
	e.level++
	before := e.b.String()
	e.b.Reset()
	e.block(s.body)
	body := e.b.String()
	e.b.Reset()
	e.b.WriteString(before)
	indent := strings.Repeat("  ", e.level)
	if strings.HasPrefix(body, indent+"local ") || strings.Contains(body, "\n"+indent+"local ") {
		e.line("do")
		for line := range strings.Lines(body) {
			e.b.WriteString("  " + line)
		}
		e.line("end")
	} else {
		e.b.WriteString(body)
	}
	e.line("::%s::", label)
	e.level--
}

// continues reports whether a continue that is not the body's last statement goes on with the loop.
func continues(b *block) bool {
	list := b.list
	if n := len(list); n > 0 {
		if j, ok := list[n-1].(*jumpStmt); ok && j.word == "continue" {
			list = list[:n-1]
		}
	}
	return jumps(list, "continue")
}

// jumps reports whether a break or continue in some statements is one of the loop around them.
func jumps(list []stmt, word string) bool {
	for _, s := range list {
		if j, ok := s.(*jumpStmt); ok && j.word == word {
			return true
		}
		if _, loop := s.(*whileStmt); loop {
			continue
		}
		for _, inner := range blocks(s) {
			if jumps(inner.list, word) {
				return true
			}
		}
	}
	return false
}

func (e *emitter) jump(s *jumpStmt) {
	if s.word == "break" {
		e.line("break")
		return
	}
	if label := e.loops[len(e.loops)-1]; label != "" {
		e.line("goto %s", label)
	}
}

// effect writes an expression for what it does; what does nothing is left out.
func (e *emitter) effect(x expr) {
	switch x := x.(type) {
	case *assign:
		e.assign(x)
	case *call:
		if text, ok := e.callStmt(x); ok {
			e.line("%s", text)
			return
		}
		e.effects(x.args)
	case *binary:
		if x.op == "&&" || x.op == "||" {
			e.logicalEffect(x)
			return
		}
		e.effects(inner(x))
		e.dividesByZero(x)
	case *match:
		if hoists(x) {
			e.cond(x, true)
			return
		}
		e.effects(inner(x))
	default:
		e.effects(inner(x))
	}
}

func (e *emitter) effects(list []expr) {
	for _, x := range list {
		e.effect(x)
	}
}

// dividesByZero keeps a division whose result nobody wants but whose error may be wanted.
func (e *emitter) dividesByZero(x *binary) {
	if x.op != "/" && x.op != "%" {
		return
	}
	if r := rangeOf(x.y); r.lo > 0 || r.hi < 0 {
		return
	}
	if simple(x.y) {
		e.line("assert(%s, %s)", e.cond(x.y, true).text, output.LuaString("division by zero"))
	}
}

// logicalEffect writes `a && f();` as an if.
func (e *emitter) logicalEffect(x *binary) {
	sub := &emitter{p: e.p, f: e.f, file: e.file, names: e.names, undeclared: e.undeclared, loops: e.loops}
	sub.level = e.level + 1
	sub.effect(x.y)
	if sub.b.Len() == 0 {
		e.effect(x.x)
		return
	}
	first := e.cond(x.x, x.op == "&&")
	e.line("if %s then", first.text)
	fmt.Fprint(&e.b, sub.b.String())
	e.lines += sub.lines
	e.line("end")
}
