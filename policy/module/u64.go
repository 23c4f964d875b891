package module

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// maxExact is the greatest number up to which Lua's numbers hold every integer.
const maxExact = 1 << 53

// A U64 is an unsigned number of 64 bits as scripts hold it when it is above 2^53.
type U64 uint64

// NewU64 gives n as a Lua value: a number up to 2^53, above it a userdata that calculates, compares with its
// like and prints in full. Comparing it with a number by < raises.
func NewU64(n uint64) lua.LValue {
	if n <= maxExact {
		return lua.LNumber(n)
	}
	return boxU64(n)
}

func boxU64(n uint64) lua.LValue { return &lua.LUserData{Value: U64(n), Metatable: u64Meta} }

// ToU64 reads what NewU64 and bytes.u64 give, and whole numbers from 0 to 2^53.
func ToU64(v lua.LValue) (uint64, bool) {
	switch v := v.(type) {
	case *lua.LUserData:
		n, ok := v.Value.(U64)
		return uint64(n), ok
	case lua.LNumber:
		n := float64(v)
		return uint64(n), n >= 0 && n <= maxExact && n == math.Trunc(n)
	}
	return 0, false
}

// u64Meta is shared by all states. It is filled by a second statement, since its functions make u64s.
var (
	u64Meta = &lua.LTable{Metatable: lua.LNil}
	_       = fill(u64Meta, methods([]Function{{Of: "u64", Name: "number", call: u64Number}}, "u64", u64Operators))
)

func fill(t, with *lua.LTable) *lua.LTable {
	for k, v := with.Next(lua.LNil); k != lua.LNil; k, v = with.Next(k) {
		t.RawSet(k, v)
	}
	return t
}

var u64Operators = map[string]lua.LGFunction{
	"__add":      u64Arithmetic("+", func(a, b uint64) (uint64, bool) { n, carry := bits.Add64(a, b, 0); return n, carry == 0 }),
	"__sub":      u64Arithmetic("-", func(a, b uint64) (uint64, bool) { return a - b, a >= b }),
	"__mul":      u64Arithmetic("*", func(a, b uint64) (uint64, bool) { high, n := bits.Mul64(a, b); return n, high == 0 }),
	"__div":      u64Arithmetic("/", func(a, b uint64) (uint64, bool) { return a / max(b, 1), b != 0 }),
	"__mod":      u64Arithmetic("%", func(a, b uint64) (uint64, bool) { return a % max(b, 1), b != 0 }),
	"__eq":       u64Compare(func(a, b uint64) bool { return a == b }),
	"__lt":       u64Compare(func(a, b uint64) bool { return a < b }),
	"__le":       u64Compare(func(a, b uint64) bool { return a <= b }),
	"__tostring": func(l *lua.LState) int { return pushedText(l, u64Text(l.Get(1))) },
	"__concat": func(l *lua.LState) int {
		return pushedText(l, u64Text(l.Get(1))+u64Text(l.Get(2)))
	},
}

func u64Text(v lua.LValue) string {
	if ud, ok := v.(*lua.LUserData); ok {
		if n, ok := ud.Value.(U64); ok {
			return strconv.FormatUint(uint64(n), 10)
		}
	}
	return lua.LVAsString(v)
}

// u64Arithmetic gives whole numbers; / cuts the rest off. What leaves 0 to 2^64-1 raises.
func u64Arithmetic(op string, f func(a, b uint64) (uint64, bool)) lua.LGFunction {
	return func(l *lua.LState) int {
		a, ok1 := ToU64(l.Get(1))
		b, ok2 := ToU64(l.Get(2))
		if !ok1 || !ok2 {
			sandbox.RaiseMisuse(l, "%s with a u64 takes whole numbers from 0 to 2^53 and u64", op)
		}
		n, ok := f(a, b)
		if !ok {
			sandbox.RaiseMisuse(l, "%d %s %d is not a number from 0 to 2^64-1", a, op, b)
		}
		return pushed(l, boxU64(n))
	}
}

func u64Compare(f func(a, b uint64) bool) lua.LGFunction {
	return func(l *lua.LState) int {
		a, _ := ToU64(l.Get(1))
		b, _ := ToU64(l.Get(2))
		return pushed(l, lua.LBool(f(a, b)))
	}
}

// u64Number is u:number(): nil above 2^53.
func u64Number(l *lua.LState) int {
	n := uint64(self[U64](l, "u64"))
	if n > maxExact {
		return pushed(l, lua.LNil)
	}
	return pushed(l, lua.LNumber(n))
}

// bytesU64 is bytes.u64(x): x is a whole number, a u64 or text of digits.
func bytesU64(l *lua.LState) int {
	v := sandbox.CheckAny(l, 1)
	if text, ok := v.(lua.LString); ok {
		n, err := strconv.ParseUint(string(text), 0, 64)
		if err != nil {
			return failed(l, fmt.Sprintf("%q is not a number from 0 to 2^64-1", string(text)))
		}
		return pushed(l, boxU64(n))
	}
	n, ok := ToU64(v)
	if !ok {
		sandbox.ArgError(l, 1, "a whole number from 0 to 2^53, a u64 or digits")
	}
	return pushed(l, boxU64(n))
}
