package policy

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/engine/auth"
	"perilune/policy/sandbox"
)

// requestCheckPassword is req:check_password([stored]).
func requestCheckPassword(rn *Runner, l *lua.LState) int {
	self(l)
	stored, err := rn.storedPassword(l)
	if err != nil {
		sandbox.RaiseMisuse(l, "check_password: the stored password: %v", err)
	}
	right, fits, err := rn.r.CheckPassword(stored)
	if stored.Costly() {
		rn.box.Waited()
	}
	if err != nil { // a house that is full drops the request, as the native way does
		sandbox.RaiseBackend(l, "check_password: %v", err)
	}
	if !fits {
		sandbox.RaiseMisuse(l, "check_password: works for pap, chap, mschap and mschapv2; this request's method is %q", rn.r.Method)
	}
	l.Push(lua.LBool(right))
	return 1
}

// storedPassword gives the argument's password, or the first one in req.control.
func (rn *Runner) storedPassword(l *lua.LState) (auth.Stored, error) {
	switch v := l.Get(2).(type) {
	case lua.LString:
		return auth.Parse("", []byte(v))
	case *lua.LNilType:
		if l.GetTop() > 1 {
			sandbox.RaiseMisuse(l, "check_password: the stored password is nil; without an argument req.control is asked")
		}
	default:
		sandbox.RaiseMisuse(l, "check_password: got a %s, expected text", v.Type())
	}
	stored, ok, err := rn.r.ControlPassword()
	if err == nil && !ok {
		sandbox.RaiseMisuse(l, "check_password: req.control holds no password; before the users file was asked, give the stored one as argument")
	}
	return stored, err
}
