package sandbox

import (
	"sort"

	lua "github.com/yuin/gopher-lua"
)

// tableFunctions are those of section 5.5 of the Lua manual.
var tableFunctions = map[string]lua.LGFunction{
	"concat": tableConcat, "insert": tableInsert, "maxn": tableMaxN, "remove": tableRemove, "sort": tableSort,
}

// movedPerStep is how many entries of a table one step moves.
const movedPerStep = 8

func tableConcat(l *lua.LState) int {
	t, sep := CheckTable(l, 1), OptString(l, 2, "")
	from, to := OptInt(l, 3, 1), OptInt(l, 4, t.Len())
	Charge(l, max(min(to, t.Len())-from, 0)/movedPerStep)
	s := Of(l)
	buf := s.buf[:0]
	for i := from; i <= to; i++ {
		v := t.RawGetInt(i)
		if !isText(v) {
			RaiseMisuse(l, "entry %d of the table is %s, expected string", i, v.Type().String())
		}
		buf = appendText(buf, v)
		if i < to {
			buf = append(buf, sep...)
		}
		if len(buf) > s.limits.String {
			CheckLength(l, len(buf))
		}
	}
	s.keep(buf)
	pushBytes(l, buf)
	return 1
}

func tableInsert(l *lua.LState) int {
	t := checkWritable(l, 1)
	n := t.Len()
	if n >= maxList-2 {
		RaiseMisuse(l, "the table has %d entries; no more are allowed", n)
	}
	switch l.GetTop() {
	case 2:
		t.RawSetInt(n+1, l.Get(2))
	case 3:
		at := CheckInt(l, 2)
		if at < 1 || at > n+1 {
			t.RawSet(lua.LNumber(at), l.Get(3))
			return 0
		}
		Charge(l, (n-at)/movedPerStep+1)
		t.Insert(at, l.Get(3))
	default:
		RaiseMisuse(l, "wrong number of arguments, expected (table, [place,] value)")
	}
	return 0
}

func tableRemove(l *lua.LState) int {
	t := checkWritable(l, 1)
	n := t.Len()
	at := OptInt(l, 2, n)
	if at < 1 || at > n {
		return 0
	}
	Charge(l, (n-at)/movedPerStep+1)
	l.Push(t.Remove(at))
	return 1
}

func tableMaxN(l *lua.LState) int {
	greatest := lua.LNumber(0)
	t := CheckTable(l, 1)
	Charge(l, t.Len()/movedPerStep)
	t.ForEach(func(k, _ lua.LValue) {
		if n, ok := k.(lua.LNumber); ok && n > greatest {
			greatest = n
		}
	})
	l.Push(greatest)
	return 1
}

// tableSort sorts a copy and writes it back, so that a comparison that changes the table does no harm.
func tableSort(l *lua.LState) int {
	t := checkWritable(l, 1)
	if l.Get(2) != lua.LNil {
		CheckFunction(l, 2)
	}
	n := t.Len()
	Charge(l, n/movedPerStep)
	list := &sorter{l: l, less: l.Get(2), values: make([]lua.LValue, n)}
	for i := range list.values {
		list.values[i] = t.RawGetInt(i + 1)
	}
	sort.Sort(list)
	for i, v := range list.values {
		t.RawSetInt(i+1, v)
	}
	return 0
}

// A sorter sorts values by Lua's `<` or a function.
type sorter struct {
	l      *lua.LState
	less   lua.LValue
	values []lua.LValue
}

func (s *sorter) Len() int      { return len(s.values) }
func (s *sorter) Swap(i, j int) { s.values[i], s.values[j] = s.values[j], s.values[i] }

func (s *sorter) Less(i, j int) bool {
	Charge(s.l, 1)
	if s.less == lua.LNil {
		return s.l.LessThan(s.values[i], s.values[j])
	}
	s.l.Push(s.less)
	s.l.Push(s.values[i])
	s.l.Push(s.values[j])
	s.l.Call(2, 1)
	v := s.l.Get(-1)
	s.l.Pop(1)
	return lua.LVAsBool(v)
}
