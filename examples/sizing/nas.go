package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// A nas is one that sets up sessions: at a bounded rate, with a bounded number of requests out. Each login that is accepted
// is followed by the session's Start.
type nas struct {
	node, loop int
	spare      int // the node that its packets go to when the first one is dead and that is noticed

	logins, come int           // that begin by themselves; of these have come
	over         int64         // within this time, evenly
	again        []retry       // failed ones, in the order in which they come again
	every        int64         // between two Interims; 0: none
	nextDial     int64         // not before
	dialing      bool          // an event is under way
	out          [2]int        // requests
	records      int           // that wait until they may go out
	late         time.Duration // of the first login, so that NASes do not beat together
}

// A retry is a login that has failed.
type retry struct{ at, began int64 }

// take takes the login that is first in the line and gives when it began; if it comes later than now, it stays there, and take gives when it comes.
func (n *nas) take(now int64) (at int64, ok bool) {
	at = n.nextCome()
	if len(n.again) > 0 && n.again[0].at <= at {
		first := n.again[0]
		if first.at > now {
			return first.at, false
		}
		n.again = n.again[1:]
		return first.began, true
	}
	if at > now {
		return at, false
	}
	n.come++
	return at, true
}

func (n *nas) nextCome() int64 {
	if n.come >= n.logins {
		return math.MaxInt64
	}
	return int64(n.late) + int64(float64(n.over)*float64(n.come)/float64(n.logins))
}

const (
	access  = 0 // Access-Request
	account = 1 // Accounting-Request
)

// A request is out, or was given up.
type request struct {
	nas   int32
	kind  uint8
	tries int8
	began int64 // the login, or when the record was made
	done  int64 // when its answer is at the NAS; 0: no packet of it was taken yet
}

// Kinds of events, in the order in which they happen if they do at the same time.
const (
	answered = iota
	timedOut
	dials
	interims
)

// A cell is NASes before the nodes that answer them.
type cell struct {
	w     *workload
	work  [2]int64 // of an Access-Request, of a record
	again int64    // of a repetition
	place int64    // time that the database takes to count the sessions of a login; 0: it is not asked
	loops [][]loop // of each node
	gone  int64    // when node 0 dies
	free  int64    // when the database can be asked for the next login
	pause int64    // until when it is not asked, as it did not answer in time

	nases    []nas
	requests []request
	unused   []int32
	queue    events
	chance   *rand.Rand
	end      int64 // of Interims
	result   outcome
}

// An outcome is what became of a cell's logins and records.
type outcome struct {
	logins, records, gaveUp, recordsLost, repeated, unasked int
	took                                                    []int // logins by how long they took, in steps
	worst, last                                             int64
	starts                                                  []int // records by the second in which they were answered
}

// step is the width of a place in outcome.took.
const step = int64(10 * time.Millisecond)

// newCell gives NASes with so many logins each within a time, in front of so many nodes.
func newCell(w *workload, c *costs, nodes, nases, logins int, over time.Duration) *cell {
	r := &cell{w: w, work: [2]int64{int64(c.login + c.hook), int64(c.record)}, again: int64(c.duplicate), gone: math.MaxInt64,
		loops: make([][]loop, nodes), nases: make([]nas, nases), chance: rand.New(rand.NewPCG(w.seed, 1))}
	if w.limited {
		r.place = int64(c.place)
	}
	for i := range r.loops {
		r.loops[i] = make([]loop, w.cores)
		for j := range r.loops[i] {
			r.loops[i][j] = loop{room: max(1, int(c.buffer)), deadFrom: math.MaxInt64}
		}
	}
	for i := range r.nases {
		node := r.chance.IntN(nodes)
		r.nases[i] = nas{node: node, spare: (node + 1 + r.chance.IntN(max(1, nodes-1))) % nodes, loop: r.chance.IntN(w.cores),
			logins: logins, over: int64(over), late: time.Duration(r.chance.Int64N(int64(time.Second)))}
		r.dial(0, int32(i))
	}
	return r
}

// play goes on to the end, or for a day.
func (r *cell) play() *outcome {
	for len(r.queue) > 0 && r.queue[0].at < int64(24*time.Hour) {
		switch e := r.queue.pop(); e.kind {
		case answered:
			r.finish(e.at, e.id)
		case timedOut:
			r.timeout(e.at, e.id)
		case dials:
			r.nases[e.id].dialing = false
			r.dial(e.at, e.id)
		case interims:
			r.nases[e.id].records++
			r.account(e.at, e.id)
			if next := e.at + r.nases[e.id].every; next < r.end {
				r.queue.push(event{next, interims, e.id})
			}
		}
	}
	return &r.result
}

// dial sets up the next session, if there is one and the NAS may, and says when it is to look again.
func (r *cell) dial(now int64, id int32) {
	n := &r.nases[id]
	if n.dialing || n.out[access] >= r.w.window {
		return
	}
	at := n.nextDial
	if now >= at {
		next, ok := n.take(now)
		if at = next; ok {
			r.open(now, id, access, next)
			at = now + int64(time.Second)/int64(r.w.rate)
			n.nextDial = at
		}
	}
	if at < math.MaxInt64 {
		n.dialing = true
		r.queue.push(event{at, dials, id})
	}
}

// account sends the records that wait, as far as the NAS may.
func (r *cell) account(now int64, id int32) {
	for n := &r.nases[id]; n.records > 0 && n.out[account] < r.w.window; n.records-- {
		r.open(now, id, account, now)
	}
}
