package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Blocks of pcapng (draft-ietf-opsawg-pcapng s4).
const (
	sectionHeader  = 0x0a0d0d0a
	interfaceBlock = 1
	packetBlock    = 2 // obsolete
	simplePacket   = 3
	enhancedPacket = 6
	byteOrderMagic = 0x1a2b3c4d
)

// blocks is a file of pcapng: sections, each with its byte order and its interfaces.
type blocks struct {
	in    *bufio.Reader
	order binary.ByteOrder
	ports []port
}

// A port is an interface of a section.
type port struct {
	link   uint32
	snap   uint32
	unit   float64 // seconds of one tick
	offset int64   // seconds
}

const maxPorts = 4096

func (b *blocks) next() (frame, error) {
	for {
		kind, body, err := b.block()
		if err != nil {
			return frame{}, err
		}
		switch kind {
		case interfaceBlock:
			if err := b.port(body); err != nil {
				return frame{}, err
			}
		case enhancedPacket, packetBlock:
			if f, ok := b.packet(kind, body); ok {
				return f, nil
			}
		case simplePacket:
			if f, ok := b.simple(body); ok {
				return f, nil
			}
		}
	}
}

// block reads one block, and gives its body.
func (b *blocks) block() (kind uint32, body []byte, err error) {
	head, err := b.in.Peek(12)
	if len(head) == 0 && errors.Is(err, io.EOF) {
		return 0, nil, io.EOF
	}
	if len(head) < 12 {
		return 0, nil, errCut
	}
	if kind = b.order.Uint32(head); kind == sectionHeader {
		if err := b.section(head[8:]); err != nil {
			return 0, nil, err
		}
	}
	size := b.order.Uint32(head[4:])
	if size < 12 || size%4 != 0 || size > maxBlock {
		return 0, nil, fmt.Errorf("pcap: a block of %d octets, expected 12 to %d and a multiple of 4", size, maxBlock)
	}
	whole := make([]byte, size)
	if _, err := io.ReadFull(b.in, whole); err != nil {
		return 0, nil, errCut
	}
	return kind, whole[8 : size-4], nil
}

// section begins a section: another byte order, and no interfaces yet.
func (b *blocks) section(magic []byte) error {
	switch uint32(byteOrderMagic) {
	case binary.LittleEndian.Uint32(magic):
		b.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic):
		b.order = binary.BigEndian
	default:
		return errors.New("pcap: the section has no byte order")
	}
	b.ports = b.ports[:0]
	return nil
}

// port reads an interface: its link layer, and the unit of its times.
func (b *blocks) port(body []byte) error {
	if len(body) < 8 || len(b.ports) >= maxPorts {
		return fmt.Errorf("pcap: an interface of %d octets, or more than %d of them", len(body), maxPorts)
	}
	p := port{link: uint32(b.order.Uint16(body)), snap: b.order.Uint32(body[4:]), unit: 1e-6}
	for o := body[8:]; len(o) >= 4; {
		code, size := b.order.Uint16(o), int(b.order.Uint16(o[2:]))
		padded := (size + 3) &^ 3
		if code == 0 || len(o) < 4+padded {
			break
		}
		value := o[4 : 4+size]
		switch {
		case code == 9 && size == 1 && value[0]&0x80 != 0: // if_tsresol
			p.unit = math.Pow(2, -float64(value[0]&0x7f))
		case code == 9 && size == 1:
			p.unit = math.Pow(10, -float64(value[0]))
		case code == 14 && size == 8: // if_tsoffset
			p.offset = int64(b.order.Uint64(value))
		}
		o = o[4+padded:]
	}
	b.ports = append(b.ports, p)
	return nil
}

// packet reads an enhanced packet, or one of the old form, whose head differs.
func (b *blocks) packet(kind uint32, body []byte) (f frame, ok bool) {
	if len(body) < 20 {
		return f, false
	}
	at := b.order.Uint32(body)
	if kind == packetBlock {
		at = uint32(b.order.Uint16(body))
	}
	size := b.order.Uint32(body[12:])
	if int64(at) >= int64(len(b.ports)) || uint64(size) > uint64(len(body)-20) {
		return f, false
	}
	p := &b.ports[at]
	f = frame{link: p.link, data: body[20 : 20+size], length: int(b.order.Uint32(body[16:]))}
	f.time = p.at(uint64(b.order.Uint32(body[4:]))<<32 | uint64(b.order.Uint32(body[8:])))
	return f, true
}

// at gives the time of a number of ticks.
func (p *port) at(ticks uint64) time.Time {
	perSecond := uint64(math.Round(1 / p.unit))
	if perSecond == 0 || p.unit < 1e-12 {
		return time.Unix(p.offset, 0)
	}
	rest := float64(ticks%perSecond) * p.unit * 1e9
	return time.Unix(int64(ticks/perSecond)+p.offset, int64(math.Round(rest)))
}

// simple reads a packet without a time, of the first interface.
func (b *blocks) simple(body []byte) (f frame, ok bool) {
	if len(body) < 4 || len(b.ports) == 0 {
		return f, false
	}
	length := b.order.Uint32(body)
	size := min(length, uint32(len(body)-4))
	if snap := b.ports[0].snap; snap > 0 {
		size = min(size, snap)
	}
	return frame{link: b.ports[0].link, data: body[4 : 4+size], length: int(length), time: time.Unix(0, 0)}, true
}
