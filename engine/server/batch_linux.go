package server

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlRoom is enough for the address asked (IPv6).
const controlRoom = 96

// message is the kernel's struct mmsghdr.
type message struct {
	header unix.Msghdr
	n      uint32
}

// mmsg reads and sends by recvmmsg(2) and sendmmsg(2), inside the runtime's own readiness functions, so that
// waiting costs no thread. Its two closures are made once: a batch allocates nothing.
type mmsg struct {
	raw      syscall.RawConn
	busy     *Busy
	wildcard bool
	zones    zones

	in      []message
	iov     []unix.Iovec
	names   []unix.RawSockaddrInet6 // the senders, by slot, as the kernel gave them
	control [][controlRoom]byte
	used    int // messages of the last read: to be made ready again
	out     outgoing
	trains  trains

	reader func(fd uintptr) bool
	got    int // result of the system call
	errno  syscall.Errno
	drops  drops
	lane   *lane // nil: there is none
	polls  bool  // this read does not wait: no end of the wait was set for the lane's sake
}

// newMmsg makes the batcher of one loop of a port.
func newMmsg(p *port, loop, size int, wildcard bool, busy *Busy) (*mmsg, error) {
	raw, err := p.conns[loop].SyscallConn()
	if err != nil {
		return nil, err
	}
	m := &mmsg{raw: raw, busy: busy, wildcard: wildcard, used: size,
		in: make([]message, size), iov: make([]unix.Iovec, size), names: make([]unix.RawSockaddrInet6, size),
		control: make([][controlRoom]byte, size)}
	for i := range m.in {
		m.in[i].header.Iov = &m.iov[i]
		m.in[i].header.SetIovlen(1)
	}
	m.out.init(raw, size)
	m.reader = m.receive
	m.lane, err = newLane(m, p, loop)
	return m, err
}

// read implements batcher.
func (m *mmsg) read(slots []slot) (int, error) {
	m.arm(slots)
	m.used = 0
	if err := m.get(); err != nil {
		return 0, err
	}
	m.used = m.got
	for i := range m.got {
		m.take(i, &slots[i])
	}
	return m.got, nil
}

// get receives a batch.
func (m *mmsg) get() error {
	m.polls = false
	if m.lane.open() {
		if err := m.lane.both(); err != nil || m.got > 0 {
			return err
		}
	}
	if err := m.raw.Read(m.reader); err != nil {
		return err
	}
	if m.errno != 0 {
		return m.errno
	}
	return nil
}

// arm makes the messages ready that the last read used. The slots' buffers may have changed hands since.
func (m *mmsg) arm(slots []slot) {
	for i := range m.used {
		h, buf := &m.in[i].header, slots[i].buf
		m.iov[i].Base = &buf[0]
		m.iov[i].SetLen(len(buf))
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&m.names[i])), unix.SizeofSockaddrInet6
		if m.wildcard {
			h.Control = &m.control[i][0]
			h.SetControllen(controlRoom)
		}
	}
}

// receive runs under the descriptor's read lock. Packets are handled outside of it.
func (m *mmsg) receive(fd uintptr) bool {
	m.got, m.errno = receive(fd, m.in)
	switch {
	case m.errno == unix.EAGAIN:
		m.errno = 0
		return m.polls || m.busy.Poll()
	case m.errno == 0:
		m.drops.look(fd, m.got == len(m.in))
	}
	return true
}

// receive takes what is there, without waiting. The scheduler is not told of the call, for the reason given at
// outgoing.transmit.
func receive(fd uintptr, in []message) (int, syscall.Errno) {
	if len(in) == 0 {
		return 0, unix.EAGAIN
	}
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&in[0])), uintptr(len(in)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}

// take reads addresses and control messages of message i.
func (m *mmsg) take(i int, s *slot) {
	h := &m.in[i].header
	s.n, s.reply = int(m.in[i].n), nil
	s.source = m.address(&m.names[i])
	s.local = netip.Addr{}
	if c := int(h.Controllen); c > 0 {
		m.controls(s, m.control[i][:min(c, controlRoom)])
	}
}

func (m *mmsg) address(name *unix.RawSockaddrInet6) netip.AddrPort {
	raw := (*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(name))
	port := binary.BigEndian.Uint16(raw[2:4]) // network order in both forms
	if name.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), port)
	}
	return netip.AddrPortFrom(m.zones.with(netip.AddrFrom16(name.Addr).Unmap(), name.Scope_id), port)
}

// controls walks the control messages: the address asked.
func (m *mmsg) controls(s *slot, b []byte) {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		n := int(h.Len)
		if n < unix.SizeofCmsghdr || n > len(b) {
			return
		}
		m.oneControl(s, h, b[unix.CmsgLen(0):n])
		b = b[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(b)):]
	}
}

func (m *mmsg) oneControl(s *slot, h *unix.Cmsghdr, data []byte) {
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= 12:
		s.local = netip.AddrFrom4([4]byte(data[4:8])) // ipi_spec_dst: ours even for a broadcast
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= 20:
		scope := binary.NativeEndian.Uint32(data[16:20])
		s.local = m.zones.with(netip.AddrFrom16([16]byte(data[:16])).Unmap(), scope)
	}
}

// send implements batcher. The kernel's own form of each sender's address goes back to it.
func (m *mmsg) send(slots []slot) (failed int) {
	m.trains.list = m.trains.list[:0]
	for i := range slots {
		if slots[i].reply != nil {
			m.trains.add(uint8(i), &slots[i].response, m.out.alone)
		}
	}
	for _, first := range m.trains.list {
		s := &slots[first]
		from := s.local
		if !m.wildcard {
			from = netip.Addr{}
		}
		m.out.add(&m.names[first], m.in[first].header.Namelen, s.reply, from)
		for i := m.trains.next[first]; i != 0; i = m.trains.next[i] {
			m.out.piece(slots[i].reply)
		}
		m.out.couple(len(s.reply))
	}
	return m.out.flush()
}

// intake implements batcher.
func (m *mmsg) intake() intake {
	in := intake{lost: m.drops.sum}
	if m.lane != nil {
		in.lane, in.lostInLane = m.lane.got, m.lane.drops.sum
	}
	return in
}
