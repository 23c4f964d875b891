package proxy

import (
	"crypto/rand"

	"perilune/engine/radius"
)

// A Sender sends requests together: those that one batch of a server's loop sends on leave with one system call
// for each socket. It serves one goroutine at a time; each loop has its own. It holds copies of packets, never
// an exchange: that may be over, and its owner at another request, before the packet has left.
type Sender struct {
	forwarder *Forwarder
	arena     []byte // the packets, one behind the other
	packets   [senderSize]outgoing
	n         int
	transmit  transmitter
	random    [32 * len(radius.Authenticator{})]byte
	left      int // octets of random that were not used
}

// outgoing is one packet in the arena. A nil socket was sent to already.
type outgoing struct {
	socket *socket
	octets []byte
}

const (
	senderSize = 64       // packets
	arenaSize  = 64 << 10 // octets
)

// NewSender gives a Sender for one loop.
func (f *Forwarder) NewSender() *Sender {
	return &Sender{forwarder: f, arena: make([]byte, 0, arenaSize)}
}

// Forward sends the exchange on its way with the next Flush, at the latest once the Sender is full. It gives
// Pending, or at once what keeps the request from being sent; see Exchange.
func (s *Sender) Forward(x *Exchange) Outcome { return s.forwarder.forward(x, s) }

// add copies the exchange's packet.
func (s *Sender) add(x *Exchange) {
	if s.n == senderSize || len(s.arena)+len(x.out) > arenaSize {
		s.Flush()
	}
	from := len(s.arena)
	s.arena = append(s.arena, x.out...)
	s.packets[s.n] = outgoing{x.socket, s.arena[from:]}
	s.n++
}

// Flush sends what was added. What the kernel refuses is lost, as on a network: the timers see to it. It never
// waits.
func (s *Sender) Flush() {
	for i := range s.n {
		k := s.packets[i].socket
		if k == nil {
			continue
		}
		for j := i; j < s.n; j++ {
			if s.packets[j].socket == k {
				s.transmit.add(s.packets[j].octets)
				s.packets[j] = outgoing{}
			}
		}
		if failed := s.transmit.send(k); failed > 0 {
			s.forwarder.sendErrors.Add(uint64(failed))
		}
	}
	s.n, s.arena = 0, s.arena[:0]
}

// authenticator gives 16 unpredictable octets (RFC 2865 s3); the system is asked for many at once.
func (s *Sender) authenticator() (a radius.Authenticator) {
	if s.left < len(a) {
		rand.Read(s.random[:])
		s.left = len(s.random)
	}
	s.left -= len(a)
	copy(a[:], s.random[s.left:])
	return a
}
