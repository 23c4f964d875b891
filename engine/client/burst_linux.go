package client

import (
	"net/netip"
	"os"
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
	fds    []int
	poll   poll
	origin origin
	in     [burstSize]message
	out    [burstSize]message
	inIov  [burstSize]unix.Iovec
	outIov [burstSize]unix.Iovec
	names  [burstSize]unix.RawSockaddrInet6 // senders, where sockets are not connected
	buf    [burstSize][radius.MaxPacketLen]byte
	got    [][]byte
}

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
}

// newBurst opens n sockets.
func newBurst(l *Load, server netip.AddrPort, n int) (*burst, error) {
	b := &burst{fds: make([]int, 0, n), got: make([][]byte, 0, burstSize)}
	for i := range burstSize {
		b.inIov[i].Base = &b.buf[i][0]
		b.inIov[i].SetLen(len(b.buf[i]))
		b.in[i].header.Iov, b.out[i].header.Iov = &b.inIov[i], &b.outIov[i]
		b.in[i].header.SetIovlen(1)
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
	if err := b.poll.open(); err != nil {
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
func (b *burst) receive(i int) [][]byte {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(b.fds[i]), uintptr(unsafe.Pointer(&b.in[0])), burstSize, unix.MSG_DONTWAIT, 0, 0)
	b.got = b.got[:0]
	if errno != 0 {
		return nil
	}
	for j := range int(n) {
		b.got = append(b.got, b.origin.accept(b.buf[j][:b.in[j].n], &b.names[j]))
	}
	return b.got
}

// wait gives the sockets that have something, none if the time comes first. A time that is over does not wait.
func (b *burst) wait(until time.Time) []int { return b.poll.wait(until) }

// poll is an epoll(7) instance with a timer of its own, itself watched by the runtime: so that thousands of
// sockets need one goroutine, which wakes to the microsecond where the runtime's timers wake to the millisecond.
type poll struct {
	epoll  *os.File
	raw    syscall.RawConn
	timer  int
	armed  time.Time // when the timer goes off
	events [burstSize]unix.EpollEvent
	n      int
	look   func(fd uintptr) bool
	block  bool
	ready  []int
}

// timerEvent is the timer's place among the sockets.
const timerEvent = -1

func (p *poll) open() error {
	p.timer = -1
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	p.epoll = os.NewFile(uintptr(fd), "epoll")
	if p.raw, err = p.epoll.SyscallConn(); err != nil {
		return err
	}
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	p.look, p.ready = p.lookUp, make([]int, 0, burstSize)
	return p.add(p.timer, timerEvent)
}

func (p *poll) add(fd, place int) (err error) {
	e := p.raw.Control(func(epoll uintptr) {
		err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(place)})
	})
	if e != nil {
		return e
	}
	return os.NewSyscallError("epoll_ctl", err)
}

func (p *poll) close() {
	if p.epoll != nil {
		p.epoll.Close()
	}
	if p.timer > 0 {
		unix.Close(p.timer)
	}
}

func (p *poll) wait(until time.Time) []int {
	p.block = p.arm(until)
	p.n = 0
	p.raw.Read(p.look)
	p.ready = p.ready[:0]
	for _, e := range p.events[:p.n] {
		if e.Fd != timerEvent {
			p.ready = append(p.ready, int(e.Fd))
		}
	}
	return p.ready
}

// arm sets the timer, unless it goes off before the time anyway, and reports whether there is something to
// wait for.
func (p *poll) arm(until time.Time) bool {
	now := time.Now()
	left := until.Sub(now)
	if left <= 0 {
		return false
	}
	if p.armed.After(now) && !p.armed.After(until) {
		return true
	}
	p.armed = until
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
	return unix.TimerfdSettime(p.timer, 0, &spec, nil) == nil
}

// lookUp runs under the descriptor's read lock.
func (p *poll) lookUp(fd uintptr) bool {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	if errno == 0 {
		p.n = int(n)
	}
	return p.n > 0 || !p.block
}
