package server

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// overload chooses who loses while more comes than the server can serve. Left alone the kernel drops at random what finds
// the receive buffer full, so that nine of ten requests of every NAS are lost if one of them sends ten times too much. So
// each loop has a second socket, its lane, and while datagrams are lost the kernel steers those of the noisiest sources
// there. The loop reads the lane after the socket of all others: whatever is too much is lost in the lane, the others find
// room and wait for nobody, and nothing that the server could do is left undone. Whoever is steered without need still has
// all that is left. It belongs to a role's holder.
//
// Status-Server, and packets with a State (RFC 5080 s2.2.3), are not steered, unless it is with them that a source floods.
type overload struct {
	held  [overloadSources]held // who is steered: the first of them
	n     int
	most  int     // so many are steered at most
	room  int     // datagrams that fit the receive buffer at most
	least float64 // the part of a batch that is the lane's in any case; beside that it has at least one datagram

	running  bool // a window is being measured
	begun    time.Time
	before   intake // as the window began
	received uint64 // since, by the lane too
	laned    uint64 // of these, by the lane
	shares   [64]share
}

// A held is a source whose datagrams the kernel steers into the lane.
type held struct {
	addr netip.Addr
	all  bool // Status-Server and State too

	n      uint64        // how many came by the lane in this window,
	spared uint64        // and how many did not
	behind int           // datagrams that may stand in the loop's own socket since before it was steered
	fits   time.Duration // for how long it could have gone without
}

// A share counts the datagrams of the addresses that have one place, and votes for one that has the majority of them.
type share struct {
	addr  netip.Addr
	votes uint32
	n     uint64
}

// known reports whether most of a share's datagrams are of its address.
func (s *share) known() bool { return s.votes > uint32(s.n/2) }

// An intake says how the last batch came, and what the kernel has dropped.
type intake struct {
	lane             int    // datagrams of the batch, its last, that came by the lane
	lost, lostInLane uint64 // since the sockets were opened
}

const (
	overloadWindow  = 20 * time.Millisecond  // a window is as long at least,
	overloadLongest = 200 * time.Millisecond // and no longer once
	overloadEnough  = 512                    // datagrams were received
	overloadRest    = time.Second            // a source is steered for as long at least, and nobody after as long a silence
	overloadSources = 8                      // as many are steered at most,
	overloadNotable = 32                     // and nobody who sends less than this part of what comes
)

