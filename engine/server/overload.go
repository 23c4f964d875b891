package server

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// overload chooses who loses while more comes than the server can serve. Left alone the kernel drops at random what finds
// the receive buffer full, so that nine of ten requests of every NAS are lost if one of them sends ten times too much. To
// read them all and throw most of them away would cost half of what serving costs, so the choice is the kernel's: the
// socket gets a filter that lets a part of the noisiest sources' datagrams pass, just as many as the server can serve
// beside the others'. What waits in the receive buffer tells whether that is so: it is held at a few milliseconds' work,
// so that the server never waits for any, others' datagrams always find room, and nobody waits for long. It belongs to a
// role's holder.
//
// Status-Server, and packets with a State (RFC 5080 s2.2.3), are not held back by the filter.
type overload struct {
	held [overloadSources]held // what the filter is for: the first of them
	n    int

	room     int  // datagrams that the receive buffer may hold
	running  bool // a window is being measured
	begun    time.Time
	lost     uint64  // the kernel's count when the window began
	received uint64  // since
	full     bool    // since then there was no room once
	idle     bool    // since then nothing waited once
	capacity float64 // datagrams a second that can be served, as far as is known
	shares   [64]share
	shed     uint64      // what the filter has dropped, about
	timer    *time.Timer // while there is a filter
}

// A held is a source and the part of its datagrams that the filter lets pass.
type held struct {
	addr netip.Addr
	pass float64
}

// A share counts the datagrams of the addresses that have one place, and votes for one that has the majority of them. If the
// filter is for that one it counts its datagrams alone.
type share struct {
	addr    netip.Addr
	votes   uint32
	n       uint64
	pass    float64 // what the filter lets pass of it; 0: it is not for it
	offered float64 // how many it has sent, about
}

const (
	overloadWindow  = 20 * time.Millisecond  // a window is as long at least,
	overloadLongest = 200 * time.Millisecond // and no longer once
	overloadEnough  = 512                    // datagrams were received
	overloadRest    = 200 * time.Millisecond // silence after which a filter has no reason any more
	overloadGrowth  = 1.25                   // how much more passes than was served, while nothing waits
	overloadWaits   = 1.0 / 4                // how much shall wait, as a part of what is served in a window;
	overloadRoom    = 1.0 / 8                // the same as a part of the room, at most
	overloadGain    = 1.0 / 2                // which part of what waits too much or too little a window puts right
	overloadLeast   = 1.0 / 4096             // passes in any case
	overloadMost    = 63.0 / 64              // and no more than that while there is a filter
	overloadSources = 8                      // as many have a filter at most
	leastTruesize   = 768                    // octets that Linux counts in a receive buffer for a small datagram
)

// count looks at a batch's senders, at what waits behind it, in datagrams, and at the kernel's count of drops. It reports
// whether another filter is wanted. Nothing is counted unless the kernel drops.
func (o *overload) count(slots []slot, waiting int, lost uint64, now time.Time) (changed bool) {
	if !o.running {
		if lost == o.lost {
			return false
		}
		o.capacity = 0
		o.begin(lost, now)
	}
	o.received += uint64(len(slots))
	o.full = o.full || waiting+len(slots) >= o.room*7/8
	o.idle = o.idle || waiting == 0
	for i := range slots {
		o.vote(source(slots[i].source.Addr()))
	}
	took := now.Sub(o.begun)
	if took < overloadWindow || o.received < overloadEnough && took < overloadLongest {
		return false
	}
	changed = o.judge(float64(lost-o.lost), float64(waiting), took)
	o.begin(lost, now)
	o.running = o.n > 0
	return changed
}

// source is what counts as one sender: an IPv4 address, or the /64 that an IPv6 host has for itself.
func source(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	b := a.As16()
	clear(b[8:])
	return netip.AddrFrom16(b)
}

func (o *overload) begin(lost uint64, now time.Time) {
	o.running, o.begun, o.lost, o.received, o.full, o.idle = true, now, lost, 0, false, false
	clear(o.shares[:])
	for _, h := range o.held[:o.n] {
		s := o.place(h.addr)
		s.addr, s.pass = h.addr, h.pass
	}
}

func (o *overload) place(a netip.Addr) *share {
	b := a.As16()
	return &o.shares[(uint(b[4])*59+uint(b[6])*43+uint(b[7])*37+uint(b[13])*31+uint(b[14])*7+uint(b[15]))%uint(len(o.shares))]
}

func (o *overload) vote(a netip.Addr) {
	s := o.place(a)
	switch {
	case s.pass > 0 && s.addr != a:
		return
	case s.addr == a:
		s.votes++
	case s.votes == 0:
		s.addr, s.votes = a, 1
	default:
		s.votes--
	}
	s.n++
}

