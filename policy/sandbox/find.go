package sandbox

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// checkPattern gives argument n as a compiled pattern.
func checkPattern(l *lua.LState, n int) *pattern {
	p, err := Of(l).patterns.get(CheckString(l, n))
	if err != nil {
		RaiseMisuse(l, "%v", err)
	}
	return p
}

// offset turns a position as scripts count into one from 0: negative ones count from the end, and what lies
// outside is drawn to the nearer end.
func offset(l *lua.LState, n, length int) int {
	at := OptInt(l, n, 1)
	if at < 0 {
		at += length + 1
	}
	return min(max(at-1, 0), length)
}

func stringFind(l *lua.LState) int {
	src := CheckString(l, 1)
	from := offset(l, 3, len(src))
	if lua.LVAsBool(l.Get(4)) {
		return findPlain(l, src, CheckString(l, 2), from)
	}
	p := checkPattern(l, 2)
	if p.plain && !strings.Contains(p.text, "%") {
		return findPlain(l, src, p.text, from)
	}
	m := Of(l).matching(l, src, p)
	start, end := m.search(from)
	if start < 0 {
		l.Push(lua.LNil)
		return 1
	}
	l.Push(Number(start + 1))
	l.Push(Number(end))
	if p.captures == 0 {
		return 2
	}
	return 2 + m.push(start, end)
}

func findPlain(l *lua.LState, src, text string, from int) int {
	at := strings.Index(src[from:], text)
	scanned := at
	if at < 0 {
		scanned = len(src) - from
	}
	Charge(l, scanned/scannedPerStep)
	if at < 0 {
		l.Push(lua.LNil)
		return 1
	}
	l.Push(Number(from + at + 1))
	l.Push(Number(from + at + len(text)))
	return 2
}

func stringMatch(l *lua.LState) int {
	src, p := CheckString(l, 1), checkPattern(l, 2)
	m := Of(l).matching(l, src, p)
	start, end := m.search(offset(l, 3, len(src)))
	if start < 0 {
		l.Push(lua.LNil)
		return 1
	}
	return m.push(start, end)
}

// stringGmatch gives an iterator. ^ is an ordinary character here: an anchored search would not move on.
func stringGmatch(l *lua.LState) int {
	src, text := CheckString(l, 1), CheckString(l, 2)
	p, err := Of(l).patterns.get(text)
	if err == nil && p.anchored {
		p, err = compilePattern(text, false)
	}
	if err != nil {
		RaiseMisuse(l, "%v", err)
	}
	at := 0
	l.Push(NewFunction(func(l *lua.LState) int {
		if at > len(src) {
			return 0
		}
		m := Of(l).matching(l, src, p)
		start, end := m.search(at)
		if start < 0 {
			at = len(src) + 1
			return 0
		}
		at = max(end, start+1)
		return m.push(start, end)
	}))
	return 1
}
