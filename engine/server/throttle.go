package server

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"perilune/engine/auth"
)

// Throttle is how many wrong credentials are looked at. Each number is a burst within Span; after it one
// more is looked at each Span/number. 0 switches that number off.
type Throttle struct {
	Failures        int           // of one user at one station; beyond it credentials are not looked at
	StationFailures int           // of one station, whatever the names; likewise
	UserFailures    int           // of one user at all stations; beyond it rejects are only held back longer
	Span            time.Duration // 1 s to 24 h
	UserDelay       time.Duration // how long those rejects are held back
}

// A throttle slows the guessing of passwords down. It outlives reloads.
//
// A station is Calling-Station-Id. Without one the source of the packet stands for it, for the pair of user
// and station alone: many people are behind a NAS, so what fails there holds rejects back and locks nobody
// out. For the same reason a user alone is never locked out: strangers could do it to anybody.
//
// A good login reads one word as long as nobody fails, and two lines of memory otherwise. It writes only if
// its pair has failed before.
type throttle struct {
	epoch    time.Time
	pairs    failures     // by user and station
	stations failures     // by Calling-Station-Id, or by the source
	users    failures     // by user
	nothing  auth.Stored  // fits nothing, at no cost
	hashes   pretence     // times of costly hashes
	handlers pretence     // times of auth_type handlers that refused
	latest   atomic.Int64 // the tick after which nobody is counted any more
}

// A guess is what the throttle knows of one request.
type guess struct {
	looked    bool          // a credential was looked at
	wrong     bool          // by a handler's own look
	asked     bool          // of a handler that looks itself
	throttled bool          // its credential counts nothing
	hold      bool          // its reject is held back longer
	pretend   time.Duration // what looking would have taken
}

func newThrottle(now time.Time) *throttle {
	t := &throttle{epoch: now, nothing: auth.Dummy(auth.Cost{})}
	for _, f := range []*failures{&t.pairs, &t.stations, &t.users} {
		f.init()
	}
	return t
}

func (t *throttle) ticks(at time.Time) int64 { return int64(at.Sub(t.epoch) / failureTick) }

// throttleLimits gives the limits that hold for the request; nil if it is not throttled.
func (r *Request) throttleLimits() *Throttle {
	l := &r.Generation.Settings.Throttle
	if r.way.throttle == nil || l.Span <= 0 || r.Client.NoThrottle {
		return nil
	}
	return l
}

// guessing is called before a credential is looked at. True means that it counts nothing: the request is
// to go the way of a wrong one.
func (r *Request) guessing() bool {
	t, l, g := r.way.throttle, r.throttleLimits(), &r.way.guess
	if l == nil || g.looked {
		return g.throttled
	}
	g.looked = true
	now := t.ticks(r.Arrival)
	if t.latest.Load() <= now {
		return false
	}
	pair, station, called := r.failureKeys()
	g.throttled = t.pairs.over(pair, now, l.Failures, l.Span) || called && t.stations.over(station, now, l.StationFailures, l.Span)
	if g.throttled && r.Trace != nil {
		r.Trace.Step("throttled: too many wrong credentials of this user or station; this one is not looked at")
	}
	return g.throttled
}

// decoy gives what the request's credential is compared with: stored, or for a throttled request what fits
// nothing and costs nothing. The time that stored would have cost is made up on the reject's delay.
func (r *Request) decoy(stored *auth.Stored) *auth.Stored {
	if !r.guessing() {
		return stored
	}
	if stored.Costly() && r.seen.hasPassword && !r.seen.chap { // other methods compute no hash
		r.way.guess.pretend = r.way.throttle.hashes.pick(time.Duration(stored.Cost().Micros()) * time.Microsecond)
	}
	return &r.way.throttle.nothing
}

// skips reports whether a handler that looks at credentials itself is not asked, and else notes that it is.
func (r *Request) skips() bool {
	g := &r.way.guess
	if r.guessing() {
		g.pretend = r.way.throttle.handlers.pick(0)
		return true
	}
	g.asked = true
	return false
}

// countGuess counts a wrong credential, or forgets those of a pair whose credential was right. It is called once
// for each Access-Request.
func (r *Request) countGuess() {
	l, g := r.throttleLimits(), &r.way.guess
	if l == nil || !g.looked && !g.asked {
		return
	}
	t, now := r.way.throttle, r.way.throttle.ticks(r.Arrival)
	switch {
	case r.Verdict == Accept:
		if !g.throttled && t.latest.Load() > now {
			pair, _, _ := r.failureKeys()
			t.pairs.forget(pair)
		}
	case r.Verdict != Reject:
	case g.throttled:
		if g.throttled = r.guessedWrong(); g.throttled { // else it was refused for something else
			r.prolong(l, now)
		}
	case r.guessedWrong():
		r.fail(l, now)
		r.prolong(l, now)
	}
}

