package server

import (
	"net/netip"
	"sync"
	"time"

	"perilune/engine/radius"
)

// replayWindow is how old a CoA- or Disconnect-Request may be (RFC 5176 s6.3). As it may be as far ahead of our clock
// it is remembered for twice that.
const (
	replayWindow = 300 * time.Second
	replayMemory = 2 * replayWindow
)

// maxReplays bounds the requests that are remembered in one turn: 1 MiB or so.
const maxReplays = 1 << 14

// replays remembers the requests of the last turn by their authenticator, which is a digest of all that they
// hold. The duplicate cache knows a retransmission by its source; who plays a packet again may have any.
type replays struct {
	mu      sync.Mutex // protects all below
	turned  time.Time
	now     map[radius.Authenticator]netip.AddrPort
	earlier map[radius.Authenticator]netip.AddrPort // of the turn before
}

// again reports whether the request came before from another source.
func (t *replays) again(auth radius.Authenticator, source netip.AddrPort, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch age := now.Sub(t.turned); {
	case t.now == nil || age >= 2*replayMemory:
		t.now = nil
		t.turn(now)
	case age >= replayMemory:
		t.turn(now)
	}
	was, known := t.now[auth]
	if !known {
		was, known = t.earlier[auth]
	}
	if known {
		return was != source
	}
	if len(t.now) >= maxReplays {
		t.turn(now)
	}
	t.now[auth] = source
	return false
}

// turn begins another turn.
func (t *replays) turn(now time.Time) {
	t.earlier, t.now, t.turned = t.now, map[radius.Authenticator]netip.AddrPort{}, now
}
