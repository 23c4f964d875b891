package proxy

import (
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/radius"
)

// A Kind is what a home server is asked for: each kind has a port of its own, and so its own health.
type Kind uint8

// The kinds.
const (
	KindAuth    Kind = iota // Access-Request
	KindAcct                // Accounting-Request
	KindDynamic             // CoA- and Disconnect-Request (RFC 5176)
	kinds
)

var kindNames = [kinds]string{"auth", "acct", "coa"}

// String gives the name that listeners have: auth, acct, coa.
func (k Kind) String() string { return kindNames[k] }

// kindOf gives the kind that requests of the code go to; false if such are not sent on.
func kindOf(c radius.Code) (Kind, bool) {
	switch c {
	case radius.CodeAccessRequest:
		return KindAuth, true
	case radius.CodeAccountingRequest:
		return KindAcct, true
	case radius.CodeCoARequest, radius.CodeDisconnectRequest:
		return KindDynamic, true
	}
	return 0, false
}

// identity is what makes a home server the same one after a reload.
type identity struct {
	address netip.AddrPort
	kind    Kind
	secret  radius.Secret
}

// A home is one port of one home server: sockets, timers, health. It outlives generations.
type home struct {
	identity
	forwarder *Forwarder
	name      string // as the realms file writes it
	seed      uint64 // of its share in balanced pools; the same in each process
	configured,
	status atomic.Bool // in the active configuration; answers Status-Server

	// Read without the mutex when a server is chosen.
	health atomic.Uint32
	ramp   atomic.Int64 // Reviving: when it began
	ramped atomic.Int64 // and when it has its whole share
	trial  atomic.Int64 // when a live request may try again
	learnt atomic.Bool  // it signs its replies (Message-Authenticator)
	talks  atomic.Pointer[conversations]

	outstanding atomic.Int64 // identifiers taken; changed under the mutex
	turned      int64        // when it was last looked at; of the timers' goroutine

	mu      sync.Mutex // protects all below; nothing blocks under it
	closed  bool
	absent  bool // the Forwarder does not turn its timers: it was idle and not configured
	sockets []*socket
	vacant  int   // none before this one has a free identifier
	trimmed int64 // when idle ones were last looked for
	timers  wheel
	expire  func(*Exchange)
	leaving []*Exchange // of one turn: their time here is up
	sender  *Sender     // of one turn
	now     int64       // of one turn
	record  record
	probe   Exchange
	count   Tally
	told    told
}

// told is what was logged about a home server.
type told struct {
	health  Health
	learnt  bool
	refused uint64 // answers that were refused when the last line was written
	at      int64  // of that line
}

func newHome(f *Forwarder, id identity, name string) *home {
	h := &home{identity: id, forwarder: f, name: name}
	sum := fnv.New64a()
	sum.Write([]byte(id.address.String()))
	h.seed = sum.Sum64()
	h.expire = h.expired
	h.record.answer = f.now()
	h.timers.turned = tickOf(h.record.answer)
	h.prepareProbe()
	if f.o.Learnt != nil && f.o.Learnt(id.address) {
		h.learnt.Store(true)
		h.told.learnt = true
	}
	return h
}

// reserve takes an identifier for the exchange. It is not armed yet: the socket does not know of the exchange.
func (h *home) reserve(x *Exchange) bool {
	f := h.forwarder
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.outstanding.Load() >= int64(f.o.MaxPerServer) || h.crowds(x) {
		return false
	}
	out := f.outstanding.Add(1)
	// Of the room that is left a server takes half at most, so that a slow one leaves some to all others.
	if left := int64(f.o.MaxOutstanding) - out; left < 0 || !x.probe && h.outstanding.Load() > left {
		f.outstanding.Add(-1)
		return false
	}
	k := h.room()
	if k == nil {
		f.outstanding.Add(-1)
		return false
	}
	x.socket, x.id = k, k.take()
	h.outstanding.Add(1)
	return true
}

// crowds reports whether the client has more than a quarter of the requests that are out, once three quarters of the
// room are taken: what is left is for others, or one client with a slow home server would shut all out. A sample tells,
// as nothing is counted for each client. The caller holds mu.
func (h *home) crowds(x *Exchange) bool {
	const samples = 64
	if x.probe || !x.Source.IsValid() || h.outstanding.Load() < int64(h.forwarder.o.MaxPerServer)*3/4 || len(h.sockets) == 0 {
		return false
	}
	seen, own := 0, 0
	for range samples {
		at := rand.Uint32()
		other := h.sockets[int(at>>8)%len(h.sockets)].slots[at%identifiers].x
		if other == nil {
			continue
		}
		if seen++; other.Source == x.Source {
			own++
		}
	}
	return 4*own > seen
}

