package sandbox

import (
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"
)

// bitFunctions are Lua 5.2's bit32: unsigned, modulo 2^32.
var bitFunctions = map[string]lua.LGFunction{
	"band":    fold(math.MaxUint32, func(a, b uint32) uint32 { return a & b }),
	"bor":     fold(0, func(a, b uint32) uint32 { return a | b }),
	"bxor":    fold(0, func(a, b uint32) uint32 { return a ^ b }),
	"btest":   bitTest,
	"bnot":    func(l *lua.LState) int { return pushBits(l, ^checkBits(l, 1)) },
	"lshift":  func(l *lua.LState) int { return pushBits(l, shift(checkBits(l, 1), CheckInt(l, 2))) },
	"rshift":  func(l *lua.LState) int { return pushBits(l, shift(checkBits(l, 1), -CheckInt(l, 2))) },
	"arshift": bitArithmeticShift,
	"lrotate": func(l *lua.LState) int { return pushBits(l, bits.RotateLeft32(checkBits(l, 1), CheckInt(l, 2)&31)) },
	"rrotate": func(l *lua.LState) int { return pushBits(l, bits.RotateLeft32(checkBits(l, 1), -(CheckInt(l, 2)&31))) },
	"extract": bitExtract,
	"replace": bitReplace,
}

// checkBits takes a number modulo 2^32, rounded to the nearest integer.
func checkBits(l *lua.LState, n int) uint32 {
	f := math.RoundToEven(CheckNumber(l, n))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		ArgError(l, n, "a finite number")
	}
	f = math.Mod(f, 1<<32)
	if f < 0 {
		f += 1 << 32
	}
	return uint32(f)
}

func pushBits(l *lua.LState, v uint32) int {
	l.Push(lua.LNumber(v))
	return 1
}

func fold(start uint32, f func(a, b uint32) uint32) lua.LGFunction {
	return func(l *lua.LState) int { return pushBits(l, folded(l, start, f)) }
}

func folded(l *lua.LState, v uint32, f func(a, b uint32) uint32) uint32 {
	for i := 1; i <= l.GetTop(); i++ {
		v = f(v, checkBits(l, i))
	}
	return v
}

func bitTest(l *lua.LState) int {
	all := folded(l, math.MaxUint32, func(a, b uint32) uint32 { return a & b })
	l.Push(lua.LBool(all != 0))
	return 1
}

// shift goes left by n, right if n is negative.
func shift(v uint32, n int) uint32 {
	switch {
	case n >= 32 || n <= -32:
		return 0
	case n >= 0:
		return v << n
	}
	return v >> -n
}

func bitArithmeticShift(l *lua.LState) int {
	v, n := checkBits(l, 1), CheckInt(l, 2)
	if n < 0 {
		return pushBits(l, shift(v, -n))
	}
	return pushBits(l, uint32(int32(v)>>min(n, 31)))
}

// field reads a field's place and width from arguments n and n+1.
func field(l *lua.LState, n int) (at int, mask uint32) {
	at, width := CheckInt(l, n), OptInt(l, n+1, 1)
	if at < 0 || width < 1 || at+width > 32 {
		RaiseMisuse(l, "field of %d bits at bit %d does not lie in 32 bits", width, at)
	}
	return at, uint32(uint64(1)<<width - 1)
}

func bitExtract(l *lua.LState) int {
	v := checkBits(l, 1)
	at, mask := field(l, 2)
	return pushBits(l, v>>at&mask)
}

func bitReplace(l *lua.LState) int {
	v, with := checkBits(l, 1), checkBits(l, 2)
	at, mask := field(l, 3)
	return pushBits(l, v&^(mask<<at)|with&mask<<at)
}
