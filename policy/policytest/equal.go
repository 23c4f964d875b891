package policytest

import (
	"fmt"
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy"
)

// maxDepth bounds comparing and showing of nested tables.
const maxDepth = 16

// deepEqual compares two values; tables by their contents.
func deepEqual(a, b lua.LValue, depth int) bool {
	x, ok1 := a.(*lua.LTable)
	y, ok2 := b.(*lua.LTable)
	if !ok1 || !ok2 || depth > maxDepth {
		return a == b
	}
	return within(x, y, depth) && within(y, x, depth)
}

// within reports whether all of a is in b.
func within(a, b *lua.LTable, depth int) bool {
	return policy.Each(a, func(k, v lua.LValue) error {
		if !deepEqual(v, b.RawGet(k), depth+1) {
			return errDiffers
		}
		return nil
	}) == nil
}

var errDiffers = fmt.Errorf("policytest: differs")

// show gives a value as Lua would write it, the keys of tables in order.
func show(v lua.LValue, depth int) string {
	switch v := v.(type) {
	case lua.LString:
		return fmt.Sprintf("%q", string(v))
	case *lua.LTable:
		if depth > maxDepth {
			return "{…}"
		}
		var items []string
		n := v.Len()
		for i := 1; i <= n; i++ {
			items = append(items, show(v.RawGetInt(i), depth+1))
		}
		var named []string
		_ = policy.Each(v, func(k, item lua.LValue) error {
			if i, ok := k.(lua.LNumber); !ok || i < 1 || int(i) > n {
				named = append(named, fmt.Sprintf("[%s]=%s", show(k, depth+1), show(item, depth+1)))
			}
			return nil
		})
		sort.Strings(named)
		return "{" + strings.Join(append(items, named...), ", ") + "}"
	}
	return v.String()
}
