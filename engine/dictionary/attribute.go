package dictionary

import (
	"cmp"
	"slices"
	"strings"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// A Type is the data type of an attribute (RFC 8044 s3, and the older names of the dictionaries).
type Type uint8

// The types. Their wire forms are RFC 8044's.
const (
	TypeOctets       Type = iota
	TypeString            // text, RFC 8044 s3.4
	TypeByte              // unsigned 8 bit
	TypeShort             // unsigned 16 bit
	TypeInteger           // unsigned 32 bit; enumerations too
	TypeInteger64         // unsigned 64 bit
	TypeSigned            // signed 32 bit
	TypeDate              // seconds since 1970, unsigned 32 bit
	TypeIPv4Addr          // RFC 8044 s3.8
	TypeIPv6Addr          // s3.9
	TypeIPv4Prefix        // s3.11
	TypeIPv6Prefix        // s3.10
	TypeComboIP           // 4 or 16 octets
	TypeIfID              // s3.7
	TypeEther             // 6 octets
	TypeABinary           // Ascend's filters
	TypeTLV               // s3.13
	TypeStruct            // fixed fields one after another
	TypeVSA               // s3.14: attribute 26 and EVS
	TypeExtended          // s3.15: 241 to 244
	TypeLongExtended      // s3.16: 245, 246
	TypeEVS               // s3.17
)

// Encrypt is how a value is hidden on the wire (FreeRADIUS encrypt=N, GNU flags E and T).
type Encrypt uint8

// The methods.
const (
	EncryptNone         Encrypt = 0
	EncryptUserPassword Encrypt = 1 // RFC 2865 s5.2
	EncryptSalted       Encrypt = 2 // RFC 2868 s3.5
	EncryptAscend       Encrypt = 3
)

// Additivity is what merging does when the list already has the attribute (GNU Radius).
type Additivity uint8

// The additivities. The zero value is the default.
const (
	Append  Additivity = iota // keep both
	Replace                   // put the new one in the place of the first
	None                      // keep the old one
)

// Usage says where the original allows an attribute: a bit for each side of each file.
type Usage uint8

// The bits of Usage, and AllUsage, the default.
const (
	UsersLHS Usage = 1 << iota
	UsersRHS
	HintsLHS
	HintsRHS
	HuntgroupsLHS
	HuntgroupsRHS
	AllUsage Usage = 1<<6 - 1
)

// A Vendor is one private enterprise (RFC 2865 s5.26).
type Vendor struct {
	Name   string
	ID     uint32
	Format radius.VSAFormat

	at raddb.Pos
}

// A Codec gives the octets of an attribute a form that says more than its type does: scripts declare them. It is
// safe for use by many goroutines.
type Codec interface {
	// AppendText appends a value's text for people; false if the octets cannot be decoded.
	AppendText(dst, value []byte) ([]byte, bool)
	// ParseText appends the octets that such a text means.
	ParseText(dst []byte, text string) ([]byte, error)
}

// An Attribute is one entry of a dictionary. It is not changed after Freeze and is compared by pointer.
type Attribute struct {
	Name   string
	Index  int        // position in Dictionary.Attributes(), dense from 0; -1 for one made up by number
	Number uint32     // within its vendor or parent
	Vendor *Vendor    // nil for none
	Parent *Attribute // the TLV, struct or extended attribute that it lies in; nil for none
	Root   *Attribute // what a Pair carries: the attribute itself, or for a field the outermost TLV or struct
	Type   Type

	Internal bool    // never on the wire
	Tagged   bool    // has_tag: RFC 2868 s3.1
	Concat   bool    // one value split over several attributes (EAP-Message)
	Array    bool    // several values in one attribute
	Encrypt  Encrypt // how it is hidden on the wire
	Secret   bool    // blanked in log, trace and errors: passwords and encrypted ones
	Length   int     // of octets[n] and struct; 0: any

	Usage      Usage
	Additivity Additivity
	Propagate  bool   // kept from a home server's answer (GNU flag P)
	Detail     bool   // written to detail files although internal (GNU flag l)
	UserFlags  uint16 // bits 1 to 9 of PROPERTY, for extended comparison
	Codec      Codec  // another form of the octets than the type's; nil for nearly all

	aliases   []string    // further names, as declared
	qualified string      // "Acme-QoS.Down" of a field without a name of its own in the dictionary
	values    enumeration // VALUE names
	children  []*Attribute
	at        raddb.Pos
	hides     bool // a TLV with a field that is hidden on the wire
	carried   bool // declared by the program itself: keeps its numbers of values if it is internal
	bare      int  // once the dictionary is frozen, if isBare: 1, or if values have one length 1 more than that
}

// HasValues reports whether the dictionary names values of the attribute.
func (a *Attribute) HasValues() bool { return len(a.values.byNumber) > 0 }

// ValueName gives the first declared name of a number.
func (a *Attribute) ValueName(n uint64) (string, bool) {
	name, ok := a.values.byNumber[n]
	return name, ok
}

// ValueNumber gives the number of a value's name or alias; case does not count.
func (a *Attribute) ValueNumber(name string) (uint64, bool) {
	v, ok := find(a.values.byName, name)
	return v.number, ok
}

// FullName gives the name by which a dictionary finds the attribute: its Name, and for a field that has
// none of its own in the dictionary the one with all that it lies in, "Acme-QoS.Down".
func (a *Attribute) FullName() string {
	if a.qualified != "" {
		return a.qualified
	}
	return a.Name
}

// Aliases gives the further names of the attribute. The slice must not be changed.
func (a *Attribute) Aliases() []string { return a.aliases }

// Declared gives the place of the last declaration.
func (a *Attribute) Declared() raddb.Pos { return a.at }

// Child gives the field with the number, nil if there is none.
func (a *Attribute) Child(number uint32) *Attribute {
	i, ok := slices.BinarySearchFunc(a.children, number, byNumber)
	if !ok {
		return nil
	}
	return a.children[i]
}

func byNumber(a *Attribute, number uint32) int { return cmp.Compare(a.Number, number) }

// Children gives the fields in order of number. The slice must not be changed.
func (a *Attribute) Children() []*Attribute { return a.children }

// IsField reports whether the attribute lies inside a TLV or struct, so that a Pair carries its Root.
func (a *Attribute) IsField() bool { return a.Root != a }

// Same reports whether two attributes are one: the same pointer, or both made up for the same number.
func (a *Attribute) Same(b *Attribute) bool {
	return a == b || a.Index < 0 && b.Index < 0 && a.Number == b.Number && a.Parent == b.Parent &&
		a.vendorID() == b.vendorID()
}

func (a *Attribute) vendorID() uint32 {
	if a.Vendor == nil {
		return 0
	}
	return a.Vendor.ID
}

// An enumeration is the named values of an attribute.
type enumeration struct {
	byNumber  map[uint64]string
	byName    map[string]namedValue // folded to lower case
	inherited map[uint64]bool       // numbers whose name a dictionary file may take over without a word
}

type namedValue struct {
	name   string // as declared
	number uint64
}

// add names a number. The first name declared stays the one for output, unless it was inherited. Digits
// alone are a number wherever a value is read (FreeRADIUS, GNU Radius), so that they are never shown for
// another one.
func (e *enumeration) add(name string, n uint64) {
	if e.byNumber == nil {
		e.byNumber, e.byName = map[uint64]string{}, map[string]namedValue{}
	}
	_, named := e.byNumber[n]
	if digits := strings.Trim(name, "0123456789") == ""; !digits && (!named || e.inherited[n]) {
		e.byNumber[n] = name
		delete(e.inherited, n)
	}
	e.byName[fold(name)] = namedValue{name, n}
}

// inherit lets the names that follow take precedence on output over those that are there.
func (e *enumeration) inherit() {
	if len(e.byNumber) > 0 && e.inherited == nil {
		e.inherited = make(map[uint64]bool, len(e.byNumber))
	}
	for n := range e.byNumber {
		e.inherited[n] = true
	}
}
