package users

import "perilune/engine/dictionary"

// maxRuns bounds the buckets that one request has in a list; beyond it the rest of the list is tried one by one.
const maxRuns = 12

// candidates walks the entries of a list that the request may match, in the order of the file: all of them, or
// by its ruleIndex.
type candidates struct {
	last  place
	head  place      // the next one or, before gather, a place that it does not precede; 0 at the end
	own   place      // the last one given, 0 before the first
	x     *ruleIndex // nil: all entries
	ready bool       // the runs are those of the request as it is
	n     int        // runs in use: that of entries tried always, of huntgroups that hold, of values
	held  int        // the second of these
	runs  [maxRuns]run
}

// index gives the index of a list, nil if it has none or if somebody watches, who shall see each entry tried.
func (m matcher) index(last place) *ruleIndex {
	if len(m.t.rules) == 0 || m.q.Watch != nil {
		return nil
	}
	return m.t.ruleIndex(last)
}

// begin walks a list, which may be none. x is its index, if it has one.
func (c *candidates) begin(t *Table, last place, x *ruleIndex) {
	if last != 0 {
		c.last, c.head, c.x, c.ready = last, t.record(last).next(), x, x == nil
	}
}

// choose tries the candidates of two lists, by their indexes, in the order of the file. The second may be none.
func (m matcher) choose(a place, x *ruleIndex, b place, y *ruleIndex) outcome {
	var lists [2]candidates
	lists[0].begin(m.t, a, x)
	lists[1].begin(m.t, b, y)
	var at place
	for {
		c := &lists[0]
		if o := &lists[1]; c.head == 0 || o.head != 0 && o.head < c.head {
			c = o
		}
		switch {
		case c.head == 0:
			return goOn
		case !c.ready:
			c.gather(m, at)
			continue
		}
		at = c.head
		before := len(m.q.Rules)
		if r, ok := c.admit(m); ok {
			if o := m.try(r); o != goOn {
				return o
			}
			if len(m.q.Rules) > before {
				changes := m.changes(r)
				lists[0].changed(at, changes)
				lists[1].changed(at, changes)
			}
		}
		c.next(m.t)
	}
}

// anyMatches reports whether an entry of the list matches. Nobody watches.
func (m matcher) anyMatches(last place) bool {
	quiet := *m.q
	quiet.Watch = nil
	n := matcher{m.t, &quiet}
	var c candidates
	for c.begin(m.t, last, m.t.ruleIndex(last)); c.head != 0; {
		if !c.ready {
			c.gather(n, 0)
			continue
		}
		quiet.captured = m.q.captured
		if r, ok := c.admit(n); ok && n.matches(r) {
			return true
		}
		c.next(m.t)
	}
	return false
}

// admit gives the entry at the head, unless it begins with a huntgroup that does not hold. If that holds, the entries
// that were put off until it was asked become candidates.
func (c *candidates) admit(m matcher) (record, bool) {
	c.own = c.head
	r := m.t.record(c.own)
	if c.x == nil || !c.x.groups {
		return r, true
	}
	p, ok := m.t.leading(r)
	if !ok {
		return r, true
	}
	if !m.huntgroup(&p) {
		return nil, false
	}
	if b, ok := c.x.bucket(c.x.key(p.value, groupSalt)); ok {
		c.hold(b)
	}
	return r, true
}

// leading gives the check that is compared first if it asks whether a huntgroup holds.
func (t *Table) leading(r record) (p pair, ok bool) {
	for rest := r.checks(); len(rest) > 0; {
		if p, rest = t.nextPair(rest); p.kind < checkProfile {
			return p, p.kind == checkHuntgroup && p.rel == relEqual
		}
	}
	return p, false
}

// hold adds the run of a huntgroup, once.
func (c *candidates) hold(b run) {
	for _, r := range c.runs[1 : 1+c.held] {
		if r.end == b.end {
			return
		}
	}
	if i := 1 + c.held; c.add(run{}) {
		c.runs[c.n-1] = c.runs[i]
		c.runs[i] = c.x.after(b, c.own)
		c.held++
	}
}

// add appends a run; false if there are too many, so that the index is given up.
func (c *candidates) add(r run) bool {
	if c.n == len(c.runs) {
		c.x, c.ready = nil, true
		return false
	}
	c.runs[c.n] = r
	c.n++
	return true
}

// gather looks up what the request has, and leaves out entries up to a place. The other runs have none of these left.
func (c *candidates) gather(m matcher, at place) {
	x := c.x
	c.ready = true
	if c.n == 0 {
		c.n = 1
		c.runs[0] = run{1, x.always}
	}
	c.n = 1 + c.held
	if !c.ofName(m.q.Name, at) || !c.ofPairs(m.q.Request, false, at) || x.control && !c.ofPairs(m.q.Control, true, at) {
		c.skip(m.t, at)
		return
	}
	c.least()
}

// ofName adds the runs of the parts of the user name.
func (c *candidates) ofName(name []byte, at place) bool {
	for i := range c.x.name {
		if len(name) > 0 && !c.look(&c.x.name[i], name, at) {
			return false
		}
	}
	return true
}

// ofPairs adds the runs of a list's values. false as of add.
func (c *candidates) ofPairs(list *dictionary.List, control bool, at place) bool {
	if list == nil {
		return true
	}
	for i := range c.x.pairs {
		d := &c.x.pairs[i]
		if control && !d.control {
			continue
		}
		for j := range list.Pairs {
			if p := &list.Pairs[j]; p.Attr == d.attr && !c.look(d, p.Value, at) {
				return false
			}
		}
	}
	return true
}

// look adds the run of a value. false as of add.
func (c *candidates) look(d *dimension, value []byte, at place) bool {
	var room [16]byte
	part, ok := d.part(value, &room)
	if !ok {
		return true
	}
	r, ok := c.x.bucket(c.x.key(part, d.salt()))
	if ok && at != 0 {
		r = c.x.after(r, at)
	}
	return !ok || r.at == r.end || c.add(r)
}

// changes reports whether an entry that matched may have changed more than the control list and the reply.
func (m matcher) changes(r record) bool {
	if r.has(flagProfile) {
		return true
	}
	if !m.t.rewrites {
		return false
	}
	var p pair
	for rest := r.checks(); len(rest) > 0; {
		if p, rest = m.t.nextPair(rest); p.kind == runRewrite {
			return true
		}
	}
	return false
}

// changed is told that the entry at a place matched: what it did may make candidates of later entries.
func (c *candidates) changed(at place, more bool) {
	if c.x != nil && c.ready && (more || c.x.control) && at < c.last {
		c.ready = false
		c.head = at + 1
	}
}

// next goes on to the candidate behind the last one given.
func (c *candidates) next(t *Table) {
	switch {
	case c.x == nil:
		c.skip(t, c.own)
	case c.ready:
		c.least()
	}
}

// least finds the first entry of the runs, and goes beyond the last one given.
func (c *candidates) least() {
	places := c.x.places
	head := ^place(0)
	for i := range c.runs[:c.n] {
		r := &c.runs[i]
		if r.at < r.end && places[r.at] == c.own {
			r.at++
		}
		if r.at < r.end {
			head = min(head, places[r.at])
		}
	}
	if c.head = head; head == ^place(0) {
		c.head = 0
	}
}

// skip goes on to the first entry of the whole list behind a place.
func (c *candidates) skip(t *Table, at place) {
	p := c.own
	if p == 0 {
		p = t.record(c.last).next()
	}
	for p <= at && p != c.last {
		p = t.record(p).next()
	}
	if c.head = p; p <= at {
		c.head = 0
	}
}
