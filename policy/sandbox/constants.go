package sandbox

import (
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// constantSlots is the size of a constantCache, a power of two.
const constantSlots = 32

// A constantCache remembers what names mean that scripts cannot change: globals, and fields of libraries. A name that
// stands in a script's text is the same string each time, so that its address tells it; the entry keeps it alive.
type constantCache [constantSlots]struct {
	table *lua.LTable
	name  string
	value lua.LValue
}

// get gives what a name in a table means; nil: nothing that never changes.
func (c *constantCache) get(t *lua.LTable, name string, look func(*lua.LTable, string) lua.LValue) lua.LValue {
	at := unsafe.StringData(name)
	e := &c[(uintptr(unsafe.Pointer(at))>>3^uintptr(unsafe.Pointer(t))>>5)%constantSlots]
	if e.table == t && unsafe.StringData(e.name) == at && len(e.name) == len(name) {
		return e.value
	}
	v := look(t, name)
	if v != nil {
		e.table, e.name, e.value = t, name, v
	}
	return v
}

// lookUpGlobal gives a global, nil if there is none of the name.
func lookUpGlobal(t *lua.LTable, name string) lua.LValue {
	if v := t.RawGetString(name); v != lua.LNil {
		return v
	}
	return nil
}

// lookUpFrozen gives a field of a library, nil if the table is none or has no such field.
func lookUpFrozen(t *lua.LTable, name string) lua.LValue {
	if inner := behind(t); inner != nil {
		return lookUpGlobal(inner, name)
	}
	return nil
}

// textSlots and textOctets are the sizes of the pieces that a state's texts are cut from.
const (
	textSlots  = 32
	textOctets = 512
	longText   = 64 // has memory of its own
)

// texts makes Lua strings from pieces of memory, since hooks make some for each request. A string that a script keeps
// keeps its piece.
type texts struct {
	boxes  []lua.LString
	octets []byte
}

// box gives a string as a value.
func (x *texts) box(s string) lua.LValue {
	if len(x.boxes) == 0 {
		x.boxes = make([]lua.LString, textSlots)
	}
	p := &x.boxes[0]
	x.boxes = x.boxes[1:]
	*p = lua.LString(s)
	return boxed(p)
}

// copied gives octets as a value of their own.
func (x *texts) copied(b []byte) lua.LValue {
	if len(b) > longText {
		return x.box(string(b))
	}
	if len(b) == 0 {
		return emptyText
	}
	if len(x.octets) < len(b) {
		x.octets = make([]byte, textOctets)
	}
	n := copy(x.octets, b)
	s := unsafe.String(&x.octets[0], n) // nobody writes there again
	x.octets = x.octets[n:]
	return x.box(s)
}

// emptyText is a string of no octets.
var emptyText lua.LValue = lua.LString("")

// words are the two of an interface.
type words struct{ kind, value unsafe.Pointer }

// boxed gives the value that p points to without another copy, as the compiler makes it of a string: gopher-lua does
// the same with numbers.
func boxed(p *lua.LString) (v lua.LValue) {
	v = emptyText
	(*words)(unsafe.Pointer(&v)).value = unsafe.Pointer(p)
	return v
}

// Text gives octets as a Lua string, a copy.
func (s *State) Text(b []byte) lua.LValue { return s.texts.copied(b) }
