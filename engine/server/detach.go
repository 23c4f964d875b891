package server

import (
	"errors"
	"runtime"
)

// A pending is what a parked request waits for. It holds neither a goroutine nor its Lua state meanwhile.
type pending uint8

// What there is to wait for.
const (
	waitNothing pending = iota
	waitRecord          // the accounting record is being made durable
	waitHome            // a home server has the request
	waitNAS             // a NAS has the request, which is CoA or Disconnect
	waits
)

// ErrBusy is what Detach gives when too many requests wait already.
var ErrBusy = errors.New("server: too many requests wait already")

// Detach lets the request wait or compute for long without delaying others: the loop passes to a spare
// goroutine, this one goes on with the request alone. It is called before anything that may block; further
// calls are free. It fails with ErrBusy if too many requests wait already, of all clients or of this one;
// then the caller must not wait.
func (r *Request) Detach() error { return r.leaveLoop(true) }

// leaveLoop is Detach; what only computes is not refused for want of memory, as it would hold the loop instead.
func (r *Request) leaveLoop(waits bool) error {
	r.way.slow = true
	d := r.desk
	if d == nil {
		return nil
	}
	d.calm()
	ro := d.role
	if d.detached && (!d.woken || d.place.taken) {
		return nil
	}
	if why := ro.server.admission.admit(r, &d.place, waits); why != ReasonNone {
		d.refused = why
		return ErrBusy
	}
	if d.woken { // it parted from the role before it was parked
		if d.outbox != nil {
			d.outbox.pass(d)
		}
		return nil
	}
	ro.part(d)
	go ro.run()
	// Others first: answers of the batch wait to be sent, and what this request does before it waits may be long.
	runtime.Gosched()
	return nil
}

// Crowd says that the request wanted to wait where as many wait as may: if it is dropped for that, the reason is
// hook-busy.
func (r *Request) Crowd() {
	if r.desk != nil {
		r.desk.refused = ReasonHookBusy
	}
}

// Compute is Detach for a request that computes for long instead of waiting: readers are told too, as the
// scheduler would leave them parked. The caller then calls Busy.Yield every 50 to 300 µs. It lasts until the
// step of the way is over, or until the next Detach. After ErrBusy the caller may go on: the loop waits for
// it, but others don't.
func (r *Request) Compute() error {
	r.way.slow = true
	d := r.desk
	if d == nil {
		return nil
	}
	err := r.leaveLoop(false)
	if !d.computing {
		d.computing = true
		d.role.server.busy.Enter()
	}
	return err
}

// calm ends what Compute began.
func (d *desk) calm() {
	if d.computing {
		d.computing = false
		d.role.server.busy.Leave()
	}
}

// part makes a desk independent of its role, which gets a spare one: the datagram's buffer, a reference to
// the generation, and a mark against retransmissions go with the request.
func (ro *role) part(d *desk) {
	spare := ro.server.desks.get()
	d.buf, d.slot.buf, spare.buf = d.slot.buf, spare.buf, nil
	d.detached = true
	ro.generation.refs.Add(1) // above zero while the role holds it
	ro.server.inflight.Add(1)
	if d.stage == stageWorking {
		d.unanswered = ro.waiting.file(ro, &d.Request, d.slot)
	}
	d.slot, d.ahead = nil, nil
	d.Session.LookAhead(nil) // that is the slot's
	spare.role, ro.desk = ro, spare
	ro.passed = true
	ro.fast.Detached++
}

// conclude goes on with a detached request after process.
func (d *desk) conclude() {
	r := &d.Request
	s := d.role.server
	if r.pending != waitNothing && s.park(r) {
		s.admission.leave(&d.place) // what is parked is bounded apart
		d.outbox = nil              // whoever resumes it may do so at once
		s.steps.wait(r, nil)
		return
	}
	d.answer()
}

// park takes a place for a request that is to wait. Without one it is a drop, and that is its end.
func (s *Server) park(r *Request) bool {
	parked := s.admission.park(r)
	if !parked {
		s.steps.conclude(r)
	}
	return parked
}

// resume goes on with a parked request: what it waited for has come. The goroutine of the recorder or the forwarder,
// which calls it, is lent to nothing.
func (r *Request) resume() {
	d := r.desk
	if d == nil {
		return
	}
	s := d.role.server
	s.admission.unpark(r)
	d.woken = true
	s.outbox.add(d)
}

func (d *desk) resumed() {
	d.role.server.guard(&d.Request, d.role.server.resume)
	d.conclude()
}

// answer sends a detached request's reply on its own, or puts it on its delay, and ends the request.
func (d *desk) answer() {
	r, u, ro := &d.Request, d.unanswered, d.role
	d.stage, d.unanswered = stageAnswered, nil
	u.forwarded.Store(nil) // it is the desk's, which goes on to other requests
	d.outcome()
	together := d.outbox != nil && !r.delayed()
	if !together {
		r.sign()
	}
	u.reply = append(u.reply[:0], r.out...)
	dead := u.dead.Load()
	if dead { // a newer request with its key has won: RFC 5080 s2.2.2
		u.reply, r.out = u.reply[:0], r.out[:0]
		r.Verdict, r.Reason, r.Cause = Discard, "superseded", ReasonNone
	}
	ro.late.outcome(r, dead)
	switch {
	case together:
		d.outbox.take(r, u)
	case len(u.reply) > 0 && r.delayed():
		ro.server.delays.add(u, r.due())
	default:
		u.send()
	}
	if !together {
		d.tell()
	}
	ro.server.guard(r, ro.server.done)
	d.close()
}

// tell logs a request that is answered alone.
func (d *desk) tell() {
	l := d.role.server.log
	l.request(&d.lines, &d.Request)
	l.flush(&d.lines)
}

// close gives back all that a detached request held.
func (d *desk) close() {
	s, g := d.role.server, d.Generation
	d.releaseRunner()
	s.admission.leave(&d.place)
	s.desks.put(d)
	s.unpin(g)
	s.inflight.Done()
}
