package sandbox

import (
	"math"
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"
)

var mathConstants = map[string]lua.LValue{"pi": lua.LNumber(math.Pi), "huge": lua.LNumber(math.Inf(1))}

// mathFunctions are those of section 5.6 of the Lua manual; random is per state.
var mathFunctions = map[string]lua.LGFunction{
	"abs": unary(math.Abs), "acos": unary(math.Acos), "asin": unary(math.Asin), "atan": unary(math.Atan),
	"ceil": unary(math.Ceil), "cos": unary(math.Cos), "cosh": unary(math.Cosh), "exp": unary(math.Exp),
	"floor": unary(math.Floor), "log": unary(math.Log), "log10": unary(math.Log10), "sin": unary(math.Sin),
	"sinh": unary(math.Sinh), "sqrt": unary(math.Sqrt), "tan": unary(math.Tan), "tanh": unary(math.Tanh),
	"deg":   unary(func(x float64) float64 { return x * 180 / math.Pi }),
	"rad":   unary(func(x float64) float64 { return x * math.Pi / 180 }),
	"atan2": binary(math.Atan2), "fmod": binary(math.Mod), "pow": binary(math.Pow),
	"frexp": mathFrexp, "ldexp": mathLdexp, "modf": mathModf,
	"max":    extreme(func(a, b float64) bool { return a > b }),
	"min":    extreme(func(a, b float64) bool { return a < b }),
	"random": mathRandom, "randomseed": mathRandomSeed,
}

func unary(f func(float64) float64) lua.LGFunction {
	return func(l *lua.LState) int {
		l.Push(lua.LNumber(f(CheckNumber(l, 1))))
		return 1
	}
}

func binary(f func(a, b float64) float64) lua.LGFunction {
	return func(l *lua.LState) int {
		l.Push(lua.LNumber(f(CheckNumber(l, 1), CheckNumber(l, 2))))
		return 1
	}
}

func extreme(better func(a, b float64) bool) lua.LGFunction {
	return func(l *lua.LState) int {
		best := CheckNumber(l, 1)
		for i := 2; i <= l.GetTop(); i++ {
			if v := CheckNumber(l, i); better(v, best) {
				best = v
			}
		}
		l.Push(lua.LNumber(best))
		return 1
	}
}

func mathFrexp(l *lua.LState) int {
	fraction, exponent := math.Frexp(CheckNumber(l, 1))
	l.Push(lua.LNumber(fraction))
	l.Push(lua.LNumber(exponent))
	return 2
}

func mathLdexp(l *lua.LState) int {
	l.Push(lua.LNumber(math.Ldexp(CheckNumber(l, 1), CheckInt(l, 2))))
	return 1
}

func mathModf(l *lua.LState) int {
	n := CheckNumber(l, 1)
	whole, fraction := math.Modf(n)
	if math.IsInf(n, 0) {
		fraction = 0
	}
	l.Push(lua.LNumber(whole))
	l.Push(lua.LNumber(fraction))
	return 2
}

func (s *State) seed(n uint64) {
	if n == 0 {
		n = rand.Uint64()
	}
	s.rng = rand.New(rand.NewPCG(n, n))
}

func mathRandom(l *lua.LState) int {
	impure(l, "math.random")
	rng := Of(l).rng
	low, high := 1, 0
	switch l.GetTop() {
	case 0:
		l.Push(lua.LNumber(rng.Float64()))
		return 1
	case 1:
		high = CheckInt(l, 1)
	default:
		low, high = CheckInt(l, 1), CheckInt(l, 2)
	}
	if low > high {
		RaiseMisuse(l, "the interval from %d to %d is empty", low, high)
	}
	l.Push(lua.LNumber(low + rng.IntN(high-low+1)))
	return 1
}

func mathRandomSeed(l *lua.LState) int {
	Of(l).seed(math.Float64bits(CheckNumber(l, 1)) | 1)
	return 0
}
