package pcap

import (
	"encoding/binary"
	"net/netip"
)

// Link layers (tcpdump.org/linktypes.html).
const (
	linkNull     = 0 // BSD loopback, in the byte order of the machine
	linkEthernet = 1
	linkRaw      = 101
	linkRawOld   = 12
	linkRawBSD   = 14
	linkLoop     = 108 // OpenBSD loopback, in network order
	linkCooked   = 113 // Linux "any"
	linkIPv4     = 228
	linkIPv6     = 229
	linkCooked2  = 276
)

const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100
	etherQinQ  = 0x88a8
	etherQinQ2 = 0x9100
	etherPPPoE = 0x8864
	protoUDP   = 17
)

// datagram takes a frame apart, down to UDP. Anything else is not ok.
func (r *Reader) datagram(f *frame) (d Datagram, ok bool) {
	b := f.data
	version, ok := 0, true
	switch f.link {
	case linkRaw, linkRawOld, linkRawBSD, linkIPv4, linkIPv6:
	case linkNull, linkLoop:
		b, ok = skip(b, 4)
	case linkEthernet:
		b, ok = ethernet(b, 12)
	case linkCooked:
		b, ok = ethernet(b, 14)
	case linkCooked2:
		b, ok = cooked2(b)
	default:
		ok = false
	}
	if ok && len(b) > 0 {
		version = int(b[0] >> 4)
	}
	p := packet{number: r.number, time: f.time.UnixNano()}
	switch version {
	case 4:
		ok = p.ipv4(b)
	case 6:
		ok = p.ipv6(b)
	default:
		ok = false
	}
	if !ok {
		return d, false
	}
	if p.fragmented {
		if ok = r.fragments.add(&p); !ok {
			return d, false
		}
	}
	if d, ok = p.udp(); ok {
		d.Number, d.Time = r.number, f.time
	}
	return d, ok
}

func skip(b []byte, n int) ([]byte, bool) {
	if len(b) < n {
		return nil, false
	}
	return b[n:], true
}

// ethernet skips what stands before IP; at is the place of the type.
func ethernet(b []byte, at int) ([]byte, bool) {
	for range 4 { // tags upon tags
		if len(b) < at+2 {
			return nil, false
		}
		switch binary.BigEndian.Uint16(b[at:]) {
		case etherIPv4, etherIPv6:
			return b[at+2:], true
		case etherVLAN, etherQinQ, etherQinQ2:
			at += 4
		case etherPPPoE:
			return skip(b, at+2+8)
		default:
			return nil, false
		}
	}
	return nil, false
}

func cooked2(b []byte) ([]byte, bool) {
	if len(b) < 20 {
		return nil, false
	}
	switch binary.BigEndian.Uint16(b) {
	case etherIPv4, etherIPv6:
		return b[20:], true
	case etherVLAN:
		return ethernet(b, 22)
	}
	return nil, false
}

// A packet is one of IP.
type packet struct {
	number     int
	time       int64
	from, to   netip.Addr
	id         uint32
	payload    []byte // of UDP, or a fragment of it
	offset     int
	more       bool
	fragmented bool
	cut        bool // the capture holds a part
}

// ipv4 reads the header (RFC 791 s3.1).
func (p *packet) ipv4(b []byte) bool {
	if len(b) < 20 {
		return false
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < 20 || len(b) < head || b[9] != protoUDP {
		return false
	}
	if total == 0 { // segmentation by the card: the rest of the frame
		total = len(b)
	}
	if total < head {
		return false
	}
	p.from, p.to = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
	flags := binary.BigEndian.Uint16(b[6:])
	p.id, p.offset, p.more = uint32(binary.BigEndian.Uint16(b[4:])), int(flags&0x1fff)*8, flags&0x2000 != 0
	p.take(b[head:], total-head)
	return true
}

// take keeps the payload, of size octets on the wire.
func (p *packet) take(b []byte, size int) {
	p.fragmented = p.more || p.offset > 0
	if len(b) < size {
		p.cut = true
		size = len(b)
	}
	p.payload = b[:size]
}

// ipv6 reads the header and those that may stand before UDP (RFC 8200 s4).
func (p *packet) ipv6(b []byte) bool {
	if len(b) < 40 {
		return false
	}
	next, size := b[6], int(binary.BigEndian.Uint16(b[4:]))
	p.from, p.to = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
	b = b[40:]
	for range 8 {
		if next == protoUDP {
			if size < 0 {
				return false
			}
			p.take(b, size)
			return true
		}
		if len(b) < 8 {
			return false
		}
		n := (int(b[1]) + 1) * 8
		switch next {
		case 0, 43, 60: // hop by hop, routing, destination
		case 44:
			n = 8
			at := binary.BigEndian.Uint16(b[2:])
			p.id, p.offset, p.more = binary.BigEndian.Uint32(b[4:]), int(at&^7), at&1 != 0
			if p.offset > 0 || p.more {
				return p.fragment(b, size)
			}
		default:
			return false
		}
		if len(b) < n {
			return false
		}
		next, b, size = b[0], b[n:], size-n
	}
	return false
}

// fragment takes what stands behind a fragment's header. What stands between that and UDP in the first one is rare
// enough to be left out.
func (p *packet) fragment(b []byte, size int) bool {
	if b[0] != protoUDP || size < 8 {
		return false
	}
	p.take(b[8:], size-8)
	return true
}

// udp reads the header (RFC 768).
func (p *packet) udp() (d Datagram, ok bool) {
	b := p.payload
	if len(b) < 8 {
		return d, false
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size < 8 {
		return d, false
	}
	d.Cut = p.cut || size > len(b)
	d.From = netip.AddrPortFrom(p.from.Unmap(), binary.BigEndian.Uint16(b))
	d.To = netip.AddrPortFrom(p.to.Unmap(), binary.BigEndian.Uint16(b[2:]))
	d.Payload = append([]byte(nil), b[8:min(size, len(b))]...)
	return d, true
}
