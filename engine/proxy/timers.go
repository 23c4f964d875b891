package proxy

import (
	"log/slog"
	"time"
)

// How often the timers are looked at while requests are out, and when none has been for a while.
const (
	restAfter = time.Second
	rest      = time.Second
)

// signal wakes the timers from their rest.
func (f *Forwarder) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run turns the timers until Close.
func (f *Forwarder) run() {
	defer close(f.done)
	timer := time.NewTimer(tick)
	defer timer.Stop()
	s := f.NewSender()
	busy := f.now()
	for {
		now := f.now()
		f.turn(s, now)
		if f.outstanding.Load() > 0 {
			busy = now
		}
		if !f.pause(timer, now-busy > int64(restAfter)) {
			f.end(s)
			return
		}
	}
}

// pause waits for the next tick; false once the Forwarder closes.
func (f *Forwarder) pause(timer *time.Timer, resting bool) bool {
	wait := tick
	if resting {
		f.resting.Store(true)
		if f.outstanding.Load() == 0 { // looked at after resting was set: no request is overlooked
			wait = rest
		}
	}
	timer.Reset(wait)
	select {
	case <-timer.C:
	case <-f.wake:
	case <-f.stop:
		return false
	}
	f.resting.Store(false)
	return true
}

// turn does what is due at all homes.
func (f *Forwarder) turn(s *Sender, now int64) {
	spare := false
	for _, h := range *f.homes.Load() {
		if h.sleeps(now) {
			continue
		}
		if f.turnOne(h, s, now) {
			f.o.Busy.Enter()
			for f.turnOne(h, s, now) {
				f.o.Busy.Yield()
			}
			f.o.Busy.Leave()
		}
		h.inquire(s, now)
		h.tell(now)
		spare = spare || !h.configured.Load()
	}
	s.Flush()
	if spare && now-f.forgot > int64(rest) {
		f.forgot = now
		f.forget()
	}
}

// turnOne does what is due at one home, as far as one Sender goes.
func (f *Forwarder) turnOne(h *home, s *Sender, now int64) (more bool) {
	over, more := h.turn(s, now)
	for _, x := range over {
		f.over(x, s, now)
	}
	s.Flush()
	return more
}

// sleeps reports whether a home may be passed over: nothing is out, nothing is wrong, and it was looked at just
// now. So a thousand idle ones cost little.
func (h *home) sleeps(now int64) bool {
	if h.outstanding.Load() == 0 && Health(h.health.Load()) == Up && now-h.turned < int64(rest) {
		return true
	}
	h.turned = now
	return false
}

// end closes all homes. Readers may still be at an answer; then all are done.
func (f *Forwarder) end(s *Sender) {
	s.Flush()
	for _, h := range *f.homes.Load() {
		f.empty(h)
	}
	f.readers.Wait()
}

// empty ends all exchanges of a home.
func (f *Forwarder) empty(h *home) {
	now := f.now()
	for _, x := range h.empty(now) {
		x.Outcome = Closed
		f.finish(x, now)
	}
}

// tellPause is the least time between two lines about refused answers of one home server.
const tellPause = int64(30 * time.Second)

// tell logs what has changed. It is done here, and not where it happens, so that a slow log delays no request.
func (h *home) tell(now int64) {
	h.mu.Lock()
	state := Health(h.health.Load())
	was, told := h.told, h.told
	count := h.count
	told.health, told.learnt = state, h.learnt.Load()
	refused := count.Invalid + count.Unsigned + count.Foreign + count.Malformed
	warn := refused != was.refused && (was.at == 0 || now-was.at > tellPause)
	if warn {
		told.refused, told.at = refused, now
	}
	h.told = told
	h.mu.Unlock()
	if state != was.health {
		h.tellHealth(was.health, state)
	}
	if told.learnt && !was.learnt && h.forwarder.o.Learn != nil {
		h.forwarder.o.Learn(h.address)
	}
	if warn {
		peer := "home server"
		if h.kind == KindDynamic {
			peer = "NAS"
		}
		h.forwarder.o.Log.Warn("answers of a "+peer+" were refused; is the secret right?", h.who(), slog.Uint64("invalid", count.Invalid),
			slog.Uint64("without_message_authenticator", count.Unsigned), slog.Uint64("without_proxy_state", count.Foreign), slog.Uint64("malformed", count.Malformed))
	}
}

// who names the server in the log. What CoA- and Disconnect-Requests go to is a NAS, or stands before one.
func (h *home) who() slog.Attr {
	group := "home"
	if h.kind == KindDynamic {
		group = "nas"
	}
	return slog.Group(group, slog.String("server", h.name), slog.String("address", h.address.String()), slog.String("kind", h.kind.String()))
}

func (h *home) tellHealth(was, is Health) {
	log := h.forwarder.o.Log
	switch {
	case h.kind == KindDynamic && is == Doubtful:
		log.Warn("NAS does not answer CoA", h.who())
	case h.kind == KindDynamic:
		log.Info("NAS answers CoA again", h.who())
	case is == Down:
		log.Error("home server is dead: it answers nothing", h.who())
	case is == Doubtful:
		log.Warn("home server does not answer", h.who())
	case is == Reviving:
		log.Warn("home server answers again; its share grows", h.who())
	default:
		log.Info("home server is up", h.who(), slog.String("was", was.String()))
	}
}
