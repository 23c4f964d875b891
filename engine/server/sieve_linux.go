package server

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets that a filter of the kernel's may load from beside those in the datagram (linux/filter.h).
const (
	ipHeader     = 0xfff00000      // SKF_NET_OFF: the IP header
	randomNumber = 0xfffff000 + 56 // SKF_AD_OFF + SKF_AD_RANDOM
)

// sieve implements batcher. A filter that a user may attach to a socket of its own (SO_ATTACH_FILTER) sees each datagram
// before it takes room in the receive buffer. What it drops is among the socket's drops.
func (m *mmsg) sieve(from netip.Addr, pass float64) (err error) {
	if e := m.raw.Control(func(fd uintptr) {
		if !from.IsValid() {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
			return
		}
		program := sieveProgram(from, uint32(pass*(1<<32-1)))
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{
			Len: uint16(len(program)), Filter: unsafe.SliceData(program),
		})
	}); e != nil {
		return e
	}
	return err
}

// sieveProgram lets everything pass but a part of what comes from an IPv4 address, or from an IPv6 /64: of those datagrams
// as many as random numbers are below pass.
func sieveProgram(from netip.Addr, pass uint32) []unix.SockFilter {
	const load, loadByte, high = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, 0xf0
	type word struct{ at, value uint32 }
	version, words := uint32(0x60), []word{}
	if from.Is4() {
		b := from.As4()
		version, words = 0x40, append(words, word{12, binary.BigEndian.Uint32(b[:])}) // RFC 791 s3.1
	} else {
		b := from.As16()
		words = append(words, word{8, binary.BigEndian.Uint32(b[:])}, word{12, binary.BigEndian.Uint32(b[4:])}) // RFC 8200 s3
	}
	end := uint8(2*len(words) + 2) // from the version's comparison to the last but one instruction
	p := []unix.SockFilter{
		{Code: loadByte, K: ipHeader},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: high},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: version, Jf: end},
	}
	for i, w := range words {
		p = append(p, unix.SockFilter{Code: load, K: ipHeader + w.at},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: w.value, Jf: end - uint8(2*i+2)})
	}
	return append(p, unix.SockFilter{Code: load, K: randomNumber},
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: pass, Jt: 1},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0})
}