// count looks at a batch's senders, and at what the kernel has dropped. It reports whether others are to be steered, or the
// lane's least part is another. Nothing is counted unless the kernel drops.
func (o *overload) count(slots []slot, in intake, now time.Time) (changed bool) {
	if !o.running {
		if in.lost == o.before.lost {
			return false
		}
		o.begin(in, now)
	}
	o.received += uint64(len(slots))
	o.laned += uint64(in.lane)
	quiet := len(slots) - in.lane
	for i := range slots {
		a := source(slots[i].source.Addr())
		if h := o.steered(a); h == nil {
			o.vote(a)
		} else if i < quiet {
			h.spared++
		} else {
			h.n++
		}
	}
	took := now.Sub(o.begun)
	if took < overloadWindow || o.received < overloadEnough && took < overloadLongest {
		return false
	}
	changed = o.judge(in, took)
	more := o.n > 0 || in.lost != o.before.lost
	o.begin(in, now)
	o.running = more
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

func (o *overload) begin(in intake, now time.Time) {
	o.running, o.begun, o.before, o.received, o.laned = true, now, in, 0, 0
	clear(o.shares[:])
	for i := range o.held[:o.n] {
		o.held[i].n, o.held[i].spared = 0, 0
	}
}

// steered gives the place of a source that is steered, else nil.
func (o *overload) steered(a netip.Addr) *held {
	for i := range o.held[:o.n] {
		if o.held[i].addr == a {
			return &o.held[i]
		}
	}
	return nil
}

func (o *overload) vote(a netip.Addr) {
	b := a.As16()
	s := &o.shares[(uint(b[4])*59+uint(b[6])*43+uint(b[7])*37+uint(b[13])*31+uint(b[14])*7+uint(b[15]))%uint(len(o.shares))]
	switch {
	case s.addr == a:
		s.votes++
	case s.votes == 0:
		s.addr, s.votes = a, 1
	default:
		s.votes--
	}
	s.n++
}

// judge looks at a window. What was lost for want of room hit all alike who had the same buffer, so the parts of what was
// received tell what each has sent.
func (o *overload) judge(in intake, took time.Duration) (changed bool) {
	w := window{took: took, received: float64(o.received), quiet: float64(o.received - o.laned), lane: float64(o.laned),
		lost: float64(in.lost - o.before.lost), lostInLane: float64(in.lostInLane - o.before.lostInLane)}
	settled := o.settle(&w)
	switch {
	case w.lost <= w.quiet/64:
	case !settled:
		return false
	default:
		added := o.add(&w)
		return o.reserve(&w, !added) || added
	}
	released := o.release(&w)
	return o.reserve(&w, false) || released
}

// A window is what a loop received and the kernel dropped in a time, in datagrams.
type window struct {
	took             time.Duration
	received         float64 // all of them,
	quiet, lane      float64 // by the one socket and the other
	lost, lostInLane float64
}

// settle reports whether all that came before the last was steered is read: until then it is lost, and loses others, beside
// the lane.
func (o *overload) settle(w *window) bool {
	settled := true
	for i := range o.held[:o.n] {
		h := &o.held[i]
		h.behind = max(0, h.behind-int(w.quiet))
		settled = settled && h.behind == 0
	}
	return settled
}

// add steers the noisiest of those that came beside the lane, and no more of them than must go for the others to find room,
// but all that send about as much: of equals none is noisy.
func (o *overload) add(w *window) (added bool) {
	var ranked [len(o.shares)]*share
	for i := range o.shares {
		ranked[i] = &o.shares[i]
	}
	slices.SortFunc(ranked[:], func(a, b *share) int { return cmp.Compare(b.n, a.n) })
	each := (w.quiet + w.lost) / max(w.quiet, 1) // sent for each that was received
	over, last := w.lost, uint64(0)
	for i := range o.held[:o.n] {
		if h := &o.held[i]; !h.all && float64(h.spared) > w.quiet/2 { // it floods with what is spared
			h.all, h.behind, h.fits, added = true, o.room, 0, true
			over -= float64(h.spared) * each
		}
	}
	for _, s := range ranked {
		if over <= 0 && (last == 0 || s.n < last*3/4) || float64(s.n)*overloadNotable < w.received {
			break
		}
		if s.known() && o.hold(s.addr) {
			added, over, last = true, over-float64(s.n)*each, s.n
		}
	}
	return added
}

// hold steers a source; it is false if there is no place.
func (o *overload) hold(a netip.Addr) bool {
	if o.n == o.most {
		return false
	}
	o.held[o.n] = held{addr: a, behind: o.room}
	o.n++
	return true
}

// release ends the steering of one source that would find room with the others, for as long as overloadRest: the one that
// sends least.
func (o *overload) release(w *window) (released bool) {
	least := -1
	for i := range o.held[:o.n] {
		h := &o.held[i]
		h.fits += w.took
		if w.lostInLane > w.lane/64 && !o.fits(i, w) {
			h.fits = 0
		}
		if h.fits >= overloadRest && (least < 0 || h.n < o.held[least].n) {
			least = i
		}
	}
	if least < 0 {
		return false
	}
	o.n--
	o.held[least] = o.held[o.n]
	return true
}

// fits reports whether a source could do without the lane while others flood it: it is not one of equals, and there is room.
func (o *overload) fits(i int, w *window) bool {
	most := uint64(0)
	for j := range o.held[:o.n] {
		if j != i {
			most = max(most, o.held[j].n)
		}
	}
	n := o.held[i].n
	each := (w.lane + w.lostInLane) / max(w.lane, 1)
	return n < most*3/4 && float64(n)*each+w.quiet+w.lost <= w.received*7/8
}

// reserve keeps a part of each batch for the lane while the others are too many without anybody who stands out: as much for
// each who is steered as the noisiest of those who are not has. It reports another part.
func (o *overload) reserve(w *window, crowded bool) (changed bool) {
	before := o.least
	o.least = 0
	if crowded {
		var most uint64
		for i := range o.shares {
			if s := &o.shares[i]; s.known() {
				most = max(most, s.n)
			}
		}
		all := float64(uint64(o.n) * most)
		o.least = min(all/max(all+w.quiet, 1), 15./16)
	}
	return o.least > before*17/16 || o.least < before*15/16
}

// steer tells the kernel and the batcher. If the kernel refuses it goes on as before.
func (ro *role) steer() (ok bool) {
	o := &ro.overload
	err := ro.batcher.steer(o.held[:o.n], o.least)
	if err != nil {
		ro.server.options.Events.Debug("the kernel does not steer noisy sources", "error", err)
	}
	return err == nil
}

// rest steers nobody any more after a silence.
func (ro *role) rest() {
	o := &ro.overload
	if o.n == 0 || time.Since(o.begun) < overloadRest {
		return
	}
	n := o.n
	o.n, o.least, o.running = 0, 0, false
	if !ro.steer() {
		o.n, o.running, o.begun = n, true, time.Now() // again after as long
	}
}
