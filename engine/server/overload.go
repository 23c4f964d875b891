package server

import "time"

// overload sheds load while the kernel drops datagrams of a socket: then each request that is not worked on
// makes room for another, and it is better to choose than to lose at random. The newest requests of the
// noisiest client go first, just as many as it takes: the level rises while the kernel drops and falls
// while it doesn't. A client alone is never shed, as nobody would gain; nor are answers to challenges
// (RFC 5080 s2.2.3). It belongs to a role's holder.
type overload struct {
	level    int // sixteenths of the noisiest client's requests that are shed
	noisiest int // its place in shares, -1 if there is none
	lost     uint64
	tick     time.Time
	shares   [64]uint32 // arrivals since the last tick, by client
	turn     int
}

const (
	overloadTick = 50 * time.Millisecond
	overloadMost = 15
)

// begin looks at the kernel's drop counter now and then, before a batch.
func (o *overload) begin(lost uint64, now time.Time) {
	if o.level == 0 && lost == o.lost || now.Sub(o.tick) < overloadTick {
		return
	}
	if lost != o.lost {
		o.level = min(o.level+2, overloadMost)
	} else {
		o.level--
	}
	o.lost, o.tick = lost, now
	o.noisiest = o.find()
	clear(o.shares[:])
}

// find gives the place of the noisiest client, if there are others who would gain.
func (o *overload) find() int {
	most, total := 0, uint32(0)
	for i, n := range o.shares {
		total += n
		if n > o.shares[most] {
			most = i
		}
	}
	if others := total - o.shares[most]; others == 0 || others < total/64 {
		return -1
	}
	return most
}

// shed counts a client's request and reports whether it is to be dropped.
func (o *overload) shed(client int) bool {
	if o.level == 0 {
		return false
	}
	i := client & (len(o.shares) - 1)
	o.shares[i]++
	if i != o.noisiest {
		return false
	}
	o.turn = (o.turn + 1) & 15
	return o.turn < o.level
}
