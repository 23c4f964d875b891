package server

import (
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/radius"
)

// A burster sends late replies of one socket.
type burster interface {
	// send sends the replies that somebody still wants, and gives the number of those that failed.
	send(us []*unanswered) (failed int)
}

// oneByOne is the portable burster.
type oneByOne struct{}

func (oneByOne) send(us []*unanswered) (failed int) {
	for _, u := range us {
		if len(u.reply) > 0 && !u.dead.Load() && sendTo(u.role.conn, u.reply, u.source, u.local, u.oob[:0]) != nil {
			failed++
		}
	}
	return failed
}

// An outbox ends what was parked: it goes on with each request whose record is durable, or whose home server or NAS has
// answered, and sends the answers of those that come together with one system call.
//
// One goroutine at a time holds it, whose stack has grown long ago: what the Forwarder's and the recorder's goroutines
// put here costs them nothing. A request that is about to wait keeps the goroutine, and the outbox passes to a fresh one.
type outbox struct {
	mu    sync.Mutex
	list  []*desk
	ended bool
	wake  chan struct{}
	done  chan struct{}

	turn atomic.Uint64 // changes when the outbox passes on

	// These are the holder's.
	desks   []*desk
	at      int // in desks
	answers []*unanswered
	digests radius.Batch // of the answers
	lines   lines        // about them
	ending  bool
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// add takes a parked request to go on with.
func (o *outbox) add(d *desk) {
	o.mu.Lock()
	o.list = append(o.list, d)
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run holds the outbox until it passes on or ends. A goroutine that takes it over goes on in the middle of the
// desks at hand.
func (o *outbox) run() {
	for {
		for o.at < len(o.desks) {
			if !o.next() {
				return
			}
		}
		o.send()
		if o.ending {
			close(o.done)
			return
		}
		<-o.wake
		o.fill()
	}
}

// together is how many answers wait for one another at most.
const together = 64

// next goes on with one request; false if that one waits, and the outbox is another goroutine's.
func (o *outbox) next() bool {
	d := o.desks[o.at]
	o.desks[o.at] = nil
	o.at++
	d.outbox = o
	turn := o.turn.Load()
	d.resumed()
	if o.turn.Load() != turn { // and the desk may be at another request
		return false
	}
	if len(o.answers) >= together {
		o.send()
	}
	return true
}

// pass gives the outbox to a fresh goroutine: the request on the desk is about to wait on this one.
func (o *outbox) pass(d *desk) {
	d.outbox = nil
	o.turn.Add(1)
	go o.run()
}

func (o *outbox) fill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.desks, o.list, o.at = o.list, o.desks[:0], 0
	o.ending = o.ended
}

// end lets run send what is left and return. All requests are through.
func (o *outbox) end() {
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
	o.signal()
}

// take takes the answer of a request: to be signed, if it is not yet, sent and told of with those that come together.
func (o *outbox) take(r *Request, u *unanswered) {
	if r.way.unsigned && len(u.reply) > 0 {
		o.digests.SignReply(u.reply, &r.Session)
	}
	o.answers = append(o.answers, u)
	u.role.server.log.request(&o.lines, r)
}

// send sends the answers at hand, those of one role together.
func (o *outbox) send() {
	if len(o.answers) == 0 {
		return
	}
	o.digests.Run()
	log, now := o.answers[0].role.server.log, time.Now()
	for list := o.answers; len(list) > 0; {
		ro, n := list[0].role, 0
		for n < len(list) && list[n].role == ro {
			list[n].answered = now
			list[n].repetitions()
			n++
		}
		if failed := ro.burst.send(list[:n]); failed > 0 {
			ro.late.failed(failed)
		}
		ro.finished.post(list[:n]...)
		list = list[n:]
	}
	log.flush(&o.lines)
	clear(o.answers)
	o.answers = o.answers[:0]
}
