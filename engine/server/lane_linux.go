package server

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A lane is the socket of a loop that noisy sources are steered to (overload.go). Each batch has first what came by the
// loop's own socket, then what is in the lane. Nobody waits at it: a loop that finds nothing waits at its own socket, and
// looks at the lane again after lanePoll. While nobody is steered, and the lane is empty, no look is paid for.
type lane struct {
	m    *mmsg // its own, of the loop
	port *port
	loop int
	own  *net.UDPConn // the loop's own socket
	raw  syscall.RawConn

	first, second func(fd uintptr) // made once
	least         int              // datagrams of a batch that are the lane's in any case, if it is for more than one
	steering      bool
	looks         int // that are still taken after the last steering
	got           int // of the last batch
	drops         drops
}

const (
	lanePoll = time.Millisecond
	// laneLooks find what the kernel steered to the lane while it was told to end that.
	laneLooks = 32
	// laneLossEvery is after how many batches of a flood what the lane has lost is asked for.
	laneLossEvery = 4
)

// newLane gives the lane of a loop. There may be something in it from before the kernel had a program.
func newLane(m *mmsg, p *port, loop int) (*lane, error) {
	if p.lanes == nil {
		return nil, nil
	}
	raw, err := p.lanes[loop].SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &lane{m: m, port: p, loop: loop, own: p.conns[loop], raw: raw, least: 1, looks: laneLooks}
	l.first, l.second = l.receiveOwn, l.receive
	return l, nil
}

// open reports whether the lane is to be looked at.
func (l *lane) open() bool {
	if l == nil {
		return false
	}
	l.got = 0
	return l.looks > 0
}

// both receives from both sockets. If nothing is there it sees to it that the wait that follows is short.
func (l *lane) both() error {
	m := l.m
	if err := m.raw.Control(l.first); err != nil {
		return err
	}
	if m.errno == 0 {
		if err := l.raw.Control(l.second); err != nil {
			return err
		}
	}
	if m.errno != 0 {
		return m.errno
	}
	if l.got == 0 && !l.steering {
		l.looks--
	}
	if m.polls = m.busy.Poll(); m.got == 0 && !m.polls {
		l.own.SetReadDeadline(time.Now().Add(lanePoll))
	}
	return nil
}

func (l *lane) receiveOwn(fd uintptr) {
	m := l.m
	room := max(1, len(m.in)-l.least)
	if m.got, m.errno = receive(fd, m.in[:room]); m.errno == unix.EAGAIN {
		m.errno = 0
	}
	m.drops.look(fd, m.got == room)
}

func (l *lane) receive(fd uintptr) {
	m := l.m
	if l.got, m.errno = receive(fd, m.in[m.got:]); m.errno == unix.EAGAIN {
		m.errno = 0
	}
	m.got += l.got
	l.drops.look(fd, m.got == len(m.in) && l.drops.reads%laneLossEvery == 0)
}

// steer implements batcher.
func (m *mmsg) steer(sources []held, least float64) error {
	l := m.lane
	if l == nil {
		return nil
	}
	if !l.steering && l.looks <= 0 {
		_ = l.raw.Control(l.forget)
	}
	if err := l.port.steer(l.loop, sources); err != nil {
		return err
	}
	l.steering, l.looks = len(sources) > 0, laneLooks
	l.least = max(1, int(least*float64(len(m.in))))
	return nil
}

// forget throws away what has come since the lane was looked at last: copies of broadcasts, of which each socket gets one.
func (l *lane) forget(fd uintptr) {
	for {
		if n, errno := receive(fd, l.m.in); n == 0 || errno != 0 {
			return
		}
	}
}
