package sandbox

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// A matcher runs a pattern over a string. Each item it tries and each 8 characters it scans cost a step of the
// run, so that a pattern that backtracks for ever is stopped like a loop that does.
type matcher struct {
	l        *lua.LState
	budget   *budget
	src      string
	pattern  *pattern
	steps    int // not yet paid
	captures [maxCaptures]capture
}

// A capture is a piece of the string, or a position if end is negative.
type capture struct{ start, end int }

const (
	payEvery       = 256 // steps
	scannedPerStep = 8   // characters
)

// matching readies the state's matcher. A callback may have used it meanwhile, so each search begins anew.
func (s *State) matching(l *lua.LState, src string, p *pattern) *matcher {
	m := &s.matcher
	m.l, m.budget, m.src, m.pattern = l, &s.budget, src, p
	return m
}

// pay takes the steps from the run.
func (m *matcher) pay() {
	n := m.steps
	m.steps = 0
	if !m.budget.spend(n) {
		stopped(m.l)
	}
}

// search finds the first match at or after from, -1 if there is none.
func (m *matcher) search(from int) (start, end int) {
	p := m.pattern
	for start = from; start <= len(m.src); start++ {
		if first := &p.items[0]; first.op == opChar && (first.repeat == 0 || first.repeat == '+') && !p.anchored {
			skip := strings.IndexByte(m.src[start:], first.n)
			if skip < 0 {
				m.steps += (len(m.src) - start) / scannedPerStep
				break
			}
			m.steps += skip / scannedPerStep
			start += skip
		}
		if end = m.match(start, 0); end >= 0 {
			m.pay()
			return start, end
		}
		if p.anchored {
			break
		}
	}
	m.pay()
	return -1, -1
}

// match tries the items from i on at s and gives the end of the match, -1 if there is none. Captures need not be
// undone: each path to the end of the pattern sets all of them.
func (m *matcher) match(s, i int) int {
	for {
		if m.steps++; m.steps >= payEvery {
			m.pay()
		}
		it := &m.pattern.items[i]
		switch it.op {
		case opChar, opAny, opSet:
			if it.repeat == '*' || it.repeat == '+' {
				return m.greedy(s, i, it)
			}
			if it.repeat == '-' {
				return m.lazy(s, i, it)
			}
			fits := s < len(m.src) && it.fits(m.src[s])
			if it.repeat == '?' {
				if fits {
					if end := m.match(s+1, i+1); end >= 0 {
						return end
					}
				}
				break
			}
			if !fits {
				return -1
			}
			s++
		case opEnd:
			return s
		default:
			if s = m.special(s, it); s < 0 {
				return -1
			}
		}
		i++
	}
}

// fits reports whether one character fits an item.
func (it *item) fits(c byte) bool {
	switch it.op {
	case opChar:
		return it.n == c
	case opSet:
		return it.set.has(c)
	}
	return true
}

// greedy takes as many as it can and gives back one after another.
func (m *matcher) greedy(s, i int, it *item) int {
	least := s
	if it.repeat == '+' {
		least++
	}
	end := m.run(s, it)
	m.steps += (end - s) / scannedPerStep
	for ; end >= least; end-- {
		if found := m.match(end, i+1); found >= 0 {
			return found
		}
	}
	return -1
}

// run gives the end of the characters from s on that fit.
func (m *matcher) run(s int, it *item) int {
	src := m.src
	switch it.op {
	case opAny:
		return len(src)
	case opChar:
		for s < len(src) && src[s] == it.n {
			s++
		}
	default:
		for set := it.set; s < len(src) && set.has(src[s]); {
			s++
		}
	}
	return s
}

// lazy takes as few as it can.
func (m *matcher) lazy(s, i int, it *item) int {
	for {
		if end := m.match(s, i+1); end >= 0 {
			return end
		}
		if s >= len(m.src) || !it.fits(m.src[s]) {
			return -1
		}
		s++
	}
}

// special runs the items that do not stand for one character.
func (m *matcher) special(s int, it *item) int {
	switch it.op {
	case opTail:
		if s < len(m.src) {
			return -1
		}
	case opOpen:
		m.captures[it.n].start = s
	case opPosition:
		m.captures[it.n] = capture{s, -1}
	case opClose:
		m.captures[it.n].end = s
	case opBack:
		return m.back(s, m.captures[it.n])
	case opBalance:
		return m.balance(s, it.n, it.m)
	case opFrontier:
		before, after := byte(0), byte(0)
		if s > 0 {
			before = m.src[s-1]
		}
		if s < len(m.src) {
			after = m.src[s]
		}
		if it.set.has(before) || !it.set.has(after) {
			return -1
		}
	}
	return s
}

func (m *matcher) back(s int, c capture) int {
	if c.end < 0 {
		return -1
	}
	text := m.src[c.start:c.end]
	m.steps += len(text) / scannedPerStep
	if !strings.HasPrefix(m.src[s:], text) {
		return -1
	}
	return s + len(text)
}

// balance finds the end of what open and shut enclose.
func (m *matcher) balance(s int, open, shut byte) int {
	if s >= len(m.src) || m.src[s] != open {
		return -1
	}
	depth := 1
	for i := s + 1; i < len(m.src); i++ {
		switch m.src[i] {
		case shut:
			if depth--; depth == 0 {
				m.steps += (i - s) / scannedPerStep
				return i + 1
			}
		case open:
			depth++
		}
	}
	m.steps += (len(m.src) - s) / scannedPerStep
	return -1
}

// capture gives capture n of the match from start to end; the whole match if the pattern has no captures.
func (m *matcher) capture(n, start, end int) lua.LValue {
	if m.pattern.captures == 0 {
		return m.box(m.src[start:end])
	}
	c := m.captures[n]
	if c.end < 0 {
		return Number(c.start + 1)
	}
	return m.box(m.src[c.start:c.end])
}

// box gives a piece of the subject, which it keeps, as a value.
func (m *matcher) box(s string) lua.LValue { return m.budget.state.texts.box(s) }

// push pushes all captures, or the whole match, and gives their number.
func (m *matcher) push(start, end int) int {
	n := max(m.pattern.captures, 1)
	for i := range n {
		m.l.Push(m.capture(i, start, end))
	}
	return n
}
