package sandbox

import (
	"strings"
	"testing"
)

// TestDeepSources checks that no source within the limit has a tree too deep for the stack.
func TestDeepSources(t *testing.T) {
	for _, c := range []struct{ head, link, tail string }{
		{"local x = ", "#", "''"},
		{"local x = ", "1 ^ ", "1"},
		{"local y local x = y", ".a", ""},
		{"local y local x = y", "()", ""},
		{"local y local x = y", " .. y", ""},
		{"if 1 then", " elseif 1 then", " end"},
	} {
		n := (maxSource - len(c.head) - len(c.tail)) / len(c.link)
		source := c.head + strings.Repeat(c.link, n) + c.tail
		p, errs := Compile("t.lua", []byte(source), testOptions)
		if (p == nil) != errs.Failed() {
			t.Errorf("%.20s: program %v, %d errors", source, p != nil, len(errs))
		}
	}
	if _, errs := Compile("t.lua", make([]byte, maxSource+1), testOptions); !errs.Failed() {
		t.Error("a source above the limit compiles")
	}
}
