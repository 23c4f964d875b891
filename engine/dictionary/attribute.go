package dictionary

import "perilune/engine/radius"

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
	TypeABinary           // Ascend's filters, kept as octets
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
	UserFlags  uint16 // bits 1 to 9 of PROPERTY, for extended comparison

	values   enumeration  // VALUE names
	children []*Attribute // of a TLV, struct or extended attribute, by number
}

// HasValues reports whether the dictionary names values of the attribute.
func (a *Attribute) HasValues() bool { return len(a.values.byNumber) > 0 }

// ValueName gives the first declared name of a number.
func (a *Attribute) ValueName(n uint64) (string, bool) {
	name, ok := a.values.byNumber[n]
	return name, ok
}

// ValueNumber gives the number of a value's name or alias; case does not count.
func (a *Attribute) ValueNumber(name string) (uint64, bool) { panic("dictionary.ValueNumber") }

// Child gives the field with the number, nil if there is none.
func (a *Attribute) Child(number uint32) *Attribute { panic("dictionary.Child") }

// Children gives the fields in order of number. The slice must not be changed.
func (a *Attribute) Children() []*Attribute { return a.children }

// IsField reports whether the attribute lies inside a TLV or struct, so that a Pair carries its Root.
func (a *Attribute) IsField() bool { return a.Root != a }

type enumeration struct {
	byNumber map[uint64]string
	byName   map[string]uint64 // folded to lower case
}

// AppendText appends the value as text for people: VALUE name if there is one, canonical addresses (RFC
// 5952), 0x… for octets, plain text unquoted. A value whose length does not fit the type is given as 0x….
func (a *Attribute) AppendText(dst, value []byte) []byte { panic("dictionary.AppendText") }

// ParseText appends to dst the wire form of a value given as text: VALUE names and aliases, digits, 0x…,
// addresses, prefixes, MACs, dates ("2026-01-05T09:00:00Z", "Jan 05 2026"), text as it stands. The error
// says what was expected and names a near value; it never contains text of a Secret attribute.
func (a *Attribute) ParseText(dst []byte, text string) ([]byte, error) {
	panic("dictionary.ParseText")
}

// Uint gives the number behind an integer, enumeration, date or IPv4 address; false for other types or a
// value of wrong length.
func (a *Attribute) Uint(value []byte) (uint64, bool) { panic("dictionary.Uint") }

// AppendUint appends the wire form of a number; false if it does not fit the type.
func (a *Attribute) AppendUint(dst []byte, n uint64) ([]byte, bool) {
	panic("dictionary.AppendUint")
}

// Compare orders two values of the attribute: numbers and addresses as unsigned numbers, text and octets
// by octets. ok is false where the type has no order (prefixes, TLVs) or a length is wrong and the values
// differ.
func (a *Attribute) Compare(x, y []byte) (order int, ok bool) { panic("dictionary.Compare") }
