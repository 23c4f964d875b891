package server

import (
	"encoding/binary"
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// trains are the replies of a batch or a burst, by their places in it, those to one receiver that are equally long together: the kernel takes such a train
// as one message (UDP_SEGMENT, udp(7)) and goes its way down once, not for each datagram. They leave as datagrams of their
// own.
type trains struct {
	list []uint8             // the first place of each, in order
	last [maxBatch]uint8     // the last place of the train that begins with this one
	size [maxBatch]uint8     // how many it has
	next [maxBatch]uint8     // the place behind this one; 0: none
	what [maxBatch]*response // at the first places
}

const (
	longestTrain    = 64   // datagrams: UDP_MAX_SEGMENTS of older kernels
	longestCarriage = 1200 // octets of a datagram in a train: it must fit every path in one piece
	trainsInSight   = 8    // that a reply is compared with
)

// add takes the reply at place i, which is higher than those before; alone makes it a train of its own.
func (t *trains) add(i uint8, x *response, alone bool) {
	t.next[i] = 0
	if alone || !t.join(i, x) {
		t.list = append(t.list, i)
		t.last[i], t.size[i], t.what[i] = i, 1, x
	}
}

// join appends a reply to a train, if it fits one of the last.
func (t *trains) join(i uint8, x *response) bool {
	for k := len(t.list) - 1; k >= 0 && k >= len(t.list)-trainsInSight; k-- {
		first := t.list[k]
		f := t.what[first]
		if len(f.reply) == len(x.reply) && f.source == x.source && f.local == x.local && len(x.reply) <= longestCarriage && t.size[first] < longestTrain {
			t.next[t.last[first]] = i
			t.last[first] = i
			t.size[first]++
			return true
		}
	}
	return false
}

// couple says of the last message, if it has several pieces, that each is a datagram of so many octets.
func (o *outgoing) couple(octets int) {
	m := &o.out[o.last-1].header
	if m.Iovlen < 2 {
		return
	}
	at := int(m.Controllen)
	b := o.control[o.last-1][at : at+unix.CmsgSpace(2)]
	c := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	c.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], uint16(octets))
	m.Control = &o.control[o.last-1][0]
	m.SetControllen(at + len(b))
}

// refused gives how many datagrams of a message are lost that the kernel has refused. The pieces of a train are tried one by
// one; unless it was too large there are no trains any more: the way to that receiver knows no checksums, or none in hardware.
func (o *outgoing) refused(h *unix.Msghdr) (failed int) {
	errno := o.errno
	o.errno = 0
	if h.Iovlen < 2 {
		return o.fails(h, errno)
	}
	o.alone = o.alone || errno != unix.EMSGSIZE
	pieces := unsafe.Slice(h.Iov, h.Iovlen)
	one := *h
	one.SetIovlen(1)
	if one.SetControllen(int(h.Controllen) - unix.CmsgSpace(2)); one.Controllen == 0 {
		one.Control = nil
	}
	for i := range pieces {
		one.Iov = &pieces[i]
		failed += o.fails(&one, o.one(&one))
	}
	return failed
}

// fails gives 1 for a message that is lost after this error. What is too large goes in fragments.
func (o *outgoing) fails(h *unix.Msghdr, err error) int {
	if errors.Is(err, unix.EMSGSIZE) {
		err = divided(o.raw, func() error { return o.one(h) })
	}
	if err != nil {
		return 1
	}
	return 0
}

// one sends a message by itself.
func (o *outgoing) one(h *unix.Msghdr) error {
	var errno syscall.Errno
	err := o.raw.Write(func(fd uintptr) bool {
		_, _, errno = syscall.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(h)), unix.MSG_DONTWAIT)
		return errno != unix.EAGAIN
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}
