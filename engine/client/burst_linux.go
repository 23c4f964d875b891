package client

import (
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"perilune/engine/radius"
)

// burstSize is the number of datagrams of one system call.
const burstSize = 64

// burst sends and receives many datagrams at once over a connected socket: sendmmsg(2) and recvmmsg(2).
type burst struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	m    *bursts
}

type bursts struct {
	in, out  [burstSize]message
	inIov    [burstSize]unix.Iovec
	outIov   [burstSize]unix.Iovec
	buf      [burstSize][radius.MaxPacketLen]byte
	replies  [][]byte
	got      int
	reader   func(fd uintptr) bool
	writer   func(fd uintptr) bool
	from, to int
	again    bool // the datagram at from was refused once
}

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
}

func newBurst(conn *net.UDPConn) (burst, error) {
	raw, err := conn.SyscallConn()
	m := &bursts{}
	for i := range burstSize {
		m.inIov[i].Base = &m.buf[i][0]
		m.inIov[i].SetLen(len(m.buf[i]))
		m.in[i].header.Iov, m.out[i].header.Iov = &m.inIov[i], &m.outIov[i]
		m.in[i].header.SetIovlen(1)
		m.out[i].header.SetIovlen(1)
	}
	m.reader, m.writer = m.read, m.write
	return burst{conn, raw, m}, err
}

// send sends all packets; what the kernel refuses is lost, as on a network.
func (b *burst) send(packets [][]byte) {
	for len(packets) > 0 {
		n := min(len(packets), burstSize)
		for i, p := range packets[:n] {
			b.m.outIov[i].Base = &p[0]
			b.m.outIov[i].SetLen(len(p))
		}
		b.m.from, b.m.to = 0, n
		b.raw.Write(b.m.writer)
		packets = packets[n:]
	}
}

func (m *bursts) write(fd uintptr) bool {
	for m.from < m.to {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&m.out[m.from])), uintptr(m.to-m.from), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			m.from += int(n)
			m.again = false
		case unix.EAGAIN:
			return false
		case unix.EINTR:
		default:
			m.refused()
		}
	}
	return true
}

// refused passes over a datagram that the kernel refuses twice. The first time the error may belong to an
// earlier one, whose port nobody listens on; then this one was not sent.
func (m *bursts) refused() {
	if m.again {
		m.from++
	}
	m.again = !m.again
}

// receive gives the datagrams that arrived, at least one unless the deadline comes first. They are valid
// until the next call.
func (b *burst) receive(deadline time.Time) [][]byte {
	b.m.got = 0
	b.conn.SetReadDeadline(deadline)
	if err := b.raw.Read(b.m.reader); err != nil && !os.IsTimeout(err) {
		return nil
	}
	b.m.replies = b.m.replies[:0]
	for i := range b.m.got {
		b.m.replies = append(b.m.replies, b.m.buf[i][:b.m.in[i].n])
	}
	return b.m.replies
}

func (m *bursts) read(fd uintptr) bool {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&m.in[0])), burstSize, unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN {
		return false
	}
	if errno == 0 {
		m.got = int(n)
	}
	return true
}
