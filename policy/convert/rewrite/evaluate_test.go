package rewrite

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// An evaluator runs functions as the language's description says, straight from the tree: what the translation
// must agree with. It knows what the generator of the differential test writes.
type evaluator struct {
	request map[string][]string // attribute values, numbers as digits
	groups  []string
	steps   int
}

// A frame is the variables of one call. Numbers are int64, texts string.
type frame map[*variable]any

var (
	errSteps    = errors.New("too many steps")
	errDivision = errors.New("division by zero")
)

// signal is how a statement ended.
type signal uint8

const (
	goesOn signal = iota
	breaksOff
	goesRound
	returned
)

func (ev *evaluator) call(f *function, args []any) any {
	fr := frame{}
	for i, v := range f.params {
		fr[v] = args[i]
	}
	if _, v := ev.block(f.body, fr); v != nil {
		return v
	}
	return zero(f.typ)
}

func zero(t Type) any {
	if t == Integer {
		return int64(0)
	}
	return ""
}

func (ev *evaluator) block(b *block, fr frame) (signal, any) {
	for _, v := range b.vars {
		fr[v] = zero(v.typ)
	}
	for _, s := range b.list {
		if sig, v := ev.stmt(s, fr); sig != goesOn {
			return sig, v
		}
	}
	return goesOn, nil
}

func (ev *evaluator) stmt(s stmt, fr frame) (signal, any) {
	if ev.steps++; ev.steps > 5000 {
		panic(errSteps)
	}
	switch s := s.(type) {
	case *block:
		return ev.block(s, fr)
	case *exprStmt:
		ev.expr(s.x, fr)
	case *ifStmt:
		if ev.expr(s.cond, fr) != int64(0) {
			return ev.block(s.then, fr)
		} else if s.els != nil {
			return ev.block(s.els, fr)
		}
	case *whileStmt:
		return ev.loop(s, fr)
	case *jumpStmt:
		if s.word == "break" {
			return breaksOff, nil
		}
		return goesRound, nil
	case *returnStmt:
		return returned, ev.expr(s.x, fr)
	case *deleteStmt:
		name := s.attr.attr.Name
		if s.attr.index == nil {
			delete(ev.request, name)
		} else if i := ev.integer(s.attr.index, fr); int(i) < len(ev.request[name]) {
			ev.request[name] = append(ev.request[name][:i:i], ev.request[name][i+1:]...)
		}
	}
	return goesOn, nil
}

func (ev *evaluator) loop(s *whileStmt, fr frame) (signal, any) {
	for first := true; s.after && first || ev.expr(s.cond, fr) != int64(0); first = false {
		if ev.steps++; ev.steps > 5000 {
			panic(errSteps)
		}
		sig, v := ev.block(s.body, fr)
		if sig == breaksOff {
			break
		} else if sig == returned {
			return sig, v
		}
	}
	return goesOn, nil
}

func (ev *evaluator) integer(x expr, fr frame) int64 { return ev.expr(x, fr).(int64) }
func (ev *evaluator) text(x expr, fr frame) string   { return ev.expr(x, fr).(string) }

func number01(b bool) any {
	if b {
		return int64(1)
	}
	return int64(0)
}

func (ev *evaluator) expr(x expr, fr frame) any {
	switch x := x.(type) {
	case *number:
		return x.n
	case *text:
		return x.value
	case *name:
		return fr[x.v]
	case *group:
		if int(x.n) < len(ev.groups) {
			return ev.groups[x.n]
		}
		return ""
	case *attribute:
		return ev.attribute(x, fr)
	case *presence:
		return number01(ev.index(x.attr, fr) < len(ev.request[x.attr.attr.Name]))
	case *cast:
		return ev.cast(x, fr)
	case *unary:
		n := ev.integer(x.x, fr)
		switch x.op {
		case "-":
			return -n
		case "!":
			return number01(n == 0)
		}
		return n
	case *binary:
		return ev.binary(x, fr)
	case *match:
		return ev.match(x, fr)
	case *assign:
		return ev.assign(x, fr)
	case *call:
		return ev.called(x, fr)
	}
	panic("unknown expression")
}

func (ev *evaluator) index(a *attribute, fr frame) int {
	if a.index == nil {
		return 0
	}
	return int(ev.integer(a.index, fr))
}

