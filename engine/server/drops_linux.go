package server

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// drops counts what the kernel drops of a socket's datagrams for want of room.
type drops struct {
	sum     uint64
	kernel  uint32 // the kernel's counter, 32 bits
	reads   uint32
	info    [memInfoDrops + 1]uint32
	infoLen uint32
}

const (
	// memInfoDrops is the place of the drop counter in what SO_MEMINFO gives (SK_MEMINFO_DROPS).
	memInfoDrops = 8
	// countEvery is after how many batches the drops are asked for if none was full: a small receive buffer overflows
	// before it fills one.
	countEvery = 16
)

// look asks the kernel: after a full batch, which tells of a queue that may have overflowed, and now and then. That costs
// less than a control message with each datagram (SO_RXQ_OVFL).
func (d *drops) look(fd uintptr, full bool) {
	if d.reads++; full || d.reads%countEvery == 0 {
		d.ask(fd)
	}
}

func (d *drops) ask(fd uintptr) {
	d.infoLen = uint32(unsafe.Sizeof(d.info))
	_, _, errno := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&d.info)), uintptr(unsafe.Pointer(&d.infoLen)), 0)
	if errno == 0 {
		d.stands(d.info[memInfoDrops])
	}
}

// stands takes the kernel's counter as it stands.
func (d *drops) stands(now uint32) {
	d.sum += uint64(now - d.kernel)
	d.kernel = now
}
