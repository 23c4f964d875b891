package policy

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
)

// A pattern is one value of a `when` key, or of l:is, made ready for comparison without strings.
type pattern struct {
	kind   patternKind
	text   string // glob, exact, what the value begins with
	tail   string // what it ends with
	fold   bool   // ASCII case does not count
	ranges []span
	prefix netip.Prefix
	wire   []byte
}

type patternKind uint8

const (
	patternPresent patternKind = iota // true
	patternAbsent                     // false
	patternExact
	patternGlob
	patternEnds // a glob with one star: what it begins and ends with
	patternRanges
	patternPrefix
	patternWire
)

// A span is a range of numbers, both ends included.
type span struct{ lo, hi uint64 }

// textPattern makes a glob over text.
func textPattern(text string, fold bool) pattern {
	if plainGlob(text) {
		return pattern{kind: patternExact, text: text, fold: fold}
	}
	if head, tail, _ := strings.Cut(text, "*"); !fold && plainGlob(head) && plainGlob(tail) && strings.Contains(text, "*") {
		return pattern{kind: patternEnds, text: head, tail: tail}
	}
	return pattern{kind: patternGlob, text: text, fold: fold}
}

// fits compares text with a pattern for text.
func fits[T string | []byte](p *pattern, text T) bool {
	switch n := len(text); p.kind {
	case patternPresent:
		return true
	case patternExact:
		if !p.fold {
			return string(text) == p.text
		}
		return n == len(p.text) && glob(p.text, text, true)
	case patternEnds:
		return n >= len(p.text)+len(p.tail) && string(text[:len(p.text)]) == p.text && string(text[n-len(p.tail):]) == p.tail
	}
	return glob(p.text, text, p.fold)
}

// attributePattern makes the pattern that v means for values of a.
func attributePattern(a *dictionary.Attribute, v lua.LValue) (pattern, error) {
	switch v := v.(type) {
	case lua.LBool:
		if v {
			return pattern{kind: patternPresent}, nil
		}
		return pattern{kind: patternAbsent}, nil
	}
	if a.Codec != nil {
		wire, err := a.ParseText(nil, v.String())
		return pattern{kind: patternWire, wire: wire}, err
	}
	switch v := v.(type) {
	case lua.LNumber:
		if !numeric(a) {
			return pattern{}, fmt.Errorf("%s: got a number, expected text", a.Name)
		}
		if v != lua.LNumber(math.Trunc(float64(v))) || v < 0 && bias(a) == 0 || v > maxExact || v < -maxExact {
			return pattern{}, fmt.Errorf("%s: %v is not a whole number from 0", a.Name, v)
		}
		n := uint64(int64(v)) + bias(a)
		return pattern{kind: patternRanges, ranges: []span{{n, n}}}, nil
	case lua.LString:
		return attributeTextPattern(a, string(v))
	}
	return pattern{}, fmt.Errorf("%s: got a %s, expected text, a number, true, false or a list of these", a.Name, v.Type())
}

func attributeTextPattern(a *dictionary.Attribute, text string) (pattern, error) {
	switch {
	case numeric(a):
		return numberPattern(a, text)
	case address(a):
		p, err := addressPattern(text)
		if err != nil {
			return p, fmt.Errorf("%s: %w", a.Name, err)
		}
		return p, nil
	case a.Type == dictionary.TypeString || a.Type == dictionary.TypeOctets || a.Type == dictionary.TypeABinary:
		return textPattern(text, false), nil
	}
	wire, err := a.ParseText(nil, text)
	return pattern{kind: patternWire, wire: wire}, err
}

// numeric reports whether values of a are compared as numbers.
func numeric(a *dictionary.Attribute) bool {
	switch a.Type {
	case dictionary.TypeByte, dictionary.TypeShort, dictionary.TypeInteger, dictionary.TypeInteger64,
		dictionary.TypeSigned, dictionary.TypeDate:
		return true
	}
	return false
}

// address reports whether values of a are addresses or prefixes.
func address(a *dictionary.Attribute) bool {
	switch a.Type {
	case dictionary.TypeIPv4Addr, dictionary.TypeIPv6Addr, dictionary.TypeComboIP,
		dictionary.TypeIPv4Prefix, dictionary.TypeIPv6Prefix:
		return true
	}
	return false
}

// bias is added to numbers of a before they are compared, so that negative ones come first.
func bias(a *dictionary.Attribute) uint64 {
	if a.Type == dictionary.TypeSigned {
		return 1 << 63
	}
	return 0
}

// numberPattern reads a VALUE name, "5", "1-31,40", "<32", ">=5".
func numberPattern(a *dictionary.Attribute, text string) (pattern, error) {
	p := pattern{kind: patternRanges}
	for part := range strings.SplitSeq(text, ",") {
		s, ok := parseSpan(strings.TrimSpace(part), bias(a))
		if n, named := a.ValueNumber(strings.TrimSpace(part)); named {
			s, ok = span{n + bias(a), n + bias(a)}, true
		}
		if !ok {
			return p, fmt.Errorf(`%s: %q is neither a VALUE name nor a number, "1-31,40", "<32" or ">=5"%s`,
				a.Name, text, nearestValue(a, text))
		}
		p.ranges = append(p.ranges, s)
	}
	return p, nil
}

// parseSpan reads one number or range; bias is added to each number.
func parseSpan(text string, bias uint64) (span, bool) {
	operator := text[:len(text)-len(strings.TrimLeft(text, "<>="))]
	rest := strings.TrimSpace(text[len(operator):])
	if lo, hi, ok := strings.Cut(rest, "-"); ok && operator == "" {
		a, err1 := strconv.ParseUint(strings.TrimSpace(lo), 10, 64)
		b, err2 := strconv.ParseUint(strings.TrimSpace(hi), 10, 64)
		return span{a + bias, b + bias}, err1 == nil && err2 == nil && a <= b
	}
	n, err := strconv.ParseUint(rest, 10, 64)
	if err != nil {
		return span{}, false
	}
	n += bias
	switch operator {
	case "":
		return span{n, n}, true
	case "<":
		return span{0, n - 1}, n > 0
	case "<=":
		return span{0, n}, true
	case ">":
		return span{n + 1, math.MaxUint64}, n < math.MaxUint64
	case ">=":
		return span{n, math.MaxUint64}, true
	}
	return span{}, false
}

// addressPattern reads an address or a prefix.
func addressPattern(text string) (pattern, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return pattern{kind: patternPrefix, prefix: p.Masked()}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return pattern{}, fmt.Errorf("%q is neither an address nor a prefix such as 10.0.0.0/8", text)
	}
	a = a.Unmap()
	return pattern{kind: patternPrefix, prefix: netip.PrefixFrom(a, a.BitLen())}, nil
}

// value reports whether one value of a fits.
func (p *pattern) value(a *dictionary.Attribute, value []byte) bool {
	switch p.kind {
	case patternPresent, patternExact, patternGlob, patternEnds:
		return fits(p, value)
	case patternRanges:
		n, ok := a.Uint(value)
		return ok && p.number(n+bias(a))
	case patternPrefix:
		return p.address(a.Prefix(value))
	case patternWire:
		return bytes.Equal(value, p.wire)
	}
	return false
}

func (p *pattern) number(n uint64) bool {
	for _, s := range p.ranges {
		if s.lo <= n && n <= s.hi {
			return true
		}
	}
	return false
}

// address reports whether the addresses of q all lie in the pattern's prefix.
func (p *pattern) address(q netip.Prefix, ok bool) bool {
	return ok && q.Bits() >= p.prefix.Bits() && p.prefix.Contains(q.Addr())
}
