package dictionary

// typeNames are the names of types in the dictionaries of GNU Radius, FreeRADIUS 3 and 4, and RFC 8044.
var typeNames = map[string]Type{
	"octets": TypeOctets, "binary": TypeOctets,
	"string": TypeString, "text": TypeString,
	"byte": TypeByte, "uint8": TypeByte, "bool": TypeByte,
	"short": TypeShort, "uint16": TypeShort,
	"integer": TypeInteger, "uint32": TypeInteger, "enum": TypeInteger,
	"integer64": TypeInteger64, "uint64": TypeInteger64,
	"signed": TypeSigned, "int32": TypeSigned,
	"date": TypeDate, "time": TypeDate,
	"ipaddr": TypeIPv4Addr, "ipv4addr": TypeIPv4Addr,
	"ipv6addr":   TypeIPv6Addr,
	"ipv4prefix": TypeIPv4Prefix, "ipv6prefix": TypeIPv6Prefix,
	"combo-ip": TypeComboIP, "comboip": TypeComboIP,
	"ifid": TypeIfID, "ether": TypeEther, "ethernet": TypeEther,
	"abinary": TypeABinary,
	"tlv":     TypeTLV, "struct": TypeStruct,
	"vsa": TypeVSA, "extended": TypeExtended, "long-extended": TypeLongExtended, "evs": TypeEVS,
}

// ParseType gives the type of a name as dictionaries and scripts write it; case does not count.
func ParseType(name string) (Type, bool) {
	return find(typeNames, name)
}

// typeTexts are the names that String gives, by Type.
var typeTexts = [...]string{
	TypeOctets: "octets", TypeString: "string", TypeByte: "byte", TypeShort: "short",
	TypeInteger: "integer", TypeInteger64: "integer64", TypeSigned: "signed", TypeDate: "date",
	TypeIPv4Addr: "ipaddr", TypeIPv6Addr: "ipv6addr", TypeIPv4Prefix: "ipv4prefix",
	TypeIPv6Prefix: "ipv6prefix", TypeComboIP: "combo-ip", TypeIfID: "ifid", TypeEther: "ether",
	TypeABinary: "abinary", TypeTLV: "tlv", TypeStruct: "struct", TypeVSA: "vsa",
	TypeExtended: "extended", TypeLongExtended: "long-extended", TypeEVS: "evs",
}

// String gives the type's name in a dictionary file.
func (t Type) String() string {
	if int(t) < len(typeTexts) {
		return typeTexts[t]
	}
	return "unknown"
}

// sizes are the octets of a value, 0 where they vary.
var sizes = [...]int{
	TypeByte: 1, TypeShort: 2, TypeInteger: 4, TypeInteger64: 8, TypeSigned: 4, TypeDate: 4,
	TypeIPv4Addr: 4, TypeIPv6Addr: 16, TypeIPv4Prefix: 6, TypeIfID: 8, TypeEther: 6, TypeEVS: 0,
}

// isNumber reports whether values are one number in network order, so that they may have names.
func (t Type) isNumber() bool {
	switch t {
	case TypeByte, TypeShort, TypeInteger, TypeInteger64, TypeSigned, TypeDate:
		return true
	}
	return false
}

// isSpace reports whether the type only holds other attributes' numbers and never a value of its own.
func (t Type) isSpace() bool {
	return t == TypeVSA || t == TypeExtended || t == TypeLongExtended || t == TypeEVS
}

// size gives the octets of each value of the attribute, 0 if they vary.
func (a *Attribute) size() int {
	if n := sizes[a.Type]; n > 0 {
		return n
	}
	return a.Length
}

// Fits reports whether a value in wire form has a length and form that the attribute's type allows. Text
// and octets of every length fit; whether they have room in a packet is Encode's question.
func (a *Attribute) Fits(value []byte) bool {
	switch a.Type {
	case TypeIPv4Prefix:
		return len(value) == 6 && value[1] <= 32
	case TypeIPv6Prefix:
		return len(value) >= 2 && len(value) <= 18 && value[1] <= 128
	case TypeComboIP:
		return len(value) == 4 || len(value) == 16
	case TypeTLV:
		return wellFormed(value)
	}
	n := a.size()
	return n == 0 || len(value) == n
}

// isBare reports whether values stand on the wire as a list has them, each in an attribute of its own, and all of
// the right length fit: nearly every attribute is so.
func (a *Attribute) isBare() bool {
	switch a.Type {
	case TypeIPv4Prefix, TypeIPv6Prefix, TypeComboIP, TypeTLV:
		return false
	}
	return !a.Type.isSpace() && !a.Tagged && !a.Concat && !a.Array && a.Encrypt == EncryptNone && !a.hides
}

// Bare reports whether Encode does no more than to append a value of 1 to 253 octets with type and length before it. It
// is false until the dictionary is frozen.
func (a *Attribute) Bare() bool {
	return a.bare > 0 && a.Vendor == nil && a.Parent == nil && !a.Internal
}

// takesBare reports whether the attribute is bare and the value has a length that fits.
func (a *Attribute) takesBare(value []byte) bool {
	return a.bare == 1 || a.bare == len(value)+1
}

// fold gives a name with its ASCII letters in lower case: the only folding names know.
func fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			return foldFrom(s, i)
		}
	}
	return s
}

func foldFrom(s string, i int) string {
	b := []byte(s)
	for ; i < len(b); i++ {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// find looks a name up in a map by folded names. It allocates nothing for names of usual length.
func find[V any](m map[string]V, name string) (V, bool) {
	var room [64]byte
	if len(name) > len(room) {
		v, ok := m[fold(name)]
		return v, ok
	}
	low := room[:copy(room[:], name)]
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	v, ok := m[string(low)]
	return v, ok
}
