package radius

import "iter"

// Type is the first octet of an attribute (RFC 2865 s5).
type Type byte

// Types that the core itself must know, whatever the dictionary says.
const (
	TypeUserName             Type = 1
	TypeUserPassword         Type = 2
	TypeCHAPPassword         Type = 3
	TypeNASIPAddress         Type = 4
	TypeState                Type = 24
	TypeVendorSpecific       Type = 26
	TypeNASIdentifier        Type = 32
	TypeProxyState           Type = 33
	TypeAcctStatusType       Type = 40
	TypeCHAPChallenge        Type = 60
	TypeEAPMessage           Type = 79
	TypeMessageAuthenticator Type = 80
	TypeErrorCause           Type = 101
)

// All walks the attributes in wire order. Values share the sequence's memory.
func (a Attributes) All() iter.Seq2[Type, []byte] {
	return func(yield func(Type, []byte) bool) {
		for len(a) >= 2 {
			n := int(a[1])
			if !yield(Type(a[0]), a[2:n]) {
				return
			}
			a = a[n:]
		}
	}
}

// Find gives the first value of the type, and whether there is one.
func (a Attributes) Find(t Type) ([]byte, bool) { panic("radius.Find") }

// AppendAttribute appends one attribute to dst; value must have at most MaxValueLen octets.
func AppendAttribute(dst []byte, t Type, value []byte) []byte {
	dst = append(dst, byte(t), byte(len(value)+2))
	return append(dst, value...)
}
