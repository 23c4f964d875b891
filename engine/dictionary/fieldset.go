package dictionary

import (
	"slices"

	"perilune/engine/radius"
)

// addField appends a field to the last pair, or to a new one, with the TLVs around it.
func (l *List) addField(r Ref, value []byte) {
	root := r.Attr.Root
	if n := len(l.Pairs); n > 0 && r.matches(&l.Pairs[n-1]) {
		p := &l.Pairs[n-1]
		none := 0
		if _, has := r.Attr.fieldSpan(p.Value, &none); !has || r.Attr.Array {
			if grown, ok := r.Attr.insert(p.Value, value); ok {
				p.Value = l.keep(grown)
				return
			}
		}
	}
	if fresh, ok := r.Attr.insert(nil, value); ok {
		l.Pairs = append(l.Pairs, Pair{root, l.keep(fresh), r.writeTag()})
	}
}

// insert gives the value of the Root with one more field in it: inside the last of the TLVs around it if
// there is one. false if it has no room.
func (a *Attribute) insert(root, value []byte) ([]byte, bool) {
	path := a.fieldPath()
	return insertAt(root, path, value)
}

func insertAt(parent []byte, path []*Attribute, value []byte) ([]byte, bool) {
	f := path[0]
	if f.Parent.Type == TypeStruct {
		return f.setMember(parent, path, value)
	}
	if len(path) > 1 {
		last, found := span{}, false
		f.spans(parent, func(s span) bool { last, found = s, true; return true })
		if found {
			inner, ok := insertAt(parent[last.start:last.end], path[1:], value)
			if !ok {
				return nil, false
			}
			return replaceTLV(parent, last, f, inner)
		}
		inner, ok := insertAt(nil, path[1:], value)
		if !ok {
			return nil, false
		}
		value = inner
	}
	return replaceTLV(parent, span{len(parent), len(parent), len(parent)}, f, value)
}

// replaceTLV gives the parent's value with the TLV at s replaced by one of the value.
func replaceTLV(parent []byte, s span, f *Attribute, value []byte) ([]byte, bool) {
	if len(value) > radius.MaxValueLen || f.Number > 255 {
		return nil, false
	}
	out := make([]byte, 0, len(parent)+len(value)+2)
	out = append(out, parent[:s.head]...)
	out = radius.AppendAttribute(out, radius.Type(f.Number), value) // a TLV looks like one
	return append(out, parent[s.end:]...), true
}

// setMember gives the struct's value with one member set; members before it that are missing are zeros.
func (a *Attribute) setMember(parent []byte, path []*Attribute, value []byte) ([]byte, bool) {
	at, size := 0, a.size()
	for _, c := range a.Parent.children {
		if c == a {
			break
		}
		at += c.size()
	}
	if len(path) > 1 {
		inner, ok := insertAt(nil, path[1:], value)
		if !ok {
			return nil, false
		}
		value = inner
	}
	if size > 0 && len(value) != size {
		return nil, false
	}
	out := make([]byte, max(len(parent), at+len(value)))
	copy(out, parent)
	copy(out[at:], value)
	if size == 0 {
		out = out[:at+len(value)]
	}
	return out, true
}

// setField replaces all values of a field by one, in the place of the first, else adds it.
func (l *List) setField(r Ref, value []byte) {
	old, at, s := l.getField(r, 0)
	if old == nil {
		l.addField(r, value)
		return
	}
	for i := l.countField(r) - 1; i > 0; i-- {
		l.deleteField(r, i)
	}
	l.replaceField(r, at, s, value)
}

func (l *List) setFieldAt(r Ref, i int, value []byte) {
	if _, at, s := l.getField(r, i); at >= 0 {
		l.replaceField(r, at, s, value)
	}
}

// replaceField puts another value in the place of one; what has no room there is left as it was.
func (l *List) replaceField(r Ref, at int, s span, value []byte) {
	if next, ok := replaceAt(l.Pairs[at].Value, 0, r.Attr.fieldPath(), s, value); ok {
		l.Pairs[at].Value = l.keep(next)
	}
}

// replaceAt rebuilds the values from the Root down to the field whose value is at target; a nil value
// removes the field.
func replaceAt(parent []byte, offset int, path []*Attribute, target span, value []byte) (out []byte, ok bool) {
	f := path[0]
	f.spans(parent, func(s span) bool {
		if target.start < s.start+offset || target.end > s.end+offset {
			return true
		}
		switch {
		case len(path) > 1:
			inner, fits := replaceAt(parent[s.start:s.end], offset+s.start, path[1:], target, value)
			switch out, ok = inner, fits; {
			case ok && len(inner) == 0 && f.Parent.Type != TypeStruct: // no TLV is empty (RFC 6929 s2.3)
				out = slices.Concat(parent[:s.head], parent[s.end:])
			case ok:
				out, ok = f.put(parent, s, inner)
			}
		case value == nil:
			out, ok = f.cut(parent, s), true
		default:
			out, ok = f.put(parent, s, value)
		}
		return false
	})
	return out, ok
}

// put gives the parent's value with the field at s replaced.
func (a *Attribute) put(parent []byte, s span, value []byte) ([]byte, bool) {
	if a.Parent.Type == TypeStruct {
		return a.setMember(parent, []*Attribute{a}, value)
	}
	return replaceTLV(parent, s, a, value)
}

// cut gives the parent's value without the field at s. The last member of a struct goes; one before others
// must keep their places and becomes zeros.
func (a *Attribute) cut(parent []byte, s span) []byte {
	out := append([]byte{}, parent[:s.head]...)
	if a.Parent.Type == TypeStruct && s.end < len(parent) {
		out = append(out, make([]byte, s.end-s.start)...)
	}
	return append(out, parent[s.end:]...)
}

// deleteField removes the i-th value of a field, all if i is -1, and gives their number. A pair that holds
// nothing more goes too.
func (l *List) deleteField(r Ref, i int) (gone int) {
	for at := max(i, 0); ; {
		left := l.countField(r)
		if !l.cutField(r, at) {
			return gone
		}
		gone++
		if i >= 0 {
			return gone
		}
		if l.countField(r) == left { // zeros took its place
			at++
		}
	}
}

// cutField removes the i-th value of a field.
func (l *List) cutField(r Ref, i int) bool {
	_, at, s := l.getField(r, i)
	if at < 0 {
		return false
	}
	next, ok := replaceAt(l.Pairs[at].Value, 0, r.Attr.fieldPath(), s, nil)
	if !ok {
		return false
	}
	l.Pairs[at].Value = l.keep(next)
	if len(next) == 0 {
		l.Pairs = slices.Delete(l.Pairs, at, at+1)
	}
	return true
}
