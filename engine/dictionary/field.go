package dictionary

import (
	"iter"

	"perilune/engine/radius"
)

// Fields lie inside the Value of a pair of their Root. A TLV holds type, length, value one after another
// (RFC 8044 s3.13), a struct values of fixed length; either may hold the other. maxDepth bounds nesting.
const maxDepth = 8

// wellFormed reports whether a value is one or more whole TLVs.
func wellFormed(value []byte) bool { return radius.TLVs(value).Valid() }

// A span is a field found inside its parent's value.
type span struct {
	start, end int // of the field's value
	head       int // where its header begins; start for a member of a struct
}

// spans finds the children of one parent with the number, and gives each to visit until that is false.
func (a *Attribute) spans(parent []byte, visit func(span) bool) {
	if a.Parent.Type == TypeStruct {
		if s, ok := a.member(parent); ok {
			visit(s)
		}
		return
	}
	for at := 0; at+2 <= len(parent); {
		n := int(parent[at+1])
		if n < 2 || at+n > len(parent) {
			return
		}
		if uint32(parent[at]) == a.Number && !visit(span{at + 2, at + n, at}) {
			return
		}
		at += n
	}
}

// member finds a member of a struct: those before it have fixed lengths, the last may take the rest.
func (a *Attribute) member(parent []byte) (span, bool) {
	at := 0
	for _, c := range a.Parent.children {
		n := c.size()
		if n == 0 {
			n = len(parent) - at
		}
		if at+n > len(parent) || n <= 0 {
			break
		}
		if c == a {
			return span{at, at + n, at}, true
		}
		at += n
	}
	return span{}, false
}

// fieldPath gives the fields from the Root's child down to the attribute.
func (a *Attribute) fieldPath() []*Attribute {
	var path []*Attribute
	for ; a.IsField() && len(path) < maxDepth; a = a.Parent {
		path = append(path, a)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}

// walk gives every value of the field at the end of path inside value, until visit is false. The place is
// that of the value inside value.
func walk(value []byte, offset int, path []*Attribute, visit func(span) bool) bool {
	more := true
	path[0].spans(value, func(s span) bool {
		if len(path) == 1 {
			more = visit(span{s.start + offset, s.end + offset, s.head + offset})
		} else {
			more = walk(value[s.start:s.end], offset+s.start, path[1:], visit)
		}
		return more
	})
	return more
}

// Field gives the i-th value (from 0) of the field a inside the value of its Root. It works on whole TLVs
// and structs and allocates little.
func (a *Attribute) Field(root []byte, i int) ([]byte, bool) {
	s, ok := a.fieldSpan(root, &i)
	if !ok {
		return nil, false
	}
	return root[s.start:s.end:s.end], true
}

// fieldSpan finds the i-th value and lowers *i by those passed.
func (a *Attribute) fieldSpan(root []byte, i *int) (found span, ok bool) {
	walk(root, 0, a.fieldPath(), func(s span) bool {
		if *i == 0 {
			found, ok = s, true
			return false
		}
		*i--
		return true
	})
	return found, ok
}

// getField finds the i-th value of a field, the pair it lies in and its place there. The value is nil if
// there is none, and never nil otherwise.
func (l *List) getField(r Ref, i int) (value []byte, at int, s span) {
	for at := range l.Pairs {
		p := &l.Pairs[at]
		if !r.matches(p) {
			continue
		}
		if s, ok := r.Attr.fieldSpan(p.Value, &i); ok {
			return p.Value[s.start:s.end:s.end], at, s
		}
	}
	return nil, -1, span{}
}

func (l *List) countField(r Ref) int {
	n, path := 0, r.Attr.fieldPath()
	for at := range l.Pairs {
		if r.matches(&l.Pairs[at]) {
			walk(l.Pairs[at].Value, 0, path, func(span) bool { n++; return true })
		}
	}
	return n
}

// fields gives what lies directly in a TLV or struct, in order of the wire.
func (a *Attribute) fields(value []byte) iter.Seq2[*Attribute, []byte] {
	return func(yield func(*Attribute, []byte) bool) {
		if a.Type == TypeStruct {
			for _, c := range a.children {
				if s, ok := c.member(value); !ok || !yield(c, value[s.start:s.end]) {
					return
				}
			}
			return
		}
		for number, v := range radius.TLVs(value).All() {
			c := a.Child(uint32(number))
			if c == nil {
				c = madeUpAttribute(a, a.Vendor, uint32(number))
			}
			if !yield(c, v) {
				return
			}
		}
	}
}
