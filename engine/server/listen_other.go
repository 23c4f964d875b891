//go:build !linux

package server

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// reusable says that several sockets may share one port: their balance differs too much between systems.
const reusable = false

func sharePort(_, _ string, _ syscall.RawConn) error { return nil }

func openPort(*net.UDPConn) error { return nil }

// tune asks for the address asked on a wildcard socket. Systems that can't tell answer by their routing.
func tune(conn *net.UDPConn, wildcard bool) error {
	if !wildcard {
		return nil
	}
	if conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().Is4() {
		ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst, true)
		return nil
	}
	ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst, true)
	return nil
}

// divided sends what was too large; nothing is changed here.
func divided(_ syscall.RawConn, send func() error) error { return send() }

// granted gives 0: the size of the receive buffer is not known here.
func granted(*net.UDPConn) int { return 0 }

// appendSource appends the control message that makes a reply leave from address from.
func appendSource(dst []byte, from netip.Addr) []byte {
	switch {
	case !from.IsValid():
		return dst
	case from.Is4():
		m := ipv4.ControlMessage{Src: from.AsSlice()}
		return append(dst, m.Marshal()...)
	}
	m := ipv6.ControlMessage{Src: from.AsSlice()}
	return append(dst, m.Marshal()...)
}

func newBatcher(p *port, loop int, _ *Options, wildcard bool) (batcher, error) {
	return newSingle(p.conns[loop], wildcard), nil
}

func newBurst(*net.UDPConn, *Options) (burster, error) { return oneByOne{}, nil }

// direct is never called: there are no lanes.
func (p *port) direct([][]held) error { return nil }
