package dictionary

import (
	"slices"
	"strconv"
	"strings"

	"perilune/engine/raddb"
)

// attribute reads ATTRIBUTE name number type, followed by what either family allows:
// [vendor|-] [flags] of GNU Radius, or words as has_tag,encrypt=2 of FreeRADIUS.
func (f *file) attribute(line []raddb.Field) {
	if f.lost {
		return // the block's vendor is unknown and reported
	}
	dec := declaration{Attribute: Attribute{Name: line[1].Text, Usage: AllUsage, carried: f.carried}}
	rest, bare := f.vendorField(&dec, line[4:])
	if !f.path(&dec.Attribute, line[2]) || !f.typeField(&dec.Attribute, line[3]) {
		return
	}
	if !f.flagFields(&dec, rest, bare) {
		return
	}
	dec.Internal = dec.Internal || dec.Vendor == nil && dec.Parent == nil && (f.internal || f.isOrder(line[1].Text))
	f.define(dec, line[1])
}

// isOrder reports whether the program itself knows a name as an internal attribute of GNU Radius whose
// number is below 256 and means something else, or nothing, on the wire.
func (f *file) isOrder(name string) bool {
	if f.carried {
		return slices.Contains(internalBelow256, name)
	}
	a := f.d.names[fold(name)]
	return a != nil && a.carried && a.Internal
}

var internalBelow256 = []string{"Expiration", "User-UID", "User-GID", "Huntgroup-Name"}

// define declares what a line says and reports what is wrong with it.
func (f *file) define(dec declaration, at raddb.Field) {
	a, warning, err := f.d.define(dec, f.lines.Pos(at))
	if err != nil {
		f.errs.Errorf(f.lines.Pos(at), "%v", err)
		return
	}
	if warning != "" {
		f.errs.Warnf(f.lines.Pos(at), "%s", warning)
	}
	f.last = a
}

// vendorField reads the fifth field if it is a vendor or the - that stands for none, and gives the fields
// of flags. Behind either of them flags of GNU Radius may stand without brackets.
func (f *file) vendorField(dec *declaration, rest []raddb.Field) (flags []raddb.Field, bare bool) {
	dec.Vendor = f.vendor
	if len(rest) == 0 {
		return nil, false
	}
	word := rest[0].Text
	if word == "-" {
		return rest[1:], true
	}
	if v := f.d.VendorNamed(word); v != nil && !isFlagWord(word) {
		dec.Vendor = v
		return rest[1:], true
	}
	return rest, false
}

// path reads a number, or several joined by dots for an attribute that lies in others.
func (f *file) path(a *Attribute, number raddb.Field) bool {
	words := strings.Split(number.Text, ".")
	if n := len(f.tlvs); n > 0 {
		a.Parent = f.tlvs[n-1]
	} else if f.evs != nil {
		a.Parent = f.evs
	}
	for i, w := range words {
		n, err := strconv.ParseUint(w, 0, 32)
		if err != nil {
			f.errorf(number, "number %q; expected digits, 0x and hexadecimal ones, or several numbers joined by dots", number.Text)
			return false
		}
		a.Number = uint32(n)
		if i < len(words)-1 && !f.descend(a, number) {
			return false
		}
	}
	a.Internal = a.Vendor == nil && a.Parent == nil && (a.Number > 255 || a.Number == 0)
	return true
}

// descend makes what has the number so far the parent of the number that follows.
func (f *file) descend(a *Attribute, number raddb.Field) bool {
	if a.Parent != nil && a.Parent.Type == TypeEVS && a.Vendor == nil { // 241.26.VENDOR.N
		a.Vendor = f.d.Vendor(a.Number)
		if a.Vendor == nil {
			f.errorf(number, "unknown vendor %d in %s; expected a VENDOR line for it above", a.Number, number.Text)
		}
		return a.Vendor != nil
	}
	if a.Vendor == nil && a.Parent == nil && a.Number > 255 {
		f.errorf(number, "number %s begins above 255; expected an attribute of the wire", number.Text)
		return false
	}
	parent := f.d.occupant(a)
	if parent == nil || !parent.holdsFields() {
		f.errorf(number, "number %s: nothing that holds others is declared at %d; expected an ATTRIBUTE of type tlv, struct, extended or evs for it above",
			number.Text, a.Number)
		return false
	}
	a.Parent = parent
	return true
}

func (a *Attribute) holdsFields() bool {
	switch a.Type {
	case TypeTLV, TypeStruct, TypeExtended, TypeLongExtended, TypeEVS:
		return true
	}
	return false
}

