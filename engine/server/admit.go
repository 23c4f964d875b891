package server

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// admission bounds the requests that wait, in all and for each client. It is asked only when a request
// detaches: what is answered at once needs no room. Requests that are parked have bounds of their own.
//
// Under pressure (three quarters full) a client beyond its equal share is refused, so that the newest
// requests of the noisiest client are shed first. The last sixteenth is for requests with a valid State
// and for those that come back from a home server: half of their work is done already (RFC 5080 s2.2.3).
type admission struct {
	bound   int
	memory  int   // what the requests that wait may take, in octets
	heap    *Heap // of the process
	mu      sync.Mutex
	total   int
	octets  int                  // that the requests that wait take
	clients map[netip.Prefix]int // requests that wait
	limited map[netip.Prefix]int // requests that are parked, of clients with max-inflight=
	parked  [waits]atomic.Int64  // requests that hold no goroutine, by what they wait for
	out     int64                // requests at home servers at the same time, at most
}

// place is what one admitted request is counted under.
type place struct {
	client netip.Prefix
	octets int
	taken  bool
}

// waitingOctets is what a request that waits has beside its Lua state: desk, buffers, the stack of its goroutine.
const waitingOctets = 22 << 10

// weight gives about what a request takes while it waits, in octets.
func (r *Request) weight() int {
	n := waitingOctets
	if p, ok := r.Runner.(interface{ StateSize() int }); ok {
		n += p.StateSize()
	}
	return n
}

// admit takes a place for the request, or says why there is none.
func (a *admission) admit(r *Request, p *place, waits bool) Reason {
	limit := r.Client.MaxInflight
	if limit == 0 {
		limit = r.Generation.Settings.MaxInflight
	}
	octets, full := r.weight(), waits && a.heap.Full()
	a.mu.Lock()
	defer a.mu.Unlock()
	mine := a.clients[r.Client.Prefix]
	switch {
	case limit > 0 && mine >= limit:
		return ReasonInflight
	case full || waits && a.memory > 0 && a.octets+octets > a.memory:
		return ReasonMemory
	}
	if !a.room(mine, r.Round != nil || r.way.sentOn) {
		return ReasonBusy
	}
	if a.clients == nil {
		a.clients = make(map[netip.Prefix]int)
	}
	a.clients[r.Client.Prefix]++
	a.total++
	a.octets += octets
	*p = place{r.Client.Prefix, octets, true}
	return ReasonNone
}

// room reports whether one more of a client with mine requests fits. The caller holds mu.
func (a *admission) room(mine int, round bool) bool {
	switch {
	case a.total >= a.bound:
		return false
	case round:
		return true
	case a.total >= a.bound-a.bound/16:
		return false
	case a.total >= a.bound-a.bound/4:
		return mine == 0 || mine < a.bound/len(a.clients)
	}
	return true
}

// leave gives a place back; further calls do nothing.
func (a *admission) leave(p *place) {
	if !p.taken {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.total--
	a.octets -= p.octets
	if a.clients[p.client]--; a.clients[p.client] == 0 {
		delete(a.clients, p.client)
	}
	*p = place{}
}

func (a *admission) detached() (requests, octets int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.total, a.octets
}

// The bounds of what is parked; a parked request has some 10 KiB.
const (
	maxRecording = 16384   // with the recorder
	maxOut       = 1 << 16 // at home servers, unless Options.Outstanding says otherwise
)

// park takes a place among the requests that wait for the same. Without one the request becomes a drop: the NAS
// sends it again.
func (a *admission) park(r *Request) bool {
	bound := int64(maxRecording)
	if r.pending == waitHome {
		bound = a.out
	}
	why := ReasonBusy
	if a.parked[r.pending].Add(1) <= bound {
		if a.limit(r) {
			return true
		}
		why = ReasonInflight
	}
	a.parked[r.pending].Add(-1)
	r.pending, r.out = waitNothing, r.out[:0]
	r.Verdict, r.Cause, r.Reason = Drop, why, why.String()
	return false
}

// unpark gives the place of a parked request back.
func (a *admission) unpark(r *Request) {
	a.parked[r.pending].Add(-1)
	if r.Client == nil || r.Client.MaxInflight == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limited[r.Client.Prefix]--; a.limited[r.Client.Prefix] <= 0 {
		delete(a.limited, r.Client.Prefix)
	}
}

// limit counts a parked request of a client that has max-inflight=; false if the client has that many. Others are
// bounded all together: a request that is parked costs little.
func (a *admission) limit(r *Request) bool {
	if r.Client == nil || r.Client.MaxInflight == 0 {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limited[r.Client.Prefix] >= r.Client.MaxInflight {
		return false
	}
	if a.limited == nil {
		a.limited = make(map[netip.Prefix]int)
	}
	a.limited[r.Client.Prefix]++
	return true
}

// statusLimit bounds the answers to Status-Server for each client (RFC 5997 s4.2). The table is small and
// forgets: clients that share a place take it in turns.
type statusLimit struct {
	rate  int // each second
	table [64]struct {
		client netip.Prefix
		second int64
		count  int
	}
}

func (l *statusLimit) allow(client netip.Prefix, now time.Time) bool {
	b := client.Addr().As16()
	e := &l.table[(uint(b[13])*31+uint(b[14])*7+uint(b[15]))%uint(len(l.table))]
	if second := now.Unix(); e.client != client || e.second != second {
		e.client, e.second, e.count = client, second, 0
	}
	e.count++
	return e.count <= l.rate
}

// refusals bounds the log lines about packets that never became requests: one each ten seconds for a source
// and reason, and some in all. Each line says how many were left out.
type refusals struct {
	window time.Time
	count  int
	table  [128]refusal
}

type refusal struct {
	source     netip.Addr
	why        Reason
	logged     time.Time
	suppressed uint64
}

const (
	refusalPause  = 10 * time.Second
	refusalsInAll = 20 // each second
)

// allow reports whether a line may be written, and how many were left out before it.
func (l *refusals) allow(source netip.Addr, why Reason, now time.Time) (suppressed uint64, ok bool) {
	b := source.As16()
	e := &l.table[(uint(b[13])*31+uint(b[14])*7+uint(b[15])+uint(why)*17)%uint(len(l.table))]
	if now.Sub(l.window) >= time.Second {
		l.window, l.count = now, 0
	}
	same := e.source == source && e.why == why
	if same && now.Sub(e.logged) < refusalPause || l.count >= refusalsInAll {
		e.suppressed++
		return 0, false
	}
	l.count++
	if same { // what another source lost in this place is not this one's
		suppressed = e.suppressed
	}
	*e = refusal{source: source, why: why, logged: now}
	return suppressed, true
}
