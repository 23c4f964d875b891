package radius

// Sizes of RFC 2865 s3 and s5, in octets.
const (
	HeaderLen    = 20   // code, identifier, length, authenticator
	MaxPacketLen = 4096 // the largest packet on UDP
	MaxValueLen  = 253  // the longest value of one attribute
)

// An Authenticator is the 16 octets of the packet header that tie request and reply together. Only a
// Session interprets them.
type Authenticator [16]byte

// A Packet is one RADIUS packet as it stands on the wire, without secrets: signing, hiding and matching
// belong to the Session of the transport.
type Packet struct {
	Code          Code
	Identifier    byte
	Authenticator Authenticator
	Attributes    Attributes // a view of the buffer given to Parse, valid as long as that is
}

// Attributes is a sequence of attributes in wire form: type, length, value. Parse makes only sequences
// whose lengths add up; those made by AppendAttribute do so too.
type Attributes []byte

// Parse reads one packet from a datagram. It accepts any octets: the result is a packet whose attributes
// can be walked without further checks, or a *ParseError that names the attribute and the octet. Octets
// beyond the packet's Length are padding and ignored (RFC 2865 s3). The packet shares the datagram's memory.
func Parse(datagram []byte) (Packet, error) { panic("radius.Parse") }

// AppendTo appends the packet in wire form to dst. Attributes must be valid and the whole at most
// MaxPacketLen, otherwise an error is given and dst returned unchanged.
func (p *Packet) AppendTo(dst []byte) ([]byte, error) { panic("radius.AppendTo") }
