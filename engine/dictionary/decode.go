package dictionary

import (
	"fmt"
	"slices"

	"perilune/engine/radius"
)

// Decode appends the pairs of a packet's attributes: VSAs of known vendors taken apart, tags split off,
// encrypted values revealed with s and the request's authenticator (s may be nil: they stay as received,
// under their Attr-N form). What the dictionary lacks, or whose length does not fit its type, becomes
// octets of an attribute made up by number and is encoded again unchanged. Values share the packet's
// memory where they can. The only errors are those of a User-Password that cannot be revealed.
func (d *Dictionary) Decode(l *List, attrs radius.Attributes, s *radius.Session, request *radius.Authenticator) error {
	dec := decoder{d: d, l: l, s: s, request: request}
	for {
		attrs = d.decodeBare(l, attrs)
		t, value, rest, ok := attrs.Next()
		if !ok {
			return dec.err
		}
		attrs = dec.attribute(t, value, attrs, rest)
	}
}

// decodeBare takes the attributes off that need no more than to be named, up to another, which nearly all are.
func (d *Dictionary) decodeBare(l *List, attrs radius.Attributes) radius.Attributes {
	pairs, at := l.Pairs, 0
	for at+2 <= len(attrs) {
		end := at + int(attrs[at+1])
		if end < at+2 || end > len(attrs) {
			break
		}
		a, value := d.wire[attrs[at]], attrs[at+2:end:end]
		if !a.takesBare(value) {
			break
		}
		pairs = Room(pairs)
		p := &pairs[len(pairs)-1]
		p.Attr, p.Value, p.Tag = a, value, 0
		at = end
	}
	l.Pairs = pairs
	return attrs[at:]
}

// A decoder holds what the steps of one Decode share.
type decoder struct {
	d       *Dictionary
	l       *List
	s       *radius.Session
	request *radius.Authenticator
	err     error
}

// attribute decodes one attribute of the wire and gives what is left: rest, or less if the value went on in
// the attributes that follow. all begins with the attribute itself.
func (dec *decoder) attribute(t radius.Type, value []byte, all, rest radius.Attributes) radius.Attributes {
	a := dec.d.wire[t]
	switch a.Type {
	case TypeVSA:
		return dec.vendorSpecific(value, all, rest)
	case TypeExtended, TypeLongExtended:
		return dec.extended(a, t, value, all, rest)
	}
	if a.Concat {
		return dec.concat(a, t, value, rest)
	}
	dec.value(a, value)
	return rest
}

// concat joins the values of attributes of one type that follow each other (RFC 3579 s3.1). Text goes on
// only after an attribute that is full: RFC 4849 s2 splits rules at 253 octets, and many send a rule in each.
func (dec *decoder) concat(a *Attribute, t radius.Type, value []byte, rest radius.Attributes) radius.Attributes {
	next, more, after, ok := rest.Next()
	goesOn := func(last []byte) bool {
		return ok && next == t && (a.Type != TypeString || len(last) == radius.MaxValueLen)
	}
	if !goesOn(value) {
		dec.l.AddShared(Pair{Attr: a, Value: value})
		return rest
	}
	start := len(dec.l.arena)
	dec.l.arena = append(dec.l.arena, value...)
	for last := value; goesOn(last); {
		dec.l.arena = append(dec.l.arena, more...)
		last, rest = more, after
		next, more, after, ok = rest.Next()
	}
	dec.l.AddShared(Pair{Attr: a, Value: dec.kept(start)})
	return rest
}

// kept gives what was appended to the list's memory since start.
func (dec *decoder) kept(start int) []byte {
	return dec.l.arena[start:len(dec.l.arena):len(dec.l.arena)]
}

// vendorSpecific takes attribute 26 apart (RFC 2865 s5.26). What does not have the vendor's format stays
// one value of octets.
func (dec *decoder) vendorSpecific(value []byte, all, rest radius.Attributes) radius.Attributes {
	id, data, ok := radius.SplitVSA(value)
	format, sp := usualFormat(id), dec.d.spaces[id]
	if sp != nil {
		format = sp.vendor.Format
	}
	if !ok || !format.Valid(data) {
		dec.octets(dec.d.raw[radius.TypeVendorSpecific], value)
		return rest
	}
	if sub, more := firstContinued(format, data); more {
		return dec.continued(format, id, sub.Number, value, all, rest)
	}
	for sub := range format.All(data) {
		dec.value(dec.d.vendorAttribute(id, sub.Number), sub.Value)
	}
	return rest
}

// firstContinued finds an attribute that goes on in the next one.
func firstContinued(f radius.VSAFormat, data []byte) (radius.SubAttribute, bool) {
	if f.Continuation {
		for sub := range f.All(data) {
			if sub.More {
				return sub, true
			}
		}
	}
	return radius.SubAttribute{}, false
}

// continued joins a value that goes on in the next attributes 26 (WiMAX); if it does not, or shares its
// first one with others, the first one stays octets.
func (dec *decoder) continued(f radius.VSAFormat, id, number uint32, value []byte, all, rest radius.Attributes) radius.Attributes {
	start := len(dec.l.arena)
	joined, after, ok := f.JoinVSA(dec.l.arena, all)
	if !ok {
		dec.octets(dec.d.raw[radius.TypeVendorSpecific], value)
		return rest
	}
	dec.l.arena = joined
	dec.value(dec.d.vendorAttribute(id, number), dec.kept(start))
	return after
}

