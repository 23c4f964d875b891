package proxy

import (
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"perilune/engine/radius"
)

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
}

// A transmitter sends datagrams over a connected socket by sendmmsg(2). The zero value is ready to use.
type transmitter struct {
	out         []message
	iov         []unix.Iovec
	writer      func(fd uintptr) bool
	first, last int // the messages still to be sent
	failed      int
	again       bool // the message at first was refused once
}

// add appends one datagram; there is room for senderSize.
func (t *transmitter) add(octets []byte) {
	if t.out == nil {
		t.out, t.iov = make([]message, senderSize), make([]unix.Iovec, senderSize)
		for i := range t.out {
			t.out[i].header.Iov = &t.iov[i]
			t.out[i].header.SetIovlen(1)
		}
		t.writer = t.write
	}
	t.iov[t.last].Base = &octets[0]
	t.iov[t.last].SetLen(len(octets))
	t.last++
}

// send sends what was added and gives the number of datagrams that the kernel refused.
func (t *transmitter) send(k *socket) (failed int) {
	t.failed = 0
	if k.raw.Write(t.writer) != nil { // closed
		t.failed = t.last - t.first
	}
	t.first, t.last, t.again = 0, 0, false
	return t.failed
}

// write runs under the descriptor's write lock. A full send buffer loses the rest: to wait would be to stop the
// server for one slow link. The scheduler is not told of a call that never blocks.
func (t *transmitter) write(fd uintptr) bool {
	for t.first < t.last {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&t.out[t.first])),
			uintptr(t.last-t.first), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			t.first += int(n)
			t.again = false
		case unix.EINTR:
		case unix.EAGAIN:
			t.failed += t.last - t.first
			return true
		default:
			t.refuse()
		}
	}
	return true
}

// refuse passes over a datagram that the kernel refuses twice. The first time the error may be that of an
// earlier one, whose port nobody listens on.
func (t *transmitter) refuse() {
	if t.again {
		t.first++
		t.failed++
	}
	t.again = !t.again
}

// receiver reads datagrams from a connected socket by recvmmsg(2).
type receiver struct {
	raw    syscall.RawConn
	poll   func() bool
	in     [receiveSize]message
	iov    [receiveSize]unix.Iovec
	buf    [receiveSize][radius.MaxPacketLen]byte
	reader func(fd uintptr) bool
	got    int
	errno  syscall.Errno
}

// newReceiver gives the receiver of a socket. If poll says so it does not wait for datagrams.
func newReceiver(raw syscall.RawConn, _ *net.UDPConn, poll func() bool) *receiver {
	r := &receiver{raw: raw, poll: poll}
	for i := range r.in {
		r.iov[i].Base = &r.buf[i][0]
		r.iov[i].SetLen(len(r.buf[i]))
		r.in[i].header.Iov = &r.iov[i]
		r.in[i].header.SetIovlen(1)
	}
	r.reader = r.read
	return r
}

// receive waits for datagrams and gives their number; none if it polls. The error is net.ErrClosed at the end, or the kernel's.
func (r *receiver) receive() (int, error) {
	if err := r.raw.Read(r.reader); err != nil {
		return 0, err
	}
	if r.errno != 0 {
		return 0, os.NewSyscallError("recvmmsg", r.errno)
	}
	return r.got, nil
}

func (r *receiver) read(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.in[0])), receiveSize, unix.MSG_DONTWAIT, 0, 0)
		r.got, r.errno = int(n), errno
		switch errno {
		case unix.EINTR:
		case unix.EAGAIN:
			r.got, r.errno = 0, 0
			return r.poll()
		default:
			return true
		}
	}
}

// datagram gives the i-th datagram of the last batch, valid until the next.
func (r *receiver) datagram(i int) []byte { return r.buf[i][:r.in[i].n] }
