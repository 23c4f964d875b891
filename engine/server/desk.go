package server

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"perilune/engine/radius"
)

// A stage is how far the request on a desk has come.
type stage uint8

const (
	stageIdle stage = iota
	stageWorking
	stageAnswered // the reply is on its way, `done` handlers run
)

// A desk is all that one request needs: lists, buffers, digest scratch, Lua state. A role always has one;
// a request that waits keeps its own, and the role goes on with a spare one.
type desk struct {
	Request
	role  *role
	stage stage

	// Until the request detaches, slot is its place in the batch. From then on the desk stands alone.
	slot       *slot
	detached   bool
	buf        []byte      // a detached request's datagram; else a spare buffer, or nil on a role
	unanswered *unanswered // nil once the answer is out
	computing  bool        // Busy was told
	refused    Reason      // why Detach failed
	place      place       // what the admission counts it under
	woken      bool        // it was parked: has no place of the admission unless it waits again
	outbox     *outbox     // goes on with it just now; nil once that has passed on
	lines      lines
}

func newDesk() *desk {
	d := new(desk)
	d.Request.desk = d
	return d
}

// local gives the address that a datagram was sent to.
func (ro *role) local(s *slot) netip.AddrPort {
	bound := ro.bound
	if s.local.IsValid() {
		return netip.AddrPortFrom(s.local, bound.Port())
	}
	return bound
}

// leave gives back a Lua state of a generation that is no longer the active one. If that one is closed
// already its states are gone with it.
func (d *desk) leave(old *Generation) {
	if d.Runner == nil || old == nil {
		return
	}
	if old.acquire() {
		d.releaseRunner()
		d.role.server.unpin(old)
		return
	}
	d.Runner, d.way.policy = nil, nil
}

// outcome settles why a request that wanted to wait, and could not, was dropped.
func (d *desk) outcome() {
	if d.refused == ReasonNone {
		return
	}
	switch {
	case d.Verdict != Drop:
	case d.Cause == ReasonBackend: // as the hook saw it
		d.Cause, d.Reason = d.refused, d.refused.String()
	case d.Cause == ReasonNone || d.Cause == ReasonHook || d.Cause == ReasonHookFailed:
		d.Cause = d.refused
	}
}

// delayed reports whether the reply is to be held back. Only rejects of Access-Requests are.
func (r *Request) delayed() bool { return r.Delay > 0 && r.Code == radius.CodeAccessReject }

// due gives when a delayed reject goes out. The delay is counted from arrival, so that it does not show how long
// the decision took: whether there is such a user, and which hash the password has.
func (r *Request) due() time.Time { return r.Arrival.Add(r.Delay) }

// guard runs one step of the way. A defect in it costs one request, not the server.
func (s *Server) guard(r *Request, step func(*Request)) {
	defer func() {
		if defect := recover(); defect != nil {
			s.defect(r, defect)
		}
		r.desk.calm()
	}()
	step(r)
}

// receive runs the first step; a defect in it costs one packet.
func (s *Server) receive(r *Request, datagram []byte) (why Reason) {
	defer func() {
		if defect := recover(); defect != nil {
			s.defect(r, defect)
			why = ReasonInternal
		}
	}()
	return s.steps.receive(r, datagram)
}

func (s *Server) defect(r *Request, defect any) {
	r.out, r.pending, r.Code, r.Delay = r.out[:0], waitNothing, 0, 0
	r.Verdict, r.Cause, r.Reason = Drop, ReasonInternal, ReasonInternal.String()
	r.unbook()
	s.options.Events.LogAttrs(context.Background(), slog.LevelError, "defect in the server; the request is dropped",
		slog.Any("panic", defect), slog.Uint64("request", r.Serial), slog.String("source", r.Source.String()),
		slog.String("stack", string(debug.Stack())))
}

// desks keeps spare desks. Only detaching takes one, so its lock is off the fast path.
type desks struct {
	mu    sync.Mutex
	free  []*desk
	least int // how many were never needed since the last trim
}

// get gives a desk with a spare receive buffer.
func (ds *desks) get() *desk {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	n := len(ds.free)
	if n == 0 {
		ds.least = 0
		d := newDesk()
		d.buf = make([]byte, radius.MaxPacketLen)
		return d
	}
	d := ds.free[n-1]
	ds.free[n-1] = nil
	ds.free = ds.free[:n-1]
	ds.least = min(ds.least, n-1)
	return d
}

// put takes a desk back. Its Lua state has been released: an idle desk belongs to no generation, nor does it keep one in
// memory. That counts also for a desk that is dropped afterwards: a Forwarder's reader keeps the exchanges of its last
// answers, and the marks of a role those of their last requests.
func (ds *desks) put(d *desk) {
	d.Request.reset()
	d.way.rest()
	d.role, d.slot, d.unanswered, d.outbox, d.detached, d.woken, d.stage = nil, nil, nil, nil, false, false, stageIdle
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.free = append(ds.free, d)
}

// trim drops half of the desks that were not needed since the last call.
func (ds *desks) trim() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	n := len(ds.free)
	keep := n - (ds.least+1)/2
	clear(ds.free[keep:])
	ds.free, ds.least = ds.free[:keep], keep
}

// drop forgets all spare desks, and so what their last requests still point at.
func (ds *desks) drop() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.free, ds.least = nil, 0
}

func (ds *desks) len() int {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return len(ds.free)
}
