package server

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outgoing collects datagrams for one sendmmsg(2). It serves one goroutine at a time.
type outgoing struct {
	raw     syscall.RawConn
	out     []message
	iov     []unix.Iovec
	control [][controlRoom]byte

	writer      func(fd uintptr) bool
	first, last int // the messages still to be sent
	pieces      int // of iov that they use
	errno       syscall.Errno
	alone       bool // the kernel takes no trains here
}

func (o *outgoing) init(raw syscall.RawConn, size int) {
	o.raw, o.out, o.iov = raw, make([]message, size), make([]unix.Iovec, size)
	o.control = make([][controlRoom]byte, size)
	o.writer = o.transmit
}

// add appends one datagram; there must be room. An invalid from leaves the source address to the socket.
func (o *outgoing) add(to *unix.RawSockaddrInet6, toLen uint32, octets []byte, from netip.Addr) {
	h := &o.out[o.last].header
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(to)), toLen
	h.Iov = &o.iov[o.pieces]
	h.SetIovlen(0)
	h.Control = nil
	h.SetControllen(0)
	if from.IsValid() {
		o.say(appendSource(o.control[o.last][:0], from))
	}
	o.last++
	o.piece(octets)
}

// piece appends octets to the last message.
func (o *outgoing) piece(octets []byte) {
	iov, h := &o.iov[o.pieces], &o.out[o.last-1].header
	iov.Base = &octets[0]
	iov.SetLen(len(octets))
	h.SetIovlen(int(h.Iovlen) + 1)
	o.pieces++
}

// say sets the control messages of the message at hand.
func (o *outgoing) say(control []byte) {
	h := &o.out[o.last].header
	h.Control = &control[0]
	h.SetControllen(len(control))
}

// flush sends what was added and gives the number of datagrams that the kernel refused.
func (o *outgoing) flush() (failed int) {
	for o.first < o.last {
		if err := o.raw.Write(o.writer); err != nil {
			failed += o.last - o.first
			break
		}
		if o.errno != 0 { // of the first message alone: go on behind it
			failed += o.refused(&o.out[o.first].header)
			o.first++
		}
	}
	o.first, o.last, o.pieces = 0, 0, 0
	return failed
}

// transmit runs under the descriptor's write lock; a full send buffer waits for room. The call never blocks
// (MSG_DONTWAIT), so the scheduler is not told of it: told, it takes the processor away from a loop whose
// call lasts longer than 20 µs, as a batch does, and both threads then fight over it. That costs a fifth of
// all processor time.
func (o *outgoing) transmit(fd uintptr) bool {
	for o.first < o.last {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&o.out[o.first])),
			uintptr(o.last-o.first), unix.MSG_DONTWAIT, 0, 0)
		o.errno = errno
		switch errno {
		case 0:
			o.first += int(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			return true
		}
	}
	return true
}

// burst sends late replies of one socket, many with one system call.
type burst struct {
	outgoing
	trains trains
	names  []unix.RawSockaddrInet6
	six    bool // an IPv6 socket: IPv4 addresses go mapped
}

// newBurst gives what sends late replies by bursts.
func newBurst(conn *net.UDPConn, o *Options) (burster, error) {
	if o.Portable {
		return oneByOne{}, nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	domain, err := getOption(raw, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return nil, err
	}
	b := &burst{names: make([]unix.RawSockaddrInet6, o.Batch), six: domain == unix.AF_INET6}
	b.init(raw, o.Batch)
	return b, nil
}

// send implements burster.
func (b *burst) send(us []*unanswered) (failed int) {
	for len(us) > 0 {
		n := min(len(us), len(b.out))
		failed += b.some(us[:n])
		us = us[n:]
	}
	return failed
}

// some sends as many as fit one system call.
func (b *burst) some(us []*unanswered) (failed int) {
	t := &b.trains
	t.list = t.list[:0]
	for i, u := range us {
		if len(u.reply) > 0 && !u.dead.Load() {
			t.add(uint8(i), &u.response, b.alone)
		}
	}
	for _, first := range t.list {
		u, name := us[first], &b.names[first]
		b.add(name, b.address(name, u.source), u.reply, u.local)
		for i := t.next[first]; i != 0; i = t.next[i] {
			b.piece(us[i].reply)
		}
		b.couple(len(u.reply))
	}
	return b.flush()
}

// address writes an address in the kernel's form, and gives its length.
func (b *burst) address(name *unix.RawSockaddrInet6, to netip.AddrPort) uint32 {
	raw := (*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(name))
	binary.BigEndian.PutUint16(raw[2:4], to.Port())
	if !b.six {
		name.Family = unix.AF_INET
		four := to.Addr().As4()
		copy(raw[4:8], four[:])
		clear(raw[8:16])
		return unix.SizeofSockaddrInet4
	}
	name.Family, name.Flowinfo, name.Scope_id = unix.AF_INET6, 0, scope(to.Addr().Zone())
	name.Addr = to.Addr().As16()
	return unix.SizeofSockaddrInet6
}

// scope gives the number of a zone, 0 for none.
func scope(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}
