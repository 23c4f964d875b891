package sandbox

import (
	"fmt"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFormat is C's printf as Lua has it: width and precision have two digits at most.
func stringFormat(l *lua.LState) int {
	format := CheckString(l, 1)
	var out []byte
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out = append(out, format[i])
			continue
		}
		if i++; i < len(format) && format[i] == '%' {
			out = append(out, '%')
			continue
		}
		spec := directive(l, format[i:])
		i += len(spec)
		if i >= len(format) {
			RaiseMisuse(l, "the format ends inside a directive")
		}
		arg++
		out = appendDirective(l, out, spec, format[i], arg)
		if len(out) > Of(l).limits.String {
			CheckLength(l, len(out))
		}
	}
	pushBytes(l, out)
	return 1
}

// directive gives the flags, width and precision at the front of a text.
func directive(l *lua.LState, text string) string {
	i := 0
	for i < len(text) && strings.IndexByte("-+ #0", text[i]) >= 0 {
		i++
	}
	digits := func() {
		start := i
		for i < len(text) && text[i] >= '0' && text[i] <= '9' {
			i++
		}
		if i-start > 2 {
			RaiseMisuse(l, "invalid format (width or precision too long)")
		}
	}
	if i > 5 {
		RaiseMisuse(l, "invalid format (repeated flags)")
	}
	digits()
	if i < len(text) && text[i] == '.' {
		i++
		digits()
	}
	return text[:i]
}

// appendDirective writes argument n by one directive.
func appendDirective(l *lua.LState, out []byte, spec string, verb byte, n int) []byte {
	switch verb {
	case 'c':
		return appendPadded(out, widthOnly(spec), string([]byte{byte(CheckInt(l, n))}))
	case 'd', 'i':
		return appendInteger(out, spec, integer64(CheckNumber(l, n)))
	case 'u':
		return fmt.Appendf(out, "%"+integerFlags(spec)+"d", uint64(integer64(CheckNumber(l, n))))
	case 'o', 'x', 'X':
		return fmt.Appendf(out, "%"+integerFlags(strings.NewReplacer("+", "", " ", "").Replace(spec))+string(verb), uint64(integer64(CheckNumber(l, n))))
	case 'e', 'E', 'f', 'g', 'G':
		return appendFloat(out, spec, verb, CheckNumber(l, n))
	case 'q':
		return appendQuoted(out, CheckString(l, n))
	case 's':
		text := CheckString(l, n)
		if spec == "" {
			return append(out, text...)
		}
		return appendPadded(out, spec, text)
	}
	RaiseMisuse(l, "invalid option %q in the format", "%"+spec+string(verb))
	return out
}

// integer64 cuts a double to 64 bits; from 2^63 on it wraps as an unsigned number does.
func integer64(f float64) int64 {
	switch {
	case f >= 1<<63 && f < 1<<64:
		return int64(uint64(f))
	case f != f, f >= 1<<64, f < -1<<63:
		return math.MinInt64
	}
	return int64(f)
}

// integerFlags drops the 0 flag where there is a precision, as C does.
func integerFlags(spec string) string {
	flags := strings.TrimLeft(spec, "-+ #0")
	if !strings.Contains(flags, ".") {
		return spec
	}
	head := strings.ReplaceAll(spec[:len(spec)-len(flags)], "0", "")
	return head + flags
}

func appendInteger(out []byte, spec string, n int64) []byte {
	return fmt.Appendf(out, "%"+integerFlags(spec)+"d", n)
}

// appendFloat gives Go's formatting C's default precision of 6 for %g, and C's names of what is no number.
func appendFloat(out []byte, spec string, verb byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		text := string(appendNumber(nil, f))
		if strings.Contains(spec, "+") && f > 0 {
			text = "+" + text
		}
		return appendPadded(out, strings.ReplaceAll(widthOnly(spec), "0", ""), text)
	}
	if (verb == 'g' || verb == 'G') && !strings.Contains(spec, ".") {
		spec += ".6"
	}
	return fmt.Appendf(out, "%"+spec+string(verb), f)
}

// widthOnly cuts the precision and the flags that strings do not have.
func widthOnly(spec string) string {
	spec, _, _ = strings.Cut(spec, ".")
	return strings.NewReplacer("+", "", " ", "", "#", "").Replace(spec)
}

// appendPadded is %s by octets: Go's counts characters.
func appendPadded(out []byte, spec, text string) []byte {
	var width, precision int
	head, tail, cut := strings.Cut(spec, ".")
	fmt.Sscanf(strings.TrimLeft(head, "-+ #0"), "%d", &width)
	fmt.Sscanf(tail, "%d", &precision)
	if cut && precision < len(text) {
		text = text[:precision]
	}
	pad := strings.Repeat(" ", max(width-len(text), 0))
	if strings.Contains(head, "-") {
		return append(append(out, text...), pad...)
	}
	return append(append(out, pad...), text...)
}

// appendQuoted writes a string so that Lua reads it back.
func appendQuoted(out []byte, text string) []byte {
	out = append(out, '"')
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
