package users

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// regexpText gives a text that every match of the expression ends or begins with, at that end of the value: the
// realm of `@example\.net$`.
func regexpText(source string) (axis, string, bool) {
	re, err := syntax.Parse(source, syntax.Perl)
	if err != nil || re.Op != syntax.OpConcat {
		return 0, "", false
	}
	n := len(re.Sub)
	if re.Sub[n-1].Op == syntax.OpEndText {
		if text, ok := plainText(re.Sub[n-2]); ok {
			return axisEnd, text, true
		}
	}
	if re.Sub[0].Op == syntax.OpBeginText {
		if text, ok := plainText(re.Sub[1]); ok {
			return axisBegin, text, true
		}
	}
	return 0, "", false
}

// plainText gives the octets of a literal whose case counts. The rune for what is no UTF-8 stands for many octets.
func plainText(re *syntax.Regexp) (string, bool) {
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase != 0 || slices.Contains(re.Rune, utf8.RuneError) {
		return "", false
	}
	return string(re.Rune), true
}
