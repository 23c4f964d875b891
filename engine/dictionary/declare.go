package dictionary

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"perilune/engine/raddb"
)

var errFrozen = errors.New("the dictionary is complete: nothing can be added after loading")

// AddVendor declares a vendor before Freeze; the error names the place of a clash.
func (d *Dictionary) AddVendor(v Vendor, at raddb.Pos) error {
	if d.frozen {
		return errFrozen
	}
	if err := checkFormat(v); err != nil {
		return err
	}
	v.at = at
	for _, old := range []*Vendor{d.Vendor(v.ID), d.VendorNamed(v.Name)} {
		if old != nil && (old.ID != v.ID || fold(old.Name) != fold(v.Name) || old.Format != v.Format) {
			return fmt.Errorf("vendor %s = %d clashes with %s = %d%s", v.Name, v.ID, old.Name, old.ID, declaredAt(old.at))
		}
	}
	d.defineVendor(v)
	return nil
}

func checkFormat(v Vendor) error {
	f := v.Format
	if t := f.TypeLen; t != 1 && t != 2 && t != 4 || f.LenLen > 2 || f.Continuation && f.HeaderLen() != 3 {
		return fmt.Errorf("vendor %s has a format of %d,%d; expected 1, 2 or 4 octets of type and 0, 1 or 2 of length",
			v.Name, f.TypeLen, f.LenLen)
	}
	return nil
}

// declaredAt gives the place of an earlier declaration for an error text.
func declaredAt(p raddb.Pos) string {
	if p.File == "" {
		return ""
	}
	return ", declared at " + p.String()
}

// declaredAt is the same for an attribute.
func (a *Attribute) declaredAt() string {
	if a.carried {
		return ", which the program itself declares"
	}
	return declaredAt(a.at)
}

// defineVendor declares a vendor; the last declaration of a number decides its format.
func (d *Dictionary) defineVendor(v Vendor) *Vendor {
	s := d.spaces[v.ID]
	if s == nil {
		s = &space{vendor: &v}
		d.spaces[v.ID] = s
	} else {
		s.vendor.Format = v.Format
	}
	d.vendors[fold(v.Name)] = s.vendor
	return s.vendor
}

// AddAttribute declares an attribute before Freeze: Name, Number, Vendor, Parent, Type and flags of a are
// taken. One without number, vendor and parent is internal. A field (of a Parent) gets no name of its own in the
// dictionary but is found as "Acme-QoS.Down". The error names the place of a clash.
func (d *Dictionary) AddAttribute(a Attribute, at raddb.Pos) (*Attribute, error) {
	if d.frozen {
		return nil, errFrozen
	}
	if a.Number == 0 && a.Vendor == nil && a.Parent == nil {
		a.Internal = true
	}
	if err := d.adopt(&a); err != nil {
		return nil, err
	}
	if rootOf(&a) != &a {
		a.qualified = a.Parent.FullName() + "." + a.Name
	}
	if err := d.checkNew(&a); err != nil {
		return nil, err
	}
	if old := d.Attribute(a.FullName()); old != nil && old.Index >= 0 {
		return nil, fmt.Errorf("attribute %s exists%s", old.FullName(), old.declaredAt())
	}
	if old := d.occupant(&a); old != nil {
		return nil, fmt.Errorf("attribute %s has the number of %s%s", a.FullName(), old.FullName(), old.declaredAt())
	}
	a.at = at
	if a.Usage == 0 {
		a.Usage = AllUsage
	}
	return d.add(a), nil
}

// adopt gives the attribute the vendor that the dictionary knows, for a field that of what it lies in.
func (d *Dictionary) adopt(a *Attribute) error {
	if a.Vendor == nil && a.Parent != nil && a.Parent.Type != TypeEVS {
		a.Vendor = a.Parent.Vendor
	}
	if a.Vendor == nil {
		return nil
	}
	v := d.Vendor(a.Vendor.ID)
	if v == nil {
		return fmt.Errorf("attribute %s has the unknown vendor %s; expected one declared before", a.Name, a.Vendor.Name)
	}
	a.Vendor = v
	return nil
}

// checkNew refuses what cannot be on the wire.
func (d *Dictionary) checkNew(a *Attribute) error {
	if a.Name == "" || strings.ContainsAny(a.Name, " \t\r\n\"'=,:{}#") {
		return fmt.Errorf("%q is no name of an attribute; expected letters, digits, - _ . /", a.Name)
	}
	if a.depth() > maxDepth {
		return fmt.Errorf("attribute %s lies %d deep; expected at most %d", a.FullName(), a.depth(), maxDepth)
	}
	if err := checkNumber(a); err != nil {
		return err
	}
	return checkFlags(a)
}

