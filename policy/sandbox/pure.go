package sandbox

import lua "github.com/yuin/gopher-lua"

// A Purist is Host.Data that says when only functions of their arguments may be called: while a codec runs, whose
// result must be the same each time.
type Purist interface{ Pure() bool }

// Pure reports whether the run of l may only compute.
func Pure(l *lua.LState) bool {
	p, ok := Of(l).host.Data.(Purist)
	return ok && p.Pure()
}

// impure raises where what a function gives is not by its arguments alone.
func impure(l *lua.LState, name string) {
	if Pure(l) {
		RaiseMisuse(l, "%s gives something else each time, which a codec may not ask", name)
	}
}
