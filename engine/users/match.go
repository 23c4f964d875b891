package users

import (
	"unsafe"

	"perilune/engine/dictionary"
)

// Match finds the entries for q.Name in the order of the file's dialect, and fills Control, Reply and the
// results. It allocates nothing unless Watch is set or a rule expands text. In the order of FreeRADIUS a
// Stripped-User-Name in the request becomes q.Name: it is what hints and realms have made of User-Name.
func (t *Table) Match(q *Query) {
	q.Reset()
	if t.order == FreeRADIUS && t.stripped != nil {
		if name, ok := q.Request.First(t.stripped); ok {
			q.Name = name
		}
	}
	q.Stripped = q.Name
	m := matcher{t, q}
	if t.order == GNU && len(q.Name) == 0 { // GNU Radius serves nobody without a name
		return
	}
	if m.scan(t.begin) != goOn {
		return
	}
	begun := len(q.Rules)
	m.users()
	q.Found = len(q.Rules) > begun
}

// A matcher is one Match.
type matcher struct {
	t *Table
	q *Query
}

// An outcome says how the search goes on after an entry or a list.
type outcome uint8

const (
	goOn  outcome = iota // nothing matched, or what matched falls through
	found                // the entry that matched ends the search
	over                 // a hook has decided, or the request fails
)

// users scans the entries of the name and the DEFAULT entries.
func (m matcher) users() {
	t, q := m.t, m.q
	named := t.lookup(q.Name)
	if t.order == FreeRADIUS {
		m.merged(named, t.defaults)
	} else {
		if string(q.Name) == "DEFAULT" { // the original finds the DEFAULT entries under that name, too
			named = t.defaults
		}
		if m.scan(named) == goOn {
			m.scan(t.defaults)
		}
	}
}

// scan tries the entries of a list in order. The Fall-Through of the entry that matched decides.
func (m matcher) scan(last place) outcome {
	if last == 0 {
		return goOn
	}
	if x := m.index(last); x != nil {
		return m.choose(last, x, 0, nil)
	}
	end := m.t.record(last)
	for p := end.next(); p != last; {
		r := m.t.record(p)
		if o := m.try(r); o != goOn {
			return o
		}
		p = r.next()
	}
	return m.try(end)
}

// merged tries the entries of two lists in the order of the file.
func (m matcher) merged(a, b place) outcome {
	if a == 0 || b == 0 {
		return m.scan(a | b)
	}
	if x, y := m.index(a), m.index(b); x != nil || y != nil {
		return m.choose(a, x, b, y)
	}
	t := m.t
	p, q := t.record(a).next(), t.record(b).next()
	for {
		if q < p { // records lie in the order of the file
			a, b, p, q = b, a, q, p
		}
		r := t.record(p)
		if o := m.try(r); o != goOn {
			return o
		}
		if p == a {
			return m.rest(b, q)
		}
		p = r.next()
	}
}

// rest tries the entries of a list from p on.
func (m matcher) rest(last, p place) outcome {
	for {
		r := m.t.record(p)
		if o := m.try(r); o != goOn || p == last {
			return o
		}
		p = r.next()
	}
}

// try compares one entry and, if it matches, does what it says.
func (m matcher) try(r record) outcome {
	if r.has(flagAlways) {
		m.watch(r, nil)
		return m.apply(r)
	}
	before := m.q.captured
	if !m.matches(r) {
		m.q.captured = before
		return goOn
	}
	return m.apply(r)
}

// matches compares the checks of an entry.
func (m matcher) matches(r record) bool {
	var p pair
	for rest := r.checks(); len(rest) > 0; {
		p, rest = m.t.nextPair(rest)
		if p.kind < firstEffect && p.kind != checkProfile && !m.holds(&p) {
			m.watch(r, &p)
			return false
		}
	}
	if r.has(flagProfile) && !m.profilesMatch(r) {
		return false
	}
	m.watch(r, nil)
	return true
}

// profilesMatch reports whether the last Match-Profile of the check list finds an entry that matches.
func (m matcher) profilesMatch(r record) bool {
	ok := true
	var p pair
	var last pair
	for rest := r.checks(); len(rest) > 0; {
		if p, rest = m.t.nextPair(rest); p.kind == checkProfile {
			last = p
			ok = m.anyMatches(m.t.profiles[p.number()].last)
		}
	}
	if !ok {
		m.watch(r, &last)
	}
	return ok
}

