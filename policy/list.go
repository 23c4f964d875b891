package policy

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/policy/sandbox"
)

// name gives the attribute that argument n of a method names.
func (rn *Runner) name(l *lua.LState, n int) (dictionary.Ref, string) {
	text, ok := l.Get(n).(lua.LString)
	if !ok {
		sandbox.RaiseMisuse(l, "got a %s, expected the name of an attribute", l.Get(n).Type())
	}
	ref, err := rn.ref(string(text))
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	return ref, string(text)
}

// place gives the optional 1-based place that argument n holds, from 0; missing is what an absent one means.
func placeArgument(l *lua.LState, n, missing int) int {
	if l.Get(n) == lua.LNil {
		return missing
	}
	i, ok := l.Get(n).(lua.LNumber)
	if !ok || i < 1 || i != lua.LNumber(int(i)) {
		sandbox.RaiseMisuse(l, "got %v, expected a place counted from 1", l.Get(n))
	}
	return int(i) - 1
}

// changing gives list and attribute of a method that changes, or raises if it may not.
func (rn *Runner) changing(l *lua.LState) (*attributes, dictionary.Ref) {
	a := self(l)
	ref, name := rn.name(l, 2)
	if err := rn.mayChange(a, ref.Attr, name); err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	return a, ref
}

// octetsPerStep is what a value costs: one step for so many octets.
const octetsPerStep = 16

// encode gives the wire form of argument n. It is valid until the next call.
func (rn *Runner) encode(l *lua.LState, ref dictionary.Ref, n int) []byte {
	value, err := rn.wireAs(rn.scratch[:0], ref, l.Get(n))
	sandbox.Charge(l, len(value)/octetsPerStep)
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	rn.scratch = value
	return value
}

func listGet(rn *Runner, l *lua.LState) int {
	a := self(l)
	ref, _ := rn.name(l, 2)
	value, ok := a.list.Get(ref, placeArgument(l, 3, 0))
	if !ok {
		l.Push(lua.LNil)
		return 1
	}
	l.Push(rn.named(ref, value))
	return 1
}

func listSet(rn *Runner, l *lua.LState) int {
	a, ref := rn.changing(l)
	if l.Get(4) == lua.LNil {
		if err := rn.replace(a, ref, l.Get(3)); err != nil {
			sandbox.RaiseMisuse(l, "%s", err)
		}
		return 0
	}
	i := placeArgument(l, 4, 0)
	if err := a.roomFor(1); err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	value := rn.encode(l, ref, 3)
	if !a.list.SetAt(ref, i, value) {
		sandbox.RaiseMisuse(l, "%s has %d values; set the one after the last at most", ref.Attr.Name, a.list.Count(ref))
	}
	rn.touch(a, ref.Attr)
	return 0
}

// maxPairs bounds the attributes of a list: more fit into no packet.
const maxPairs = 2048

// roomFor says that a list cannot take n attributes more.
func (a *attributes) roomFor(n int) error {
	if len(a.list.Pairs)+n > maxPairs {
		return fmt.Errorf("%s would have more than %d attributes", a.name(), maxPairs)
	}
	return nil
}

func listAdd(rn *Runner, l *lua.LState) int {
	a, ref := rn.changing(l)
	if err := a.roomFor(1); err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	value := rn.encode(l, ref, 3)
	a.list.Add(ref, value)
	rn.touch(a, ref.Attr)
	return 0
}

func listDel(rn *Runner, l *lua.LState) int {
	a, ref := rn.changing(l)
	count := 0
	if i := placeArgument(l, 3, -1); i < 0 {
		count = a.list.Delete(ref)
	} else if a.list.DeleteAt(ref, i) {
		count = 1
	}
	if count > 0 {
		rn.touch(a, ref.Attr)
	}
	l.Push(lua.LNumber(count))
	return 1
}

// listMerge merges by additivity: each key is an attribute, each value one or a list.
func listMerge(rn *Runner, l *lua.LState) int {
	a := self(l)
	t, ok := l.Get(2).(*lua.LTable)
	if !ok {
		sandbox.RaiseMisuse(l, "merge: got a %s, expected a table of attributes", l.Get(2).Type())
	}
	var err error
	each(t, func(k, v lua.LValue) bool {
		err = rn.mergeOne(a, k, v)
		return err == nil
	})
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	return 0
}

func (rn *Runner) mergeOne(a *attributes, k, v lua.LValue) error {
	if list, ok := k.(lua.LNumber); ok {
		t, isTable := v.(*lua.LTable)
		if !isTable || t.Len() != 2 {
			return fmt.Errorf(`merge: item %v has the form {"Name", value}`, list)
		}
		k, v = t.RawGetInt(1), t.RawGetInt(2)
	}
	ref, err := rn.ref(k.String())
	if err == nil {
		err = rn.mayChange(a, ref.Attr, k.String())
	}
	if err != nil {
		return err
	}
	items := []lua.LValue{v}
	if t, ok := v.(*lua.LTable); ok && !(structured(ref.Attr) && t.Len() == 0) {
		if err := onlyPlaces(ref.Attr, t); err != nil {
			return err
		}
		items = items[:0]
		for i := 1; i <= t.Len(); i++ {
			items = append(items, t.RawGetInt(i))
		}
	}
	for _, item := range items {
		value, err := rn.wireAs(nil, ref, item)
		if err == nil {
			err = a.roomFor(1)
		}
		if err != nil {
			return err
		}
		mergeValue(a.list, ref, value)
		rn.touch(a, ref.Attr)
	}
	return nil
}

