package policytest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/policy/sandbox"
)

// methods are the names that belong to values, by the value and the name.
type methods map[string]map[string]Function

// open gives the file's state the API of tests.
func (f *file) open() {
	state := f.bench.State()
	l := state.Lua()
	tables := map[string]map[string]lua.LGFunction{}
	f.methods = methods{"reply": {}, "expectation": {}, "mock": {}}
	for _, fn := range f.functions {
		table, name, isField := strings.Cut(fn.Name, ".")
		switch {
		case fn.Of != "":
			f.methods[fn.Of][fn.Name] = fn
		case isField:
			if tables[table] == nil {
				tables[table] = map[string]lua.LGFunction{}
			}
			tables[table][name] = f.bound(fn.call)
		default:
			state.SetGlobal(fn.Name, l.NewFunction(f.bound(fn.call)))
		}
	}
	for name, functions := range tables {
		state.SetGlobal(name, sandbox.NewLibrary(name, functions, nil).Value())
	}
	f.answering = l.NewFunction(f.bound((*file).answer))
	f.expectations = f.metatable(l, "expectation", f.demand)
	f.mocks = f.metatable(l, "mock", func(fn Function) lua.LGFunction { return f.bound(fn.call) })
}

func (f *file) bound(call func(*file, *lua.LState) int) lua.LGFunction {
	return func(l *lua.LState) int { return call(f, l) }
}

// metatable makes that of a kind of value; a method that it has not is an error with the nearest one.
func (f *file) metatable(l *lua.LState, kind string, function func(Function) lua.LGFunction) *lua.LTable {
	list := map[string]lua.LValue{}
	for name, fn := range f.methods[kind] {
		list[name] = l.NewFunction(function(fn))
	}
	mt := l.NewTable()
	mt.RawSetString("__metatable", lua.LString(kind))
	mt.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
		name := l.Get(2).String()
		fn := list[name]
		if fn == nil {
			sandbox.RaiseMisuse(l, "a value of kind %s has no %q%s", kind, name, raddb.DidYouMean(name, maps.Keys(list)))
		}
		l.Push(fn)
		return 1
	}))
	mt.RawSetString("__newindex", l.NewFunction(func(l *lua.LState) int {
		sandbox.RaiseMisuse(l, "a value of kind %s cannot be changed", kind)
		return 0
	}))
	return mt
}

// registering raises unless the file is being loaded.
func (f *file) registering(l *lua.LState, what string) {
	if !f.loading {
		sandbox.RaiseMisuse(l, "%s belongs to the top of the file, not into a case", what)
	}
}

// running raises while the file is being loaded.
func (f *file) running(l *lua.LState, what string) {
	if f.loading {
		sandbox.RaiseMisuse(l, "%s belongs into a case or into test.setup", what)
	}
}

func (f *file) testCase(l *lua.LState) int {
	f.registering(l, "test.case")
	name, fn := sandbox.CheckString(l, 1), sandbox.CheckFunction(l, 2)
	f.register(testCase{name: name, at: f.whereabouts(l), fn: fn})
	return 0
}

func (f *file) testEach(l *lua.LState) int {
	f.registering(l, "test.each")
	name, rows, fn := sandbox.CheckString(l, 1), sandbox.CheckTable(l, 2), sandbox.CheckFunction(l, 3)
	for i := 1; i <= rows.Len(); i++ {
		f.register(testCase{name: fmt.Sprintf("%s #%d", name, i), at: f.whereabouts(l), fn: fn, row: rows.RawGetInt(i)})
	}
	return 0
}

// register adds a case. Two of one name can be told apart by their line alone.
func (f *file) register(c testCase) {
	if i := slices.IndexFunc(f.cases, func(known testCase) bool { return known.name == c.name }); i >= 0 {
		f.warnings.Warnf(c.at, "a second case %q; the first is at line %d", c.name, f.cases[i].at.Line)
	}
	f.cases = append(f.cases, c)
}

func (f *file) testSetup(l *lua.LState) int {
	f.registering(l, "test.setup")
	f.setups = append(f.setups, sandbox.CheckFunction(l, 1))
	return 0
}

func (f *file) testUsers(l *lua.LState) int { return f.lines(l, "test.users", f.takeUsers) }

func (f *file) testClients(l *lua.LState) int { return f.lines(l, "test.clients", f.takeClients) }

func (f *file) lines(l *lua.LState, what string, take func(string) error) int {
	f.registering(l, what)
	if err := take(sandbox.CheckString(l, 1)); err != nil {
		sandbox.RaiseMisuse(l, "%s: %s", what, err)
	}
	return 0
}

func (f *file) testEqual(l *lua.LState) int {
	f.demanded = true
	if got, want := l.Get(1), l.Get(2); !deepEqual(got, want, 0) {
		f.raise(l, unequal(want, got))
	}
	return 0
}

func (f *file) testRaises(l *lua.LState) int {
	f.demanded = true
	fn, text := sandbox.CheckFunction(l, 1), sandbox.OptString(l, 2, "")
	l.Push(fn)
	err := l.PCall(0, 0, nil)
	f.failed = nil // what was raised was wanted, perhaps
	if err == nil {
		sandbox.RaiseMisuse(l, "nothing was raised; expected %q", text)
	}
	if message := raised(err); !strings.Contains(message, text) {
		sandbox.RaiseMisuse(l, "raised %q, expected %q in it", message, text)
	}
	return 0
}

// raised gives what a call has raised, with its place and without the stack.
func raised(err error) string {
	var api *lua.ApiError
	if errors.As(err, &api) {
		return api.Object.String()
	}
	return err.Error()
}

func (f *file) testFire(l *lua.LState) int {
	f.running(l, "test.fire")
	f.calling = l
	err := f.view.Fire(sandbox.CheckString(l, 1), sandbox.OptString(l, 2, ""))
	if f.astray != nil {
		err = f.astray
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "test.fire: %s", err)
	}
	return 0
}

// whereabouts gives the line that called the running function.
func (f *file) whereabouts(l *lua.LState) raddb.Pos {
	at := raddb.Pos{File: f.name}
	if d, ok := l.GetStack(1); ok {
		if _, err := l.GetInfo("l", d, lua.LNil); err == nil {
			at.Line = d.CurrentLine
		}
	}
	return at
}

// A scriptError is what a call of the sandbox failed with.
type scriptError struct{ *sandbox.Error }

func asError(err error) scriptError {
	var e *sandbox.Error
	if errors.As(err, &e) {
		return scriptError{e}
	}
	return scriptError{&sandbox.Error{Msg: err.Error()}}
}

// at gives the place of the error in the file, without a line if it lies elsewhere.
func (e scriptError) at(file string) raddb.Pos {
	if e.File == "" {
		return raddb.Pos{File: file}
	}
	return raddb.Pos{File: e.File, Line: e.Line}
}
