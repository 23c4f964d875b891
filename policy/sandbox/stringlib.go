package sandbox

import (
	"bytes"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFunctions are those of section 5.4 of the Lua manual, all bounded and paid for by length.
var stringFunctions = map[string]lua.LGFunction{
	"byte": stringByte, "char": stringChar, "find": stringFind, "format": stringFormat, "gmatch": stringGmatch,
	"gsub": stringGsub, "len": stringLen, "lower": mapped(asciiLower), "match": stringMatch, "rep": stringRep,
	"reverse": stringReverse, "sub": stringSub, "upper": mapped(asciiUpper),
}

// span turns arguments n and n+1, defaults given, into a slice of a string of that length.
func span(l *lua.LState, n, from, to, length int) (int, int) {
	from, to = OptInt(l, n, from), OptInt(l, n+1, to)
	if from < 0 {
		from = max(from+length+1, 1)
	}
	if to < 0 {
		to += length + 1
	}
	from, to = max(from, 1), min(to, length)
	if from > to {
		return 0, 0
	}
	return from - 1, to
}

func stringByte(l *lua.LState) int {
	s := CheckString(l, 1)
	first := OptInt(l, 2, 1)
	from, to := span(l, 2, first, first, len(s))
	if to-from > maxUnpack {
		RaiseMisuse(l, "%d octets at once; %d are allowed", to-from, maxUnpack)
	}
	for i := from; i < to; i++ {
		l.Push(Number(int(s[i])))
	}
	return to - from
}

func stringChar(l *lua.LState) int {
	text := make([]byte, l.GetTop())
	for i := range text {
		c := CheckInt(l, i+1)
		if c < 0 || c > 255 {
			RaiseMisuse(l, "argument %d is %d, expected 0 to 255", i+1, c)
		}
		text[i] = byte(c)
	}
	pushBytes(l, text)
	return 1
}

func stringLen(l *lua.LState) int {
	l.Push(Number(len(CheckString(l, 1))))
	return 1
}

// mapped changes each octet by a table: upper and lower know ASCII, as in the C locale.
func mapped(table *[256]byte) lua.LGFunction {
	return func(l *lua.LState) int {
		s := CheckString(l, 1)
		i := 0
		for i < len(s) && table[s[i]] == s[i] {
			i++
		}
		if i == len(s) {
			PushString(l, s)
			return 1
		}
		state := Of(l)
		buf := append(state.buf[:0], s...)
		for ; i < len(buf); i++ {
			buf[i] = table[buf[i]]
		}
		state.keep(buf)
		pushBytes(l, buf)
		return 1
	}
}

var asciiLower, asciiUpper = func() (lower, upper *[256]byte) {
	lower, upper = new([256]byte), new([256]byte)
	for c := range 256 {
		lower[c] = bytes.ToLower([]byte{byte(c)})[0]
		upper[c] = bytes.ToUpper([]byte{byte(c)})[0]
		if c >= 0x80 {
			lower[c], upper[c] = byte(c), byte(c)
		}
	}
	return lower, upper
}()

func stringRep(l *lua.LState) int {
	s, n := CheckString(l, 1), CheckInt(l, 2)
	if n <= 0 || s == "" {
		l.Push(lua.LString(""))
		return 1
	}
	if limit := Of(l).limits.String; n > limit/len(s) {
		RaiseMisuse(l, "string of %d times %d octets; %d are allowed", n, len(s), limit)
	}
	Charge(l, n*len(s)/octetsPerStep)
	l.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func stringReverse(l *lua.LState) int {
	s := CheckString(l, 1)
	text := make([]byte, len(s))
	for i := range text {
		text[i] = s[len(s)-1-i]
	}
	pushBytes(l, text)
	return 1
}

func stringSub(l *lua.LState) int {
	s := CheckString(l, 1)
	CheckInt(l, 2)
	from, to := span(l, 2, 1, -1, len(s))
	l.Push(Of(l).texts.box(s[from:to]))
	return 1
}
