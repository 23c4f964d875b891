package dictionary

import (
	"fmt"
	"slices"

	"perilune/engine/raddb"
)

// A declaration is one ATTRIBUTE line.
type declaration struct {
	Attribute
	flagged bool // with the flags of GNU Radius, so that Usage, Additivity and the like count
}

// define declares what a line says. Files may declare again what others or the program declared: the last
// one counts, but an attribute keeps its identity, so that what native code knows is what arrives.
//   - The same name in the same place is the same attribute with, perhaps, another type and flags.
//   - Another name in the same place, with the same type, is a further name; output uses the last one.
//   - The same name in another place takes the name away from the first.
//   - Internal attributes that the program carries stay internal whatever number they get.
//
// The text is a warning, "" mostly.
func (d *Dictionary) define(dec declaration, at raddb.Pos) (*Attribute, string, error) {
	if dec.Encrypt == EncryptSalted && dec.Vendor == nil && dec.Parent == nil {
		dec.Tagged = true // RFC 2868 s3.5; GNU Radius's flag T does not say it
	}
	if err := d.checkNew(&dec.Attribute); err != nil {
		return nil, "", err
	}
	dec.at = at
	old, occupant := d.names[fold(dec.FullName())], d.occupant(&dec.Attribute)
	switch {
	case old != nil && old.Internal && old.carried && dec.Vendor == nil && dec.Parent == nil:
		old.redeclare(dec)
		return old, "", nil
	case old != nil && old.samePlace(&dec.Attribute):
		warning := changed(old, &dec.Attribute)
		old.redeclare(dec)
		d.place(old)
		return old, warning, nil
	case occupant != nil && occupant.sameForm(&dec.Attribute):
		warning := d.loseName(old, dec.Name)
		d.rename(occupant, dec)
		return occupant, warning, nil
	}
	warning := d.loseName(old, dec.Name)
	return d.add(dec.Attribute), warning, nil
}

// samePlace reports whether two attributes have one number in one space. Internal ones have no place at all.
func (a *Attribute) samePlace(b *Attribute) bool {
	if a.Internal || b.Internal {
		return a.Internal && b.Internal
	}
	return a.Number == b.Number && a.Parent == b.Parent && a.vendorID() == b.vendorID()
}

// changed gives the warning for a declaration that differs from one in another file.
func changed(old, next *Attribute) string {
	switch {
	case old.carried:
		return ""
	case old.Name != next.Name && fold(old.Name) == fold(next.Name):
		return fmt.Sprintf("attribute %s differs from %s only in case%s; the two are one", next.Name, old.Name, old.declaredAt())
	case old.Type != next.Type || old.Number != next.Number:
		return fmt.Sprintf("attribute %s is declared again with another type or number%s; this one counts", next.Name, old.declaredAt())
	}
	return ""
}

// redeclare takes over what a further declaration of the attribute says.
func (a *Attribute) redeclare(dec declaration) {
	if !a.carried || !a.Internal && !a.Type.isSpace() {
		a.Type, a.Length = dec.Type, dec.Length
	}
	if a.Internal && !a.carried {
		a.Number = dec.Number
	}
	if dec.hasWireFlags() || !a.carried {
		a.Tagged, a.Concat, a.Array, a.Encrypt = dec.Tagged, dec.Concat, dec.Array, dec.Encrypt
	}
	if !a.Internal || !a.carried {
		a.Name, a.at = dec.Name, dec.at
	}
	a.takeFlags(dec)
	a.markHidden()
	a.values.inherit()
}

func (a *Attribute) hasWireFlags() bool {
	return a.Tagged || a.Concat || a.Array || a.Encrypt != EncryptNone
}

// takeFlags takes over the flags of GNU Radius if the line has some.
func (a *Attribute) takeFlags(dec declaration) {
	if dec.flagged {
		a.Usage, a.Additivity, a.Propagate = dec.Usage, dec.Additivity, dec.Propagate
		a.UserFlags, a.Detail = dec.UserFlags, dec.Detail
	}
	a.Secret = a.Secret || dec.Secret || a.Encrypt != EncryptNone
}

// sameForm reports whether next would be read and written as the attribute is, so that it is only another
// name for it.
func (a *Attribute) sameForm(next *Attribute) bool {
	if a.Type != next.Type || a.Length != next.Length {
		return false
	}
	return !next.hasWireFlags() ||
		a.Tagged == next.Tagged && a.Concat == next.Concat && a.Array == next.Array && a.Encrypt == next.Encrypt
}

// rename gives an attribute a further name, which output uses from now on.
func (d *Dictionary) rename(a *Attribute, dec declaration) {
	if a.Name != dec.Name {
		a.aliases = append(slices.DeleteFunc(a.aliases, func(s string) bool { return s == dec.Name }), a.Name)
	}
	a.Name, a.at = dec.Name, dec.at
	d.names[fold(a.Name)] = a
	a.takeFlags(dec)
	a.values.inherit()
}

// loseName takes a name away from the attribute that has it, since another gets it. An attribute left
// without a name is called by its number.
func (d *Dictionary) loseName(a *Attribute, name string) string {
	if a == nil {
		return ""
	}
	delete(d.names, fold(name))
	a.aliases = slices.DeleteFunc(a.aliases, func(s string) bool { return fold(s) == fold(name) })
	if fold(a.Name) == fold(name) {
		a.Name = a.NumberName()
		if n := len(a.aliases); n > 0 {
			a.Name, a.aliases = a.aliases[n-1], a.aliases[:n-1]
		}
	}
	if a.carried {
		return ""
	}
	return fmt.Sprintf("attribute %s is declared again for another number%s; this one counts", name, a.declaredAt())
}
