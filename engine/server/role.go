package server

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// A role is what serves one socket: the batch, the duplicate cache, the counters. One goroutine holds it at a
// time. When a request must wait, its goroutine keeps the desk and the role passes to a fresh goroutine with
// a spare desk, at the next packet of the same batch; see Detach. So nothing below process may touch the
// role: every function of the way takes the request.
type role struct {
	server   *Server
	index    int // of the listener in the options
	kind     string
	conn     *net.UDPConn
	batcher  batcher
	burst    burster
	bound    netip.AddrPort // the socket's own address
	granted  int            // receive buffer, as the kernel counts it
	wildcard bool

	slots   []slot
	order   []uint16 // in which slots are handled
	n, at   int      // slots of this batch, and the next one in order
	clock   time.Time
	passed  bool // the role changed hands in this batch
	closing bool // the socket is being read empty

	generation *Generation // pinned while a batch is handled
	last       *Generation // of the batch before, perhaps closed by now
	desk       *desk
	serial     uint64
	cache      *duplicates
	waiting    waiting
	finished   finished
	flagged    dictionary.List // scratch of the extended comparison
	status     statusLimit
	sender     *proxy.Sender // of requests to home servers; nil if there are none
	overload   overload
	seldom     refusals
	warmth     uint64 // keeps the reads of the touch pass from being optimised away
	names      []users.Handle
	digests    radius.Batch // of the packets of a batch
	lines      lines        // of this batch
	fast       Counters     // of the role's holder
	late       tally        // of detached requests
	published  tally        // copy of fast

	gathered gathering

	since atomic.Int64 // when the batch at hand began, nanoseconds of the server's life; 0 between batches
}

func newRole(s *Server, index int, l Listener, p *port, loop int) (*role, error) {
	conn, wildcard := p.conns[loop], l.Addr.Addr().IsUnspecified()
	b, err := newBatcher(p, loop, &s.options, wildcard)
	if err != nil {
		return nil, err
	}
	burst, err := newBurst(conn, &s.options)
	if err != nil {
		return nil, err
	}
	ro := &role{server: s, burst: burst, index: index, kind: l.Kind, conn: conn, batcher: b, granted: granted(conn), wildcard: wildcard}
	ro.bound = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	ro.slots = make([]slot, s.options.Batch)
	ro.order = make([]uint16, s.options.Batch)
	ro.names = make([]users.Handle, s.options.Batch)
	room := make([]byte, len(ro.slots)*radius.MaxPacketLen)
	for i := range ro.slots {
		ro.slots[i].buf, room = room[:radius.MaxPacketLen:radius.MaxPacketLen], room[radius.MaxPacketLen:]
	}
	ro.cache = newDuplicates(s.options.DuplicateBytes)
	ro.status.rate = s.options.StatusRate
	ro.overload.most, ro.overload.room = p.sources(), ro.granted/leastTruesize
	ro.sender = s.steps.sender()
	if c, ok := s.steps.(interface{ groups() GroupWriter }); ok {
		ro.gathered.writer = c.groups()
	}
	ro.desk = newDesk()
	ro.desk.role = ro
	return ro, nil
}

// leastTruesize is what Linux counts in a receive buffer for a small datagram, in octets.
const leastTruesize = 768

// run holds the role until it passes on or the server stops. A goroutine that takes the role over goes on in
// the middle of a batch.
func (ro *role) run() {
	for {
		for ro.at < ro.n {
			s := &ro.slots[ro.order[ro.at]]
			ro.at++
			if !ro.handle(s) {
				return
			}
		}
		if len(ro.gathered.desks) > 0 && !ro.settle() {
			return
		}
		ro.flush()
		if !ro.fill() {
			ro.desk.leave(ro.last)
			ro.server.working.Done()
			return
		}
	}
}

// fill reads the next batch; false once the server stops and the socket is empty.
func (ro *role) fill() bool {
	var silent time.Time // since when nothing came, while the socket is read empty
	for {
		if ro.closing {
			if silent.IsZero() {
				silent = time.Now()
			}
			ro.conn.SetReadDeadline(silent.Add(linger))
		}
		n, err := ro.batcher.read(ro.slots)
		if n > 0 {
			ro.begin(n)
			return true
		}
		switch {
		case errors.Is(err, net.ErrClosed):
			return false
		case errors.Is(err, os.ErrDeadlineExceeded):
			if !silent.IsZero() && time.Since(silent) >= linger {
				return false
			}
			ro.awake()
		}
		yield()
	}
}

