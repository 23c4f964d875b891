package module

import (
	"strings"
	"time"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// Called is told of a call that may wait: the function ("http.get"), what was asked, without what may be secret, how
// long it took, and how it failed.
type Called func(what, asked string, took time.Duration, err error)

// told gives a function that is called where something may wait, and tells Env.Called of its calls, if there is
// somebody.
func told(in, name string, call waiting) waiting {
	return func(l *lua.LState) (lua.LValue, error) {
		e := From(l)
		e.mayWait(l, in)
		if e.Called == nil {
			return call(l)
		}
		asked, begun := askedOf(l, in, name), time.Now()
		v, err := call(l)
		if err != nil {
			e.Called(in+"."+name, asked, time.Since(begun), AsFailure(err))
		} else {
			e.Called(in+"."+name, asked, time.Since(begun), nil)
		}
		return v, err
	}
}

// maxAsked bounds what is told of the question of a call, in octets.
const maxAsked = 120

// askedOf gives what a call asks for where that is no secret: a path without its query, a statement without its
// values, a filter, a DN, a program. Tables and windows are not told of.
func askedOf(l *lua.LState, in, name string) string {
	switch in {
	case "http", "sql":
		text, _ := l.Get(2).(lua.LString)
		asked, _, _ := strings.Cut(string(text), "?")
		return shortened(asked)
	case "ldap":
		if t, ok := l.Get(2).(*lua.LTable); ok {
			return shortened(text(t, "base") + " " + text(t, "filter"))
		}
		dn, _ := l.Get(2).(lua.LString) // of bind; the password stands behind it
		return shortened(string(dn))
	case "exec":
		if t, ok := l.Get(1).(*lua.LTable); ok {
			path, _ := t.RawGetInt(1).(lua.LString)
			return shortened(string(path))
		}
	}
	return ""
}

func text(t *lua.LTable, key string) string {
	s, _ := t.RawGetString(key).(lua.LString)
	return string(s)
}

// shortened bounds a text and makes one line of it.
func shortened(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxAsked {
		return text
	}
	end := maxAsked
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
