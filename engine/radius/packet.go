package radius

import (
	"crypto/rand"
	"encoding/binary"
)

// Sizes of RFC 2865 s3 and s5, in octets.
const (
	HeaderLen    = 20   // code, identifier, length, authenticator
	MaxPacketLen = 4096 // the largest packet on UDP
	MaxValueLen  = 253  // the longest value of one attribute
)

// An Authenticator is the 16 octets of the packet header that tie request and reply together. Only a
// Session interprets them.
type Authenticator [16]byte

// NewAuthenticator gives 16 unpredictable octets for an Access-Request or Status-Server (RFC 2865 s3).
func NewAuthenticator() (a Authenticator) {
	rand.Read(a[:]) // never fails: crypto/rand ends the program instead
	return a
}

// IsZero reports whether all octets are zero, as ancient NASes send them in Accounting-Requests.
func (a Authenticator) IsZero() bool { return a == Authenticator{} }

// NewIdentifier gives an unpredictable first identifier; later ones may count up from it.
func NewIdentifier() byte {
	var id [1]byte
	rand.Read(id[:])
	return id[0]
}

// A Packet is one RADIUS packet as it stands on the wire, without secrets: signing, hiding and matching
// belong to the Session of the transport.
type Packet struct {
	Code          Code
	Identifier    byte
	Authenticator Authenticator
	Attributes    Attributes // a view of the buffer given to Parse, valid as long as that is
}

// Parse reads one packet from a datagram. It accepts any octets: the result is a packet whose attributes
// can be walked without further checks, or a *ParseError that names the attribute and the octet. Octets
// beyond the packet's Length are padding and ignored (RFC 2865 s3). The packet shares the datagram's memory.
func Parse(datagram []byte) (Packet, error) {
	n, err := length(datagram)
	if err != nil {
		return Packet{}, err
	}
	attrs := Attributes(datagram[HeaderLen:n:n])
	if err := attrs.check(); err != nil {
		return Packet{}, err
	}
	return Packet{
		Code:          Code(datagram[0]),
		Identifier:    datagram[1],
		Authenticator: Authenticator(datagram[4:HeaderLen]),
		Attributes:    attrs,
	}, nil
}

// Len gives the packet's octets in wire form.
func (p *Packet) Len() int { return HeaderLen + len(p.Attributes) }

// AppendTo appends the packet in wire form to dst. Attributes must be valid and the whole at most
// MaxPacketLen, otherwise an error is given and dst returned unchanged.
func (p *Packet) AppendTo(dst []byte) ([]byte, error) {
	if p.Len() > MaxPacketLen {
		return dst, ErrTooLong
	}
	if !p.Attributes.Valid() {
		return dst, ErrAttributes
	}
	dst = append(dst, byte(p.Code), p.Identifier)
	dst = binary.BigEndian.AppendUint16(dst, uint16(p.Len()))
	dst = append(dst, p.Authenticator[:]...)
	return append(dst, p.Attributes...), nil
}

// PutLength writes the length of raw into its Length field; raw has at least HeaderLen octets.
func PutLength(raw []byte) { binary.BigEndian.PutUint16(raw[2:4], uint16(len(raw))) }

// length checks the header and gives the packet's Length.
func length(datagram []byte) (int, error) {
	if len(datagram) < HeaderLen {
		return 0, &ParseError{Problem: ProblemDatagram, Found: len(datagram), Limit: HeaderLen}
	}
	n := int(binary.BigEndian.Uint16(datagram[2:4]))
	switch {
	case n < HeaderLen:
		return 0, &ParseError{Problem: ProblemLengthMin, Offset: 2, Found: n, Limit: HeaderLen}
	case n > MaxPacketLen:
		return 0, &ParseError{Problem: ProblemLengthMax, Offset: 2, Found: n, Limit: MaxPacketLen}
	case n > len(datagram):
		return 0, &ParseError{Problem: ProblemLengthEnd, Offset: 2, Found: n, Limit: len(datagram)}
	}
	return n, nil
}
