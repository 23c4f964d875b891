package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// A Listener is one address to listen on.
type Listener struct {
	Kind string         // "auth", "acct" or "coa"
	Addr netip.AddrPort // the unspecified IPv6 address also takes IPv4 unless that is listened on too
	// Loops is the number of sockets that share the port, 0 for 1. The kernel spreads sources over them by
	// address and port, so one NAS with one port stays on one loop. The number is fixed while the server
	// runs: a change would move NASes away from the loop that remembers their requests.
	Loops int
	// ReceiveBuffer is asked of the kernel for each loop, in octets; 0: 4 MiB. Where the kernel can keep noisy sources apart
	// what they send too much has a buffer of its own, of as much but 1 MiB at most.
	ReceiveBuffer int
}

const (
	defaultReceiveBuffer = 4 << 20
	// mostLaneBuffer is less, as a lane is full all through a flood: a longer queue serves no more, it makes all wait longer
	// and is no longer in a processor's cache when it is read, which costs a twentieth of what could be served.
	mostLaneBuffer = 1 << 20
)

// bind opens a listener's sockets. The first one is bound alone, so that a second instance is refused even though the port
// is shared, between loops and lanes; only then is it opened for the others.
func bind(l Listener, all []Listener, lanes bool) (p *port, err error) {
	p = new(port)
	network := network(l, all)
	defer func() {
		if err != nil {
			p.close()
			p, err = nil, bindError(l, err)
		}
	}()
	first, err := listen(network, l, nil)
	if err != nil {
		return p, err
	}
	p.conns = append(p.conns, first)
	if !reusable || l.Loops <= 1 && !lanes {
		return p, nil
	}
	if err := openPort(first); err != nil {
		return p, err
	}
	l.Addr = first.LocalAddr().(*net.UDPAddr).AddrPort() // port 0 has become a number
	more := func() (*net.UDPConn, error) { return listen(network, l, sharePort) }
	for len(p.conns) < l.Loops {
		conn, err := more()
		if err != nil {
			return p, err
		}
		p.conns = append(p.conns, conn)
	}
	if lanes {
		l.ReceiveBuffer = min(cmp.Or(l.ReceiveBuffer, defaultReceiveBuffer), mostLaneBuffer)
		p.unsteered = p.openLanes(more)
	}
	return p, nil
}

// network decides whether an unspecified IPv6 address takes IPv4 as well.
func network(l Listener, all []Listener) string {
	if l.Addr.Addr().Unmap().Is4() {
		return "udp4"
	}
	if !l.Addr.Addr().IsUnspecified() {
		return "udp6"
	}
	for _, o := range all {
		if o.Addr.Port() == l.Addr.Port() && o.Addr.Addr().Is4() {
			return "udp6"
		}
	}
	return "udp"
}

func listen(network string, l Listener, control func(_, _ string, _ syscall.RawConn) error) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: control}
	conn, err := config.ListenPacket(context.Background(), network, l.Addr.String())
	if err != nil {
		return nil, err
	}
	udp := conn.(*net.UDPConn)
	if err := errors.Join(udp.SetReadBuffer(cmp.Or(l.ReceiveBuffer, defaultReceiveBuffer)), tune(udp, l.Addr.Addr().IsUnspecified())); err != nil {
		udp.Close()
		return nil, err
	}
	return udp, nil
}

// bindError says what to do about the errors that people meet.
func bindError(l Listener, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("server: %s %s: the address is in use; is another server running on it?", l.Kind, l.Addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("server: %s %s: this machine has no such address", l.Kind, l.Addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("server: %s %s: ports under 1024 need a privilege", l.Kind, l.Addr)
	}
	return fmt.Errorf("server: %s %s: %w", l.Kind, l.Addr, err)
}