// depth counts the TLVs and structs around a field.
func (a *Attribute) depth() (n int) {
	for p := a; rootOf(p) != p; p = p.Parent {
		n++
	}
	return n
}

func checkNumber(a *Attribute) error {
	limit := uint64(1<<32 - 1)
	switch {
	case a.Internal:
		return nil
	case a.Parent != nil || a.Vendor == nil:
		limit = 255
	default:
		limit = 1<<(8*uint(a.Vendor.Format.TypeLen)) - 1
	}
	if uint64(a.Number) > limit {
		return fmt.Errorf("attribute %s has the number %d; expected at most %d here", a.FullName(), a.Number, limit)
	}
	return nil
}

// checkFlags sees to it that the flags go with the type.
func checkFlags(a *Attribute) error {
	t := a.Type
	switch {
	case a.Tagged && t != TypeInteger && t != TypeString && t != TypeOctets:
		return fmt.Errorf("attribute %s has tags and type %s; expected integer or string (RFC 2868 s3.1)", a.FullName(), t)
	case a.Concat && t != TypeOctets && t != TypeString:
		return fmt.Errorf("attribute %s has concat and type %s; expected octets", a.FullName(), t)
	case a.Array && a.size() == 0 && t != TypeString && t != TypeOctets:
		return fmt.Errorf("attribute %s has array and type %s; expected a type of fixed length", a.FullName(), t)
	case a.Encrypt > EncryptAscend:
		return fmt.Errorf("attribute %s has encrypt=%d; expected 1, 2 or 3", a.FullName(), a.Encrypt)
	}
	return nil
}

// occupant gives the attribute declared in the place of a, nil if it is free.
func (d *Dictionary) occupant(a *Attribute) *Attribute {
	var old *Attribute
	switch {
	case a.Internal:
	case a.Parent != nil && a.Parent.Type == TypeEVS:
		old = d.extended[place{a.Parent, a.vendorID(), a.Number}]
	case a.Parent != nil:
		old = a.Parent.Child(a.Number)
	case a.Vendor != nil:
		old = d.spaces[a.Vendor.ID].get(a.Number)
	default:
		old = d.wire[a.Number]
	}
	if old != nil && old.Index < 0 {
		return nil
	}
	return old
}

// add puts a new attribute into the dictionary under its name and in its place, which it takes over.
func (d *Dictionary) add(v Attribute) *Attribute {
	a := &v
	a.Index, a.Root = len(d.all), rootOf(a)
	a.Secret = a.Secret || a.Encrypt != EncryptNone || isPassword(a)
	d.all = append(d.all, a)
	d.names[fold(a.FullName())] = a
	d.place(a)
	a.markHidden()
	return a
}

func (d *Dictionary) place(a *Attribute) {
	switch {
	case a.Internal:
	case a.Parent != nil && a.Parent.Type == TypeEVS:
		d.extended[place{a.Parent, a.vendorID(), a.Number}] = a
	case a.Parent != nil:
		a.Parent.setChild(a)
	case a.Vendor != nil:
		d.spaces[a.Vendor.ID].set(a)
	case d.wire[a.Number] != nil && d.wire[a.Number].Type == TypeVSA && a.Type != TypeVSA:
		// RFC 2865 s5.26: 26 holds the vendors' attributes, whatever a file calls it.
	default:
		d.wire[a.Number] = a
	}
}

func (a *Attribute) setChild(c *Attribute) {
	i, found := slices.BinarySearchFunc(a.children, c.Number, byNumber)
	if found {
		a.children[i] = c
		return
	}
	a.children = slices.Insert(a.children, i, c)
}

// isPassword reports whether an attribute's name says that its text is secret.
func isPassword(a *Attribute) bool {
	return (a.Type == TypeString || a.Type == TypeOctets) && strings.Contains(fold(a.Name), "password")
}

// AddValue names a value of an attribute before Freeze.
func (d *Dictionary) AddValue(a *Attribute, name string, n uint64, at raddb.Pos) error {
	if d.frozen {
		return errFrozen
	}
	if err := checkValue(a, name, n); err != nil {
		return err
	}
	if old, ok := a.ValueNumber(name); ok && old != n {
		return fmt.Errorf("value %s of %s is %d already; expected another name", name, a.FullName(), old)
	}
	a.values.add(name, n)
	return nil
}

func checkValue(a *Attribute, name string, n uint64) error {
	if !a.Type.isNumber() {
		return fmt.Errorf("%s has type %s; expected a type of number for the value %s", a.FullName(), a.Type, name)
	}
	if _, ok := a.AppendUint(nil, n); !ok {
		return fmt.Errorf("value %s of %s is %d; expected at most %d", name, a.FullName(), n, a.Type.maxUint())
	}
	return nil
}
