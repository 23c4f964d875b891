package users

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"

	"perilune/engine/dictionary"
)

// holds compares one check pair with the request. What the request lacks makes every comparison false,
// != too.
func (m matcher) holds(p *pair) bool {
	switch p.kind {
	case checkHuntgroup:
		return m.huntgroup(p)
	case checkHint:
		return m.hint(p)
	case checkPrefix:
		return len(m.q.Name) > 0 && bytes.HasPrefix(m.q.Name, p.value) == (p.rel == relEqual)
	case checkSuffix:
		return len(m.q.Name) > 0 && bytes.HasSuffix(m.q.Name, p.value) == (p.rel == relEqual)
	case checkGroup:
		_, in := m.t.groups[p.number()].members[string(m.q.Name)]
		return len(m.q.Name) > 0 && in == (p.rel == relEqual)
	}
	if p.kind == checkUID {
		uid, ok := m.t.uids[string(m.q.Name)]
		return ok && p.rel.holds(cmp.Compare(uid, bigEndian(p.value)))
	}
	ref := dictionary.Ref{Attr: m.t.attrs[p.attr], Tag: p.tag}
	list := m.source(ref)
	switch {
	case p.kind == checkPresent:
		return list != nil
	case p.kind == checkAbsent:
		return list == nil
	case list == nil:
		return ref.Attr == m.t.typed // of FreeRADIUS: says nothing of CHAP, which has no such text to compare
	case p.flags&pairExpand != 0:
		return m.expanded(p, list, ref)
	}
	return m.some(p, list, ref)
}

// source gives the list that has the attribute, nil if none: the request or, for what never is on the wire,
// the control list.
func (m matcher) source(ref dictionary.Ref) *dictionary.List {
	if _, ok := m.q.Request.Get(ref, 0); ok {
		return m.q.Request
	}
	if ref.Attr.Internal && m.q.Control != nil {
		if _, ok := m.q.Control.Get(ref, 0); ok {
			return m.q.Control
		}
	}
	return nil
}

// some compares the first value of the list, or each until one fits.
func (m matcher) some(p *pair, list *dictionary.List, ref dictionary.Ref) bool {
	if ref.Attr.IsField() {
		return m.someField(p, list, ref)
	}
	for i := range list.Pairs {
		have := &list.Pairs[i]
		if !have.Attr.Same(ref.Attr) || ref.Tag >= 0 && have.Tag != uint8(ref.Tag) {
			continue
		}
		if m.fits(p, ref.Attr, have.Value) {
			return true
		}
		if p.flags&pairAny == 0 {
			return false
		}
	}
	return false
}

func (m matcher) someField(p *pair, list *dictionary.List, ref dictionary.Ref) bool {
	for i := 0; ; i++ {
		v, ok := list.Get(ref, i)
		if !ok {
			return false
		}
		if m.fits(p, ref.Attr, v) {
			return true
		}
		if p.flags&pairAny == 0 {
			return false
		}
	}
}

// fits compares one value.
func (m matcher) fits(p *pair, a *dictionary.Attribute, v []byte) bool {
	switch p.kind {
	case checkCompare:
		return compare(p.rel, a, v, p.value)
	case checkRegexp:
		return m.regexp(p, a, v)
	case checkWithin:
		return within(v, p.value) == (p.rel == relEqual)
	case checkPorts:
		return inPorts(a, v, p.value) == (p.rel == relEqual)
	}
	return false
}

func compare(rel relation, a *dictionary.Attribute, v, want []byte) bool {
	switch a.Type {
	case dictionary.TypeIPv4Prefix, dictionary.TypeIPv6Prefix:
		return comparePrefix(rel, a, v, want)
	}
	if rel <= relNotEqual {
		return bytes.Equal(v, want) == (rel == relEqual)
	}
	c, ok := a.Compare(v, want)
	return ok && rel.holds(c)
}

// comparePrefix orders prefixes by containment: the smaller one lies in the greater.
func comparePrefix(rel relation, a *dictionary.Attribute, v, want []byte) bool {
	p, ok := a.Prefix(v)
	q, ok2 := a.Prefix(want)
	if !ok || !ok2 {
		return false
	}
	switch rel {
	case relEqual:
		return p == q
	case relNotEqual:
		return p != q
	case relLess:
		return p != q && inside(p, q)
	case relLessEq:
		return inside(p, q)
	case relGreater:
		return p != q && inside(q, p)
	}
	return inside(q, p)
}

func inside(p, q netip.Prefix) bool { return p.Bits() >= q.Bits() && q.Contains(p.Addr()) }

// within reports whether an address lies in a prefix given as its bits and its address.
func within(v, prefix []byte) bool {
	addr, ok := netip.AddrFromSlice(v)
	return ok && prefixOf(prefix).Contains(addr)
}

