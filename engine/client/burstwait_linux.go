package client

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// sleeper sleeps to some microseconds, which the runtime's timers do not, and without its cost: for moments alone, as
// it keeps the goroutine's processor.
type sleeper struct {
	timer int
	count [8]byte
}

func (s *sleeper) open() (err error) {
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC); err != nil {
		s.timer = 0
		return os.NewSyscallError("timerfd_create", err)
	}
	return nil
}

func (s *sleeper) close() {
	if s.timer > 0 {
		unix.Close(s.timer)
	}
}

// sleep may end early where a signal comes.
func (s *sleeper) sleep(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if d > 0 && unix.TimerfdSettime(s.timer, 0, &spec, nil) == nil {
		syscall.RawSyscall(unix.SYS_READ, uintptr(s.timer), uintptr(unsafe.Pointer(&s.count[0])), uintptr(len(s.count)))
	}
}
