package policy

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// A surface is what all states of a program share of the API, so that a state more costs little: a request that waits
// has one of its own. Nothing in it is changed after the first state was opened. Its functions find their Runner by the
// state that calls them.
type surface struct {
	request, list map[string]*access // fields and methods of req, methods of every list
	meta          metatables
	globals       *lua.LTable
}

// runnerOf gives the Runner whose state calls.
func runnerOf(l *lua.LState) *Runner { return sandbox.Of(l).Data().(*Runner) }

// function makes a function of a Runner one that all states can share.
func function(call func(rn *Runner, l *lua.LState) int) *lua.LFunction {
	return sandbox.NewFunction(func(l *lua.LState) int { return call(runnerOf(l), l) })
}

// openAPI gives the first state of a program all names of the API, from which further ones have them.
func (rn *Runner) openAPI() {
	s := &surface{request: map[string]*access{}, list: map[string]*access{}}
	for _, e := range API() {
		var fn *lua.LFunction
		if e.call != nil {
			fn = function(e.call)
		}
		switch e.Of {
		case OfGlobal:
			rn.box.SetGlobal(e.Name, fn)
		case OfRequest:
			s.request[e.Name] = &access{get: e.get, set: e.set}
		case OfAttributes:
			s.list[e.Name] = &access{method: fn}
			s.request[e.Name] = &access{method: fn}
		case OfRequestFn:
			s.request[e.Name] = &access{method: fn}
		}
	}
	s.meta = metatables{request: objectMeta("req"), list: objectMeta("attributes"), verdict: verdictMeta(), proxy: proxyMeta()}
	rn.openLibraries()
	s.globals = rn.box.ShareGlobals()
	rn.pr.surface = s
}

// openLibraries gives the state its modules.
func (rn *Runner) openLibraries() {
	module.Open(rn.box)
	rn.box.SetGlobal("secret", function((*Runner).secret))
	rn.box.SetGlobal(fixedName, function((*Runner).fixed))
	version := sandbox.NewLibrary("perilune", nil, map[string]lua.LValue{
		"version": lua.LString(rn.pr.o.Version), "api": lua.LNumber(apiVersion),
	})
	rn.box.SetGlobal(version.Name, version.Value())
}

// metatable makes one that scripts cannot reach.
func metatable(methods map[string]lua.LGFunction) *lua.LTable {
	mt := &lua.LTable{Metatable: lua.LNil}
	mt.RawSetString("__metatable", lua.LFalse)
	for _, name := range [...]string{"__index", "__newindex", "__tostring"} {
		mt.RawSetString(name, sandbox.NewFunction(methods[name]))
	}
	return mt
}

// objectMeta makes the metatable of req or of the lists.
func objectMeta(name string) *lua.LTable {
	return metatable(map[string]lua.LGFunction{
		"__index":    func(l *lua.LState) int { return runnerOf(l).index(l) },
		"__newindex": func(l *lua.LState) int { return runnerOf(l).newIndex(l) },
		"__tostring": func(l *lua.LState) int { l.Push(lua.LString(name)); return 1 },
	})
}
