package rewrite

import "maps"

// The groups of a match (\1 and so on) belong to the last comparison that matched, wherever that was. Here it is
// found out, for each group that a function asks for, which comparisons these can be.

// A place is where the groups of a comparison can be kept in a variable.
type place struct {
	block *block // whose later statements see the variable; nil if none does
	order int
}

// An origin of groups is a comparison and how it went. There are two that are none.
type origin struct {
	match   *match
	matched bool
}

var (
	fromCaller = origin{}
	fromCallee = origin{matched: true}
)

// origins are those that the groups may have at some place; nil: no one gets there.
type origins map[origin]bool

func (o origins) with(p origins) origins {
	if o == nil {
		return p
	}
	if p == nil {
		return o
	}
	out := maps.Clone(o)
	maps.Copy(out, p)
	return out
}

// A groupWalker follows the ways through a function.
type groupWalker struct {
	chain  []*block
	maybe  int // inside what may be left out: the right side of && and ||
	order  int
	reads  map[*group]*groupRead
	places map[*match]place
	tails  map[*whileStmt]*block // what stands behind the body of a do … while that continue leaves
	breaks origins
	again  origins
	asked  []*group
}

// A groupRead is what may be behind one \N.
type groupRead struct {
	from  origins
	chain []*block
	order int
}

// findGroups binds the groups of a function. The error text says why one cannot be bound.
func findGroups(f *function) (bad *group, why string) {
	w := &groupWalker{reads: map[*group]*groupRead{}, places: map[*match]place{}, tails: map[*whileStmt]*block{}}
	w.block(f.body, origins{fromCaller: true})
	for _, g := range w.asked {
		from := w.reads[g].from
		switch {
		case from[fromCallee]:
			return g, "the match may be one of a function that was called"
		case from[fromCaller]:
			return g, "no =~ comes before it in this function, so the match is that of whoever called it"
		}
		for o := range from {
			if int(g.n) > o.match.re.groups {
				return g, "the expression that it belongs to has fewer groups"
			}
		}
		w.bind(g)
	}
	w.spread()
	return nil, ""
}

// bind ties a group to its only match if the variables of that are seen here, else to shared ones.
func (w *groupWalker) bind(g *group) {
	r := w.reads[g]
	var only *match
	for o := range r.from {
		if only != nil && only != o.match {
			only = nil
			break
		}
		only = o.match
	}
	g.sure = !r.from[origin{only, false}] && only != nil
	if only != nil && w.places[only].seen(r) {
		g.match = only
		only.use(int(g.n))
		return
	}
	g.sure = false
	for o := range r.from {
		o.match.shared = true
	}
}

// seen reports whether a variable set at p is known where r stands.
func (p place) seen(r *groupRead) bool {
	if p.block == nil || p.order > r.order {
		return false
	}
	for _, b := range r.chain {
		if b == p.block {
			return true
		}
	}
	return false
}

// spread makes all groups of a comparison shared if one of them is.
func (w *groupWalker) spread() {
	for changed := true; changed; {
		changed = false
		for _, g := range w.asked {
			some := g.match != nil && g.match.shared
			for o := range w.reads[g].from {
				some = some || o.match.shared
			}
			if !some || g.shared {
				continue
			}
			g.shared, g.sure, g.match, changed = true, false, nil, true
			for o := range w.reads[g].from {
				o.match.shared = true
			}
		}
	}
}

// use notes that a group of the match is looked at.
func (m *match) use(n int) {
	for len(m.used) <= n {
		m.used = append(m.used, false)
	}
	m.used[n] = true
}

func (w *groupWalker) block(b *block, in origins) origins {
	w.chain = append(w.chain, b)
	for _, s := range b.list {
		in = w.stmt(s, in)
	}
	w.chain = w.chain[:len(w.chain)-1]
	return in
}

