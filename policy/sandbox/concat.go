package sandbox

import lua "github.com/yuin/gopher-lua"

// concat is what `a .. b .. c` calls: (a, b, c). Like the operator it works from the right, joins runs of
// strings and numbers at once and asks metamethods pair by pair, the left operand's first.
func concat(l *lua.LState) int {
	n := l.GetTop()
	if start := joinable(l, n); start == 1 {
		l.Push(join(l, 1, n, nil))
		return 1
	}
	right := l.Get(n)
	for i := n - 1; i >= 1; {
		if !isText(l.Get(i)) || !isText(right) {
			right = concatMeta(l, l.Get(i), right)
			i--
			continue
		}
		start := joinable(l, i)
		right = join(l, start, i, right)
		i = start - 1
	}
	l.Push(right)
	return 1
}

func isText(v lua.LValue) bool {
	switch v.(type) {
	case lua.LString, lua.LNumber:
		return true
	}
	return false
}

// joinable gives the first argument from which on, up to last, all are strings or numbers.
func joinable(l *lua.LState, last int) int {
	i := last
	for i >= 1 && isText(l.Get(i)) {
		i--
	}
	return i + 1
}

// join makes one string of the arguments from first to last and of what follows.
func join(l *lua.LState, first, last int, rest lua.LValue) lua.LValue {
	s := Of(l)
	buf := s.buf[:0]
	for i := first; i <= last; i++ {
		buf = appendText(buf, l.Get(i))
		if len(buf) > s.limits.String {
			break
		}
	}
	if rest != nil && len(buf) <= s.limits.String {
		buf = appendText(buf, rest)
	}
	s.keep(buf)
	CheckLength(l, len(buf))
	return s.Text(buf)
}

// maxKept is the largest scratch buffer that a state keeps.
const maxKept = 4 << 10

func (s *State) keep(buf []byte) {
	if cap(buf) <= maxKept {
		s.buf = buf[:0]
	}
}

func appendText(dst []byte, v lua.LValue) []byte {
	switch v := v.(type) {
	case lua.LString:
		return append(dst, v...)
	case lua.LNumber:
		return appendNumber(dst, float64(v))
	}
	return dst
}

func concatMeta(l *lua.LState, left, right lua.LValue) lua.LValue {
	op := l.GetMetaField(left, "__concat")
	if op == lua.LNil {
		op = l.GetMetaField(right, "__concat")
	}
	if op == lua.LNil {
		bad := right
		if !isText(left) {
			bad = left
		}
		l.RaiseError("attempt to concatenate a %s value", bad.Type().String())
	}
	l.Push(op)
	l.Push(left)
	l.Push(right)
	l.Call(2, 1)
	v := l.Get(-1)
	l.Pop(1)
	return v
}
