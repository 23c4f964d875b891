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
	TypeExtended1            Type = 241 // RFC 6929 s3: 241 to 244 are extended
	TypeLongExtended1        Type = 245 // 245 and 246 are long extended
	TypeLongExtended2        Type = 246
)

// Attributes is a sequence of attributes in wire form: type, length, value. Parse makes only sequences
// whose lengths add up; those made by AppendAttribute do so too.
type Attributes []byte

// All walks the attributes in wire order. Values share the sequence's memory. A sequence whose lengths do
// not add up ends at the flaw.
func (a Attributes) All() iter.Seq2[Type, []byte] {
	return func(yield func(Type, []byte) bool) {
		for {
			t, value, rest, ok := a.Next()
			if !ok || !yield(t, value) {
				return
			}
			a = rest
		}
	}
}

// Next takes the first attribute off the sequence; ok is false at the end or at a flaw.
func (a Attributes) Next() (t Type, value []byte, rest Attributes, ok bool) {
	if len(a) < 2 {
		return 0, nil, nil, false
	}
	n := int(a[1])
	if n < 2 || n > len(a) {
		return 0, nil, nil, false
	}
	return Type(a[0]), a[2:n:n], a[n:], true
}

// Find gives the first value of the type, and whether there is one.
func (a Attributes) Find(t Type) ([]byte, bool) {
	i := a.Offset(t)
	if i < 0 {
		return nil, false
	}
	n := i + int(a[i+1])
	return a[i+2 : n : n], true
}

// Offset gives the place of the first attribute of the type in the sequence (its type octet, from 0), -1 if
// there is none. In a whole packet it lies HeaderLen further on.
func (a Attributes) Offset(t Type) int {
	for i := 0; i+2 <= len(a); {
		n := int(a[i+1])
		if n < 2 || i+n > len(a) {
			break
		}
		if Type(a[i]) == t {
			return i
		}
		i += n
	}
	return -1
}

// Count gives the number of attributes of the type.
func (a Attributes) Count(t Type) (n int) {
	for u := range a.All() {
		if u == t {
			n++
		}
	}
	return n
}

// Valid reports whether the lengths add up.
func (a Attributes) Valid() bool {
	i := 0
	for i+1 < len(a) {
		n := int(a[i+1])
		if n < 2 {
			return false
		}
		i += n
	}
	return i == len(a)
}

// check gives the flaw as an error for people.
func (a Attributes) check() error {
	if a.Valid() {
		return nil
	}
	i, problem := a.flaw()
	e := &ParseError{Problem: problem, Offset: HeaderLen + i, Type: Type(a[i]), Limit: 2}
	if problem != ProblemTorn {
		e.Found = int(a[i+1])
	}
	if problem == ProblemEnd {
		e.Limit = len(a) - i
	}
	return e
}

// flaw finds the first attribute whose length is wrong (RFC 2865 s5), which there is.
func (a Attributes) flaw() (at int, problem Problem) {
	i := 0
	for i < len(a) {
		if i+1 == len(a) {
			return i, ProblemTorn
		}
		n := int(a[i+1])
		if n < 2 {
			return i, ProblemAttribute
		}
		if n > len(a)-i {
			return i, ProblemEnd
		}
		i += n
	}
	return i, 0
}

// AppendAttribute appends one attribute to dst; value must have at most MaxValueLen octets.
func AppendAttribute(dst []byte, t Type, value []byte) []byte {
	dst = append(dst, byte(t), byte(len(value)+2))
	return append(dst, value...)
}