// extended takes an attribute 241 to 246 apart (RFC 6929 s2.1, s2.2).
func (dec *decoder) extended(parent *Attribute, t radius.Type, value []byte, all, rest radius.Attributes) radius.Attributes {
	e, ok := radius.SplitExtended(t, value)
	if !ok {
		dec.octets(dec.d.raw[t], value)
		return rest
	}
	data := e.Value
	if e.More {
		start := len(dec.l.arena)
		joined, after, ok := radius.JoinExtended(dec.l.arena, all)
		if !ok {
			dec.octets(dec.d.raw[t], value)
			return rest
		}
		dec.l.arena, rest = joined, after
		data = dec.kept(start)
	}
	dec.inExtended(parent, e.Number, data)
	return rest
}

func (dec *decoder) inExtended(parent *Attribute, number byte, data []byte) {
	a := parent.Child(uint32(number))
	if a == nil {
		a = dec.d.made.get(parent, nil, 0, uint32(number))
	}
	if a.Type != TypeEVS {
		dec.value(a, data)
		return
	}
	vendor, n, value, ok := radius.SplitEVS(data)
	if !ok {
		dec.octets(dec.d.made.get(parent, nil, 0, uint32(number)), data)
		return
	}
	dec.value(dec.d.evsAttribute(a, vendor, uint32(n)), value)
}

// octets adds a value as it was received.
func (dec *decoder) octets(a *Attribute, value []byte) {
	dec.l.AddShared(Pair{Attr: a, Value: value})
}

// value adds one value of an attribute: its tag split off, revealed, and checked against its type.
func (dec *decoder) value(a *Attribute, wire []byte) {
	if a.takesBare(wire) {
		dec.l.AddShared(Pair{Attr: a, Value: wire})
		return
	}
	p := Pair{Attr: a, Value: wire}
	start := len(dec.l.arena)
	if !dec.untag(&p) || !dec.reveal(&p) || !dec.fit(&p) {
		dec.l.arena = dec.l.arena[:start]
		dec.octets(dec.d.octetsOf(a), wire)
		return
	}
	if a.Array && a.size() > 0 {
		for part := range slices.Chunk(p.Value, a.size()) {
			dec.l.AddShared(Pair{Attr: a, Value: part[:len(part):len(part)], Tag: p.Tag})
		}
		return
	}
	dec.l.AddShared(p)
}

// untag splits the tag off (RFC 2868 s3.1): an octet over 0x1F is data in text; in a number it stands in
// the place of the highest octet; an encrypted value always has one.
func (dec *decoder) untag(p *Pair) bool {
	if !p.Attr.Tagged || len(p.Value) == 0 {
		return true
	}
	first := p.Value[0]
	switch {
	case p.Attr.Encrypt == EncryptSalted:
		p.Value = p.Value[1:]
		if first <= maxTag {
			p.Tag = first
		}
	case first > maxTag:
	case p.Attr.Type != TypeInteger:
		p.Tag, p.Value = first, p.Value[1:]
	case first > 0 && len(p.Value) == 4:
		start := len(dec.l.arena)
		dec.l.arena = append(dec.l.arena, 0, p.Value[1], p.Value[2], p.Value[3])
		p.Tag, p.Value = first, dec.kept(start)
	}
	return true
}

// reveal turns a hidden value, or the hidden fields of a TLV, into clear text.
func (dec *decoder) reveal(p *Pair) bool {
	start := len(dec.l.arena)
	var clear []byte
	var ok bool
	switch {
	case p.Attr.Encrypt != EncryptNone:
		clear, ok = dec.clear(dec.l.arena, p.Attr, p.Value)
	case p.Attr.hides && p.Attr.Fits(p.Value):
		clear, ok = dec.revealFields(dec.l.arena, p.Attr, p.Value)
	default:
		return true
	}
	if ok {
		dec.l.arena = clear
		p.Value = dec.kept(start)
	}
	return ok
}

// fail remembers the error of a User-Password; other values that cannot be revealed stay octets.
func (dec *decoder) fail(a *Attribute, err error) {
	if a.Number == uint32(radius.TypeUserPassword) && a.Vendor == nil && a.Parent == nil && dec.err == nil {
		dec.err = fmt.Errorf("%s: %w", a.Name, err)
	}
}

// fit reports whether the value has a form that the type allows.
func (dec *decoder) fit(p *Pair) bool {
	if size := p.Attr.size(); p.Attr.Array && size > 0 {
		return len(p.Value) > 0 && len(p.Value)%size == 0
	}
	return p.Attr.Fits(p.Value)
}

// octetsOf gives the attribute of octets that stands for one whose value does not fit.
func (d *Dictionary) octetsOf(a *Attribute) *Attribute {
	switch {
	case a.Index < 0:
		return a
	case a.Parent != nil:
		return d.made.get(a.Parent, a.Vendor, a.vendorID(), a.Number)
	case a.Vendor != nil:
		return d.made.get(nil, a.Vendor, a.Vendor.ID, a.Number)
	}
	return d.raw[a.Number]
}
