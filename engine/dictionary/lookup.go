package dictionary

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/raddb"
)

// Attribute looks a name up without case: dictionary names, aliases, fields as "Acme-QoS.Down", and the
// forms Attr-26.9.1, Vendor-9-Attr-1, Attr-241.7, Attr-200, which give an attribute of octets if the
// dictionary lacks the number. nil if there is none.
func (d *Dictionary) Attribute(name string) *Attribute {
	if a, _ := find(d.names, name); a != nil {
		return a
	}
	if a := d.byNumberName(name); a != nil {
		return a
	}
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return d.field(name[:i], name[i+1:])
	}
	return nil
}

// GNUAttribute looks a name up as files of the GNU dialect mean it: NAS-Port-Id is number 5 there and 87
// everywhere else, whatever the dictionary says.
func (d *Dictionary) GNUAttribute(name string) *Attribute {
	if strings.EqualFold(name, "NAS-Port-Id") {
		return d.ByNumber(numberNASPort)
	}
	return d.Attribute(name)
}

const numberNASPort = 5

func (d *Dictionary) field(parent, name string) *Attribute {
	p := d.Attribute(parent)
	if p == nil {
		return nil
	}
	for _, c := range p.children {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// Resolve looks up a name with an optional tag or field: "Tunnel-Type:1", "Acme-QoS.Down". The error says
// what is wrong and names the nearest attribute.
func (d *Dictionary) Resolve(name string) (Ref, error) { return d.resolve(name, d.Attribute) }

// ResolveGNU is Resolve for files of the GNU dialect.
func (d *Dictionary) ResolveGNU(name string) (Ref, error) { return d.resolve(name, d.GNUAttribute) }

func (d *Dictionary) resolve(name string, lookup func(string) *Attribute) (Ref, error) {
	if a := lookup(name); a != nil {
		return Ref{Attr: a, Tag: AnyTag, Raw: d.rawOf(a, name)}, nil
	}
	base, tag, tagged := strings.Cut(name, ":")
	a := lookup(base)
	if a == nil {
		return Ref{}, d.unknown(base)
	}
	if !tagged { // found by its base alone: cannot happen, since base is the name
		return Ref{Attr: a, Tag: AnyTag}, nil
	}
	if !a.Tagged {
		return Ref{}, fmt.Errorf("%s has no tags; expected the name without :%s", a.FullName(), tag)
	}
	n, err := strconv.ParseUint(tag, 10, 8)
	if err != nil || n > maxTag {
		return Ref{}, fmt.Errorf("the tag of %s is %q; expected a number from 0 to 31", a.FullName(), tag)
	}
	return Ref{Attr: a, Tag: int8(n)}, nil
}

// rawOf gives the attribute of octets beside a declared one that was named by its number.
func (d *Dictionary) rawOf(a *Attribute, name string) *Attribute {
	if !isNumberName(name) || d.names[fold(name)] != nil || a.Index < 0 || a.IsField() {
		return nil
	}
	return d.octetsOf(a)
}

// isNumberName reports whether a name is one of Attr-… and Vendor-…-Attr-….
func isNumberName(name string) bool {
	low := fold(name)
	return strings.HasPrefix(low, "attr-") || strings.HasPrefix(low, "vendor-")
}

func (d *Dictionary) unknown(name string) error {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		if p := d.Attribute(name[:i]); p != nil && len(p.children) > 0 {
			return errors.New(p.FullName() + " has no field " + strconv.Quote(name[i+1:]) +
				raddb.DidYouMean(name[i+1:], fieldNames(p)))
		}
	}
	return errors.New("unknown attribute " + strconv.Quote(name) + raddb.DidYouMean(name, d.Names()))
}

func fieldNames(p *Attribute) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range p.children {
			if !yield(c.Name) {
				return
			}
		}
	}
}

// ByNumber gives the attribute of a number of RFC 2865's space; one of octets if none is declared.
func (d *Dictionary) ByNumber(n byte) *Attribute { return d.wire[n] }

// Vendor looks a vendor up by number, nil if unknown.
func (d *Dictionary) Vendor(id uint32) *Vendor {
	if s := d.spaces[id]; s != nil {
		return s.vendor
	}
	return nil
}

// VendorNamed looks a vendor up by name without case, nil if unknown.
func (d *Dictionary) VendorNamed(name string) *Vendor {
	v, _ := find(d.vendors, name)
	return v
}

