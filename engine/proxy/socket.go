package proxy

import (
	"math/bits"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"time"

	"perilune/engine/radius"
)

// identifiers is how many requests one socket can have out (RFC 2865 s3: the Identifier is one octet). More
// need more source ports (RFC 2865 s2.5).
const identifiers = 256

// A socket is one source port towards one home server. It is connected, so that the kernel lets in what comes
// from that address and port alone (RFC 2865 s3, s2: the reply's source is checked). The home's mutex protects all but conn and raw.
type socket struct {
	home *home
	conn *net.UDPConn
	raw  syscall.RawConn

	unused [identifiers / 64]uint64 // a bit for each free identifier
	used   int
	idle   int64 // since when used is 0
	place  int   // among the home's sockets
	stale  bool  // no new request takes it; see renew
	slots  [identifiers]slot
}

// A slot is one identifier: the request that has it, or had it last.
type slot struct {
	x    *Exchange
	auth radius.Authenticator
	mark mark
	code radius.Code
	open bool // no answer to it has come
	// The request before that one, which left without an answer. Its late answer is a sign of life.
	late bool
	old  radius.Authenticator
}

// receiveBuffer has room for some thousand answers, so that false ones from the home server's address do not push the
// right one out. It is memory only while it is filled.
const receiveBuffer = 1 << 20

// Idle sockets are closed: those that a burst opened soon, the first one later.
const (
	idleExtra = time.Minute
	idleFirst = 10 * time.Minute
	idleStale = 10 * time.Second
)

// room gives the first socket with a free identifier, so that little traffic needs few; nil if none can be had.
// The caller holds mu.
func (h *home) room() *socket {
	for _, k := range h.sockets[h.vacant:] {
		if !k.stale && k.used < identifiers {
			return k
		}
		h.vacant++
	}
	k, err := h.open()
	if err != nil {
		h.count.SocketErrors++
		return nil
	}
	k.place = len(h.sockets)
	h.sockets = append(h.sockets, k)
	return k
}

// open connects another socket and starts its reader.
func (h *home) open() (*socket, error) {
	var from *net.UDPAddr
	if a := h.forwarder.o.From; a.IsValid() && a.Is4() == h.address.Addr().Is4() {
		from = &net.UDPAddr{IP: a.AsSlice(), Zone: a.Zone()}
	}
	conn, err := net.DialUDP("udp", from, net.UDPAddrFromAddrPort(h.address))
	if err != nil {
		return nil, err
	}
	conn.SetReadBuffer(receiveBuffer) // as much as the system allows
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	k := &socket{home: h, conn: conn, raw: raw}
	for i := range k.unused {
		k.unused[i] = ^uint64(0)
	}
	h.forwarder.readers.Go(newReader(k).run)
	return k, nil
}

// take takes a random free identifier; there is one. What an attacker must guess is the port, the identifier and
// the authenticator.
func (k *socket) take() byte {
	at := rand.Uint32() % identifiers
	w := at / 64
	free := k.unused[w] &^ (1<<(at%64) - 1)
	for free == 0 {
		w = (w + 1) % uint32(len(k.unused))
		free = k.unused[w]
	}
	bit := bits.TrailingZeros64(free)
	k.unused[w] &^= 1 << bit
	k.used++
	return byte(w*64) + byte(bit)
}

func (k *socket) give(id byte, now int64) {
	k.unused[id/64] |= 1 << (id % 64)
	if k.used--; k.used == 0 {
		k.idle = now
	}
}

// renew lets new requests have new sockets. A connected socket keeps the source address that it was given, and
// whatever the network in between has made of its port; so it is no use to go on with it when nothing comes
// back. The caller holds mu.
func (h *home) renew() {
	for _, k := range h.sockets {
		k.stale = true
	}
}

// trim closes sockets that have been idle for long. The caller holds mu.
func (h *home) trim(now int64) {
	if now-h.trimmed < int64(time.Second) {
		return
	}
	h.trimmed = now
	first := true
	h.sockets = slices.DeleteFunc(h.sockets, func(k *socket) bool {
		wait := idleExtra
		switch {
		case k.stale:
			wait = idleStale
		case first && h.configured.Load():
			wait, first = idleFirst, false
		}
		if k.used > 0 || now-k.idle < int64(wait) {
			return false
		}
		k.conn.Close()
		return true
	})
	h.vacant = 0
	for i, k := range h.sockets {
		k.place = i
	}
}
