package module

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// pure are the modules whose functions a codec may call, and impure those among them that it may not: what they
// give depends on more than their arguments.
var (
	pure   = []string{"json", "bytes", "net", "time", "re", "crypto", "dict", "log"}
	impure = []string{"time.now", "crypto.random", "crypto.seal", "crypto.hash"}
)

// Pure reports whether a codec may call the function.
func (f *Function) Pure() bool {
	return !f.Waits && slices.Contains(pure, f.Module) && !slices.Contains(impure, f.Module+"."+f.Name)
}

// calling gives what scripts call. Most functions are told when a codec calls them.
func (f *Function) calling() lua.LGFunction {
	if f.Pure() {
		return f.call
	}
	name, call := f.Signature, f.call
	return func(l *lua.LState) int {
		if sandbox.Pure(l) {
			sandbox.RaiseMisuse(l, "%s is not for codecs, which compute from their argument alone", name)
		}
		return call(l)
	}
}
