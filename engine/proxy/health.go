package proxy

import (
	"math/rand/v2"
	"time"
)

// A Health is what we think of a home server. Death is silence for a window of time, never one loss; every
// verified answer is a sign of life, also a reject, a challenge, one that came too late, or one to
// Status-Server.
type Health uint32

// The states.
const (
	Up       Health = iota
	Doubtful        // several requests in a row had no answer: others are asked first
	Reviving        // it answers again: its share grows
	Down            // silent for the window: not asked but by probes
)

var healthNames = [...]string{"up", "doubtful", "reviving", "dead"}

// String gives the word for status, log and metrics.
func (s Health) String() string { return healthNames[s] }

// record is what health is judged by. The home's mutex protects it.
type record struct {
	answer   int64 // the last verified one came
	since    int64 // of the oldest request without an answer
	silences int   // requests in a row without an answer
	flaps    int   // deaths in short order: each doubles the time of revival
	died     int64
	probed   int64 // when the next Status-Server may be sent
}

const (
	doubtAfter    = 2                // silences
	doubtTrial    = 2 * time.Second  // a doubtful server is tried with a live request so often
	deadTrial     = 20 * time.Second // and a dead one
	probedTrial   = time.Minute      // and either that is probed: perhaps it only does not answer Status-Server
	maxFlaps      = 3
	calm          = 10 * time.Minute // without a death: the flaps are forgotten
	firstShare    = 1.0 / 16         // of what comes to a server that begins to revive
	probeTimeout  = 3 * time.Second
	probeInterval = 6 * time.Second // RFC 3539 s3.4.1: Tw is at least 6 s
)

// jitter spreads a time by a tenth to both sides (RFC 5080 s2.2.1: RAND).
func jitter(d int64) int64 {
	if d < 10 {
		return d
	}
	return d - d/10 + rand.Int64N(d/5)
}

// alive takes a verified answer into account. The caller holds mu.
func (h *home) alive(now int64) {
	h.record.answer, h.record.silences = now, 0
	switch Health(h.health.Load()) {
	case Doubtful:
		h.health.Store(uint32(Up))
	case Down:
		h.ramp.Store(now)
		h.ramped.Store(now + int64(h.forwarder.o.Revival)<<h.record.flaps)
		h.health.Store(uint32(Reviving))
	}
}

// silence takes a request into account that was first sent at sent and has no answer. If any answer came since,
// it was one loss. The caller holds mu.
func (h *home) silence(sent, now int64) {
	r, o := &h.record, &h.forwarder.o
	if sent <= r.answer {
		return
	}
	if r.silences == 0 || sent < r.since {
		r.since = sent
	}
	r.silences++
	switch Health(h.health.Load()) {
	case Up:
		if r.silences >= doubtAfter {
			h.doubt(now)
		}
	case Reviving:
		if r.silences >= doubtAfter {
			h.die(now)
		}
	}
	// A NAS that is to be told something has no other to take its place: it is always asked.
	if h.kind == KindDynamic {
		return
	}
	if Health(h.health.Load()) == Doubtful && r.silences >= o.Silences && now-r.since >= int64(o.Window) {
		h.die(now)
	}
}

func (h *home) doubt(now int64) {
	h.health.Store(uint32(Doubtful))
	h.trial.Store(now + h.trialPause(Doubtful))
	h.record.probed = now
}

func (h *home) die(now int64) {
	r := &h.record
	if r.died == 0 || now-r.died > int64(calm) {
		r.flaps = 0
	} else if r.flaps < maxFlaps {
		r.flaps++
	}
	r.died, r.probed = now, now
	h.health.Store(uint32(Down))
	h.trial.Store(now + h.trialPause(Down))
}

// trialPause gives the time between two live requests as trials.
func (h *home) trialPause(state Health) int64 {
	switch {
	case h.status.Load():
		return jitter(int64(probedTrial))
	case state == Doubtful:
		return jitter(int64(doubtTrial))
	}
	return jitter(int64(deadTrial))
}

// age ends a revival whose time is over. The caller holds mu.
func (h *home) age(now int64) {
	if Health(h.health.Load()) == Reviving && now >= h.ramped.Load() {
		h.health.Store(uint32(Up))
	}
}

// A grade is how gladly a server is asked.
type grade int8

const (
	gradeNone  grade = iota // not at all
	gradeLast               // if there is no better one
	gradeReady              // gladly
	gradeTrial              // this request may be the one that tries whether it lives
)

// grade judges the home for one request.
func (h *home) grade(now int64) grade {
	switch Health(h.health.Load()) {
	case Up:
		return gradeReady
	case Reviving:
		if h.share(now) {
			return gradeReady
		}
		return gradeLast
	case Doubtful:
		if now < h.trial.Load() {
			return gradeLast
		}
	case Down:
		if now < h.trial.Load() {
			return gradeNone
		}
	}
	// RFC 5997 s4.1: where Status-Server is not known to be answered, only a live request can tell.
	return gradeTrial
}

// share draws whether a reviving home gets this request: gradually more do.
func (h *home) share(now int64) bool {
	from, to := h.ramp.Load(), h.ramped.Load()
	if now >= to {
		return true
	}
	part := firstShare + (1-firstShare)*float64(now-from)/float64(to-from)
	return rand.Float64() < part
}

// claim takes the trial that is due; false if another request was faster.
func (h *home) claim(now int64) bool {
	due := h.trial.Load()
	return now >= due && h.trial.CompareAndSwap(due, now+h.trialPause(Health(h.health.Load())))
}
