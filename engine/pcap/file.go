package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// A Datagram is one UDP datagram of a capture.
type Datagram struct {
	Number   int // of the packet that completed it, from 1, as tshark counts
	Time     time.Time
	From, To netip.AddrPort // unmapped
	Payload  []byte         // its own memory
	Cut      bool           // the capture holds a part of it alone
}

// ErrFormat says that a file is no capture.
var ErrFormat = errors.New("pcap: neither a file of libpcap nor of pcapng")

// errCut says that the file ends inside a packet.
var errCut = errors.New("pcap: the file is cut off inside a packet")

// maxPacket bounds one captured packet, maxBlock one block of pcapng.
const (
	maxPacket = 256 << 10
	maxBlock  = 1 << 20
)

// A frame is one captured packet.
type frame struct {
	link   uint32
	time   time.Time
	data   []byte
	length int // on the wire
}

// A source gives the frames of a file, io.EOF at its end.
type source interface{ next() (frame, error) }

// A Reader gives the datagrams of a capture in order.
type Reader struct {
	source    source
	number    int
	fragments fragments
}

// Open begins to read a capture. If it is none the error is ErrFormat, and rest gives all that r had, from its
// beginning.
func Open(r io.Reader) (packets *Reader, rest io.Reader, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, in, err
	}
	if len(head) < 4 {
		return nil, in, ErrFormat
	}
	s, err := sourceOf(in, head)
	if err != nil {
		return nil, in, err
	}
	return &Reader{source: s}, in, nil
}

func sourceOf(in *bufio.Reader, head []byte) (source, error) {
	for _, order := range [...]binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(head) {
		case 0xa1b2c3d4:
			return newClassic(in, order, time.Microsecond)
		case 0xa1b23c4d:
			return newClassic(in, order, time.Nanosecond)
		}
	}
	if binary.LittleEndian.Uint32(head) == sectionHeader {
		return &blocks{in: in, order: binary.LittleEndian}, nil
	}
	return nil, ErrFormat
}

// Next gives the next datagram, io.EOF at the end. Its Payload is the caller's.
func (r *Reader) Next() (Datagram, error) {
	for {
		f, err := r.source.next()
		if err != nil {
			return Datagram{}, err
		}
		r.number++
		if d, ok := r.datagram(&f); ok {
			return d, nil
		}
	}
}

// classic is a file of libpcap.
type classic struct {
	in    *bufio.Reader
	order binary.ByteOrder
	unit  time.Duration
	link  uint32
}

func newClassic(in *bufio.Reader, order binary.ByteOrder, unit time.Duration) (*classic, error) {
	var head [24]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, errCut
	}
	if major := order.Uint16(head[4:]); major != 2 {
		return nil, fmt.Errorf("pcap: version %d.%d, expected 2.4", major, order.Uint16(head[6:]))
	}
	return &classic{in, order, unit, order.Uint32(head[20:]) & 0xffff}, nil
}

func (c *classic) next() (f frame, err error) {
	var head [16]byte
	if _, err = io.ReadFull(c.in, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errCut
		}
		return f, err
	}
	size := c.order.Uint32(head[8:])
	if size > maxPacket {
		return f, fmt.Errorf("pcap: a packet of %d octets, expected at most %d", size, maxPacket)
	}
	f = frame{link: c.link, length: int(c.order.Uint32(head[12:])), data: make([]byte, size)}
	f.time = time.Unix(int64(c.order.Uint32(head[0:])), int64(c.order.Uint32(head[4:]))*int64(c.unit))
	if _, err = io.ReadFull(c.in, f.data); err != nil {
		return f, errCut
	}
	return f, nil
}
