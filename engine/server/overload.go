package server

import (
	"net/netip"
	"time"
)

// overload chooses who loses while more comes than the server can serve. Left alone the kernel drops at random what finds
// the receive buffer full, so that nine of ten requests of every NAS are lost if one of them sends ten times too much. To
// read them all and throw most of them away would cost half of what serving costs, so the choice is the kernel's: the
// socket gets a filter that lets a part of the noisiest source's datagrams pass, just as many as the server can serve
// beside the others' and a little more, so that it never waits for any. It belongs to a role's holder.
//
// Status-Server, and packets with a State (RFC 5080 s2.2.3), are not held back by the filter.
type overload struct {
	noisiest netip.Addr // what the filter is for; invalid: there is none
	pass     float64    // the part of its datagrams that pass

	room     int  // datagrams that the receive buffer may hold
	unread   int  // of those that were there before the filter changed; nothing is measured until they are read
	running  bool // a window is being measured
	begun    time.Time
	lost     uint64 // the kernel's count when the window began
	received uint64 // since
	shares   [64]share
	shed     uint64      // what the filter has dropped, about
	timer    *time.Timer // while there is a filter
}

// A share counts the datagrams of the addresses that have one place, and votes for one that has the majority of them.
type share struct {
	addr  netip.Addr
	votes uint32
	n     uint64
}

const (
	overloadWindow = 50 * time.Millisecond
	overloadRest   = 4 * overloadWindow // silence after which a filter has no reason any more
	overloadMost   = 1.1                // how much more passes than is served
	overloadGrowth = 1.5                // the same, while all that passes is served
	overloadLeast  = 1.0 / 4096         // passes in any case
	leastTruesize  = 768                // octets that Linux counts in a receive buffer for a small datagram
)

// count looks at a batch's senders and at the kernel's count of drops. It reports whether noisiest or pass have changed.
// Nothing is counted unless the kernel drops.
func (o *overload) count(slots []slot, lost uint64, now time.Time) (changed bool) {
	if !o.running {
		if lost == o.lost {
			return false
		}
		o.begin(lost, now)
	}
	if o.unread > 0 {
		if o.unread -= len(slots); o.unread <= 0 || now.Sub(o.begun) > time.Second {
			o.unread = 0
			o.begin(lost, now)
		}
		return false
	}
	o.received += uint64(len(slots))
	for i := range slots {
		o.vote(source(slots[i].source.Addr()))
	}
	if now.Sub(o.begun) < overloadWindow {
		return false
	}
	changed = o.judge(float64(lost - o.lost))
	o.begin(lost, now)
	if o.running = o.noisiest.IsValid(); changed {
		o.unread = o.room
	}
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
	o.running, o.begun, o.lost, o.received = true, now, lost, 0
	clear(o.shares[:])
}

func (o *overload) place(a netip.Addr) *share {
	b := a.As16()
	return &o.shares[(uint(b[4])*59+uint(b[6])*43+uint(b[7])*37+uint(b[13])*31+uint(b[14])*7+uint(b[15]))%uint(len(o.shares))]
}

func (o *overload) vote(a netip.Addr) {
	s := o.place(a)
	s.n++
	switch {
	case s.addr == a:
		s.votes++
	case s.votes == 0:
		s.addr, s.votes = a, 1
	default:
		s.votes--
	}
}

// judge looks at a window: what was offered is what was received and what the kernel dropped, by the filter or for want of
// room. The latter treats all alike, so the shares of what was received tell what each has sent.
func (o *overload) judge(dropped float64) (changed bool) {
	before, pass, received := o.noisiest, 1.0, float64(o.received)
	if before.IsValid() {
		pass = o.pass
	}
	o.noisiest = netip.Addr{}
	if dropped < received/64 { // nothing to choose
		return before.IsValid()
	}
	noisy, kept := o.offered(before, pass, dropped)
	o.shed += uint64(min((1-pass)*noisy, dropped))
	first, most, next := o.rank(before, noisy, kept)
	room := received * overloadMost
	if kept > 0.97 && pass < 1 { // all that passed was served: how much could be is not known
		room = received * overloadGrowth
	}
	// It is not pressed below the one that comes next: of equals none is the noisiest.
	o.pass = max((room-(received+dropped-most))/most, next/most, overloadLeast)
	if o.pass < 1 {
		o.noisiest = first
	}
	return o.noisiest != before || o.noisiest.IsValid() && (o.pass > pass*17/16 || o.pass < pass*15/16)
}

// offered gives how much the noisiest has sent, of whose datagrams the filter let a part pass, and the part of all that
// passed that found room.
func (o *overload) offered(noisiest netip.Addr, pass, dropped float64) (noisy, kept float64) {
	received := float64(o.received)
	all := received + dropped
	if !noisiest.IsValid() {
		return 0, received / all
	}
	mine := float64(o.place(noisiest).n)
	if mine == 0 { // so little passes that none was seen
		return dropped, 1
	}
	// mine = kept*pass*noisy, and received-mine = kept*(all-noisy)
	noisy = all / (1 + pass*(received-mine)/mine)
	return noisy, min(received/(pass*noisy+all-noisy), 1)
}

// rank gives who has sent most, and how much it and the next one have.
func (o *overload) rank(noisiest netip.Addr, noisy, kept float64) (first netip.Addr, most, next float64) {
	var mine *share
	if first = noisiest; noisiest.IsValid() {
		mine, most = o.place(noisiest), noisy
	}
	for i := range o.shares {
		s := &o.shares[i]
		switch n := float64(s.n) / kept; {
		case s == mine:
		case n > most:
			first, most, next = s.addr, n, most
		default:
			next = max(next, n)
		}
	}
	return first, most, next
}

// sieve tells the kernel whose datagrams to drop. While there is such a source the reader is woken now and then, as
// silence ends it, too.
func (ro *role) sieve() {
	o := &ro.overload
	if ro.batcher.sieve(o.noisiest, o.pass) != nil {
		o.noisiest = netip.Addr{} // the kernel goes on to choose at random
	}
	switch {
	case !o.noisiest.IsValid():
		o.stop()
	case o.timer == nil:
		o.timer = time.AfterFunc(overloadRest, ro.wake)
	}
}

// rest takes the filter away if nothing has come for long.
func (ro *role) rest() {
	switch o := &ro.overload; {
	case !o.noisiest.IsValid():
	case time.Since(o.begun) < overloadRest:
		o.timer.Reset(overloadRest)
	default:
		o.noisiest, o.running, o.unread = netip.Addr{}, false, 0
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
