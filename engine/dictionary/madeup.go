package dictionary

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
)

// maxMadeUp bounds the attributes by number that are kept, since the network chooses them. Beyond it each
// value has an attribute of its own; Same knows them as one.
const maxMadeUp = 1024

// A place is where an attribute stands: in a vendor's space, or by number (and vendor) inside a parent.
type place struct {
	parent *Attribute
	vendor uint32
	number uint32
}

// madeUp keeps attributes of octets for numbers that the dictionary lacks. Reading takes no lock.
type madeUp struct {
	kept atomic.Pointer[map[place]*Attribute]
	mu   sync.Mutex // one writer at a time
}

// get gives the attribute of a place, made on first use.
func (m *madeUp) get(parent *Attribute, vendor *Vendor, vendorID, number uint32) *Attribute {
	at := place{parent, vendorID, number}
	if kept := m.kept.Load(); kept != nil {
		if a := (*kept)[at]; a != nil {
			return a
		}
	}
	if vendor == nil && (parent == nil || parent.Type == TypeEVS) {
		vendor = unknownVendor(vendorID)
	}
	return m.keep(at, madeUpAttribute(parent, vendor, number))
}

func (m *madeUp) keep(at place, a *Attribute) *Attribute {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := map[place]*Attribute{}
	if kept := m.kept.Load(); kept != nil {
		if first := (*kept)[at]; first != nil {
			return first
		}
		if len(*kept) >= maxMadeUp {
			return a
		}
		next = maps.Clone(*kept)
	}
	next[at] = a
	m.kept.Store(&next)
	return a
}

func unknownVendor(id uint32) *Vendor {
	return &Vendor{Name: "Vendor-" + strconv.FormatUint(uint64(id), 10), ID: id, Format: usualFormat(id)}
}

// madeUpAttribute gives an attribute of octets named by its number.
func madeUpAttribute(parent *Attribute, vendor *Vendor, number uint32) *Attribute {
	a := &Attribute{Index: -1, Number: number, Vendor: vendor, Parent: parent, Type: TypeOctets, Usage: AllUsage, bare: 1}
	a.Root = rootOf(a)
	a.Name = a.NumberName()
	return a
}

// rootOf gives what a Pair carries for the attribute: the outermost TLV or struct, or the attribute itself.
func rootOf(a *Attribute) *Attribute {
	if a.Parent == nil || a.Parent.Type.isSpace() {
		return a
	}
	return a.Parent.Root
}

// NumberName gives the name by number that every dictionary understands: Attr-26.9.1, Attr-241.7. An
// internal attribute has only its name.
func (a *Attribute) NumberName() string {
	if a.Internal {
		return a.FullName()
	}
	return "Attr-" + string(a.appendPath(nil))
}

func (a *Attribute) appendPath(dst []byte) []byte {
	switch {
	case a.Parent != nil:
		dst = append(a.Parent.appendPath(dst), '.')
		if a.Parent.Type == TypeEVS && a.Vendor != nil {
			dst = append(strconv.AppendUint(dst, uint64(a.Vendor.ID), 10), '.')
		}
	case a.Vendor != nil:
		dst = append(strconv.AppendUint(append(dst, "26."...), uint64(a.Vendor.ID), 10), '.')
	}
	return strconv.AppendUint(dst, uint64(a.Number), 10)
}
