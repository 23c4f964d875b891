package client

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"perilune/engine/radius"
)

// burstSize is the number of datagrams of one system call.
const burstSize = 64

// shooters gives into how many goroutines a load is split: one for two processors, as a server needs the others.
func (l *Load) shooters() int { return min(max(runtime.GOMAXPROCS(0)/2, 1), l.Sockets) }

// burst is the sockets of one shooter: it sends and receives many datagrams at once by sendmmsg(2) and
// recvmmsg(2), and waits for all of them together by epoll(7). It allocates nothing once it is open.
type burst struct {
	fds     []int
	poll    poll
	sleeper sleeper
	origin  origin
	in      [burstSize]message
	out     [burstSize]message
	inIov   [burstSize]unix.Iovec
	outIov  [burstSize]unix.Iovec
	names   [burstSize]unix.RawSockaddrInet6 // senders, where sockets are not connected
	buf     [burstSize][radius.MaxPacketLen]byte
	stamps  [burstSize][stampRoom]byte
	got     []arrival
}

// stampRoom holds the control message with the time at which the kernel took a datagram in.
const stampRoom = unix.SizeofCmsghdr + 16

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
}

// newBurst opens n sockets.
func newBurst(l *Load, server netip.AddrPort, n int) (*burst, error) {
	b := &burst{fds: make([]int, 0, n), got: make([]arrival, 0, burstSize)}
	for i := range burstSize {
		b.inIov[i].Base = &b.buf[i][0]
		b.inIov[i].SetLen(len(b.buf[i]))
		b.in[i].header.Iov, b.out[i].header.Iov = &b.inIov[i], &b.outIov[i]
		b.in[i].header.SetIovlen(1)
		b.in[i].header.Control = &b.stamps[i][0]
		b.in[i].header.SetControllen(stampRoom)
		b.out[i].header.SetIovlen(1)
	}
	if err := b.open(l, server, n); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *burst) open(l *Load, server netip.AddrPort, n int) error {
	if err := b.origin.use(b, l, server); err != nil {
		return err
	}
	if err := errors.Join(b.poll.open(), b.sleeper.open()); err != nil {
		return err
	}
	for i := range n {
		fd, err := b.origin.socket(server)
		if err != nil {
			return err
		}
		b.fds = append(b.fds, fd)
		if err := b.poll.add(fd, i); err != nil {
			return err
		}
	}
	return nil
}

func (b *burst) close() {
	for _, fd := range b.fds {
		unix.Close(fd)
	}
	b.poll.close()
	b.sleeper.close()
}

// send sends at most burstSize packets through socket i, each from its source. What the kernel refuses is lost,
// as on a network.
func (b *burst) send(i int, packets [][]byte, from []int32) {
	for j, p := range packets {
		b.outIov[j].Base = &p[0]
		b.outIov[j].SetLen(len(p))
		b.origin.set(j, from[j])
	}
	refused := false
	for first := 0; first < len(packets); {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(b.fds[i]), uintptr(unsafe.Pointer(&b.out[first])),
			uintptr(len(packets)-first), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			first += int(n)
			refused = false
		case errno == unix.EINTR:
		case errno == unix.EAGAIN && writable(b.fds[i]):
		case refused:
			first++
			refused = false
		default:
			// The first time the error may belong to an earlier datagram, whose port nobody listens on; then this
			// one was not sent.
			refused = true
		}
	}
}

// writable waits a moment for room in a socket's buffer, and reports whether there is some.
func writable(fd int) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 10)
	return n > 0 && err == nil
}

// receive gives datagrams that socket i has, at most burstSize. They are valid until the next call.
func (b *burst) receive(i int) []arrival {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(b.fds[i]), uintptr(unsafe.Pointer(&b.in[0])), burstSize, unix.MSG_DONTWAIT, 0, 0)
	b.got = b.got[:0]
	if errno != 0 {
		return nil
	}
	for j := range int(n) {
		b.got = append(b.got, arrival{b.origin.accept(b.buf[j][:b.in[j].n], &b.names[j]), b.stamp(j)})
		b.in[j].header.SetControllen(stampRoom) // the kernel has set it to what it wrote
	}
	return b.got
}

// stamp gives when the kernel took the datagram at place i in: nanoseconds since 1970, 0 if it does not say.
func (b *burst) stamp(i int) int64 {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b.stamps[i][0]))
	if b.in[i].header.Controllen < stampRoom || h.Level != unix.SOL_SOCKET || h.Type != unix.SO_TIMESTAMPNS_NEW {
		return 0
	}
	at := b.stamps[i][unix.SizeofCmsghdr:] // two 64-bit numbers on every machine
	return int64(binary.NativeEndian.Uint64(at))*1e9 + int64(binary.NativeEndian.Uint64(at[8:]))
}

// wait gives the sockets that have something, none if the time comes first. A time that is over does not wait.
func (b *burst) wait(until time.Time) []int { return b.poll.wait(until) }

// rest sleeps; datagrams do not end it.
func (b *burst) rest(d time.Duration) { b.sleeper.sleep(d) }
