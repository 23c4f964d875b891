package sandbox

import lua "github.com/yuin/gopher-lua"

// Operands of an instruction: A, B and C, and the bit that says that C (or B) is a constant.
const (
	shiftA, maskA   = 18, 0xff
	maskB           = 0x1ff
	shiftC, maskC   = 9, 0x1ff
	constantOperand = 1 << 8
	maskBx          = 0x3ffff
)

// quicken has the state run by State.run.
func (s *State) quicken() {
	if sameLayout {
		t := threadOf(s.l)
		s.stock, t.mainLoop = t.mainLoop, s.run
	}
}

// run is gopher-lua's loop with the budget counted in place, and with short ways for what hooks do most: fields of
// objects and methods of strings. All else is done by gopher-lua's operations; functions of Go, and coroutines, have its
// loop.
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
		switch op := int(inst >> opShift); {
		case op == lua.OP_GETGLOBAL && s.global(t, f, inst):
		case op == lua.OP_GETTABLE && s.get(l, t, f, inst):
		case op == lua.OP_SETTABLE && s.set(l, t, f, inst):
		case op == lua.OP_SELF && s.method(l, t, f, inst):
		case operations[op](l, inst, base) == 1:
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
