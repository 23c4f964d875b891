package sandbox

import lua "github.com/yuin/gopher-lua"

// Function gives a program as a function of the state, to be called many times. Its arguments are the
// chunk's `...`.
func (s *State) Function(p *Program) *lua.LFunction { return s.l.NewFunctionFromProto(p.proto) }
