package server

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"perilune/engine/radius"
)

// Offsets that a filter of the kernel's may load from beside those in the datagram (linux/filter.h).
const (
	ipHeader     = 0xfff00000      // SKF_NET_OFF: the IP header
	randomNumber = 0xfffff000 + 56 // SKF_AD_OFF + SKF_AD_RANDOM
	udpHeader    = 8               // octets before the packet
)

// sieve implements batcher. A filter that a user may attach to a socket of its own (SO_ATTACH_FILTER) sees each datagram
// before it takes room in the receive buffer. What it drops is among the socket's drops.
func (m *mmsg) sieve(sources []held) (err error) {
	if e := m.raw.Control(func(fd uintptr) {
		if len(sources) == 0 {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
			return
		}
		program := sieveProgram(sources)
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{
			Len: uint16(len(program)), Filter: unsafe.SliceData(program),
		})
	}); e != nil {
		return e
	}
	return err
}

// sieveProgram lets everything pass but a part of what comes from the sources: of those datagrams as many as random numbers
// are below the part that passes. Status-Server passes, or the NAS would take the server for dead, and answers to
// challenges do.
func sieveProgram(sources []held) (p []unix.SockFilter) {
	p = append(p, unix.SockFilter{Code: unix.BPF_ST}) // the kernel demands that what is loaded was stored on all ways
	for i, h := range sources {
		after := 0 // steps of the sources that follow
		for _, next := range sources[i+1:] {
			after += len(sourceProgram(next, 0))
		}
		p = append(p, sourceProgram(h, uint32(after+1))...)
	}
	p = append(append(p, passes), // of nobody whom the filter is for
		unix.SockFilter{Code: loadByte, K: udpHeader}, // the packet's Code
		unix.SockFilter{Code: jumpEqual, K: uint32(radius.CodeStatusServer), Jf: 1}, passes)
	return append(append(p, stateProgram()...), unix.SockFilter{Code: loadWord, K: randomNumber},
		unix.SockFilter{Code: unix.BPF_LDX | unix.BPF_MEM},
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_X, Jt: 1},
		passes,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0})
}

// sourceProgram notes what part of a source's datagrams passes, and jumps over so many steps behind it: an IPv4 address, or
// an IPv6 /64. What is of others goes on behind it.
func sourceProgram(h held, over uint32) []unix.SockFilter {
	type word struct{ at, value uint32 }
	version, words := uint32(0x60), []word{}
	if h.addr.Is4() {
		b := h.addr.As4()
		version, words = 0x40, append(words, word{12, binary.BigEndian.Uint32(b[:])}) // RFC 791 s3.1
	} else {
		b := h.addr.As16()
		words = append(words, word{8, binary.BigEndian.Uint32(b[:])}, word{12, binary.BigEndian.Uint32(b[4:])}) // RFC 8200 s3
	}
	rest := uint8(2*len(words) + 3) // steps behind the comparison of versions
	p := []unix.SockFilter{
		{Code: loadByte, K: ipHeader},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xf0},
		{Code: jumpEqual, K: version, Jf: rest},
	}
	for _, w := range words {
		rest -= 2
		p = append(p, unix.SockFilter{Code: loadWord, K: ipHeader + w.at}, unix.SockFilter{Code: jumpEqual, K: w.value, Jf: rest})
	}
	return append(p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_IMM, K: uint32(h.pass * (1<<32 - 1))},
		unix.SockFilter{Code: unix.BPF_ST},
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: over})
}

// passes ends a filter: the whole datagram goes on.
var passes = unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff}

const (
	loadWord    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	loadByte    = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
	jumpEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	stateWithin = 24 // attributes from the first on in which State is looked for
)

// stateProgram lets a packet with State pass: half of the work on it is done (RFC 5080 s2.2.3). The kernel knows no loops
// here, so each attribute has its own steps: X is where it begins.
func stateProgram() []unix.SockFilter {
	const (
		loadIndirect = unix.BPF_LD | unix.BPF_B | unix.BPF_IND
		each         = 8 // steps for an attribute
	)
	p := []unix.SockFilter{{Code: unix.BPF_LDX | unix.BPF_IMM, K: udpHeader + radius.HeaderLen}}
	for i := range stateWithin {
		p = append(p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_X, Jf: uint8(each*(stateWithin-i) - 2)}, // the end
			unix.SockFilter{Code: loadIndirect},
			unix.SockFilter{Code: jumpEqual, K: uint32(radius.TypeState), Jf: 1}, passes,
			unix.SockFilter{Code: loadIndirect, K: 1}, // the attribute's Length; what has none is no packet, and is dropped
			unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_ADD | unix.BPF_X},
			unix.SockFilter{Code: unix.BPF_MISC | unix.BPF_TAX})
	}
	return p
}
