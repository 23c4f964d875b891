package dictionary

import "slices"

// A Pair is one attribute with one value.
type Pair struct {
	Attr  *Attribute // never nil; never a field of a TLV: those are inside their Root's Value
	Value []byte     // wire form without tag, salt or header; clear text; not to be changed in place
	Tag   uint8      // 0 untagged, else 1 to 31 (RFC 2868 s3.1)
}

// A Ref is an attribute name as written: an attribute, perhaps one tag of it.
type Ref struct {
	Attr *Attribute
	Tag  int8 // AnyTag, 0 for untagged only, 1 to 31

	// Raw is set by a name of numbers, such as Attr-5: it stands for the values whose form does not fit the
	// attribute, which the Ref then matches too. nil otherwise.
	Raw *Attribute
}

// AnyTag in a Ref matches every tag on reading and means untagged on writing.
const AnyTag int8 = -1

// AnyTag gives the Ref of the attribute with every tag.
func (a *Attribute) AnyTag() Ref { return Ref{Attr: a, Tag: AnyTag} }

const maxTag = 31 // RFC 2868 s3.1

// matches reports whether the pair is of the attribute and tag, or holds the field.
func (r Ref) matches(p *Pair) bool {
	return (p.Attr.Same(r.Attr.Root) || r.Raw != nil && p.Attr.Same(r.Raw)) && (r.Tag == AnyTag || uint8(r.Tag) == p.Tag)
}

// writeTag gives the tag of a pair that is made for the Ref.
func (r Ref) writeTag() uint8 { return uint8(max(r.Tag, 0)) }

// A List is an ordered list of pairs: of a request, of its control, of a reply. Values that are added are
// copied into the list's own memory unless the method says otherwise, so one List reused for request after
// request allocates nothing. The zero List is empty. It serves one goroutine at a time.
type List struct {
	Pairs []Pair // in order; may be read directly, changed only by the methods
	arena []byte
}

// maxKeptArena bounds the memory that Reset keeps, in octets.
const maxKeptArena = 64 << 10

// Reset empties the list and keeps its memory.
func (l *List) Reset() {
	if len(l.Pairs) > 0 {
		clear(l.Pairs) // so that nothing of the last request or generation is kept alive
		l.Pairs = l.Pairs[:0]
	}
	l.arena = l.arena[:0]
	if cap(l.arena) > maxKeptArena {
		l.arena = nil
	}
}

// keep copies a value into the list's memory.
func (l *List) keep(value []byte) []byte {
	n := len(l.arena)
	l.arena = append(l.arena, value...)
	return l.arena[n:len(l.arena):len(l.arena)]
}

// Get gives the i-th value (from 0) of the attribute or field, nil and false beyond the last.
func (l *List) Get(r Ref, i int) ([]byte, bool) {
	if r.Attr.IsField() {
		value, _, _ := l.getField(r, i)
		return value, value != nil
	}
	if at := l.index(r, i); at >= 0 {
		return l.Pairs[at].Value, true
	}
	return nil, false
}

// index gives the place of the i-th pair, -1 beyond the last.
func (l *List) index(r Ref, i int) int {
	for at := range l.Pairs {
		if r.matches(&l.Pairs[at]) {
			if i == 0 {
				return at
			}
			i--
		}
	}
	return -1
}

// First gives the first value of an attribute that is not a field, whatever its tag; none of nil. It is the fast form
// of Get.
func (l *List) First(a *Attribute) ([]byte, bool) {
	for i := range l.Pairs {
		if l.Pairs[i].Attr == a {
			return l.Pairs[i].Value, true
		}
	}
	return nil, false
}

// Count gives the number of values of the attribute or field.
func (l *List) Count(r Ref) int {
	if r.Attr.IsField() {
		return l.countField(r)
	}
	n := 0
	for at := range l.Pairs {
		if r.matches(&l.Pairs[at]) {
			n++
		}
	}
	return n
}

// Add appends a value. For a field it extends the last Root pair of the list if that is the last pair and
// does not hold the field yet (unless Array), otherwise it appends a new Root.
func (l *List) Add(r Ref, value []byte) {
	if r.Attr.IsField() {
		l.addField(r, value)
		return
	}
	l.Pairs = append(l.Pairs, Pair{r.Attr, l.keep(value), r.writeTag()})
}

// AddShared appends a pair without copying its value, which must live as long as the list is used
// (values of the generation, of the receive buffer).
func (l *List) AddShared(p Pair) { l.Pairs = append(l.Pairs, p) }

