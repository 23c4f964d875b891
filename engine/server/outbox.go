package server

import (
	"sync"
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

// An outbox sends the answers to accounting requests whose records were committed as a group. The recorder's
// goroutine only puts them here, one after the other; then all leave with one system call.
type outbox struct {
	mu    sync.Mutex
	list  []*unanswered
	ended bool
	wake  chan struct{}
	done  chan struct{}
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (o *outbox) add(u *unanswered) {
	o.mu.Lock()
	o.list = append(o.list, u)
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run sends until end.
func (o *outbox) run() {
	defer close(o.done)
	var list []*unanswered
	for range o.wake {
		o.mu.Lock()
		list, o.list = o.list, list[:0]
		ended := o.ended
		o.mu.Unlock()
		deliver(list)
		clear(list)
		if ended {
			return
		}
	}
}

// end lets run send what is left and return.
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
