package rewrite

// measure finds out where the numbers of all functions may lie. It begins with nothing and widens until
// nothing changes. A variable that only grows by sums is taken to stay in 32 bits: what counts to 2^32 does not
// end within a request. One that grows by products in a loop wraps.
func (p *Program) measure() {
	for _, f := range p.functions {
		if f.broken {
			continue
		}
		f.result = nothing
		for _, v := range f.params {
			v.holds = v.given
			if f.external || !f.called {
				v.holds = v.holds.join(unsigned)
			}
		}
		eachVariable(f, func(v *variable) { v.holds = exactly(0) })
	}
	m := &measurer{}
	for m.round = 0; m.round < 50; m.round++ {
		m.changed = false
		for _, f := range p.functions {
			if !f.broken {
				m.function(f)
			}
		}
		if !m.changed {
			return
		}
	}
}

type measurer struct {
	round   int
	changed bool
}

// patience is the number of rounds before growth counts as endless.
const patience = 4

// widen joins a value to what is known.
func (m *measurer) widen(known *interval, add interval) {
	next := known.join(add)
	if next == *known {
		return
	}
	if m.round >= patience {
		if next.hi > known.hi {
			next.hi = max(known.hi, maxUint32)
		}
		if next.lo < known.lo {
			next.lo = min(known.lo, minInt32)
		}
		if next == *known {
			return
		}
	}
	*known, m.changed = next, true
}

func (m *measurer) function(f *function) {
	walk(f, func(x expr, loops int) {
		switch x := x.(type) {
		case *assign:
			m.assign(x, loops)
		case *call:
			if x.fn == nil {
				return
			}
			for i, v := range x.fn.params {
				if v.typ == Integer {
					m.widen(&v.holds, rangeOf(x.args[i]))
				}
			}
		}
	})
	eachStmt(f.body, func(s stmt) {
		if r, ok := s.(*returnStmt); ok && f.typ == Integer {
			m.widen(&f.result, rangeOf(r.x))
		}
	})
	if f.falls {
		m.widen(&f.result, exactly(0))
	}
}

func (m *measurer) assign(x *assign, loops int) {
	to, ok := x.to.(*name)
	if !ok || x.typ == String {
		return
	}
	if loops > 0 && !x.wraps && hasProduct(x.value) && !rangeOf(x.value).within(word) {
		x.wraps, m.changed = true, true
	}
	m.widen(&to.v.holds, stored(x))
}

// hasProduct reports whether an expression multiplies by what is not written out.
func hasProduct(x expr) (found bool) {
	eachExpr(x, func(x expr) {
		if b, ok := x.(*binary); ok && b.op == "*" {
			found = true
		}
	})
	return found
}
