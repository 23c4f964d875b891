package server

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// single is the portable batcher: one datagram a read, one system call a reply, by the standard library.
type single struct {
	conn     *net.UDPConn
	wildcard bool
	four     bool // an IPv4 socket
	control  [256]byte
	source   [256]byte
}

func newSingle(conn *net.UDPConn, wildcard bool) *single {
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	return &single{conn: conn, wildcard: wildcard, four: local.Unmap().Is4()}
}

// read implements batcher. It always waits; the runtime gives a reader no way to look and go.
func (s *single) read(slots []slot) (int, error) {
	n, oobn, _, from, err := s.conn.ReadMsgUDPAddrPort(slots[0].buf, s.control[:])
	if err != nil {
		return 0, err
	}
	slots[0].n, slots[0].reply = n, nil
	slots[0].source = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	slots[0].local = netip.Addr{}
	if s.wildcard {
		slots[0].local = s.asked(s.control[:oobn])
	}
	return 1, nil
}

// asked gives the address that a datagram was sent to, invalid if the system doesn't tell.
func (s *single) asked(oob []byte) netip.Addr {
	var dst net.IP
	if s.four {
		var m ipv4.ControlMessage
		if m.Parse(oob) == nil {
			dst = m.Dst
		}
	} else {
		var m ipv6.ControlMessage
		if m.Parse(oob) == nil {
			dst = m.Dst
		}
	}
	addr, _ := netip.AddrFromSlice(dst)
	return addr.Unmap()
}

// send implements batcher.
func (s *single) send(slots []slot) (failed int) {
	for i := range slots {
		if slots[i].reply == nil {
			continue
		}
		if sendTo(s.conn, slots[i].reply, slots[i].source, slots[i].local, s.source[:0]) != nil {
			failed++
		}
	}
	return failed
}

// intake implements batcher; nothing is known of losses here.
func (s *single) intake() intake { return intake{} }

// steer implements batcher; it is never asked to, as nothing is known to be lost.
func (s *single) steer([]held, float64) error { return nil }
