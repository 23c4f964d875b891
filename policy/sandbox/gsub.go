package sandbox

import lua "github.com/yuin/gopher-lua"

// A substitution is one gsub: what was written so far and what replaces a match.
type substitution struct {
	l    *lua.LState
	m    *matcher
	src  string
	to   lua.LValue
	text string // of a replacement that is a string
	buf  []byte
}

// stringGsub replaces matches. The buffer is not the state's: the function that replaces may concatenate.
func stringGsub(l *lua.LState) int {
	src, p := CheckString(l, 1), checkPattern(l, 2)
	s := &substitution{l: l, src: src, to: l.Get(3)}
	switch s.to.(type) {
	case lua.LString, lua.LNumber:
		s.text = CheckString(l, 3)
	case *lua.LTable, *lua.LFunction:
	default:
		ArgError(l, 3, "string, table or function")
	}
	limit := OptInt(l, 4, len(src)+1)
	count, at := 0, 0
	for count < limit {
		s.m = Of(l).matching(l, src, p)
		start, end := s.m.search(at)
		if start < 0 {
			break
		}
		count++
		s.write(src[at:start])
		s.replace(start, end)
		if at = end; end == start {
			if start >= len(src) {
				break
			}
			s.write(src[start : start+1])
			at++
		}
		if p.anchored {
			break
		}
	}
	if at <= len(src) {
		s.write(src[at:])
	}
	pushBytes(l, s.buf)
	l.Push(Number(count))
	return 2
}

// write appends a piece, as long as the result may be that long.
func (s *substitution) write(piece string) {
	if n := len(s.buf) + len(piece); n > Of(s.l).limits.String {
		CheckLength(s.l, n)
	}
	s.buf = append(s.buf, piece...)
}

// replace appends what stands for a match.
func (s *substitution) replace(start, end int) {
	if _, ok := s.to.(*lua.LFunction); !ok {
		if _, ok := s.to.(*lua.LTable); !ok {
			s.expand(start, end)
			return
		}
	}
	v := s.ask(start, end)
	switch {
	case isText(v):
		s.write(string(appendText(nil, v)))
	case !lua.LVAsBool(v):
		s.write(s.src[start:end])
	default:
		s.l.RaiseError("invalid replacement value (a %s)", v.Type().String())
	}
}

// ask looks the first capture up in the table, or calls the function with all of them. Either may use the
// matcher for something else.
func (s *substitution) ask(start, end int) lua.LValue {
	if t, ok := s.to.(*lua.LTable); ok {
		return s.l.GetTable(t, s.m.capture(0, start, end))
	}
	s.l.Push(s.to)
	n := s.m.push(start, end)
	s.l.Call(n, 1)
	v := s.l.Get(-1)
	s.l.Pop(1)
	return v
}

// expand appends the replacement string with %0 to %9 filled in.
func (s *substitution) expand(start, end int) {
	text := s.text
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			s.write(text[i : i+1])
			continue
		}
		if i++; i == len(text) {
			RaiseMisuse(s.l, "the replacement ends with '%%'")
		}
		switch c := text[i]; {
		case c == '0':
			s.write(s.src[start:end])
		case c >= '1' && c <= '9':
			n := int(c - '1')
			if n >= max(s.m.pattern.captures, 1) {
				RaiseMisuse(s.l, "invalid capture index %%%c in the replacement", c)
			}
			s.write(string(appendText(nil, s.m.capture(n, start, end))))
		default:
			s.write(text[i : i+1])
		}
	}
}
