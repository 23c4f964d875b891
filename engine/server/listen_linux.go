package server

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reusable says that several sockets may share one port.
const reusable = true

// sharePort is for net.ListenConfig: the socket joins a group on the port (SO_REUSEPORT).
func sharePort(_, _ string, raw syscall.RawConn) error {
	return setOption(raw, unix.SOL_SOCKET, unix.SO_REUSEPORT)
}

// openPort lets further sockets join one that was bound alone. Its bind was the probe: it fails while
// another process holds the port, even one that shares it.
func openPort(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return sharePort("", "", raw)
}

// tune asks the kernel, on a wildcard socket, for the address asked. Datagrams leave in one piece as far as they may.
func tune(conn *net.UDPConn, wildcard bool) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	_ = divide(raw, false) // else each costs a little more
	if !wildcard {
		return nil
	}
	if domain, err := getOption(raw, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain == unix.AF_INET6 {
		return setOption(raw, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO)
	}
	return setOption(raw, unix.IPPROTO_IP, unix.IP_PKTINFO)
}

// granted gives the size of the receive buffer as the kernel counts it (twice what was asked, at most
// twice net.core.rmem_max).
func granted(conn *net.UDPConn) int {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	n, err := getOption(raw, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return 0
	}
	return n
}

// divide says whether IPv4 datagrams may leave in fragments. Those that cannot need no identification (RFC 6864 s4.1), for which
// the kernel keeps a counter for each receiver: with many of those, one more miss of the cache for each reply. Both ways
// datagrams that fit have the flag DF, and what the kernel learns of a way's MTU holds.
func divide(raw syscall.RawConn, may bool) (err error) {
	mode := unix.IP_PMTUDISC_DO
	if may {
		mode = unix.IP_PMTUDISC_WANT
	}
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, mode) }); e != nil {
		return e
	}
	return err
}

// divided sends what is too large for one piece (EMSGSIZE). Others may send by the socket meanwhile; one who does this too may end
// it too soon, so it is tried again.
func divided(raw syscall.RawConn, send func() error) (err error) {
	for range 3 {
		if err := divide(raw, true); err != nil {
			return err
		}
		err = send()
		if e := divide(raw, false); err == nil {
			err = e
		}
		if !errors.Is(err, unix.EMSGSIZE) {
			break
		}
	}
	return err
}

func setOption(raw syscall.RawConn, level, name int) (err error) {
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, name, 1) }); e != nil {
		return e
	}
	return err
}

func getOption(raw syscall.RawConn, level, name int) (n int, err error) {
	if e := raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), level, name) }); e != nil {
		return 0, e
	}
	return n, err
}

// appendSource appends the control message that makes a reply leave from address from; an invalid one
// appends nothing. The interface stays the routing's choice.
func appendSource(dst []byte, from netip.Addr) []byte {
	switch {
	case !from.IsValid():
		return dst
	case from.Is4():
		dst, data := appendControl(dst, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
		a := from.As4()
		copy(data[4:8], a[:])
		return dst
	}
	dst, data := appendControl(dst, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
	a := from.As16()
	copy(data[:16], a[:])
	return dst
}

// appendControl appends the header of a control message and n zeros, which it gives as data.
func appendControl(dst []byte, level, kind int32, n int) (whole, data []byte) {
	var zero [controlRoom]byte
	start := len(dst)
	dst = append(dst, zero[:unix.CmsgSpace(n)]...)
	h := dst[start:]
	if unsafe.Sizeof(uintptr(0)) == 8 {
		binary.NativeEndian.PutUint64(h, uint64(unix.CmsgLen(n)))
		binary.NativeEndian.PutUint32(h[8:], uint32(level))
		binary.NativeEndian.PutUint32(h[12:], uint32(kind))
	} else {
		binary.NativeEndian.PutUint32(h, uint32(unix.CmsgLen(n)))
		binary.NativeEndian.PutUint32(h[4:], uint32(level))
		binary.NativeEndian.PutUint32(h[8:], uint32(kind))
	}
	return dst, h[unix.CmsgLen(0):unix.CmsgLen(n)]
}

// newBatcher gives the fast batcher, or the portable one if asked.
func newBatcher(p *port, loop int, o *Options, wildcard bool) (batcher, error) {
	if o.Portable {
		return newSingle(p.conns[loop], wildcard), nil
	}
	m, err := newMmsg(p, loop, o.Batch, wildcard, o.Busy)
	if err != nil {
		return nil, err
	}
	m.out.alone = o.Whole
	return m, nil
}
