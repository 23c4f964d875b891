package policy

import (
	lua "github.com/yuin/gopher-lua"
)

// Modules are libraries beyond those that every state has.
type Modules func(l *lua.LState) map[string]*lua.LTable

// moduleFields gives the names of the libraries with their fields, for the check of globals.
func moduleFields() map[string][]string { return nil }

// openModules gives the state its libraries.
func (rn *Runner) openModules() {}

// u64 gives a number above 2^53.
func (rn *Runner) u64(n uint64) lua.LValue { return lua.LNumber(n) }

func asU64(lua.LValue) (uint64, bool) { return 0, false }
