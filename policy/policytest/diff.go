package policytest

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy"
)

// A wrong is a demand that was not met: a sentence, and what was expected beside what there is.
type wrong struct {
	text  string
	title string   // what the diff is of
	diff  []string // lines that begin with "- ", "+ " or two spaces
}

// maxDiff bounds the lines of one diff.
const maxDiff = 24

// lines gives the diff with its title; nothing if there is none.
func (w *wrong) lines() []string {
	if len(w.diff) == 0 {
		return nil
	}
	lines := append([]string{w.title + " (-want +got)"}, w.diff...)
	if n := len(w.diff) - maxDiff; n > 0 {
		lines = append(lines[:maxDiff+1:maxDiff+1], fmt.Sprintf("  … %d more lines", n))
	}
	return lines
}

// differs shows a reply of which name has other values than want; without a name, one of another kind: want and got
// then stand before its attributes.
func (x *exchange) differs(text, name string, want []string, got ...string) *wrong {
	w := &wrong{text: text, title: "reply"}
	marked := func(sign string, lines []string) {
		for _, line := range lines {
			w.diff = append(w.diff, sign+line)
		}
	}
	if name == "" {
		marked("- ", want)
		marked("+ ", got)
		want = nil
	}
	for i := range x.out.Reply.Pairs {
		p := &x.out.Reply.Pairs[i]
		sign := "  "
		if name != "" && p.Attr.Name == name {
			sign = "+ "
			marked("- ", want)
			want = nil
		}
		w.diff = append(w.diff, sign+string(p.AppendText(nil, true)))
	}
	marked("- ", want)
	return w
}

// unequal tells two values apart: in the sentence if both are short, else leaf by leaf.
func unequal(want, got lua.LValue) *wrong {
	a, b := show(want, 0), show(got, 0)
	_, isTable := want.(*lua.LTable)
	if !isTable && len(a)+len(b) <= 80 {
		return &wrong{text: fmt.Sprintf("not equal: got %s, want %s", b, a)}
	}
	return &wrong{text: "not equal", title: "values", diff: valueDiff(want, got)}
}

// valueDiff compares two values leaf by leaf.
func valueDiff(want, got lua.LValue) (diff []string) {
	a, b := flatten(want), flatten(got)
	have := map[string]string{}
	for _, leaf := range b {
		have[leaf.path] = leaf.text
	}
	wanted := map[string]bool{}
	for _, leaf := range a {
		wanted[leaf.path] = true
		text, ok := have[leaf.path]
		if ok && text == leaf.text {
			continue
		}
		diff = append(diff, "- "+leaf.String())
		if ok {
			diff = append(diff, "+ "+flat{leaf.path, text}.String())
		}
	}
	for _, leaf := range b {
		if !wanted[leaf.path] {
			diff = append(diff, "+ "+leaf.String())
		}
	}
	return diff
}

// flat is one leaf of a value.
type flat struct{ path, text string }

// String gives "path = text".
func (f flat) String() string {
	if f.path == "" {
		return f.text
	}
	return f.path + " = " + f.text
}

// maxLeaves bounds what is looked at of a value.
const maxLeaves = 1_000

// flatten gives the leaves of a value: those of lists in their order, others by name.
func flatten(v lua.LValue) (leaves []flat) {
	var walk func(path string, v lua.LValue, depth int)
	walk = func(path string, v lua.LValue, depth int) {
		t, ok := v.(*lua.LTable)
		if !ok || depth > maxDepth || isEmpty(t) {
			leaves = append(leaves, flat{path, show(v, 0)})
			return
		}
		n := t.Len()
		for i := 1; i <= n && len(leaves) < maxLeaves; i++ {
			walk(fmt.Sprintf("%s[%d]", path, i), t.RawGetInt(i), depth+1)
		}
		var named []func()
		var names []string
		_ = policy.Each(t, func(k, item lua.LValue) error {
			if i, ok := k.(lua.LNumber); ok && i >= 1 && int(i) <= n || len(leaves)+len(named) >= maxLeaves {
				return nil
			}
			name := path + step(path, k)
			names = append(names, name)
			named = append(named, func() { walk(name, item, depth+1) })
			return nil
		})
		order := make([]int, len(names))
		for i := range order {
			order[i] = i
		}
		sort.Slice(order, func(i, j int) bool { return names[order[i]] < names[order[j]] })
		for _, i := range order {
			named[i]()
		}
	}
	walk("", v, 0)
	return leaves
}

func isEmpty(t *lua.LTable) bool {
	k, _ := t.Next(lua.LNil)
	return k == lua.LNil
}

// step gives the way from a table to the value under a key, as Lua writes it.
func step(path string, k lua.LValue) string {
	name, ok := k.(lua.LString)
	switch {
	case !ok:
		return "[" + show(k, 0) + "]"
	case !isName(string(name)):
		return "[" + strconv.Quote(string(name)) + "]"
	case path == "":
		return string(name)
	}
	return "." + string(name)
}

func isName(s string) bool {
	for i, c := range s {
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != "" && !strings.Contains(" and break do else elseif end false for function goto if in local nil not or repeat return then true until while ", " "+s+" ")
}
