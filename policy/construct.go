package policy

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// constructing gives the function that makes verdicts of a kind.
func constructing(k server.Kind) func(rn *Runner, l *lua.LState) int {
	return func(rn *Runner, l *lua.LState) int {
		t, ok := l.Get(1).(*lua.LTable)
		if !ok || l.GetTop() != 1 {
			sandbox.RaiseMisuse(l, "%s: expected one table: write %s{} with braces", k, k)
		}
		l.Push(rn.construct(l, k, t))
		return 1
	}
}

// file files a new verdict: for Link while scripts load, as not yet returned while a handler runs.
func (rn *Runner) file(v *verdict) error {
	if !rn.pr.linked {
		rn.pr.pending = append(rn.pr.pending, v)
		return nil
	}
	if err := rn.build(v); err != nil {
		return err // nothing was made
	}
	if rn.h != nil {
		rn.made = append(rn.made, v)
	}
	return nil
}

// verdictOf gives the verdict that a Lua value is, nil if it is none.
func verdictOf(v lua.LValue) *verdict {
	if ud, ok := v.(*lua.LUserData); ok {
		if out, ok := ud.Value.(*verdict); ok {
			return out
		}
	}
	return nil
}

// verdictMeta makes the metatable of verdicts.
func verdictMeta() *lua.LTable {
	refuse := func(l *lua.LState) int {
		sandbox.RaiseMisuse(l, "a verdict is a value: it can be returned, not read or changed")
		return 0
	}
	return metatable(map[string]lua.LGFunction{"__index": refuse, "__newindex": refuse, "__tostring": func(l *lua.LState) int {
		if v := verdictOf(l.Get(1)); v != nil {
			l.Push(lua.LString(v.kind.String() + "{}"))
			return 1
		}
		return 0
	}})
}