// Vendors gives all vendors in order of their numbers.
func (d *Dictionary) Vendors() []*Vendor {
	list := make([]*Vendor, 0, len(d.spaces))
	for _, id := range slices.Sorted(maps.Keys(d.spaces)) {
		list = append(list, d.spaces[id].vendor)
	}
	return list
}

// VendorNames gives the names of all vendors, for "did you mean".
func (d *Dictionary) VendorNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, v := range d.vendors {
			if !yield(v.Name) {
				return
			}
		}
	}
}

// VendorAttribute gives the attribute of a vendor, nil if unknown.
func (d *Dictionary) VendorAttribute(vendor, number uint32) *Attribute {
	if s := d.spaces[vendor]; s != nil {
		return s.get(number)
	}
	return nil
}

// Attributes gives all in order of Index. The slice must not be changed.
func (d *Dictionary) Attributes() []*Attribute { return d.all }

// Names gives all attribute names, aliases too, for "did you mean".
func (d *Dictionary) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, a := range d.all {
			if !yield(a.FullName()) {
				return
			}
			for _, alias := range a.aliases {
				if !yield(alias) {
					return
				}
			}
		}
	}
}

// byNumberName reads Attr-N, Attr-26.V.N, Attr-241.N, Attr-241.26.V.N, further numbers for fields, and
// Vendor-V-Attr-N.
func (d *Dictionary) byNumberName(name string) *Attribute {
	low := fold(name)
	if path, ok := strings.CutPrefix(low, "attr-"); ok {
		return d.byPath(strings.Split(path, "."))
	}
	rest, ok := strings.CutPrefix(low, "vendor-")
	vendor, number, ok2 := strings.Cut(rest, "-attr-")
	if !ok || !ok2 {
		return nil
	}
	return d.byPath(append([]string{"26", vendor}, strings.Split(number, ".")...))
}

func (d *Dictionary) byPath(words []string) *Attribute {
	var path [maxDepth + 4]uint32
	if len(words) > len(path) {
		return nil
	}
	for i, w := range words {
		n, err := strconv.ParseUint(w, 10, 32)
		if err != nil {
			return nil
		}
		path[i] = uint32(n)
	}
	return d.atPath(path[:len(words)])
}

// atPath goes down a path of numbers; what is not declared is made up.
func (d *Dictionary) atPath(path []uint32) *Attribute {
	if path[0] == 0 || path[0] > 255 {
		return nil
	}
	a := d.wire[path[0]]
	rest := path[1:]
	if a.Type == TypeVSA && len(rest) > 0 {
		if len(rest) < 2 {
			return nil
		}
		a, rest = d.vendorAttribute(rest[0], rest[1]), rest[2:]
	}
	for len(rest) > 0 && a != nil {
		a, rest = d.step(a, rest)
	}
	return a
}

// step goes from an attribute to what lies in it; nil if it holds nothing.
func (d *Dictionary) step(a *Attribute, path []uint32) (*Attribute, []uint32) {
	switch a.Type {
	case TypeExtended, TypeLongExtended, TypeTLV:
		if path[0] > 255 {
			return nil, nil
		}
		if c := a.Child(path[0]); c != nil {
			return c, path[1:]
		}
		return d.made.get(a, a.Vendor, 0, path[0]), path[1:]
	case TypeStruct:
		return a.Child(path[0]), path[1:] // its members have fixed places: none can be made up
	case TypeEVS:
		if len(path) >= 2 && path[1] <= 255 {
			return d.evsAttribute(a, path[0], path[1]), path[2:]
		}
	}
	return nil, nil
}

// vendorAttribute gives the attribute of a vendor, made up if it is not declared.
func (d *Dictionary) vendorAttribute(vendor, number uint32) *Attribute {
	s := d.spaces[vendor]
	if s == nil {
		return d.made.get(nil, nil, vendor, number)
	}
	if a := s.get(number); a != nil {
		return a
	}
	return d.made.get(nil, s.vendor, vendor, number)
}

// evsAttribute does the same inside an Extended-Vendor-Specific attribute (RFC 6929 s2.4).
func (d *Dictionary) evsAttribute(evs *Attribute, vendor, number uint32) *Attribute {
	if a := d.extended[place{evs, vendor, number}]; a != nil {
		return a
	}
	return d.made.get(evs, d.Vendor(vendor), vendor, number)
}