// awake is what a reader does that was woken without a packet: because somebody is busy and it should poll,
// because there is a new generation, because its lane wants a look, or because the server stops.
func (ro *role) awake() {
	// Cleared first, looked at second: a wake that comes between the two is not lost.
	ro.conn.SetReadDeadline(time.Time{})
	ro.closing = ro.closing || ro.server.stopping.Load()
	ro.rest()
	if ro.last == nil || ro.last == ro.server.Current() {
		return
	}
	// A desk that lies idle must not keep a whole generation in memory.
	ro.gathered.forget()
	ro.desk.leave(ro.last)
	ro.last, ro.desk = nil, newDesk()
	ro.desk.role = ro
}

// linger is how long a socket must be silent before it counts as read empty.
const linger = 20 * time.Millisecond

// wake ends the wait of a reader: it looks again whether to poll or to stop.
func (ro *role) wake() { ro.conn.SetReadDeadline(time.Unix(1, 0)) }

// begin prepares a batch: clock, generation, answers that came meanwhile, and the touch pass.
func (ro *role) begin(n int) {
	ro.n, ro.at, ro.passed, ro.clock = n, 0, false, time.Now()
	g := ro.server.pin()
	ro.generation = g
	if ro.last != g {
		ro.gathered.forget()
		ro.desk.leave(ro.last)
		ro.last = g
	}
	ro.serial = ro.server.serial.Add(uint64(n)) - uint64(n)
	ro.since.Store(int64(ro.clock.Sub(ro.server.born)))
	ro.fast.Received += uint64(n)
	ro.fast.Batches++
	if ro.overload.count(ro.slots[:n], ro.batcher.intake(), ro.clock) {
		ro.steer()
	}
	ro.collect()
	ro.touch()
}

// flush ends a batch: counters first, so that whoever has a reply finds it counted, then replies and log lines.
func (ro *role) flush() {
	if ro.n == 0 {
		return
	}
	ro.digests.Run()
	in := ro.batcher.intake()
	ro.fast.KernelDrops, ro.fast.KernelShed = in.lost+in.lostInLane, in.lostInLane
	ro.published.set(&ro.fast)
	if failed := ro.batcher.send(ro.slots[:ro.n]); failed > 0 {
		ro.fast.SendErrors += uint64(failed)
		ro.published.set(&ro.fast)
	}
	if ro.sender != nil {
		ro.sender.Flush()
	}
	ro.n, ro.at = 0, 0
	ro.since.Store(0)
	ro.server.log.flush(&ro.lines)
	g := ro.generation
	ro.generation = nil
	ro.server.unpin(g)
}

// handle takes one datagram through the way. It is false if the role passed to another goroutine meanwhile;
// then this one is through.
func (ro *role) handle(s *slot) bool {
	d := ro.desk
	r := &d.Request
	ro.prepare(d, s)
	if why := ro.server.receive(r, s.buf[:s.n]); why != ReasonNone {
		ro.refuse(r, why)
		return true
	}
	if !ro.fresh(r, s) {
		return true
	}
	d.slot, d.stage = s, stageWorking
	ro.server.guard(r, ro.server.process)
	if r.pending == waitRecord && ro.gather(d, s) {
		return true
	}
	return ro.goOn(d, s)
}

// goOn goes on with a request after one step of its way. It is false if the role passed to another goroutine meanwhile.
func (ro *role) goOn(d *desk, s *slot) bool {
	r := &d.Request
	if d.detached {
		d.conclude()
		return false
	}
	if r.pending != waitNothing && ro.server.park(r) {
		ro.part(d)
		ro.server.steps.wait(r, ro.sender)
		return true
	}
	ro.answer(d, s)
	return ro.end(d)
}