// rule names an entry without copying its label.
func (t *Table) rule(r record) Rule {
	name := r.name()
	return Rule{t.files[r.file()], r.line(), unsafe.String(unsafe.SliceData(name), len(name)), r.dialect()}
}

// apply does what an entry that matched says.
func (m matcher) apply(r record) outcome {
	q := m.q
	q.Rules = append(q.Rules, m.t.rule(r))
	if r.has(flagProfile) {
		if o := m.profiles(r.checks(), checkProfile); o == over {
			return over
		}
	}
	if !m.orders(r) || !m.reply(r) {
		return over
	}
	if r.has(flagProfile) {
		if o := m.profiles(r.reply(), runProfile); o == over {
			return over
		}
	}
	if r.has(flagFallThrough) {
		return goOn
	}
	return found
}

// profiles runs the entries of each profile that a list names.
func (m matcher) profiles(list []byte, kind pairKind) outcome {
	var p pair
	for len(list) > 0 {
		if p, list = m.t.nextPair(list); p.kind != kind {
			continue
		}
		if o := m.scan(m.t.profiles[p.number()].last); o == over {
			return over
		}
	}
	return goOn
}

// orders fills the control list, then runs the rewrite functions; false if the request has been decided.
func (m matcher) orders(r record) bool {
	q := m.q
	if r.has(flagOrders) && len(q.Control.Pairs) == 0 {
		m.appendAll(q.Control, r.checks())
		return true
	}
	var none earlier
	var p pair
	for rest := r.checks(); len(rest) > 0; {
		if p, rest = m.t.nextPair(rest); p.kind > firstEffect-1 && p.kind != runRewrite && !m.put(q.Control, &p, r, &none) {
			return false
		} else if p.kind == checkPrefix || p.kind == checkSuffix {
			m.strip(&p)
		}
	}
	for rest := r.checks(); len(rest) > 0; {
		if p, rest = m.t.nextPair(rest); p.kind == runRewrite && q.Host != nil && !q.Host.Rewrite(p.number()) {
			q.Ended = true
			return false
		}
	}
	return true
}

func (m matcher) strip(p *pair) {
	s := m.q.Stripped
	n := len(p.value)
	switch {
	case p.rel != relEqual || n > len(s):
	case p.kind == checkPrefix && string(s[:n]) == string(p.value):
		m.q.Stripped = s[n:]
	case p.kind == checkSuffix && string(s[len(s)-n:]) == string(p.value):
		m.q.Stripped = s[:len(s)-n]
	}
}

// reply merges the reply list; false if the request fails.
func (m matcher) reply(r record) bool {
	old := earlier{n: len(m.q.Reply.Pairs)}
	if old.n == 0 && r.has(flagPlain) {
		m.appendAll(m.q.Reply, r.reply())
		return true
	}
	var p pair
	for rest := r.reply(); len(rest) > 0; {
		if p, rest = m.t.nextPair(rest); p.kind != runProfile && !m.put(m.q.Reply, &p, r, &old) {
			return false
		}
	}
	return true
}

// earlier tells which pairs of a list are of earlier entries: the first n, but for those that this one replaced.
type earlier struct {
	n        int
	replaced uint64 // of the first 64
}

// find gives the first pair of earlier entries that has the attribute, whatever its tag; -1 if there is none.
func (e *earlier) find(list *dictionary.List, a *dictionary.Attribute) int {
	for i := range list.Pairs[:min(e.n, len(list.Pairs))] {
		if list.Pairs[i].Attr == a.Root && (i > 63 || e.replaced>>i&1 == 0) {
			return i
		}
	}
	return -1
}

// replace puts the last pair of the list in the place of the i-th; -1: it stays where it is.
func (e *earlier) replace(list *dictionary.List, i int) {
	last := len(list.Pairs) - 1
	if i < 0 || i == last {
		return
	}
	list.Pairs[i] = list.Pairs[last]
	list.Pairs[last] = dictionary.Pair{}
	list.Pairs = list.Pairs[:last]
	if i < 64 {
		e.replaced |= 1 << i
	}
}

