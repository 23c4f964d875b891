package policy

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/policy/sandbox"
)

// requestGroup is req:group(name): whether the user is in a Unix group. Without a name nobody is.
func requestGroup(rn *Runner, l *lua.LState) int {
	a := self(l)
	name, ok := l.Get(2).(lua.LString)
	if !ok {
		sandbox.RaiseMisuse(l, "group: %v", found(l.Get(2), "the name of a Unix group"))
	}
	accounts, err := rn.pr.accounts()
	if err != nil {
		sandbox.RaiseMisuse(l, "group: %v", err)
	}
	user, _ := a.list.First(rn.known().UserName)
	l.Push(lua.LBool(accounts.Member(user, string(name))))
	return 1
}

// linkGroup reads the accounts, so that they are inputs of the generation, and tells of a group that there is not.
func (pr *Program) linkGroup(l literal, errs *raddb.List) {
	accounts, err := pr.accounts()
	switch {
	case err != nil:
		errs.Errorf(l.at, "%v", err)
	case !accounts.HasGroup(l.name):
		errs.Warnf(l.at, "no Unix group is named %q; nobody is in it", l.name)
	}
}