// mergeValue merges one value by additivity. A field is merged as if its TLV held it alone.
func mergeValue(l *dictionary.List, ref dictionary.Ref, value []byte) {
	_, held := l.Get(ref, 0)
	switch {
	case !ref.Attr.IsField():
		l.Merge(dictionary.Pair{Attr: ref.Attr, Value: value, Tag: uint8(max(ref.Tag, 0))})
	case !held || ref.Attr.Additivity == dictionary.Append:
		l.Add(ref, value)
	case ref.Attr.Additivity == dictionary.Replace:
		l.Set(ref, value)
	}
}

func listHas(rn *Runner, l *lua.LState) int {
	a := self(l)
	ref, _ := rn.name(l, 2)
	_, ok := a.list.Get(ref, 0)
	l.Push(lua.LBool(ok))
	return 1
}

func listCount(rn *Runner, l *lua.LState) int {
	a := self(l)
	ref, _ := rn.name(l, 2)
	l.Push(lua.LNumber(a.list.Count(ref)))
	return 1
}

func listAll(rn *Runner, l *lua.LState) int {
	a := self(l)
	ref, _ := rn.name(l, 2)
	t := l.NewTable()
	for i := 0; ; i++ {
		value, ok := a.list.Get(ref, i)
		if !ok {
			break
		}
		t.Append(rn.named(ref, value))
	}
	l.Push(t)
	return 1
}

// A patternKey names a pattern of l:is.
type patternKey struct {
	attr *dictionary.Attribute
	text lua.LValue
}

func listIs(rn *Runner, l *lua.LState) int {
	a := self(l)
	ref, _ := rn.name(l, 2)
	v := l.Get(3)
	items := []lua.LValue{v}
	if t, ok := v.(*lua.LTable); ok {
		items = items[:0]
		for i := 1; i <= t.Len(); i++ {
			items = append(items, t.RawGetInt(i))
		}
	}
	found := false
	for _, item := range items {
		p, err := rn.pattern(ref.Attr, item)
		if err != nil {
			sandbox.RaiseMisuse(l, "%s", err)
		}
		t := test{ref: ref, patterns: []pattern{*p}}
		found = found || t.attribute(a.list)
	}
	l.Push(lua.LBool(found))
	return 1
}

// pattern gives a compiled pattern, from the cache if it was used before.
func (rn *Runner) pattern(a *dictionary.Attribute, v lua.LValue) (*pattern, error) {
	if t := v.Type(); t != lua.LTString && t != lua.LTNumber && t != lua.LTBool {
		return nil, found(v, "a pattern")
	}
	key := patternKey{a, v}
	if p := rn.patterns[key]; p != nil {
		return p, nil
	}
	p, err := attributePattern(a, v)
	if err != nil {
		return nil, err
	}
	if rn.patterns == nil || len(rn.patterns) >= maxKeys {
		rn.patterns = map[patternKey]*pattern{}
	}
	rn.patterns[key] = &p
	return &p, nil
}

func listInt(rn *Runner, l *lua.LState) int {
	a := self(l)
	ref, _ := rn.name(l, 2)
	value, ok := a.list.Get(ref, placeArgument(l, 3, 0))
	if !ok {
		l.Push(lua.LNil)
		return 1
	}
	n, ok := ref.Attr.Uint(value)
	switch {
	case !ok:
		sandbox.RaiseMisuse(l, "int: %s has no number behind it", ref.Attr.Name)
	case ref.Attr.Type == dictionary.TypeSigned:
		l.Push(lua.LNumber(int64(n)))
	case n > maxExact:
		sandbox.RaiseMisuse(l, "int: %s is above 2^53; read it as bytes.u64", ref.Attr.Name)
	default:
		l.Push(lua.LNumber(n))
	}
	return 1
}

// listPairs gives an iterator over the list as it is now.
func listPairs(rn *Runner, l *lua.LState) int {
	a := self(l)
	pairs := append([]dictionary.Pair(nil), a.list.Pairs...)
	// Pairs share the list's memory, which a change may use again: the values are copied too.
	for i := range pairs {
		pairs[i].Value = append([]byte(nil), pairs[i].Value...)
	}
	next, run := 0, uint64(0)
	if a.of != nil {
		run = a.of.run
	}
	l.Push(l.NewFunction(func(l *lua.LState) int {
		if a.of != nil && (!a.of.live || a.of.run != run) {
			sandbox.RaiseMisuse(l, "this request is over: req is valid until its handler returns")
		}
		if next == len(pairs) {
			l.Push(lua.LNil)
			return 1
		}
		p := &pairs[next]
		next++
		name, value := p.Attr.Name, rn.value(p.Attr, p.Value)
		if value == lua.LNil && p.Attr.Codec != nil {
			name, value = p.Attr.NumberName(), lua.LString(p.Value)
		}
		l.Push(lua.LString(name))
		l.Push(value)
		if p.Tag == 0 {
			l.Push(lua.LNil)
		} else {
			l.Push(lua.LNumber(p.Tag))
		}
		return 3
	}))
	return 1
}

func listVLAN(rn *Runner, l *lua.LState) int {
	a := self(l)
	tag := int8(dictionary.AnyTag)
	if l.Get(3) != lua.LNil {
		n, ok := l.Get(3).(lua.LNumber)
		if !ok || n < 0 || n > 31 || n != lua.LNumber(int(n)) {
			sandbox.RaiseMisuse(l, "vlan: got %v, expected a tag from 0 to 31", l.Get(3))
		}
		tag = int8(n)
	}
	set, err := vlanAttributes(rn.known(), l.Get(2), tag)
	if err == nil {
		err = rn.mayChange(a, rn.known().TunnelType, "Tunnel-Type")
	}
	if err != nil {
		sandbox.RaiseMisuse(l, "%s", err)
	}
	rn.changed = true
	for i := range set {
		a.list.Set(set[i].Ref, set[i].Value)
	}
	return 0
}