// put adds a pair to a list in its way; false if the request fails.
func (m matcher) put(list *dictionary.List, p *pair, r record, old *earlier) bool {
	ref := dictionary.Ref{Attr: m.t.attrs[p.attr], Tag: p.tag}
	value, ok := m.value(p, ref.Attr, r)
	if !ok {
		return m.q.Err == nil
	}
	if p.flags&pairDeferred != 0 {
		m.putDeferred(list, ref, p, value, old)
		return true
	}
	switch p.kind {
	case setMerge, replyMerge:
		m.merge(list, ref, value, p)
	case setReplace:
		list.Set(ref, value)
	case replySet:
		m.replaceFirst(list, ref, value, p, old)
	case setAdd, replyAdd:
		m.append(list, ref, value, p)
	case setAbsent:
		if _, has := list.Get(ref, 0); !has {
			m.append(list, ref, value, p)
		}
	case replyAbsent:
		if !old.has(list, ref) {
			m.append(list, ref, value, p)
		}
	}
	return true
}

// has reports whether an earlier entry gave the attribute or field.
func (e *earlier) has(list *dictionary.List, ref dictionary.Ref) bool {
	if ref.Attr.IsField() {
		return has(list, ref, e.n)
	}
	return e.find(list, ref.Attr) >= 0
}

// replaceFirst is := of FreeRADIUS: of what earlier entries gave the first goes, and the rest stays, as does what
// the entry itself gave.
func (m matcher) replaceFirst(list *dictionary.List, ref dictionary.Ref, value []byte, p *pair, old *earlier) {
	if ref.Attr.IsField() {
		old.n -= list.SetBefore(ref, old.n, value)
		return
	}
	i := old.find(list, ref.Attr)
	m.append(list, ref, value, p)
	old.replace(list, i)
}

// append adds a pair at the end: without a copy where the value is one of the table's.
func (m matcher) append(list *dictionary.List, ref dictionary.Ref, value []byte, p *pair) {
	if ref.Attr.IsField() || p.flags&(pairExpand|pairAddPort) != 0 {
		list.Add(ref, value)
		return
	}
	list.AddShared(dictionary.Pair{Attr: ref.Attr, Value: value, Tag: tagOf(ref)})
}

// appendAll adds all pairs of a record's list to an empty one, where that is what their operators mean.
func (m matcher) appendAll(list *dictionary.List, rest []byte) {
	pairs, heads := list.Pairs, m.t.heads.list
	var h *head
	for len(rest) > 0 {
		pairs = dictionary.Room(pairs)
		p := &pairs[len(pairs)-1]
		h, p.Value, rest = cut(heads, rest)
		p.Attr, p.Tag = h.of, h.listTag
	}
	list.Pairs = pairs
}

func tagOf(ref dictionary.Ref) uint8 { return uint8(max(ref.Tag, 0)) }

// merge adds a pair by its additivity (GNU Radius).
func (m matcher) merge(list *dictionary.List, ref dictionary.Ref, value []byte, p *pair) {
	if ref.Attr.Additivity == dictionary.Append || !has(list, ref, len(list.Pairs)) {
		m.append(list, ref, value, p)
		return
	}
	if ref.Attr.Additivity == dictionary.Replace && !ref.Attr.IsField() {
		list.Merge(dictionary.Pair{Attr: ref.Attr, Value: value, Tag: tagOf(ref)})
	}
}

// has reports whether one of the first n pairs is of the attribute.
func has(list *dictionary.List, ref dictionary.Ref, n int) bool {
	for i := range list.Pairs[:min(n, len(list.Pairs))] {
		if p := &list.Pairs[i]; p.Attr == ref.Attr.Root && (ref.Tag <= 0 || p.Tag == uint8(ref.Tag)) {
			return true
		}
	}
	return false
}

// putDeferred adds a pair that the policy computes later.
func (m matcher) putDeferred(list *dictionary.List, ref dictionary.Ref, p *pair, value []byte, old *earlier) {
	at := -1
	switch {
	case p.kind == replySet:
		at = old.find(list, ref.Attr)
	case p.kind == replyMerge && ref.Attr.Additivity == dictionary.Replace:
		list.Delete(ref)
	case p.kind == replyMerge && ref.Attr.Additivity == dictionary.None && has(list, ref, len(list.Pairs)),
		p.kind == replyAbsent && old.has(list, ref):
		return
	}
	list.AddShared(dictionary.Pair{Attr: ref.Attr, Value: value, Tag: Deferred})
	old.replace(list, at)
}
