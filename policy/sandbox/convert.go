package sandbox

import lua "github.com/yuin/gopher-lua"

func baseToNumber(l *lua.LState) int {
	v := CheckAny(l, 1)
	base := OptInt(l, 2, 10)
	if base < 2 || base > 36 {
		RaiseMisuse(l, "base %d is not 2 to 36", base)
	}
	n, ok := numberOf(v)
	if l.GetTop() >= 2 && base != 10 {
		n, ok = parseInteger(CheckString(l, 1), base)
	}
	if !ok {
		l.Push(lua.LNil)
		return 1
	}
	l.Push(lua.LNumber(n))
	return 1
}

func baseToString(l *lua.LState) int {
	PushString(l, ToString(l, CheckAny(l, 1)))
	return 1
}

// ToString gives a value's text, through __tostring where it has one.
func ToString(l *lua.LState, v lua.LValue) string {
	if fn, ok := l.GetMetaField(v, "__tostring").(*lua.LFunction); ok {
		l.Push(fn)
		l.Push(v)
		l.Call(1, 1)
		text, isText := l.Get(-1).(lua.LString)
		l.Pop(1)
		if !isText {
			l.RaiseError("'tostring' must return a string")
		}
		return string(text)
	}
	return plainText(v)
}

func plainText(v lua.LValue) string {
	if n, ok := v.(lua.LNumber); ok {
		return string(appendNumber(nil, float64(n)))
	}
	return v.String()
}

// text gives what an error value says.
func (s *State) text(v lua.LValue) string {
	switch v.(type) {
	case lua.LString, lua.LNumber:
		return plainText(v)
	}
	return "(error object is a " + v.Type().String() + " value)"
}

func baseType(l *lua.LState) int {
	l.Push(typeNames[CheckAny(l, 1).Type()])
	return 1
}

// typeNames are boxed once.
var typeNames = func() (names [9]lua.LValue) {
	for t := range names {
		names[t] = lua.LString(lua.LValueType(t).String())
	}
	return names
}()
