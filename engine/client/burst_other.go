//go:build !linux

package client

import (
	"net"
	"time"

	"perilune/engine/radius"
)

// burst sends and receives one datagram after the other.
type burst struct {
	conn    *net.UDPConn
	buf     []byte
	replies [][]byte
}

func newBurst(conn *net.UDPConn) (burst, error) {
	return burst{conn: conn, buf: make([]byte, radius.MaxPacketLen)}, nil
}

func (b *burst) send(packets [][]byte) {
	for _, p := range packets {
		b.conn.Write(p)
	}
}

func (b *burst) receive(deadline time.Time) [][]byte {
	b.conn.SetReadDeadline(deadline)
	n, err := b.conn.Read(b.buf)
	if err != nil {
		return nil
	}
	b.replies = append(b.replies[:0], b.buf[:n])
	return b.replies
}
