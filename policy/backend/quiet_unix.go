//go:build unix

package backend

import (
	"crypto/tls"
	"net"
	"syscall"
)

// quiet reports, without waiting, that a connection is open and has nothing to read.
func quiet(c net.Conn) bool {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	// Not by raw.Read: that waits for whoever reads, as a driver does in the background after a slow write.
	err = raw.Control(func(fd uintptr) {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && (peeked == syscall.EAGAIN || peeked == syscall.EINTR)
}