// prepare makes the desk's request ready for a datagram.
func (ro *role) prepare(d *desk, s *slot) {
	r := &d.Request
	r.reset()
	d.refused = ReasonNone
	r.Source, r.Peer.Local, r.Transport, r.Client = s.source, ro.local(s), "udp", s.client
	r.ahead = &s.ahead
	r.Listener, r.Arrival, r.Generation = ro.kind, ro.clock, ro.generation
	ro.serial++
	r.Serial = ro.serial
}

// fresh takes the request through the duplicate cache and the limits; false if it goes no further.
func (ro *role) fresh(r *Request, s *slot) bool {
	ro.fast.Requests[codeIndex(r.Packet.Code)]++
	if r.Packet.Code == radius.CodeStatusServer { // RFC 5997 s4.2: answered at once, within a rate
		if ro.status.allow(r.Client.Prefix, ro.clock) {
			return true
		}
		ro.refuse(r, ReasonRateLimit)
		return false
	}
	if !r.seen.named && ro.kind != "coa" {
		ro.fast.Nameless++
	}
	flag := r.compareFlag()
	if flag != 0 && ro.repeated(r, s, flag) {
		return false
	}
	auth := &r.Packet.Authenticator
	if ro.waiting.repeats(s.hash, &s.key, auth) || ro.gatheredBefore(s, auth) {
		ro.fast.refuse(ReasonDuplicate)
		return false
	}
	if reply := ro.cache.lookup(s.hash, &s.key, auth, ro.clock, keep(ro.generation, r.Client, r.Packet.Code)); reply != nil {
		s.reply = reply
		ro.fast.Resent++
		return false
	}
	if ro.passed && time.Now().After(r.Deadline) { // the batch may have waited for its holder
		ro.refuse(r, ReasonExpired)
		return false
	}
	if flag != 0 {
		ro.server.twins.file(r, s.local)
	}
	return true
}

// keep gives how long answers to a client are remembered (RFC 5080 s2.2.2: 5 to 30 s).
func keep(g *Generation, c *nas.Client, code radius.Code) time.Duration {
	switch {
	case code == radius.CodeCoARequest || code == radius.CodeDisconnectRequest:
		return replayWindow // RFC 5176 s6.3: as long as a repetition may be taken for new
	case c.DuplicateKeep > 0:
		return c.DuplicateKeep
	case g.Settings.DuplicateKeepAcct > 0 && code == radius.CodeAccountingRequest:
		return g.Settings.DuplicateKeepAcct
	case g.Settings.DuplicateKeep > 0:
		return g.Settings.DuplicateKeep
	}
	return 10 * time.Second
}

// answer files the reply and appends it to the batch, or puts a reject on its delay.
func (ro *role) answer(d *desk, s *slot) {
	r := &d.Request
	d.stage = stageAnswered
	d.outcome()
	switch {
	case len(r.out) == 0:
		ro.server.repetitions(r.way.twin, nil, ro.clock)
	case r.Packet.Code == radius.CodeStatusServer: // RFC 5997 s4.2: no duplicate detection
		s.reply = ro.cache.hold(r.out)
	case r.delayed() && !ro.server.stopping.Load():
		r.sign()
		u := ro.waiting.file(ro, r, s)
		u.reply = append(u.reply[:0], r.out...)
		ro.server.delays.add(u, r.due())
	default:
		s.reply = ro.cache.store(s.hash, &s.key, &r.Packet.Authenticator, r.out, ro.clock)
		if r.way.unsigned { // in the cache: a repetition in this batch sends the same octets
			ro.digests.SignReply(s.reply, &r.Session)
		}
		ro.server.repetitions(r.way.twin, r.out, ro.clock)
	}
	ro.fast.outcome(r)
	ro.server.log.request(&ro.lines, r)
}

// end runs the handlers after sending, which may detach.
func (ro *role) end(d *desk) bool {
	ro.server.guard(&d.Request, ro.server.done)
	if d.detached {
		d.close()
		return false
	}
	return true
}

// refuse counts a packet that goes no further, and logs it unless its source did the same just now.
func (ro *role) refuse(r *Request, why Reason) {
	ro.fast.refuse(why)
	if ro.server.log == nil {
		return
	}
	if suppressed, ok := ro.seldom.allow(r.Source.Addr(), why, ro.clock); ok {
		ro.server.log.refusal(&ro.lines, r, why, suppressed)
	}
}
