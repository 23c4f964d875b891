package sandbox

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxExact is the greatest number up to which doubles hold every integer.
const maxExact = 1 << 53

// appendNumber appends a number as tostring and `..` give it: integers up to 2^53 in full, so that counters can
// be read, everything else as C's %.14g.
func appendNumber(dst []byte, n float64) []byte {
	switch {
	case n == math.Trunc(n) && math.Abs(n) <= maxExact:
		return strconv.AppendInt(dst, int64(n), 10)
	case math.IsInf(n, 1):
		return append(dst, "inf"...)
	case math.IsInf(n, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(n):
		return append(dst, "nan"...)
	}
	return strconv.AppendFloat(dst, n, 'g', 14, 64)
}

// parseNumber reads a number as Lua 5.1 does: decimal, exponent, 0x with integer digits, blanks around.
func parseNumber(s string) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	if s == "" || strings.ContainsAny(s, "_pPiInN") {
		return 0, false
	}
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return 0, false
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		n, err := strconv.ParseUint(digits[2:], 16, 64)
		if s[0] == '-' {
			return -float64(n), err == nil
		}
		return float64(n), err == nil
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil || math.IsInf(n, 0)
}

// parseInteger reads digits of a base of 2 to 36, with a sign.
func parseInteger(s string, base int) (float64, bool) {
	s = strings.ToLower(strings.Trim(s, " \t\n\v\f\r"))
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if base == 16 {
		s = strings.TrimPrefix(s, "0x")
	}
	if strings.ContainsAny(s, "_+-") {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil {
		return 0, false
	}
	if negative {
		return -float64(n), true
	}
	return float64(n), true
}

// numberOf converts a value as arithmetic does.
func numberOf(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

// integerOf cuts a double to an int, as C's conversion does where it is defined.
func integerOf(n float64) int {
	switch {
	case n != n:
		return 0
	case n >= math.MaxInt32*1024:
		return math.MaxInt32 * 1024
	case n <= math.MinInt32*1024:
		return math.MinInt32 * 1024
	}
	return int(n)
}

// smallNumbers are boxed once: lengths, places and counts are mostly small.
var smallNumbers = func() (boxed [1024]lua.LValue) {
	for i := range boxed {
		boxed[i] = lua.LNumber(i)
	}
	return boxed
}()

// Number gives an integer as a Lua value, without allocation if it is small.
func Number(n int) lua.LValue {
	if n >= 0 && n < len(smallNumbers) {
		return smallNumbers[n]
	}
	return lua.LNumber(n)
}