func (ev *evaluator) attribute(x *attribute, fr frame) any {
	list, i := ev.request[x.attr.Name], ev.index(x, fr)
	if i >= len(list) {
		return zero(x.typ)
	}
	if x.typ == String {
		return list[i]
	}
	n, _ := strconv.ParseInt(list[i], 10, 64)
	return n
}

func (ev *evaluator) assign(x *assign, fr frame) any {
	if n, ok := x.to.(*name); ok {
		fr[n.v] = ev.expr(x.value, fr)
		return fr[n.v]
	}
	a := x.to.(*attribute)
	i := ev.index(a, fr)
	v := ev.expr(x.value, fr)
	value, isText := v.(string)
	if !isText {
		value = strconv.FormatUint(uint64(uint32(v.(int64))), 10)
	}
	list := ev.request[a.attr.Name]
	if i < len(list) {
		list[i] = value
	} else {
		ev.request[a.attr.Name] = append(list, value)
	}
	return v
}

func (ev *evaluator) cast(x *cast, fr frame) any {
	switch v := ev.expr(x.x, fr).(type) {
	case int64:
		if x.typ == String {
			return strconv.FormatInt(v, 10)
		}
		return v
	case string:
		if x.typ == Integer {
			return leadingNumber(v)
		}
		return v
	}
	return nil
}

func (ev *evaluator) match(x *match, fr frame) any {
	re := regexp.MustCompile("(?s)" + x.re.re2)
	re.Longest()
	ev.groups = re.FindStringSubmatch(ev.text(x.x, fr))
	return number01((ev.groups != nil) != x.negated)
}

func (ev *evaluator) binary(x *binary, fr frame) any {
	switch x.op {
	case "&&":
		return number01(ev.integer(x.x, fr) != 0 && ev.integer(x.y, fr) != 0)
	case "||":
		return number01(ev.integer(x.x, fr) != 0 || ev.integer(x.y, fr) != 0)
	}
	l, r := ev.expr(x.x, fr), ev.expr(x.y, fr)
	if a, ok := l.(string); ok {
		if x.op == "+" {
			return a + r.(string)
		}
		return compared(x.op, strings.Compare(a, r.(string)))
	}
	a, b := l.(int64), r.(int64)
	switch x.op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "&":
		return int64(uint32(a) & uint32(b))
	case "|":
		return int64(uint32(a) | uint32(b))
	case "^":
		return int64(uint32(a) ^ uint32(b))
	case "<<":
		return int64(uint32(a) << uint32(b))
	case ">>":
		return int64(uint32(a) >> uint32(b))
	case "/", "%":
		if b == 0 {
			panic(errDivision)
		}
		if x.op == "/" {
			return a / b
		}
		return a % b
	}
	switch {
	case a < b:
		return compared(x.op, -1)
	case a > b:
		return compared(x.op, 1)
	}
	return compared(x.op, 0)
}

func compared(op string, order int) any {
	return number01(map[string]bool{
		"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0,
	}[op])
}

// called runs a function, or one of the built-in ones that need no server.
func (ev *evaluator) called(x *call, fr frame) any {
	var args []any
	for _, a := range x.args {
		args = append(args, ev.expr(a, fr))
	}
	if x.fn != nil {
		return ev.call(x.fn, args)
	}
	s, _ := args[0].(string)
	switch x.name {
	case "length":
		return int64(len(s))
	case "index":
		return int64(strings.IndexByte(s, byte(args[1].(int64))))
	case "rindex":
		return int64(strings.LastIndexByte(s, byte(args[1].(int64))))
	case "toupper":
		return strings.ToUpper(s)
	case "tolower":
		return strings.ToLower(s)
	case "field":
		if words := strings.Fields(s); args[1].(int64) > 0 && int(args[1].(int64)) <= len(words) {
			return words[args[1].(int64)-1]
		}
		return ""
	case "substr":
		return substring(s, args[1].(int64), args[2].(int64))
	}
	panic("unknown function " + x.name)
}

func substring(s string, from, length int64) string {
	if from < 0 || from >= int64(len(s)) {
		return ""
	}
	s = s[from:]
	if length >= 0 && length < int64(len(s)) {
		s = s[:length]
	}
	return s
}
