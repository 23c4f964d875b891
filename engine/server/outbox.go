package server

import (
	"sync"
	"sync/atomic"
	"time"
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

// An outbox ends what was parked. It goes on with requests whose home server or NAS has answered, and sends answers
// that come together, those of accounting records committed as a group too, with one system call.
//
// One goroutine at a time holds it, whose stack has grown long ago: what the Forwarder's and the recorder's goroutines
// put here costs them nothing. A request that is about to wait keeps the goroutine, and the outbox passes to a fresh one.
type outbox struct {
	mu      sync.Mutex
	resumed []*desk
	list    []*unanswered
	ended   bool
	wake    chan struct{}
	done    chan struct{}

	turn atomic.Uint64 // changes when the outbox passes on

	// These are the holder's.
	desks   []*desk
	at      int // in desks
	answers []*unanswered
	sending []*unanswered
	ending  bool
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// add takes an answer to be sent.
func (o *outbox) add(u *unanswered) {
	o.mu.Lock()
	o.list = append(o.list, u)
	o.mu.Unlock()
	o.signal()
}

// resume takes a parked request to go on with.
func (o *outbox) resume(d *desk) {
	o.mu.Lock()
	o.resumed = append(o.resumed, d)
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
		o.deliver()
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
		o.deliver()
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
	o.desks, o.resumed, o.at = o.resumed, o.desks[:0], 0
	o.sending, o.list = o.list, o.sending[:0]
	o.ending = o.ended
}

// deliver sends the answers at hand.
func (o *outbox) deliver() {
	deliver(o.sending)
	deliver(o.answers)
	clear(o.sending)
	clear(o.answers)
	o.sending, o.answers = o.sending[:0], o.answers[:0]
}

// end lets run send what is left and return. All requests are through.
func (o *outbox) end() {
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
	o.signal()
}

// deliver sends replies, those of one role together.
func deliver(list []*unanswered) {
	now := time.Now()
	for len(list) > 0 {
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
}
