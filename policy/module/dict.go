package module

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/policy/sandbox"
)

func dictFunctions() []Function {
	return []Function{
		{Module: "dict", Name: "attribute", Signature: "dict.attribute(name)", Doc: "{name, number, vendor, type} of an attribute, nil if the dictionary has none of that name.", call: dictAttribute},
		{Module: "dict", Name: "value", Signature: "dict.value(attribute, name or number)", Doc: "The number behind a VALUE name, or the name of a number; nil if there is none.", call: dictValue},
	}
}

func (e *Env) dictionary(l *lua.LState) *dictionary.Dictionary {
	if e.Dictionary == nil {
		sandbox.RaiseMisuse(l, "there is no dictionary here")
	}
	return e.Dictionary
}

func dictAttribute(l *lua.LState) int {
	a := From(l).dictionary(l).Attribute(sandbox.CheckString(l, 1))
	if a == nil {
		return pushed(l, lua.LNil)
	}
	t := l.CreateTable(0, 4)
	t.RawSetString("name", lua.LString(a.FullName()))
	if !a.Internal {
		t.RawSetString("number", lua.LNumber(a.Number))
	}
	if a.Vendor != nil {
		t.RawSetString("vendor", lua.LString(a.Vendor.Name))
	}
	t.RawSetString("type", lua.LString(a.Type.String()))
	return pushed(l, t)
}

func dictValue(l *lua.LState) int {
	d, name := From(l).dictionary(l), sandbox.CheckString(l, 1)
	ref, err := d.Resolve(name)
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", strings.TrimPrefix(err.Error(), "dictionary: "))
	}
	if text, ok := l.Get(2).(lua.LString); ok {
		if n, ok := ref.Attr.ValueNumber(string(text)); ok {
			return pushed(l, NewU64(n))
		}
		return pushed(l, lua.LNil)
	}
	n, ok := ToU64(l.Get(2))
	if !ok {
		sandbox.ArgError(l, 2, "a VALUE name or a whole number")
	}
	if text, ok := ref.Attr.ValueName(n); ok {
		return pushed(l, lua.LString(text))
	}
	return pushed(l, lua.LNil)
}
