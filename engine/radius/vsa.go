package radius

// A VSAFormat tells how a vendor lays out the attributes inside its Vendor-Specific attribute (RFC 2865
// s5.26 recommends {1, 1, false}): octets of the type, octets of the length (0: the value fills the rest),
// and whether a continuation octet follows (WiMAX).
type VSAFormat struct {
	TypeLen      uint8 // 1, 2 or 4
	LenLen       uint8 // 0, 1 or 2
	Continuation bool
}

// DefaultVSAFormat is RFC 2865's recommendation.
var DefaultVSAFormat = VSAFormat{TypeLen: 1, LenLen: 1}

// HeaderLen gives the octets before each value.
func (f VSAFormat) HeaderLen() int {
	n := int(f.TypeLen) + int(f.LenLen)
	if f.Continuation {
		n++
	}
	return n
}
