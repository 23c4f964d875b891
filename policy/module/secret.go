package module

import (
	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// A Secret is a value that scripts can hand on but not see by accident. secret("name") gives one.
type Secret struct{ text string }

var secretMeta = methods([]Function{{Of: "secret", Name: "reveal", call: secretReveal}}, "secret", map[string]lua.LGFunction{
	"__tostring": func(l *lua.LState) int { return pushedText(l, "[secret]") },
})

// NewSecret gives a secret as a Lua value.
func NewSecret(text string) lua.LValue {
	return &lua.LUserData{Value: Secret{text}, Metatable: secretMeta}
}

// SecretMethods documents the methods of a secret.
func SecretMethods() []Function {
	return []Function{{Module: "secret", Of: "secret", Name: "reveal", Signature: "s:reveal()", Doc: "The text of a secret. It is blanked in log, trace and errors.", call: secretReveal}}
}

func secretReveal(l *lua.LState) int {
	s := self[Secret](l, "secret")
	if told := From(l).Revealed; told != nil {
		told(s.text)
	}
	return pushed(l, lua.LString(s.text))
}

// CheckText gives argument n, a string or a secret.
func CheckText(l *lua.LState, n int) string {
	if ud, ok := l.Get(n).(*lua.LUserData); ok {
		if s, ok := ud.Value.(Secret); ok {
			return s.text
		}
	}
	return sandbox.CheckString(l, n)
}
