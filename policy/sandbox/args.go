package sandbox

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// RaiseMisuse raises an error of kind Misuse at the place in the script that called the running function.
func RaiseMisuse(l *lua.LState, format string, a ...any) { raiseKind(l, Misuse, format, a...) }

// RaiseBackend raises the failure of a backend, which ends the run unless the script handles it.
func RaiseBackend(l *lua.LState, format string, a ...any) { raiseKind(l, Backend, format, a...) }

func raiseKind(l *lua.LState, kind Kind, format string, a ...any) {
	s := Of(l)
	s.raised.kind, s.raised.text = kind, place(l)+fmt.Sprintf(format, a...)
	l.Error(lua.LString(s.raised.text), 0)
}

// place gives "file:line: " of the innermost frame of a script, "" if there is none.
func place(l *lua.LState) string {
	for level := 0; ; level++ {
		if _, ok := l.GetStack(level); !ok {
			return ""
		}
		if where := l.Where(level); where != "[G]:" {
			return where + " "
		}
	}
}

// ArgError raises that argument n is not what was expected.
func ArgError(l *lua.LState, n int, expected string) {
	got := "nothing"
	if n <= l.GetTop() {
		got = l.Get(n).Type().String()
	}
	RaiseMisuse(l, "argument %d is %s, expected %s", n, got, expected)
}

// CheckString gives argument n as a string; numbers are converted, everything else raises.
func CheckString(l *lua.LState, n int) string {
	switch v := l.Get(n).(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return string(appendNumber(nil, float64(v)))
	}
	ArgError(l, n, "string")
	return ""
}

// OptString is CheckString with a default for nil and nothing.
func OptString(l *lua.LState, n int, def string) string {
	if l.Get(n) == lua.LNil {
		return def
	}
	return CheckString(l, n)
}

// CheckNumber gives argument n as a number; strings of digits are converted, everything else raises.
func CheckNumber(l *lua.LState, n int) float64 {
	f, ok := numberOf(l.Get(n))
	if !ok {
		ArgError(l, n, "number")
	}
	return f
}

// CheckInt is CheckNumber cut to an integer.
func CheckInt(l *lua.LState, n int) int { return integerOf(CheckNumber(l, n)) }

// OptInt is CheckInt with a default for nil and nothing.
func OptInt(l *lua.LState, n int, def int) int {
	if l.Get(n) == lua.LNil {
		return def
	}
	return CheckInt(l, n)
}

// CheckTable gives argument n as a table; anything else raises.
func CheckTable(l *lua.LState, n int) *lua.LTable {
	t, ok := l.Get(n).(*lua.LTable)
	if !ok {
		ArgError(l, n, "table")
	}
	return t
}

// CheckFunction gives argument n as a function; anything else raises.
func CheckFunction(l *lua.LState, n int) *lua.LFunction {
	f, ok := l.Get(n).(*lua.LFunction)
	if !ok {
		ArgError(l, n, "function")
	}
	return f
}

// CheckAny gives argument n; it raises if there is none.
func CheckAny(l *lua.LState, n int) lua.LValue {
	if n > l.GetTop() {
		ArgError(l, n, "a value")
	}
	return l.Get(n)
}

// PushString pays for a string, checks its length and pushes it.
func PushString(l *lua.LState, text string) {
	CheckLength(l, len(text))
	l.Push(Of(l).texts.box(text))
}

// pushBytes is PushString for a buffer, which is copied.
func pushBytes(l *lua.LState, text []byte) {
	CheckLength(l, len(text))
	l.Push(Of(l).Text(text))
}

// CheckRoom raises if a string that is being made has grown beyond what one may have. It takes no price.
func CheckRoom(l *lua.LState, n int) {
	if limit := Of(l).limits.String; n > limit {
		RaiseMisuse(l, "string of %d octets; %d are allowed", n, limit)
	}
}

// CheckLength raises if a string of n octets is too long, and takes its price.
func CheckLength(l *lua.LState, n int) {
	CheckRoom(l, n)
	if n >= octetsPerStep {
		Charge(l, n/octetsPerStep)
	}
}
