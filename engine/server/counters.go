package server

import (
	"net/netip"
	"sync"

	"perilune/engine/radius"
)

// NumCodes is the length of the tables by code in Counters.
const NumCodes = 15

// countedCodes are the codes with a place of their own; all others share place 0.
var countedCodes = [NumCodes]radius.Code{0,
	radius.CodeAccessRequest, radius.CodeAccessAccept, radius.CodeAccessReject, radius.CodeAccountingRequest,
	radius.CodeAccountingResponse, radius.CodeAccessChallenge, radius.CodeStatusServer, radius.CodeStatusClient,
	radius.CodeDisconnectRequest, radius.CodeDisconnectACK, radius.CodeDisconnectNAK,
	radius.CodeCoARequest, radius.CodeCoAACK, radius.CodeCoANAK,
}

var codePlaces = func() (places [256]uint8) {
	for i, code := range countedCodes {
		places[code] = uint8(i)
	}
	return places
}()

func codeIndex(code radius.Code) int { return int(codePlaces[code]) }

// CountedCode gives the code at a place of Counters.Requests and Replies; 0 means all others.
func CountedCode(place int) radius.Code { return countedCodes[place] }

// Counters count what happened since the start. They never go down.
type Counters struct {
	Received    uint64             // datagrams
	Batches     uint64             // reads that gave at least one
	Requests    [NumCodes]uint64   // authentic requests, by code; see CountedCode
	Replies     [NumCodes]uint64   // replies made, by code
	Verdicts    [Drop + 1]uint64   // by Kind; discards and drops of packets that never became requests too
	Reasons     [NumReasons]uint64 // by Reason
	Resent      uint64             // duplicates answered from the cache
	Nameless    uint64             // Access- and Accounting-Requests in which no NAS names itself (RFC 2865 s4.1)
	Superseded  uint64             // late answers thrown away, as a newer request had their key
	Detached    uint64             // requests that waited, or went to the recorder
	SendErrors  uint64             // replies that the kernel refused
	KernelDrops uint64             // datagrams that the kernel dropped
	KernelShed  uint64             // how many of them in the lanes of noisy sources
}

// outcome counts the end of a request.
func (c *Counters) outcome(r *Request) {
	if int(r.Verdict) < len(c.Verdicts) {
		c.Verdicts[r.Verdict]++
	}
	if r.Cause != ReasonNone && r.Cause < NumReasons {
		c.Reasons[r.Cause]++
	}
	if len(r.out) > 0 {
		c.Replies[codeIndex(r.Code)]++
	}
}

// refuse counts a packet that never became a request, or a request that was not worked on.
func (c *Counters) refuse(why Reason) {
	c.Reasons[why]++
	c.Verdicts[why.outcome()]++
}

// outcome gives the word for what a reason that is not a reject does to a request.
func (r Reason) outcome() Kind {
	if r >= ReasonBusy && r < ReasonPassword {
		return Drop
	}
	return Discard
}

// Add adds o to c.
func (c *Counters) Add(o *Counters) {
	c.Received += o.Received
	c.Batches += o.Batches
	c.Resent += o.Resent
	c.Nameless += o.Nameless
	c.Superseded += o.Superseded
	c.Detached += o.Detached
	c.SendErrors += o.SendErrors
	c.KernelDrops += o.KernelDrops
	c.KernelShed += o.KernelShed
	addEach(c.Requests[:], o.Requests[:])
	addEach(c.Replies[:], o.Replies[:])
	addEach(c.Verdicts[:], o.Verdicts[:])
	addEach(c.Reasons[:], o.Reasons[:])
}

func addEach(sum, more []uint64) {
	for i, n := range more {
		sum[i] += n
	}
}

// A tally is a set of counters that several goroutines share: those of detached requests, and the copies
// that roles publish once a batch.
type tally struct {
	mu sync.Mutex
	Counters
}

func (t *tally) set(c *Counters) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Counters = *c
}

func (t *tally) outcome(r *Request, superseded bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if superseded {
		t.Superseded++
	}
	t.Counters.outcome(r)
}

func (t *tally) failed(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.SendErrors += uint64(n)
}

func (t *tally) addTo(sum *Counters) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum.Add(&t.Counters)
}

// A Snapshot is the state of the server at one moment, for status and metrics.
type Snapshot struct {
	Generation   uint64 // number of the active one
	Listeners    []ListenerSnapshot
	Waiting      int // requests detached now
	WaitingBytes int // that they take, about
	Recording    int // accounting requests with their recorder now
	Forwarded    int // requests at home servers now
	Delayed      int // rejects on their delay now
	Busy         int // long computations now
	LogLost      uint64
	Stopping     bool
}

// A ListenerSnapshot is one listener's part of a Snapshot.
type ListenerSnapshot struct {
	Kind          string
	Addr          netip.AddrPort
	Loops         int
	ReceiveBuffer int // of one socket, octets as the kernel counts them; 0: unknown
	Counters
}

// Snapshot collects the counters. Those of requests answered at once are as of the end of each loop's last
// batch, before its replies were sent: what is answered is counted.
func (s *Server) Snapshot() Snapshot {
	waiting, octets := s.admission.detached()
	snap := Snapshot{Listeners: make([]ListenerSnapshot, len(s.options.Listeners)),
		Waiting: waiting, WaitingBytes: octets, Recording: int(s.admission.parked[waitRecord].Load()), Forwarded: int(s.admission.parked[waitHome].Load()), Delayed: s.delays.len(),
		Busy: s.busy.Count(), LogLost: s.log.Lost(), Stopping: s.stopping.Load()}
	if g := s.generation.Load(); g != nil {
		snap.Generation = g.Number
	}
	for _, ro := range s.roles {
		l := &snap.Listeners[ro.index]
		l.Kind, l.Addr, l.ReceiveBuffer = ro.kind, ro.bound, ro.granted
		l.Loops++
		ro.published.addTo(&l.Counters)
		ro.late.addTo(&l.Counters)
	}
	return snap
}

// Total sums the counters of all listeners.
func (s *Snapshot) Total() (sum Counters) {
	for i := range s.Listeners {
		sum.Add(&s.Listeners[i].Counters)
	}
	return sum
}