// judge looks at a window: what was offered is what was received and what the kernel dropped, by the filter or for want of
// room. The latter treats all alike, so the shares of what was received tell what each has sent.
func (o *overload) judge(dropped, waiting float64, took time.Duration) (changed bool) {
	before, n, received := o.held, o.n, float64(o.received)
	o.n = 0
	if dropped < received/64 && (o.idle || n == 0) { // nothing to choose
		return n > 0
	}
	o.hold(o.served(took)-o.offered(dropped, n > 0), o.missing(waiting), n > 0 && !o.idle)
	if changed = o.n != n; changed {
		return true
	}
	for i, h := range o.held[:n] {
		was := before[i]
		changed = changed || h.addr != was.addr || h.pass > was.pass*33/32 || h.pass < was.pass*31/32
	}
	return changed
}

// served gives how many datagrams can be served in a window as long as the last.
func (o *overload) served(took time.Duration) float64 {
	rate := float64(o.received) / took.Seconds()
	if o.idle { // more could have been served: how many is not known
		o.capacity = max(o.capacity, rate*overloadGrowth)
	} else {
		o.capacity = rate
	}
	return o.capacity * took.Seconds()
}

// missing gives how many more shall come in the next window so that as many wait as shall.
func (o *overload) missing(waiting float64) float64 {
	some := min(float64(o.received)*overloadWaits, float64(o.room)*overloadRoom)
	return (some - waiting) * overloadGain
}

// offered estimates how much each source has sent, and gives how much came from those of whom there is no telling.
func (o *overload) offered(dropped float64, filtered bool) (others float64) {
	others, all := float64(o.received), float64(o.received)
	sent := 0.0 // by those that have a filter, by what came through it
	for i := range o.shares {
		s := &o.shares[i]
		if s.pass > 0 {
			s.offered = max(float64(s.n), 1) / s.pass
			sent += s.offered - float64(s.n)
			others -= float64(s.n)
		} else if s.votes > uint32(s.n/2) {
			s.offered = float64(s.n)
			others -= s.offered
		}
	}
	if o.full || !filtered { // all that passed lost alike
		o.shed += uint64(max(0, min(sent, dropped)))
		lost := max((all+dropped)/(all+sent), 1)
		for i := range o.shares {
			o.shares[i].offered *= lost
		}
		return others * lost
	}
	o.shed += uint64(dropped)
	for i := range o.shares { // the filter alone has dropped
		if s := &o.shares[i]; s.pass > 0 {
			s.offered = float64(s.n) + dropped*(s.offered-float64(s.n))/max(sent, 1)
		}
	}
	return others
}

// hold chooses who is let through in part, so that of what the shares have sent so much comes through as there is room for:
// those who send more than a level, and as much as that. More sources than a filter is for are not pressed below the next
// one: of equals none is noisy. Those who are held make good for what is missing of what waits, or too much. always: there
// is a filter in any case.
func (o *overload) hold(room, missing float64, always bool) {
	var ranked [len(o.shares)]*share
	sum := 0.0
	for i := range o.shares {
		ranked[i] = &o.shares[i]
		sum += ranked[i].offered
	}
	slices.SortFunc(ranked[:], func(a, b *share) int { return cmp.Compare(b.offered, a.offered) })
	n, level := 0, 0.0
	for next := ranked[0].offered; n < overloadSources && level <= next && next > 0; {
		sum -= next
		n++
		next = ranked[n].offered
		level = max((room-sum)/float64(n), next)
		if level > next {
			break
		}
	}
	if n == 0 || level >= ranked[0].offered && !always {
		return
	}
	if level > ranked[n].offered { // else there are others like them
		level += missing / float64(n)
	}
	for _, s := range ranked[:n] {
		o.held[o.n] = held{s.addr, min(max(level/s.offered, overloadLeast), overloadMost)}
		o.n++
	}
}

// sieve tells the kernel whose datagrams to drop. While there is such a source the reader is woken now and then, as
// silence ends it, too.
func (ro *role) sieve() {
	o := &ro.overload
	if ro.batcher.sieve(o.held[:o.n]) != nil {
		o.n = 0 // the kernel goes on to choose at random
	}
	switch {
	case o.n == 0:
		o.stop()
	case o.timer == nil:
		o.timer = time.AfterFunc(overloadRest, ro.wake)
	}
}

// rest takes the filter away if nothing has come for long.
func (ro *role) rest() {
	switch o := &ro.overload; {
	case o.n == 0:
	case time.Since(o.begun) < overloadRest:
		o.timer.Reset(overloadRest)
	default:
		o.n, o.running = 0, false
		ro.sieve()
	}
}

// stop ends the timer.
func (o *overload) stop() {
	if o.timer != nil {
		o.timer.Stop()
		o.timer = nil
	}
}
