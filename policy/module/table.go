package module

import (
	"maps"
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// A Function is one name that scripts see: a function of a module, or a method of a value that one gives.
type Function struct {
	Module    string // "net"
	Of        string // the kind of value it is a method of, "" for the module itself
	Name      string
	Signature string // "net.cidr(text)", "cidr:has(address)"
	Doc       string // one line for people
	Waits     bool   // it may wait: not at the top level, in `=` values and codecs

	call lua.LGFunction
}

// Functions gives all functions and methods in the order of the documentation.
func Functions() []Function {
	return slices.Concat(logFunctions(), jsonFunctions(), bytesFunctions(), netFunctions(), timeFunctions(),
		reFunctions(), cryptoFunctions(), dictFunctions(), radiusFunctions(), sqlFunctions(), ldapFunctions(),
		kvFunctions(), windowFunctions(), httpFunctions(), execFunctions(), otpFunctions(), metricsFunctions())
}

// Libraries gives the modules as tables for scripts. They are made once and shared by all states.
var Libraries = sync.OnceValue(func() []*sandbox.Library {
	functions := map[string]map[string]lua.LGFunction{}
	for _, f := range Functions() {
		if f.Of != "" {
			continue
		}
		if functions[f.Module] == nil {
			functions[f.Module] = map[string]lua.LGFunction{}
		}
		if f.call != nil {
			functions[f.Module][f.Name] = f.calling()
		}
	}
	constants := map[string]map[string]lua.LValue{"json": {"null": null}}
	var libraries []*sandbox.Library
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		libraries = append(libraries, sandbox.NewLibrary(name, functions[name], constants[name]))
	}
	return libraries
})

// Globals gives the modules with the names in them, for sandbox.Options.Globals.
func Globals() map[string][]string {
	names := map[string][]string{}
	for _, lib := range Libraries() {
		names[lib.Name] = lib.Fields()
	}
	return names
}

// Open gives a state the modules. Host.Data of the state must be a Holder.
func Open(s *sandbox.State) {
	for _, lib := range Libraries() {
		s.SetGlobal(lib.Name, lib.Value())
	}
}

// methods makes the metatable of a kind of userdata; scripts cannot reach or change it.
func methods(list []Function, kind string, meta map[string]lua.LGFunction) *lua.LTable {
	index := &lua.LTable{Metatable: lua.LNil}
	for _, f := range list {
		if f.Of == kind {
			index.RawSetString(f.Name, sandbox.NewFunction(f.calling()))
		}
	}
	mt := &lua.LTable{Metatable: lua.LNil}
	mt.RawSetString("__index", index)
	mt.RawSetString("__metatable", lua.LString(kind))
	for _, name := range slices.Sorted(maps.Keys(meta)) {
		mt.RawSetString(name, sandbox.NewFunction(meta[name]))
	}
	return mt
}

// self gives the value that a method was called on.
func self[T any](l *lua.LState, kind string) T {
	if ud, ok := l.Get(1).(*lua.LUserData); ok {
		if v, ok := ud.Value.(T); ok {
			return v
		}
	}
	sandbox.RaiseMisuse(l, "the value before the colon is %s, expected %s; write value:method()", l.Get(1).Type(), kind)
	panic("not reached")
}

// failed pushes nil and why: bad data.
func failed(l *lua.LState, text string) int {
	l.Push(lua.LNil)
	l.Push(lua.LString(text))
	return 2
}

// pushed pushes one value.
func pushed(l *lua.LState, v lua.LValue) int {
	l.Push(v)
	return 1
}

// pushedText pushes a string, bounded and paid for.
func pushedText(l *lua.LState, text string) int {
	sandbox.PushString(l, text)
	return 1
}

// Waits reports whether a module's function may wait.
func Waits(module, name string) bool {
	for _, f := range Functions() {
		if f.Module == module && f.Of == "" && f.Name == name {
			return f.Waits
		}
	}
	return false
}
