package proxy

import (
	"net/netip"
	"time"

	"perilune/engine/radius"
)

// A Tally counts what happened at one home server since it was first configured.
type Tally struct {
	Sent       uint64 // requests, each once
	Resent     uint64 // our retransmissions
	Accepts    uint64
	Rejects    uint64
	Challenges uint64
	Responses  uint64 // Accounting-Response, and answers to CoA and Disconnect
	Timeouts   uint64 // requests that left it without an answer
	Late       uint64 // valid answers that nobody waited for any more
	Probes     uint64 // Status-Server
	ProbesGood uint64 // and the answers to it

	Malformed    uint64 // no packet, or no reply
	Invalid      uint64 // wrong authenticator, wrong code, or an answer to nothing
	Unsigned     uint64 // without the Message-Authenticator that is required
	Foreign      uint64 // without our Proxy-State in its place
	Unreachable  uint64 // the network says that nobody listens
	SocketErrors uint64 // a socket could not be opened

	Latency time.Duration // of answers to the first try: a moving average over some eight of them
}

func (t *Tally) answer(c radius.Code, probe bool) {
	switch {
	case probe:
		t.ProbesGood++
	case c == radius.CodeAccessAccept:
		t.Accepts++
	case c == radius.CodeAccessReject:
		t.Rejects++
	case c == radius.CodeAccessChallenge:
		t.Challenges++
	default:
		t.Responses++
	}
}

func (t *Tally) latency(took int64) {
	if t.Latency == 0 {
		t.Latency = time.Duration(took)
		return
	}
	t.Latency += (time.Duration(took) - t.Latency) / 8
}

// A HomeStatus is what is known of one port of one home server.
type HomeStatus struct {
	Name        string // as the realms file writes it
	Address     netip.AddrPort
	Kind        Kind
	Health      Health
	Configured  bool // false: of an older generation, about to end
	Signs       bool // Message-Authenticator is required of it (auto)
	Outstanding int
	Sockets     int
	Answered    time.Time // the last sign of life; before the first one, when it was first configured
	Tally
}

// Homes gives the home servers in the order in which they became known.
func (f *Forwarder) Homes() []HomeStatus {
	homes := *f.homes.Load()
	list := make([]HomeStatus, len(homes))
	for i, h := range homes {
		list[i] = h.statusNow()
	}
	return list
}

func (h *home) statusNow() HomeStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HomeStatus{
		Name: h.name, Address: h.address, Kind: h.kind, Health: Health(h.health.Load()),
		Configured: h.configured.Load(), Signs: h.learnt.Load(), Outstanding: int(h.outstanding.Load()), Sockets: len(h.sockets),
		Answered: h.forwarder.born.Add(time.Duration(h.record.answer)), Tally: h.count,
	}
}

// Forget is the operator's way back from a learnt Message-Authenticator: answers without it are taken from the
// address again, unless the realm requires it. false: there is no such home server, or nothing was learnt.
func (f *Forwarder) Forget(address netip.AddrPort) (known bool) {
	for _, h := range *f.homes.Load() {
		if h.address == address && h.learnt.CompareAndSwap(true, false) {
			known = true
		}
	}
	return known
}

// Counters counts what did not reach a home server, and what is under way.
type Counters struct {
	Outstanding int64  // identifiers taken, probes included
	Timeouts    uint64 // the deadline was over before Forward
	AllDead     uint64 // no home server alive
	Full        uint64 // no room
	Looped      uint64 // in a circle
	Unsendable  uint64 // not to be encoded, or too long
	SendErrors  uint64 // packets that the kernel refused
}

// Counters gives the counters as they stand.
func (f *Forwarder) Counters() Counters {
	n := func(o Outcome) uint64 { return f.refused[o].Load() }
	return Counters{f.outstanding.Load(), n(Timeout), n(AllDead), n(Full), n(Looped), n(Unsendable), f.sendErrors.Load()}
}