// Room gives pairs with one more at the end, whose fields the caller sets: each by itself, for a whole Pair is too large
// for the processor's registers. It is for loops that add many.
func Room(pairs []Pair) []Pair {
	if n := len(pairs); n < cap(pairs) {
		return pairs[:n+1]
	}
	return append(pairs, Pair{})
}

// Set replaces all values of the attribute by one, at the place of the first, else appends.
func (l *List) Set(r Ref, value []byte) {
	value = l.keep(value) // before the old ones go: it may be one of them
	if r.Attr.IsField() {
		l.setField(r, value)
		return
	}
	at := l.index(r, 0)
	if at < 0 {
		l.Pairs = append(l.Pairs, Pair{r.Attr, value, r.writeTag()})
		return
	}
	l.deleteFrom(r, at+1)
	l.Pairs[at] = Pair{r.Attr, value, l.Pairs[at].Tag}
	if r.Tag == AnyTag {
		l.Pairs[at].Tag = 0
	}
}

// SetBefore replaces the values of the attribute among the first n pairs by one, at the place of the first; if
// there is none it appends. Of a field it replaces all. It gives how many pairs fewer there are.
func (l *List) SetBefore(r Ref, n int, value []byte) int {
	before := len(l.Pairs)
	if r.Attr.IsField() {
		l.Set(r, value)
		return max(before-len(l.Pairs), 0)
	}
	value = l.keep(value)
	at := l.index(r, 0)
	if at < 0 || at >= n {
		l.Pairs = append(l.Pairs, Pair{r.Attr, value, r.writeTag()})
		return 0
	}
	l.Pairs[at] = Pair{r.Attr, value, r.writeTag()}
	later := l.Pairs[n:]
	l.Pairs = l.Pairs[:n]
	gone := l.deleteFrom(r, at+1)
	l.Pairs = append(l.Pairs, later...)
	clear(l.Pairs[len(l.Pairs):before])
	return gone
}

// SetAt sets only the i-th value (from 0); one beyond the last appends; further beyond is false.
func (l *List) SetAt(r Ref, i int, value []byte) bool {
	n := l.Count(r)
	switch {
	case i < 0 || i > n:
		return false
	case i == n:
		l.Add(r, value)
	case r.Attr.IsField():
		l.setFieldAt(r, i, value)
	default:
		l.Pairs[l.index(r, i)].Value = l.keep(value)
	}
	return true
}

// Delete removes all values, and gives their number.
func (l *List) Delete(r Ref) int {
	if r.Attr.IsField() {
		return l.deleteField(r, -1)
	}
	return l.deleteFrom(r, 0)
}

// deleteFrom removes the matching pairs from a place on.
func (l *List) deleteFrom(r Ref, from int) int {
	kept := from
	for at := from; at < len(l.Pairs); at++ {
		if r.matches(&l.Pairs[at]) {
			continue
		}
		if kept != at { // mostly none goes
			l.Pairs[kept] = l.Pairs[at]
		}
		kept++
	}
	gone := len(l.Pairs) - kept
	clear(l.Pairs[kept:])
	l.Pairs = l.Pairs[:kept]
	return gone
}

// DeleteAt removes the i-th value (from 0); false if there is none.
func (l *List) DeleteAt(r Ref, i int) bool {
	if i < 0 {
		return false
	}
	if r.Attr.IsField() {
		return l.deleteField(r, i) > 0
	}
	at := l.index(r, i)
	if at >= 0 {
		l.Pairs = slices.Delete(l.Pairs, at, at+1)
	}
	return at >= 0
}

// Merge adds one pair by the attribute's additivity (GNU): append; replace in the place of the first; or
// keep what is there. The value is copied.
func (l *List) Merge(p Pair) {
	at := -1
	if p.Attr.Additivity != Append {
		at = l.index(Ref{Attr: p.Attr, Tag: AnyTag}, 0)
	}
	p.Value = l.keep(p.Value)
	switch {
	case at < 0:
		l.Pairs = append(l.Pairs, p)
	case p.Attr.Additivity == Replace:
		l.Pairs[at] = p
	}
}

// CopyTo makes dst an independent copy.
func (l *List) CopyTo(dst *List) {
	dst.Reset()
	for _, p := range l.Pairs {
		dst.Pairs = append(dst.Pairs, Pair{p.Attr, dst.keep(p.Value), p.Tag})
	}
}