func prefixOf(value []byte) netip.Prefix {
	base, _ := netip.AddrFromSlice(value[1:])
	return netip.PrefixFrom(base, int(value[0]))
}

// inPorts reports whether a port lies in one of the ranges.
func inPorts(a *dictionary.Attribute, v, ranges []byte) bool {
	port, ok := a.Uint(v)
	for ; ok && len(ranges) >= 8; ranges = ranges[8:] {
		if uint64(order.Uint32(ranges)) <= port && port <= uint64(order.Uint32(ranges[4:])) {
			return true
		}
	}
	return false
}

// regexp compares the text of a value and, where an expansion may ask for them, keeps what the groups
// matched.
func (m matcher) regexp(p *pair, a *dictionary.Attribute, v []byte) bool {
	re := m.t.regexps[p.number()]
	if a.Type != dictionary.TypeString && a.Type != dictionary.TypeOctets {
		m.q.scratch = a.AppendText(m.q.scratch[:0], v)
		v = m.q.scratch
	}
	if p.rel == relNotEqual || !m.t.captures {
		return re.Match(v) == (p.rel == relEqual)
	}
	at := re.FindSubmatchIndex(v)
	if at == nil {
		return false
	}
	if len(v) > 0 && len(m.q.scratch) > 0 && &v[0] == &m.q.scratch[0] {
		v = bytes.Clone(v) // the scratch is used again before the expansion is made
	}
	m.q.captured = captures{}
	for i := 0; i < len(m.q.captured.text) && 2*i < len(at); i++ {
		if at[2*i] >= 0 {
			m.q.captured.text[i] = v[at[2*i]:at[2*i+1]]
		}
		m.q.captured.n = i + 1
	}
	return true
}

func (m matcher) huntgroup(p *pair) bool {
	if m.q.Host == nil {
		return p.rel == relNotEqual
	}
	switch m.q.Host.Huntgroup(p.number()) {
	case True:
		return p.rel == relEqual
	case False:
		return p.rel == relNotEqual
	}
	return false
}

// hint compares with any Hint of the request.
func (m matcher) hint(p *pair) bool {
	a := m.t.attrs[p.attr]
	present := false
	for _, list := range [...]*dictionary.List{m.q.Request, m.q.Control} {
		if list == nil {
			continue
		}
		for i := range list.Pairs {
			if list.Pairs[i].Attr != a {
				continue
			}
			if present = true; string(list.Pairs[i].Value) == string(p.value) {
				return p.rel == relEqual
			}
		}
	}
	return present && p.rel == relNotEqual
}

// expanded compares with a value that depends on the request.
func (m matcher) expanded(p *pair, list *dictionary.List, ref dictionary.Ref) bool {
	want, err := encode(nil, ref.Attr, m.t.expand(nil, p.value, m.q))
	if err != nil {
		return false
	}
	q := *p
	q.value, q.flags = want, p.flags&^pairExpand
	return m.some(&q, list, ref)
}

// errExpansion begins the text of Query.Err.
var errExpansion = errors.New("users: an expansion is too long")

// value gives the octets of a pair: those of the table, or made for this request. False drops the pair or,
// with Query.Err, fails the request.
func (m matcher) value(p *pair, a *dictionary.Attribute, r record) ([]byte, bool) {
	q := m.q
	switch {
	case p.flags&pairAddPort != 0:
		return m.addPort(p.value), true
	case p.flags&pairExpand == 0:
		return p.value, true
	}
	q.scratch = m.t.expand(q.scratch[:0], p.value, q)
	v := q.scratch
	if a.Type != dictionary.TypeString {
		var err error
		if v, err = a.ParseText(nil, string(v)); err != nil {
			return m.drop(a, r, "the expanded text is no value of its type")
		}
	}
	if n := room(a); len(v) > n {
		q.Err = fmt.Errorf("%w: %s:%d: %s has %d octets, expected at most %d", errExpansion, m.t.files[r.file()], r.line(), a.Name, len(v), n)
		return nil, false
	}
	if len(v) == 0 {
		return m.drop(a, r, "the expanded text is empty")
	}
	return v, true
}

func (m matcher) drop(a *dictionary.Attribute, r record, why string) ([]byte, bool) {
	m.q.Dropped = append(m.q.Dropped, Dropped{m.t.rule(r), a, why})
	return nil, false
}

// addPort gives an address plus the NAS-Port of the request (0 if it has none).
func (m matcher) addPort(address []byte) []byte {
	sum := bigEndian(address)
	if port, ok := m.q.Request.First(m.t.port); ok {
		sum += bigEndian(port)
	}
	m.q.scratch = append(m.q.scratch[:0], byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
	return m.q.scratch
}

func bigEndian(b []byte) (n uint32) {
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}