// guessedWrong reports whether the reject is for the credential, as far as can be told: natively, by a
// script's reason=, or by a handler that looks at credentials.
func (r *Request) guessedWrong() bool {
	g := &r.way.guess
	switch r.Cause {
	case ReasonPassword, ReasonUnknownUser, ReasonNoPassword:
		return true
	case ReasonHook:
		return g.asked || g.wrong
	}
	return false
}

// fail counts one wrong credential.
func (r *Request) fail(l *Throttle, now int64) {
	t := r.way.throttle
	pair, station, _ := r.failureKeys()
	last := max(t.pairs.add(pair, now, l.Failures, l.Span), t.stations.add(station, now, l.StationFailures, l.Span),
		t.users.add(r.userKey(), now, l.UserFailures, l.Span))
	for {
		was := t.latest.Load()
		if was >= last || t.latest.CompareAndSwap(was, last) {
			break
		}
	}
	if r.way.guess.asked && r.way.slow {
		t.handlers.add(time.Since(r.Arrival))
	}
}

// prolong notes a reject that is held back longer: of a user with too many failures at all stations, and of
// a source that names no stations.
func (r *Request) prolong(l *Throttle, now int64) {
	t := r.way.throttle
	_, station, called := r.failureKeys()
	r.way.guess.hold = t.users.over(r.userKey(), now, l.UserFailures, l.Span) ||
		!called && !r.Client.Proxy && t.stations.over(station, now, l.StationFailures, l.Span)
}

// conceal ends a request that the throttle had a say in: its reject is as any other, and the log tells.
func (r *Request) conceal() {
	g := &r.way.guess
	if r.Verdict != Reject {
		return
	}
	if g.hold {
		r.Delay = max(r.Delay, r.Generation.Settings.Throttle.UserDelay)
	}
	if g.throttled {
		r.Delay = max(r.Delay, g.pretend)
		r.Cause, r.Reason = ReasonThrottled, ReasonThrottled.String()
	}
}

// failureKeys gives the hashes of the pair and of the station; called is false if the source stands for it.
func (r *Request) failureKeys() (pair, station uint64, called bool) {
	t := r.way.throttle
	k := foldTo(r.way.digest[:0], r.User())
	k = append(k, 0)
	at := len(k)
	id, _ := r.Attributes.First(r.Generation.Dictionary.Known.CallingStationID)
	if called = len(id) > 0; called {
		k = foldTo(append(k, 's'), id)
	} else {
		source := r.Source.Addr().As16()
		k = append(append(k, 'a'), source[:]...)
	}
	r.way.digest = k
	return t.pairs.hash(k), t.stations.hash(k[at:]), called
}

func (r *Request) userKey() uint64 {
	r.way.digest = foldTo(r.way.digest[:0], r.User())
	return r.way.throttle.users.hash(r.way.digest)
}

// foldTo appends text with its ASCII letters in lower case: Bob and bob are one account to many backends,
// and one station is spelt in both ways.
func foldTo(dst, text []byte) []byte {
	for _, c := range text {
		dst = append(dst, foldASCII(c))
	}
	return dst
}

// A pretence remembers how long the last looks at credentials took, so that a request that is spared the look
// can take as long.
type pretence struct {
	took [16]atomic.Int64 // nanoseconds; 0: none yet
	next atomic.Uint32
}

func (p *pretence) add(d time.Duration) {
	if d <= 0 || d > longestPretence {
		return
	}
	p.took[p.next.Add(1)%uint32(len(p.took))].Store(int64(d))
}

// longestPretence is more than anybody waits for an answer.
const longestPretence = 10 * time.Second

// pick gives one of the times; unknown if there is none yet.
func (p *pretence) pick(unknown time.Duration) time.Duration {
	from := rand.IntN(len(p.took))
	for i := range p.took {
		if d := p.took[(from+i)%len(p.took)].Load(); d > 0 {
			return time.Duration(d)
		}
	}
	return unknown
}

// Throttled is how many users at their stations, and stations, are throttled now, and of how many users the
// rejects are held back longer.
type Throttled struct {
	Pairs    int `json:"pairs"`
	Stations int `json:"stations"`
	Users    int `json:"users"`
}

// Throttled counts whom the limits hold up now. It reads the whole tables: some 200 µs.
func (c *Core) Throttled(l Throttle) Throttled {
	t := c.throttle
	now := t.ticks(c.now())
	if l.Span <= 0 || t.latest.Load() <= now {
		return Throttled{}
	}
	return Throttled{t.pairs.count(now, l.Failures, l.Span), t.stations.count(now, l.StationFailures, l.Span), t.users.count(now, l.UserFailures, l.Span)}
}

// ForgetFailures lets all users and stations begin anew; by names who asked for it, for the log.
func (c *Core) ForgetFailures(by string) {
	for _, f := range []*failures{&c.throttle.pairs, &c.throttle.stations, &c.throttle.users} {
		f.clear()
	}
	c.log.Info("all wrong credentials are forgotten", "by", by)
}
