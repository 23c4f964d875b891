package server

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"syscall"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// A slot is one place of a batch: a received datagram and, later, its reply.
type slot struct {
	buf      []byte       // the listener's largest packet fits
	n        int          // octets received
	response              // its reply is in the duplicate ring; nil: no answer with this batch
	key      key          // of the duplicate cache
	hash     uint64       // of key
	client   *nas.Client  // nil: not known, or not looked for
	ahead    radius.Ahead // what its verification will need
}

// A response is a reply and where it goes.
type response struct {
	source netip.AddrPort // who asked, unmapped
	local  netip.Addr     // to answer from: the address asked; invalid if the socket is bound to one
	reply  []byte
}

// A batcher moves batches of datagrams between one socket and the slots of its role. The portable one moves
// one datagram at a time; Linux moves a batch with one system call.
type batcher interface {
	// read fills slots from the first on and gives their number. It waits for the first datagram unless
	// poll says otherwise; then it may give 0.
	read(slots []slot) (n int, err error)
	// send sends the replies of the slots, and gives the number of those that the kernel refused.
	send(slots []slot) (failed int)
	// intake tells of the last batch, and what the kernel has dropped.
	intake() intake
	// steer makes the kernel keep sources apart from the others, in a lane that is read after them; least is the part of
	// a batch that is the lane's in any case, beside one datagram.
	steer(sources []held, least float64) error
}

// yield lets others run between two polls of a socket.
func yield() { runtime.Gosched() }

// sendTo sends one late reply on its own, from any goroutine.
func sendTo(conn *net.UDPConn, reply []byte, to netip.AddrPort, from netip.Addr, oob []byte) error {
	control := appendSource(oob[:0], from)
	_, _, err := conn.WriteMsgUDPAddrPort(reply, control, to)
	if !errors.Is(err, syscall.EMSGSIZE) {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return divided(raw, func() error {
		_, _, err := conn.WriteMsgUDPAddrPort(reply, control, to)
		return err
	})
}
