package sandbox

import (
	"errors"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// baseFunctions gives the functions of section 5.1 of the Lua manual that scripts have, and readfile. It is a
// function because some of them reach the table of their own values.
func baseFunctions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"assert": baseAssert, "error": baseError, "getmetatable": baseGetMetatable, "ipairs": baseIpairs,
		"next": baseNext, "pairs": basePairs, "pcall": basePCall, "print": basePrint, "rawequal": baseRawEqual,
		"rawget": baseRawGet, "rawset": baseRawSet, "readfile": baseReadFile, "require": baseRequire,
		"select": baseSelect, "setmetatable": baseSetMetatable, "tonumber": baseToNumber,
		"tostring": baseToString, "type": baseType, "unpack": baseUnpack, "xpcall": baseXPCall,
	}
}

func baseAssert(l *lua.LState) int {
	if v := CheckAny(l, 1); lua.LVAsBool(v) {
		return l.GetTop()
	}
	if l.GetTop() >= 2 {
		l.Error(l.Get(2), 0)
	}
	l.RaiseError("assertion failed!")
	return 0
}

func baseError(l *lua.LState) int {
	v, level := l.Get(1), OptInt(l, 2, 1)
	if text, ok := v.(lua.LString); ok && level > 0 {
		if where := l.Where(level); where != "" && where != "[G]:" {
			v = lua.LString(where + " " + string(text))
		}
	}
	l.Error(v, 0)
	return 0
}

func baseGetMetatable(l *lua.LState) int {
	l.Push(l.GetMetatable(CheckAny(l, 1)))
	return 1
}

func baseSetMetatable(l *lua.LState) int {
	t := checkWritable(l, 1)
	switch mt := l.Get(2).(type) {
	case *lua.LTable:
		refuseProtected(l, t)
		t.Metatable = mt
	default:
		if mt != lua.LNil || l.GetTop() < 2 {
			ArgError(l, 2, "nil or table")
		}
		refuseProtected(l, t)
		t.Metatable = lua.LNil
	}
	l.SetTop(1)
	return 1
}

func refuseProtected(l *lua.LState, t *lua.LTable) {
	if mt, ok := t.Metatable.(*lua.LTable); ok && mt.RawGetString("__metatable") != lua.LNil {
		l.RaiseError("cannot change a protected metatable")
	}
}

// The iterators are values of their own, so that pairs and ipairs make none.
var (
	nextFunction  = NewFunction(baseNext)
	ipairsStepper = NewFunction(ipairsStep)
)

func baseIpairs(l *lua.LState) int {
	t := readable(l, 1)
	l.Push(ipairsStepper)
	l.Push(t)
	l.Push(lua.LNumber(0))
	return 3
}

func ipairsStep(l *lua.LState) int {
	i := CheckInt(l, 2) + 1
	v := CheckTable(l, 1).RawGetInt(i)
	if v == lua.LNil {
		return 0
	}
	l.Push(Number(i))
	l.Push(v)
	return 2
}

func basePairs(l *lua.LState) int {
	t := readable(l, 1)
	l.Push(nextFunction)
	l.Push(t)
	l.Push(lua.LNil)
	return 3
}

// readable gives table n; of a library a copy, whose keys can be walked.
func readable(l *lua.LState, n int) *lua.LTable {
	t := CheckTable(l, n)
	inner := behind(t)
	if inner == nil {
		return t
	}
	copied := l.NewTable()
	for k, v := inner.Next(lua.LNil); k != lua.LNil; k, v = inner.Next(k) {
		copied.RawSet(k, v)
	}
	return copied
}

func baseNext(l *lua.LState) int {
	k, v := CheckTable(l, 1).Next(l.Get(2))
	l.Push(k)
	if k == lua.LNil {
		return 1
	}
	l.Push(v)
	return 2
}

// failedCall is what a caught error costs: gopher-lua writes a traceback for each.
const failedCall = 100

func basePCall(l *lua.LState) int {
	CheckAny(l, 1)
	if err := l.PCall(l.GetTop()-1, lua.MultRet, nil); err != nil {
		return caught(l, err)
	}
	l.Insert(lua.LTrue, 1)
	return l.GetTop()
}

func baseXPCall(l *lua.LState) int {
	handler := CheckFunction(l, 2)
	l.Push(CheckAny(l, 1))
	if err := l.PCall(0, lua.MultRet, handler); err != nil {
		return caught(l, err)
	}
	l.Insert(lua.LTrue, 3)
	return l.GetTop() - 2
}

// caught gives false and the error; an error that ends the run goes on.
func caught(l *lua.LState, err error) int {
	s := Of(l)
	l.G.CurrentThread = l
	var api *lua.ApiError
	if !errors.As(err, &api) || api.Type == lua.ApiErrorPanic {
		s.broken = true
		s.budget.stop(Internal)
	}
	if s.budget.kind != 0 || !s.budget.spend(failedCall) {
		stopped(l)
	}
	l.Push(lua.LFalse)
	l.Push(api.Object)
	return 2
}

func basePrint(l *lua.LState) int {
	var text strings.Builder
	for i := 1; i <= l.GetTop(); i++ {
		if i > 1 {
			text.WriteByte('\t')
		}
		text.WriteString(ToString(l, l.Get(i)))
		CheckLength(l, text.Len())
	}
	if write := Of(l).host.Print; write != nil {
		write(text.String())
	}
	return 0
}

func baseRawEqual(l *lua.LState) int {
	l.Push(lua.LBool(l.RawEqual(CheckAny(l, 1), CheckAny(l, 2))))
	return 1
}

func baseRawGet(l *lua.LState) int {
	t := CheckTable(l, 1)
	if inner := behind(t); inner != nil {
		t = inner
	}
	l.Push(t.RawGet(CheckAny(l, 2)))
	return 1
}

func baseRawSet(l *lua.LState) int {
	l.RawSet(checkWritable(l, 1), CheckAny(l, 2), CheckAny(l, 3))
	l.SetTop(1)
	return 1
}

func baseSelect(l *lua.LState) int {
	if l.Get(1) == lua.LString("#") {
		l.Push(Number(l.GetTop() - 1))
		return 1
	}
	n, top := CheckInt(l, 1), l.GetTop()
	if n < 0 {
		n += top
	}
	if n < 1 {
		RaiseMisuse(l, "argument 1 is out of range")
	}
	return max(top-n, 0)
}

func baseUnpack(l *lua.LState) int {
	t := CheckTable(l, 1)
	from := OptInt(l, 2, 1)
	to := OptInt(l, 3, t.Len())
	if to < from {
		return 0
	}
	count := to - from + 1
	if count > maxUnpack {
		RaiseMisuse(l, "too many results to unpack: %d, %d are allowed", count, maxUnpack)
	}
	Charge(l, count/8)
	for i := from; i <= to; i++ {
		l.Push(t.RawGetInt(i))
	}
	return count
}