func (w *groupWalker) stmt(s stmt, in origins) origins {
	switch s := s.(type) {
	case *block:
		return w.block(s, in)
	case *ifStmt:
		t, f := w.cond(s.cond, in)
		t = w.block(s.then, t)
		if s.els != nil {
			f = w.block(s.els, f)
		}
		return t.with(f)
	case *whileStmt:
		return w.loop(s, in)
	case *jumpStmt:
		if s.word == "break" {
			w.breaks = w.breaks.with(in)
		} else {
			w.again = w.again.with(in)
		}
		return nil
	case *returnStmt:
		w.expr(s.x, in)
		return nil
	}
	for _, x := range expressions(s) {
		in = w.expr(x, in)
	}
	return in
}

// loop goes round until no more origins come back.
func (w *groupWalker) loop(s *whileStmt, in origins) (out origins) {
	breaks, again := w.breaks, w.again
	defer func() { w.breaks, w.again = breaks, again }()
	for n := -1; n != len(in); {
		n = len(in)
		w.breaks, w.again = nil, nil
		var t, f origins
		if s.after {
			t, f = w.test(s, w.block(s.body, in).with(w.again))
			in = in.with(t)
		} else {
			t, f = w.test(s, in)
			in = in.with(w.block(s.body, t)).with(w.again)
		}
		out = f.with(w.breaks)
	}
	return out
}

// test is the condition of a loop, which stands inside its body in Lua. Behind a body that continue leaves, it does
// not see that one's variables.
func (w *groupWalker) test(s *whileStmt, in origins) (t, f origins) {
	within := s.body
	if s.after && continues(s.body) {
		if w.tails[s] == nil {
			w.tails[s] = new(block)
		}
		within = w.tails[s]
	}
	w.chain = append(w.chain, within)
	t, f = w.cond(s.cond, in)
	w.chain = w.chain[:len(w.chain)-1]
	if always(s.cond) {
		f = nil
	}
	return t, f
}

// cond follows a condition to both of its outcomes.
func (w *groupWalker) cond(x expr, in origins) (t, f origins) {
	switch x := x.(type) {
	case *match:
		in = w.expr(x.x, in)
		w.here(x)
		t, f = origins{{x, true}: true}, origins{{x, false}: true}
		if in == nil {
			t, f = nil, nil
		}
		if x.negated {
			t, f = f, t
		}
		return t, f
	case *unary:
		if x.op == "!" {
			t, f = w.cond(x.x, in)
			return f, t
		}
	case *binary:
		if x.op == "&&" || x.op == "||" {
			return w.logical(x, in)
		}
	}
	in = w.expr(x, in)
	return in, in
}

func (w *groupWalker) logical(x *binary, in origins) (t, f origins) {
	t, f = w.cond(x.x, in)
	w.maybe++
	defer func() { w.maybe-- }()
	if x.op == "&&" {
		t2, f2 := w.cond(x.y, t)
		return t2, f.with(f2)
	}
	t2, f2 := w.cond(x.y, f)
	return t.with(t2), f2
}

// here notes where a comparison stands, the first time.
func (w *groupWalker) here(x *match) {
	if _, known := w.places[x]; known {
		return
	}
	p := place{order: w.order}
	if w.maybe == 0 {
		p.block = w.chain[len(w.chain)-1]
	}
	w.order++
	w.places[x] = p
}

// expr follows an expression in the order of its parts.
func (w *groupWalker) expr(x expr, in origins) origins {
	switch x := x.(type) {
	case *group:
		w.read(x, in)
		return in
	case *match:
		t, f := w.cond(x, in)
		return t.with(f)
	case *binary:
		if x.op == "&&" || x.op == "||" {
			t, f := w.logical(x, in)
			return t.with(f)
		}
	}
	for _, y := range inner(x) {
		in = w.expr(y, in)
	}
	if c, ok := x.(*call); ok && c.fn != nil && c.fn.matches && in != nil {
		return origins{fromCallee: true}
	}
	return in
}

// read notes what may be behind a group.
func (w *groupWalker) read(g *group, in origins) {
	r := w.reads[g]
	if r == nil {
		r = &groupRead{chain: append([]*block(nil), w.chain...), order: w.order}
		w.reads[g] = r
		w.asked = append(w.asked, g)
	}
	r.from = r.from.with(in)
}
