package sandbox

import (
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// The interpreter's own loop asks a context before each instruction and enters itself anew for each field of req. State.run
// is a loop without both. For that it must see what gopher-lua keeps to itself: these types are its own, as far as they
// are needed, and sameLayout says whether they still are.

// thread is the beginning of lua.LState.
type thread struct {
	G            *lua.Global
	Parent       *lua.LState
	Env          *lua.LTable
	Panic        func(*lua.LState)
	Dead         bool
	Options      lua.Options
	stop         int32
	reg          *registers
	stack        [2]unsafe.Pointer // an interface
	alloc        unsafe.Pointer
	currentFrame *frame
	wrapped      bool
	uvcache      unsafe.Pointer
	hasErrorFunc bool
	mainLoop     func(*lua.LState, *frame)
}

// registers is the beginning of gopher-lua's registry.
type registers struct {
	array []lua.LValue
	top   int
}

// frame is its callFrame.
type frame struct {
	Idx        int
	Fn         *lua.LFunction
	Parent     *frame
	Pc         int
	Base       int
	LocalBase  int
	ReturnBase int
	NArgs      int
	NRet       int
	TailCall   int
}

// An operation runs one instruction. It gives 1 if the loop is to end.
type operation = func(l *lua.LState, inst uint32, base *frame) int

// operations are gopher-lua's, by their number.
//
//go:linkname operations github.com/yuin/gopher-lua.jumpTable
var operations [lua.OP_NOP + 1]operation

// sameLayout reports whether gopher-lua has its fields where the types above have them. Otherwise its own loop serves.
var sameLayout = func() bool {
	state := reflect.TypeFor[lua.LState]()
	reg, _ := state.FieldByName("reg")
	current, _ := state.FieldByName("currentFrame")
	return begins(state, reflect.TypeFor[thread]()) && reg.Type.Kind() == reflect.Pointer &&
		begins(reg.Type.Elem(), reflect.TypeFor[registers]()) && begins(current.Type.Elem(), reflect.TypeFor[frame]())
}()

// begins reports whether the fields of a struct begin with those of another: the same names, places and sizes.
func begins(all, first reflect.Type) bool {
	if all.Kind() != reflect.Struct || all.NumField() < first.NumField() {
		return false
	}
	for i := range first.NumField() {
		a, b := all.Field(i), first.Field(i)
		if a.Name != b.Name || a.Offset != b.Offset || a.Type.Size() != b.Type.Size() {
			return false
		}
	}
	return true
}

// threadOf gives what lies behind a state of gopher-lua.
func threadOf(l *lua.LState) *thread { return (*thread)(unsafe.Pointer(l)) }
