//go:build !linux

package proxy

import (
	"net"
	"syscall"

	"perilune/engine/radius"
)

// A transmitter sends datagrams over a connected socket, one after the other.
type transmitter struct{ out [][]byte }

func (t *transmitter) add(octets []byte) { t.out = append(t.out, octets) }

func (t *transmitter) send(k *socket) (failed int) {
	for i, octets := range t.out {
		if _, err := k.conn.Write(octets); err != nil {
			failed++
		}
		t.out[i] = nil
	}
	t.out = t.out[:0]
	return failed
}

// receiver reads datagrams from a connected socket, one after the other.
type receiver struct {
	conn *net.UDPConn
	buf  [radius.MaxPacketLen]byte
	n    int
}

func newReceiver(_ syscall.RawConn, conn *net.UDPConn, _ func() bool) *receiver {
	return &receiver{conn: conn}
}

func (r *receiver) receive() (_ int, err error) {
	if r.n, err = r.conn.Read(r.buf[:]); err != nil {
		return 0, err
	}
	return 1, nil
}

func (r *receiver) datagram(int) []byte { return r.buf[:r.n] }
