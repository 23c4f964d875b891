package sandbox

import lua "github.com/yuin/gopher-lua"

// loading stands for a required file while it runs.
var loading = &lua.LUserData{}

// baseRequire runs the program that the host has for a name, once a state, and gives its value.
func baseRequire(l *lua.LState) int {
	s, name := Of(l), CheckString(l, 1)
	if v, ok := s.loaded[name]; ok {
		if v == loading {
			l.RaiseError("require %q: the files require each other", name)
		}
		l.Push(v)
		return 1
	}
	if s.host.Require == nil {
		RaiseMisuse(l, "require %q: there are no files here", name)
	}
	program, err := s.host.Require(name)
	if err != nil {
		RaiseMisuse(l, "require %q: %v", name, err)
	}
	s.loaded[name] = loading
	l.Push(s.l.NewFunctionFromProto(program.proto))
	l.Push(lua.LString(name))
	l.Call(1, 1)
	v := l.Get(-1)
	if v == lua.LNil {
		v = lua.LTrue
	}
	s.loaded[name] = v
	l.Push(v)
	return 1
}

// baseReadFile gives a file of the scripts' directory as a string.
func baseReadFile(l *lua.LState) int {
	s, name := Of(l), CheckString(l, 1)
	if s.host.ReadFile == nil {
		RaiseMisuse(l, "readfile %q: there are no files here", name)
	}
	text, err := s.host.ReadFile(name)
	if err != nil {
		RaiseMisuse(l, "readfile %q: %v", name, err)
	}
	PushString(l, text)
	return 1
}
