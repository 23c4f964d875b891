package server

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"perilune/engine/radius"
)

// direct gives the kernel the program that chooses a socket for each datagram to the port (SO_ATTACH_REUSEPORT_CBPF): a loop
// by the sender's address and port, then its own socket, or for noisy sources its lane. The number of a socket is its place
// in the order of binding, lanes behind all others.
func (p *port) direct(noisy [][]held) (err error) {
	raw, err := p.conns[0].SyscallConn()
	if err != nil {
		return err
	}
	program := steering(noisy)
	if e := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &unix.SockFprog{
			Len: uint16(len(program)), Filter: unsafe.SliceData(program),
		})
	}); e != nil {
		return e
	}
	return err
}

// Codes of classic BPF, and where a program may load from beside the packet (linux/filter.h).
const (
	loadWord     = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	loadByte     = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
	loadIndirect = unix.BPF_LD | unix.BPF_B | unix.BPF_IND
	jumpEqual    = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	jump         = unix.BPF_JMP | unix.BPF_JA
	arithmetic   = unix.BPF_ALU | unix.BPF_K
	ipHeader     = 0xfff00000 // SKF_NET_OFF: the IP header
	stateWithin  = 24         // attributes from the first on in which State is looked for
)

// Targets of jumps, in K until the program is whole.
const (
	toSpare = 1<<16 + iota // perhaps steered
	toLane
	toOwn
)

// steering makes the program for a port, of the sources that each loop has named. Its memory word 0 is the loop.
func steering(noisy [][]held) []unix.SockFilter {
	loops := len(noisy)
	p := append(loopProgram(loops), unix.SockFilter{Code: unix.BPF_ST})
	for loop, sources := range noisy {
		for _, h := range sources {
			p = append(p, sourceProgram(h, loop)...)
		}
	}
	p = append(p, unix.SockFilter{Code: jump, K: toOwn})
	targets := map[uint32]int{toSpare: len(p)}
	p = append(p, spareProgram()...)
	targets[toLane] = len(p)
	p = append(p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_MEM}, unix.SockFilter{Code: arithmetic | unix.BPF_ADD, K: uint32(loops)},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_A})
	targets[toOwn] = len(p)
	p = append(p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_MEM}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_A})
	for i, step := range p {
		if to, ok := targets[step.K]; ok && step.Code == jump {
			p[i].K = uint32(to - i - 1)
		}
	}
	return p
}

// loopProgram leaves a loop's number in A: always the same for one address and port, and all are about as often. The port is
// where it is without options of IP; elsewhere it finds other octets, of no harm.
func loopProgram(loops int) []unix.SockFilter {
	if loops == 1 {
		return []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_IMM}}
	}
	const mix = 0x9e3779b1 // 2^32 by the golden ratio
	four, six := mixed(12, 20), mixed(8, 12, 16, 20, 40)
	p := []unix.SockFilter{
		{Code: loadByte, K: ipHeader}, {Code: arithmetic | unix.BPF_AND, K: 0xf0}, {Code: jumpEqual, K: 0x60, Jf: uint8(len(six) + 1)},
	}
	p = append(append(p, six...), unix.SockFilter{Code: jump, K: uint32(len(four))})
	p = append(p, four...)
	return append(p,
		unix.SockFilter{Code: arithmetic | unix.BPF_MUL, K: mix}, unix.SockFilter{Code: arithmetic | unix.BPF_RSH, K: 16},
		unix.SockFilter{Code: arithmetic | unix.BPF_MOD, K: uint32(loops)})
}

// mixed makes A of 32-bit words of the IP header and what follows it. A word of the UDP header has both ports, of which the
// server's is always the same.
func mixed(at ...uint32) (p []unix.SockFilter) {
	const mix = 0x85ebca6b
	for i, offset := range at {
		if i > 0 {
			p = append(p, unix.SockFilter{Code: arithmetic | unix.BPF_MUL, K: mix}, unix.SockFilter{Code: unix.BPF_MISC | unix.BPF_TAX})
		}
		p = append(p, unix.SockFilter{Code: loadWord, K: ipHeader + offset})
		if i > 0 {
			p = append(p, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_XOR | unix.BPF_X})
		}
	}
	return p
}

// sourceProgram jumps if a datagram is of a source, an IPv4 address or an IPv6 /64, and for the loop that named it, and goes on
// behind it else.
func sourceProgram(h held, loop int) []unix.SockFilter {
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
		{Code: arithmetic | unix.BPF_AND, K: 0xf0},
		{Code: jumpEqual, K: version, Jf: rest},
	}
	for _, w := range words {
		rest -= 2
		p = append(p, unix.SockFilter{Code: loadWord, K: ipHeader + w.at}, unix.SockFilter{Code: jumpEqual, K: w.value, Jf: rest})
	}
	to := uint32(toSpare)
	if h.all {
		to = toLane
	}
	return append(p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_MEM}, unix.SockFilter{Code: jumpEqual, K: uint32(loop), Jf: 1},
		unix.SockFilter{Code: jump, K: to})
}

// spareProgram is for a noisy source's datagram: Status-Server goes to the loop's own socket, or the NAS would take the server
// for dead, and so do answers to challenges: half of the work on them is done (RFC 5080 s2.2.3). The kernel knows no loops
// here, so each attribute has its own steps: X is where it begins. What cannot be loaded would end the program with 0, the first
// loop's own socket, whoever has the sender: so nothing is loaded that is not there.
func spareProgram() []unix.SockFilter {
	const each = 9 // steps for an attribute
	p := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: radius.HeaderLen, Jt: 1}, {Code: jump, K: toLane},
		{Code: loadByte}, {Code: jumpEqual, K: uint32(radius.CodeStatusServer), Jf: 1}, {Code: jump, K: toOwn},
		{Code: unix.BPF_LDX | unix.BPF_IMM, K: radius.HeaderLen},
	}
	for i := range stateWithin {
		p = append(p, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN},
			unix.SockFilter{Code: arithmetic | unix.BPF_SUB, K: 1},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_X, Jf: uint8(each*(stateWithin-i) - 3)}, // the end, or half an attribute
			unix.SockFilter{Code: loadIndirect},
			unix.SockFilter{Code: jumpEqual, K: uint32(radius.TypeState), Jf: 1}, unix.SockFilter{Code: jump, K: toOwn},
			unix.SockFilter{Code: loadIndirect, K: 1}, // the attribute's Length
			unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_ADD | unix.BPF_X},
			unix.SockFilter{Code: unix.BPF_MISC | unix.BPF_TAX})
	}
	return p
}
