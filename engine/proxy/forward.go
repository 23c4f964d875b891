package proxy

import (
	"log/slog"
	"runtime/debug"
	"time"
)

// Forward sends one exchange on its way at once, from any goroutine. See Sender.Forward, and Exchange.
func (f *Forwarder) Forward(x *Exchange) Outcome {
	s := f.senders.Get().(*Sender)
	defer f.senders.Put(s)
	outcome := f.forward(x, s)
	s.Flush()
	return outcome
}

func (f *Forwarder) forward(x *Exchange, s *Sender) Outcome {
	now := f.now()
	x.begin(f, now)
	x.Outcome = f.admit(x)
	if x.Outcome == Pending {
		if f.start(x, s, now) == Pending {
			return Pending // the exchange is not ours any more
		}
		x.route.inflight.Add(-1)
	}
	f.refused[x.Outcome].Add(1)
	x.Took = time.Duration(f.now() - now)
	return x.Outcome
}

// admit says whether the request may be sent on at all.
func (f *Forwarder) admit(x *Exchange) Outcome {
	if x.Received != nil && f.marks.loops(x.Received.Attributes) {
		return Looped
	}
	if f.closing.Load() {
		return Closed
	}
	if x.began >= x.limit {
		return Timeout
	}
	kind, ok := kindOf(x.Code)
	if x.Realm == nil || x.Realm.binding == nil || !ok {
		return AllDead
	}
	x.route = x.Realm.binding.route.Load()
	if x.route == nil {
		return AllDead // never configured
	}
	x.pool = &x.route.pools[kind]
	if n := x.route.inflight.Add(1); x.Realm.Inflight > 0 && int(n) > x.Realm.Inflight {
		x.route.inflight.Add(-1)
		return Full
	}
	return Pending
}

// start sends the exchange to the next server that takes it. Unless it gives Pending, which is only read and
// never stored from then on, the outcome is in the exchange, which stays the caller's.
func (f *Forwarder) start(x *Exchange, s *Sender, now int64) Outcome {
	full := false
	for {
		i := x.pool.next(x, now)
		if i < 0 {
			x.Outcome = f.exhausted(x, full)
			return x.Outcome
		}
		x.tried |= 1 << i
		h := x.pool.homes[i]
		if !h.reserve(x) {
			full = true
			continue
		}
		if x.Err = x.encode(h, s); x.Err != nil {
			h.cede(x, now)
			x.Outcome = Unsendable
			return x.Outcome
		}
		x.Server, x.Address = h.name, h.address
		if !f.launch(x, h, s, now) {
			x.Outcome = Closed
			return x.Outcome
		}
		return Pending
	}
}

// launch sends a packet that has its identifier. The exchange is the home's afterwards; false: the Forwarder
// was closed.
func (f *Forwarder) launch(x *Exchange, h *home, s *Sender, now int64) bool {
	x.sign()
	s.add(x) // before it is armed: an armed one may be over at any time
	absent, ok := h.arm(x, now)
	if absent {
		f.adopt(h)
	}
	if f.resting.Load() {
		f.signal()
	}
	return ok
}

// exhausted names the outcome when there is no server left to ask.
func (f *Forwarder) exhausted(x *Exchange, full bool) Outcome {
	switch {
	case f.closing.Load():
		return Closed
	case x.Attempts > 0:
		return Timeout
	case full:
		return Full
	case x.looping:
		return Looped
	}
	return AllDead
}

// over moves on an exchange that had its time at one server: to the next one with a new identifier and a new
// authenticator, or to its end.
func (f *Forwarder) over(x *Exchange, s *Sender, now int64) {
	x.Outcome = Timeout
	if now+int64(tick) < x.limit && f.start(x, s, now) == Pending {
		return
	}
	f.finish(x, now)
}

// finish gives the exchange back. Nothing is locked. A defect in Done costs this request and nothing else.
func (f *Forwarder) finish(x *Exchange, now int64) {
	defer func() {
		if defect := recover(); defect != nil {
			f.o.Log.Error("defect at the end of a request that was sent on", slog.Any("panic", defect), slog.String("stack", string(debug.Stack())))
		}
	}()
	x.Took = time.Duration(now - x.began)
	x.route.inflight.Add(-1)
	x.Done(x)
}

// Repeat sends a request again because its client did: where the realm says retransmit=client, nothing else
// does (RFC 2865 s2.5: same identifier, authenticator and port). After as many tries as the realm allows the
// next server is asked, if there is one. Elsewhere, and for an exchange that is over, it does nothing: the client's
// retransmission is absorbed (RFC 5080 s2.2.2). serial is the exchange's Serial. It reports whether the
// request goes out again. It may be called from any goroutine.
func (f *Forwarder) Repeat(x *Exchange, serial uint64) bool {
	h := x.home.Load()
	if h == nil {
		return false
	}
	s := f.senders.Get().(*Sender)
	defer f.senders.Put(s)
	defer s.Flush()
	now := f.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	// An exchange gets and loses its home under the home's mutex: here it either stands still or is another's.
	if x.home.Load() != h || x.probe || x.Serial != serial || x.route.realm.Retransmit != RetransmitClient {
		return false
	}
	if !x.silent && now-x.sent > x.route.timeout {
		x.silent = true
		h.silence(x.sent, now)
	}
	// Where nobody else could be asked the tries have no end but the deadline: giving up would make the client's next
	// repetition a new request, and lose the answer to this one.
	if x.tries < x.route.retries || !x.pool.another(x) {
		h.repeat(x, s)
		return true
	}
	// To encode for another server is not for this goroutine: the timers do it, at once.
	x.move = true
	h.timers.remove(x)
	x.due = now
	h.timers.add(x)
	return true
}
