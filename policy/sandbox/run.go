package sandbox

import lua "github.com/yuin/gopher-lua"

// Operands of an instruction: A, B and C, and the bit that says that C (or B) is a constant; Bx in their place, and sBx,
// which is Bx less zeroBx.
const (
	shiftA, maskA   = 18, 0xff
	maskB           = 0x1ff
	shiftC, maskC   = 9, 0x1ff
	constantOperand = 1 << 8
	maskBx          = 0x3ffff
	zeroBx          = maskBx >> 1
)

// quicken has the state run by State.run.
func (s *State) quicken() {
	if sameLayout {
		t := threadOf(s.l)
		s.stock, t.mainLoop = t.mainLoop, s.run
	}
}

// run is gopher-lua's loop with the budget counted in place, and with short ways for what hooks do most: fields of
// objects, methods of strings, and matching. All else is done by gopher-lua's operations; functions of Go, and
// coroutines, have its loop.
func (s *State) run(l *lua.LState, base *frame) {
	t := threadOf(l)
	if base == nil || t.currentFrame.Fn.IsG {
		s.stock(l, base)
		return
	}
	b := &s.budget
	for {
		f := t.currentFrame
		inst := f.Fn.Proto.Code[f.Pc]
		f.Pc++
		if b.left--; b.left <= b.mark && b.look() != nil {
			l.RaiseError("%s", b.Err().Error())
		}
		done := false
		switch op := int(inst >> opShift); op {
		case lua.OP_MOVE:
			t.reg.put(f.LocalBase+int(inst>>shiftA)&maskA, t.reg.array[f.LocalBase+int(inst&maskB)])
			done = true
		case lua.OP_LOADK:
			t.reg.put(f.LocalBase+int(inst>>shiftA)&maskA, f.Fn.Proto.Constants[inst&maskBx])
			done = true
		case lua.OP_TEST:
			if lua.LVAsBool(t.reg.array[f.LocalBase+int(inst>>shiftA)&maskA]) == (inst>>shiftC&maskC == 0) {
				f.Pc++
			}
			done = true
		case lua.OP_JMP:
			f.Pc += int(inst&maskBx) - zeroBx
			done = true
		case lua.OP_GETGLOBAL:
			done = s.global(t, f, inst)
		case lua.OP_GETTABLE:
			done = s.get(l, t, f, inst)
		case lua.OP_SETTABLE:
			done = s.set(l, t, f, inst)
		case lua.OP_SELF:
			done = s.method(l, t, f, inst)
		case lua.OP_CALL:
			done = s.call(l, t, f, inst)
		}
		if !done && operations[inst>>opShift](l, inst, base) == 1 {
			return
		}
	}
}

// operand gives the value of a register or constant.
func (t *thread) operand(f *frame, i int) lua.LValue {
	if i&constantOperand != 0 {
		return f.Fn.Proto.Constants[i&^constantOperand]
	}
	return t.reg.array[f.LocalBase+i]
}

// put sets a register, as gopher-lua does. The frame has room for it.
func (r *registers) put(i int, v lua.LValue) {
	r.array[i] = v
	if i >= r.top {
		r.top = i + 1
	}
}

// global is a name that is no local's.
func (s *State) global(t *thread, f *frame, inst uint32) bool {
	name, ok := f.Fn.Proto.Constants[inst&maskBx].(lua.LString)
	if !ok {
		return false
	}
	v := s.known.get(f.Fn.Env, string(name), lookUpGlobal)
	if v != nil {
		t.reg.put(f.LocalBase+int(inst>>shiftA)&maskA, v)
	}
	return v != nil
}

// get is a[k] of an object or a library.
func (s *State) get(l *lua.LState, t *thread, f *frame, inst uint32) bool {
	key, at := t.operand(f, int(inst>>shiftC)&maskC), f.LocalBase+int(inst>>shiftA)&maskA
	switch o := t.reg.array[f.LocalBase+int(inst&maskB)].(type) {
	case *lua.LUserData:
		if s.Get == nil {
			return false
		}
		v, ok := s.Get(l, o, key)
		if ok {
			t.reg.put(at, v)
		}
		return ok
	case *lua.LTable:
		name, ok := key.(lua.LString)
		if !ok || o.Metatable == lua.LNil {
			return false
		}
		v := s.known.get(o, string(name), lookUpFrozen)
		if v != nil {
			t.reg.put(at, v)
		}
		return v != nil
	}
	return false
}

// set is a[k] = v of an object.
func (s *State) set(l *lua.LState, t *thread, f *frame, inst uint32) bool {
	object, ok := t.reg.array[f.LocalBase+int(inst>>shiftA)&maskA].(*lua.LUserData)
	if !ok || s.Set == nil {
		return false
	}
	return s.Set(l, object, t.operand(f, int(inst&maskB)), t.operand(f, int(inst>>shiftC)&maskC))
}

// method is a:k of an object or a string.
func (s *State) method(l *lua.LState, t *thread, f *frame, inst uint32) bool {
	key, at := t.operand(f, int(inst>>shiftC)&maskC), f.LocalBase+int(inst>>shiftA)&maskA
	object := t.reg.array[f.LocalBase+int(inst&maskB)]
	var v lua.LValue
	switch o := object.(type) {
	case lua.LString:
		name, ok := key.(lua.LString)
		if !ok {
			return false
		}
		if v = s.known.get(stringLibrary.table, string(name), lookUpFrozen); v == nil {
			return false
		}
	case *lua.LUserData:
		if s.Get == nil {
			return false
		}
		var ok bool
		if v, ok = s.Get(l, o, key); !ok {
			return false
		}
	default:
		return false
	}
	t.reg.put(at, v)
	t.reg.put(at+1, object)
	return true
}

// call is a call of string.match with a subject and a pattern that was met before: the frame of a call costs more
// than most matches.
func (s *State) call(l *lua.LState, t *thread, f *frame, inst uint32) bool {
	const twoArguments = 3 // B counts the function
	at := f.LocalBase + int(inst>>shiftA)&maskA
	if fn, ok := t.reg.array[at].(*lua.LFunction); !ok || fn != matchFunction || inst&maskB != twoArguments {
		return false
	}
	src, ok := t.reg.array[at+1].(lua.LString)
	text, known := t.reg.array[at+2].(lua.LString)
	if !ok || !known {
		return false
	}
	p := s.patterns.met(string(text))
	wanted := int(inst>>shiftC)&maskC - 1 // negative: as many as there are
	if p == nil || at+max(p.captures, wanted, 1) > len(t.reg.array) {
		return false
	}
	m := s.matching(l, string(src), p)
	start, end := m.search(0)
	n := max(p.captures, 1)
	if start < 0 {
		n = 0
	}
	t.reg.results(m, at, start, end, n, wanted)
	return true
}

// results puts n captures of a match where the call was: as many as are wanted, and nil for what is missing. No match is
// one nil.
func (r *registers) results(m *matcher, at, start, end, n, wanted int) {
	all := wanted < 0
	if all {
		wanted = max(n, 1)
	}
	for i := range wanted {
		if i < n {
			r.array[at+i] = m.capture(i, start, end)
		} else {
			r.array[at+i] = lua.LNil
		}
	}
	if top := at + wanted; all || r.top < top {
		r.top = top
	}
}