// arm makes the reserved identifier the exchange's, whose packet is complete, and sets its timer. It belongs
// to the home then, unless that was closed meanwhile: ok is false.
func (h *home) arm(x *Exchange, now int64) (absent, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		h.free(x.socket, x.id, now)
		return false, false
	}
	s := &x.socket.slots[x.id]
	s.old, s.late = s.auth, s.open
	s.x, s.auth, s.mark, s.code, s.open = x, x.auth, x.mark, x.Code, true
	x.sent, x.tries, x.silent, x.move = now, 1, false, false
	x.Attempts++
	if x.probe {
		h.count.Probes++
	} else {
		h.count.Sent++
	}
	x.due = x.firstDue(now)
	x.home.Store(h)
	h.timers.add(x)
	absent, h.absent = h.absent, false
	return absent, true
}

// cede gives back a reserved identifier that was not armed.
func (h *home) cede(x *Exchange, now int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free(x.socket, x.id, now)
}

// free gives an identifier back. The caller holds mu.
func (h *home) free(k *socket, id byte, now int64) {
	k.give(id, now)
	if !k.stale {
		h.vacant = min(h.vacant, k.place)
	}
	h.outstanding.Add(-1)
	h.forwarder.outstanding.Add(-1)
}

// take ends the exchange's stay: it belongs to the caller, who holds mu. The slot remembers the request, so
// that a late answer is known.
func (h *home) take(x *Exchange, now int64) {
	h.timers.remove(x)
	h.leave(x, now)
}

// leave is take for an exchange whose timer is off already.
func (h *home) leave(x *Exchange, now int64) {
	x.home.Store(nil)
	x.socket.slots[x.id].x = nil
	h.free(x.socket, x.id, now)
}

// firstDue says when the first try counts as unanswered.
func (x *Exchange) firstDue(now int64) int64 {
	if x.probe {
		return now + int64(probeTimeout)
	}
	if x.route.realm.Retransmit == RetransmitClient {
		return x.limit
	}
	// RFC 5080 s2.2.1: RT = IRT + RAND*IRT.
	x.wait = jitter(x.route.timeout)
	return min(now+x.wait, x.limit)
}

// expired moves an exchange on whose timer ran out: another try, or it leaves. The caller holds mu.
func (h *home) expired(x *Exchange) {
	if !x.silent {
		x.silent = true
		h.silence(x.sent, h.now)
		if Health(h.health.Load()) == Down && !x.socket.stale {
			h.renew()
		}
	}
	if !x.again(h.now) {
		h.leave(x, h.now)
		if !x.probe {
			h.count.Timeouts++
			h.leaving = append(h.leaving, x)
		}
		return
	}
	// RFC 2865 s2.5, 5080 s2.2.1: identifier, authenticator and source port stay; the wait doubles, with jitter,
	// to MRT at most.
	h.repeat(x, h.sender)
	x.wait = min(jitter(2*x.wait), int64(maxWait))
	x.due = min(h.now+x.wait, x.limit)
	h.timers.add(x)
}

// repeat sends the same packet again. The caller holds mu.
func (h *home) repeat(x *Exchange, s *Sender) {
	x.tries++
	x.Attempts++
	h.count.Resent++
	s.add(x)
}

// again reports whether the server gets a further try. It does not if that would leave another server less
// than the time of one.
func (x *Exchange) again(now int64) bool {
	r := x.route
	if x.probe || x.move || r.realm.Retransmit == RetransmitClient || now+int64(tick) >= x.limit || x.tries >= r.retries {
		return false
	}
	if x.trial || now+2*x.wait > x.limit {
		return !x.pool.another(x)
	}
	return true
}

// turn runs the home's timers, for as many exchanges as a Sender holds, so that the mutex is never held for
// long; more says that others are due, too. The exchanges that it gives belong to the caller until its next
// call.
func (h *home) turn(s *Sender, now int64) (over []*Exchange, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.leaving)
	h.leaving, h.sender, h.now = h.leaving[:0], s, now
	if h.outstanding.Load() > 0 {
		more = h.timers.turn(now, senderSize, h.expire)
	} else {
		h.timers.turned = tickOf(now)
	}
	h.age(now)
	h.trim(now)
	return h.leaving, more
}

// empty takes all exchanges out: the Forwarder closes.
func (h *home) empty(now int64) (list []*Exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, k := range h.sockets {
		for i := range k.slots {
			if x := k.slots[i].x; x != nil {
				h.take(x, now)
				if !x.probe {
					list = append(list, x)
				}
			}
		}
		k.conn.Close()
	}
	h.sockets, h.vacant = nil, 0
	return list
}

// The bounds of RFC 5080 s2.2.1 on our own retransmissions.
const (
	maxWait     = 16 * time.Second // MRT
	maxDuration = 30 * time.Second // MRD
)
