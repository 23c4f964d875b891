package client

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// originRoom holds a control message with an address of either family.
const originRoom = 40

// origin lets datagrams leave from many addresses through one socket (IP_PKTINFO, IPV6_PKTINFO). The zero
// origin's sockets are connected and leave the address to the kernel.
type origin struct {
	server  unix.RawSockaddrInet6 // as the kernel writes it, of either family
	control [burstSize][originRoom]byte
	at      int    // offset of the last four octets of the address; 0: one source
	first   uint32 // those of the first source
}

// use fills in what is the same for all datagrams.
func (o *origin) use(b *burst, l *Load, server netip.AddrPort) error {
	if l.Sources == 0 {
		return nil
	}
	if l.Source.Is4() != server.Addr().Unmap().Is4() {
		return fmt.Errorf("requests to %v cannot leave from %v: one is IPv4, the other IPv6", server.Addr(), l.Source)
	}
	for _, a := range []netip.Addr{l.Source, l.lastSource()} { // those between them are taken on trust
		probe, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err != nil {
			return fmt.Errorf("no requests can leave from %v: %w", a, err)
		}
		probe.Close()
	}
	octets := l.Source.AsSlice()
	o.first = binary.BigEndian.Uint32(octets[len(octets)-4:])
	nameLen := o.name(server)
	for i := range burstSize {
		n := o.fill(i, octets)
		out, in := &b.out[i].header, &b.in[i].header
		out.Name, out.Namelen = (*byte)(unsafe.Pointer(&o.server)), nameLen
		out.Control = &o.control[i][0]
		out.SetControllen(n)
		in.Name, in.Namelen = (*byte)(unsafe.Pointer(&b.names[i])), unix.SizeofSockaddrInet6
	}
	return nil
}

// name writes the server's address and gives its length.
func (o *origin) name(server netip.AddrPort) uint32 {
	raw := (*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(&o.server))
	binary.BigEndian.PutUint16(raw[2:], server.Port())
	if a := server.Addr().Unmap(); a.Is4() {
		o.server.Family = unix.AF_INET
		copy(raw[4:], a.AsSlice())
		return unix.SizeofSockaddrInet4
	}
	o.server.Family, o.server.Addr, o.server.Scope_id = unix.AF_INET6, server.Addr().As16(), zone(server.Addr())
	return unix.SizeofSockaddrInet6
}

// fill writes the control message of place i and gives its length. The interface stays the routing's choice.
func (o *origin) fill(i int, address []byte) int {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&o.control[i][0]))
	data := unix.CmsgLen(0)
	if len(address) == net.IPv4len {
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		o.at = data + 4 // ipi_spec_dst
		copy(o.control[i][o.at:], address)
		return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	}
	h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	copy(o.control[i][data:], address)
	o.at = data + net.IPv6len - 4
	return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
}

// set makes the datagram at place i leave from a source.
func (o *origin) set(i int, source int32) {
	if o.at > 0 {
		binary.BigEndian.PutUint32(o.control[i][o.at:], o.first+uint32(source))
	}
}

// accept gives the datagram, or nothing if another one than the server sent it: the kernel sees to that only
// where a socket is connected.
func (o *origin) accept(datagram []byte, sender *unix.RawSockaddrInet6) []byte {
	if o.at == 0 {
		return datagram
	}
	n := unix.SizeofSockaddrInet4 - 8 // without its padding
	if o.server.Family == unix.AF_INET6 {
		n = unix.SizeofSockaddrInet6 - 4 // without the zone
	}
	want, got := (*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(&o.server)), (*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(sender))
	if string(want[:n]) != string(got[:n]) {
		return nil
	}
	return datagram
}

// socketBuffer is what is asked for; the kernel may grant less.
const socketBuffer = 4 << 20

// socket opens one, connected to the server if there is one source alone.
func (o *origin) socket(server netip.AddrPort) (int, error) {
	family, to := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(server.Port()), Addr: server.Addr().As16(), ZoneId: zone(server.Addr())})
	if a := server.Addr().Unmap(); a.Is4() {
		family, to = unix.AF_INET, &unix.SockaddrInet4{Port: int(server.Port()), Addr: a.As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, 1) // Linux before 5.1 has none
	if o.at > 0 {
		return fd, nil // bound to a port by its first datagram
	}
	if err := unix.Connect(fd, to); err != nil {
		unix.Close(fd)
		return 0, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// zone gives the number of the interface that a link-local address names.
func zone(a netip.Addr) uint32 {
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		return uint32(i.Index)
	}
	return 0
}
