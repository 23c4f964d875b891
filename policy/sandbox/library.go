package sandbox

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// A Library is a table of functions and constants that scripts can read but not write. It is made once and
// shared by all states.
type Library struct {
	Name   string
	fields []string
	table  *lua.LTable // what scripts see: empty, with inner behind __index
	inner  *lua.LTable
}

// NewLibrary makes a library. Functions find their state by Of.
func NewLibrary(name string, functions map[string]lua.LGFunction, constants map[string]lua.LValue) *Library {
	inner := &lua.LTable{Metatable: lua.LNil}
	for _, key := range slices.Sorted(maps.Keys(functions)) {
		inner.RawSetString(key, NewFunction(functions[key]))
	}
	for _, key := range slices.Sorted(maps.Keys(constants)) {
		inner.RawSetString(key, constants[key])
	}
	lib := &Library{Name: name, inner: inner, table: Frozen(name, inner)}
	inner.ForEach(func(k, _ lua.LValue) { lib.fields = append(lib.fields, k.String()) })
	slices.Sort(lib.fields)
	return lib
}

// Fields gives the names in the library, sorted, for Options.Globals. The slice must not be changed.
func (lib *Library) Fields() []string { return lib.fields }

// Value gives the table that scripts see.
func (lib *Library) Value() lua.LValue { return lib.table }

// NewFunction makes a Lua function of a Go function. It belongs to no state and may be shared.
func NewFunction(fn lua.LGFunction) *lua.LFunction {
	return &lua.LFunction{IsG: true, GFunction: fn}
}

// frozenKey marks the metatable of a frozen table; what lies behind it is the __index beside it. No script can
// spell the name.
const frozenKey = "\x00frozen"

// Frozen gives a table that reads from inner and cannot be written; name is for the error.
func Frozen(name string, inner *lua.LTable) *lua.LTable {
	mt := &lua.LTable{Metatable: lua.LNil}
	mt.RawSetString("__index", inner)
	mt.RawSetString("__newindex", NewFunction(func(l *lua.LState) int {
		RaiseMisuse(l, "%s cannot be changed", name)
		return 0
	}))
	mt.RawSetString("__metatable", lua.LFalse)
	mt.RawSetString(frozenKey, lua.LTrue)
	return &lua.LTable{Metatable: mt}
}

// behind gives what a frozen table reads from, nil if t is an ordinary table.
func behind(t *lua.LTable) *lua.LTable {
	mt, ok := t.Metatable.(*lua.LTable)
	if !ok || mt.RawGetString(frozenKey) != lua.LTrue {
		return nil
	}
	return mt.RawGetString("__index").(*lua.LTable)
}

// checkWritable raises if argument n is a frozen table.
func checkWritable(l *lua.LState, n int) *lua.LTable {
	t := CheckTable(l, n)
	if behind(t) != nil {
		RaiseMisuse(l, "a table of the API cannot be changed")
	}
	return t
}

// The base library, immutable.
var (
	stringLibrary    = NewLibrary("string", stringFunctions, nil)
	tableLibrary     = NewLibrary("table", tableFunctions, nil)
	mathLibrary      = NewLibrary("math", mathFunctions, mathConstants)
	bitLibrary       = NewLibrary("bit32", bitFunctions, nil)
	osLibrary        = NewLibrary("os", osFunctions, nil)
	coroutineLibrary = NewLibrary("coroutine", coroutineFunctions(), nil)

	baseLibraries = []*Library{stringLibrary, tableLibrary, mathLibrary, bitLibrary, osLibrary, coroutineLibrary}
)

// matchFunction is string.match.
var matchFunction = stringLibrary.inner.RawGetString("match").(*lua.LFunction)

// baseNames are the names that every script has, as Options.Globals lists names; immutable.
var baseNames = func() map[string][]string {
	names := map[string][]string{}
	for name := range baseFunctions() {
		names[name] = nil
	}
	for _, lib := range baseLibraries {
		names[lib.Name] = lib.fields
	}
	return names
}()

// HasLibrary reports a library that every script has, such as string.
func HasLibrary(name string) bool { return baseNames[name] != nil }

// baseValues are the values behind the base names, immutable and shared.
var baseValues = func() map[string]lua.LValue {
	values := map[string]lua.LValue{
		concatName: NewFunction(concat),
		passName:   NewFunction(func(l *lua.LState) int { return l.GetTop() }),
	}
	for name, fn := range baseFunctions() {
		values[name] = NewFunction(fn)
	}
	for _, lib := range baseLibraries {
		values[lib.Name] = lib.table
	}
	return values
}()

// stringMeta is the metatable of strings: s:upper().
var stringMeta = func() *lua.LTable {
	mt := &lua.LTable{Metatable: lua.LNil}
	mt.RawSetString("__index", stringLibrary.inner)
	mt.RawSetString("__metatable", lua.LFalse)
	return mt
}()

func (s *State) openBase() {
	for name, v := range baseValues {
		s.SetGlobal(name, v)
	}
}
