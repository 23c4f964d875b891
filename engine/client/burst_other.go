//go:build !linux

package client

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"perilune/engine/radius"
)

// burstSize is the number of datagrams that are made at once.
const burstSize = 64

// shooters gives into how many goroutines a load is split: here one waits for one socket.
func (l *Load) shooters() int { return l.Sockets }

// burst is one socket, which sends and receives one datagram after the other.
type burst struct {
	conn  *net.UDPConn
	buf   []byte
	n     int
	got   [1]arrival
	ready [1]int
}

func newBurst(l *Load, server netip.AddrPort, _ int) (*burst, error) {
	if l.Sources > 0 {
		return nil, fmt.Errorf("many source addresses need Linux: %w", errors.ErrUnsupported)
	}
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return nil, err
	}
	conn.SetReadBuffer(4 << 20) // the kernel may grant less
	return &burst{conn: conn, buf: make([]byte, radius.MaxPacketLen)}, nil
}

func (b *burst) close() { b.conn.Close() }

func (b *burst) send(_ int, packets [][]byte, _ []int32) {
	for _, p := range packets {
		b.conn.Write(p)
	}
}

// wait reads one datagram, for receive.
func (b *burst) wait(until time.Time) []int {
	b.conn.SetReadDeadline(until)
	n, err := b.conn.Read(b.buf)
	if err != nil {
		return nil
	}
	b.n = n
	return b.ready[:]
}

// rest sleeps; datagrams do not end it.
func (b *burst) rest(d time.Duration) { time.Sleep(d) }

func (b *burst) receive(int) []arrival {
	b.got[0].raw = b.buf[:b.n]
	return b.got[:]
}