// typeField reads a type, octets[16] included.
func (f *file) typeField(a *Attribute, field raddb.Field) bool {
	name, length, bracketed := strings.Cut(field.Text, "[")
	t, ok := ParseType(name)
	if !ok {
		f.errorf(field, "unknown type %q%s", field.Text, raddb.DidYouMean(name, typeNameSeq))
		return false
	}
	a.Type = t
	if !bracketed {
		return true
	}
	digits, closed := strings.CutSuffix(length, "]")
	n, err := strconv.ParseUint(digits, 10, 12)
	if err != nil || !closed || n == 0 || t != TypeOctets && t != TypeStruct && t != TypeString {
		f.errorf(field, "type %q; expected a length only of octets, as octets[16]", field.Text)
		return false
	}
	a.Length = int(n)
	return true
}

func typeNameSeq(yield func(string) bool) {
	for name := range typeNames {
		if !yield(name) {
			return
		}
	}
}

// value reads VALUE attribute name number.
func (f *file) value(line []raddb.Field) {
	n, ok := f.number(line[3], 1<<64-1)
	if !ok {
		return
	}
	v := pendingValue{f.lines.Pos(line[1]), line[1].Text, line[2].Text, n}
	if f.d.Attribute(v.attribute) == nil {
		f.values = append(f.values, v)
		return
	}
	f.addValue(v)
}

func (f *file) number(field raddb.Field, limit uint64) (uint64, bool) {
	n, err := strconv.ParseUint(field.Text, 0, 64)
	if err != nil || n > limit {
		f.errorf(field, "number %q; expected digits or 0x and hexadecimal ones, at most %d", field.Text, limit)
		return 0, false
	}
	return n, true
}

// resolveValues gives the VALUE lines that stood before their ATTRIBUTE to it.
func (p *parser) resolveValues() {
	before := len(*p.errs)
	for _, v := range p.values {
		p.addValue(v)
		if len(*p.errs)-before > maxErrors {
			p.errs.Errorf(v.at, "more than %d values have no effect; the rest was not read", maxErrors)
			break
		}
	}
	p.values = nil
}

// addValue names a number. Native code asks for the values of internal attributes by name, so that a name
// that the program carries keeps its number.
func (p *parser) addValue(v pendingValue) {
	a := p.d.Attribute(v.attribute)
	if a == nil {
		p.errs.Warnf(v.at, "value %s has no effect: %v", v.name, p.d.unknown(v.attribute))
		return
	}
	if !a.Type.isNumber() { // FreeRADIUS's own directory has such lines, without effect there too
		p.errs.Warnf(v.at, "%s has type %s, so that its value %s has no effect", a.FullName(), a.Type, v.name)
		return
	}
	if err := checkValue(a, v.name, v.number); err != nil {
		p.errs.Errorf(v.at, "%v", err)
		return
	}
	old, ok := a.ValueNumber(v.name)
	if ok && a.Internal && a.carried && !p.carried {
		return
	}
	if ok && old != v.number && !a.carried {
		p.errs.Warnf(v.at, "value %s of %s has been %d; %d counts", v.name, a.FullName(), old, v.number)
	}
	a.values.add(v.name, v.number)
}

// alias reads ALIAS existing-name new-name.
func (f *file) alias(line []raddb.Field) {
	a := f.known(line[1])
	if a == nil {
		return
	}
	name := line[2].Text
	switch old := f.d.names[fold(name)]; {
	case old == a:
	case old != nil && !old.carried:
		f.errorf(line[2], "%s is the name of another attribute%s; expected a free one", name, old.declaredAt())
	default:
		f.d.loseName(old, name)
		a.aliases = append(a.aliases, name)
		f.d.names[fold(name)] = a
	}
}

// member reads FreeRADIUS's MEMBER name type: the next field of the struct declared last.
func (f *file) member(line []raddb.Field) {
	parent := f.last
	if parent != nil && parent.Parent != nil && parent.Parent.Type == TypeStruct {
		parent = parent.Parent
	}
	if parent == nil || parent.Type != TypeStruct {
		f.errorf(line[0], "MEMBER without a struct; expected an ATTRIBUTE of type struct above")
		return
	}
	dec := declaration{Attribute: Attribute{
		Name: line[1].Text, Number: uint32(len(parent.children) + 1), Vendor: parent.Vendor, Parent: parent, Usage: AllUsage,
	}}
	if f.typeField(&dec.Attribute, line[2]) {
		f.define(dec, line[1])
	}
}
