package rewrite

import "math"

// An interval is where a number lies. It tells where 32 bits may overflow, so that only that is written out.
type interval struct{ lo, hi float64 }

const (
	maxUint32 = 1<<32 - 1
	minInt32  = -1 << 31
	maxExact  = 1 << 53 // a number of Lua is exact up to it
)

var (
	nothing  = interval{math.Inf(1), math.Inf(-1)}
	unsigned = interval{0, maxUint32}
	word     = interval{minInt32, maxUint32} // what 32 bits hold, read one way or the other
	truth    = interval{0, 1}
	size     = interval{0, 1 << 20}
)

func exactly(n int64) interval { return interval{float64(n), float64(n)} }

func (a interval) join(b interval) interval {
	return interval{min(a.lo, b.lo), max(a.hi, b.hi)}
}

// within reports whether all of a lies in b.
func (a interval) within(b interval) bool { return a.lo >= b.lo && a.hi <= b.hi }

func (a interval) empty() bool { return a.lo > a.hi }

func (a interval) plus(b interval) interval  { return interval{a.lo + b.lo, a.hi + b.hi} }
func (a interval) minus(b interval) interval { return interval{a.lo - b.hi, a.hi - b.lo} }

func (a interval) times(b interval) interval {
	if a.empty() || b.empty() {
		return nothing
	}
	p := []float64{a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi}
	return interval{min(p[0], p[1], p[2], p[3]), max(p[0], p[1], p[2], p[3])}
}

// magnitude is the larger of the ends, without its sign.
func (a interval) magnitude() float64 { return max(math.Abs(a.lo), math.Abs(a.hi)) }

// exact reports whether Lua's numbers hold all of it.
func (a interval) exact() bool { return a.empty() || a.magnitude() <= maxExact }

// over is division that drops the fraction.
func (a interval) over(b interval) interval {
	if a.lo >= 0 && b.lo > 0 {
		return interval{math.Floor(a.lo / b.hi), math.Floor(a.hi / b.lo)}
	}
	return interval{-a.magnitude(), a.magnitude()}
}

// rest is the rest of a division, which has the sign of a.
func (a interval) rest(b interval) interval {
	m := max(b.magnitude()-1, 0)
	out := interval{0, min(m, max(a.hi, 0))}
	if a.lo < 0 {
		out.lo = -m
	}
	return out
}

// rangeOf gives where the value of an integer expression lies, by what is known of variables and functions.
func rangeOf(x expr) interval {
	switch x := x.(type) {
	case *number:
		return exactly(x.n)
	case *name:
		return x.v.holds
	case *attribute:
		return unsigned
	case *presence, *match:
		return truth
	case *assign:
		return stored(x)
	case *unary:
		r := rangeOf(x.x)
		switch x.op {
		case "-":
			return interval{-r.hi, -r.lo}
		case "!":
			return truth
		}
		return r
	case *binary:
		return binaryRange(x)
	case *call:
		return callRange(x)
	}
	return word
}

func binaryRange(x *binary) interval {
	a, b := rangeOf(x.x), rangeOf(x.y)
	if a.empty() || b.empty() {
		return nothing
	}
	var r interval
	switch x.op {
	case "+":
		r = a.plus(b)
	case "-":
		r = a.minus(b)
	case "*":
		r = a.times(b)
	case "/":
		r = a.over(b)
	case "%":
		r = a.rest(b)
	case "&":
		return masked(a, b)
	case "|", "^", "<<", ">>":
		return unsigned
	default:
		return truth
	}
	if !r.exact() {
		return word
	}
	return r
}

// masked is the range of a & b.
func masked(a, b interval) interval {
	hi := float64(maxUint32)
	for _, i := range []interval{a, b} {
		if i.lo >= 0 {
			hi = min(hi, i.hi)
		}
	}
	return interval{0, hi}
}

func callRange(x *call) interval {
	if x.fn != nil {
		return x.fn.result
	}
	switch x.name {
	case "length":
		return size
	case "index", "rindex":
		return interval{-1, size.hi}
	case "htons", "ntohs", "request_source_port":
		return interval{0, 1<<16 - 1}
	case "request_id", "request_code":
		return interval{0, 255}
	case "logit":
		return exactly(0)
	}
	return unsigned
}

// stored is what an assignment leaves in its variable.
func stored(x *assign) interval {
	if x.typ == String {
		return word
	}
	if x.wraps {
		return word
	}
	return rangeOf(x.value)
}
