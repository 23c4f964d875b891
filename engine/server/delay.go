package server

import (
	"container/heap"
	"sync"
	"time"
)

// delays holds rejects back for a while, so that guessing passwords is slow. A waiting reject is a mark and
// some octets: no goroutine, no desk. When the list is full the reject that is due first goes out early.
type delays struct {
	mu    sync.Mutex
	queue queue
	ended bool

	bound int
	wake  chan struct{} // a reject is due before the others, or the end has come
	done  chan struct{} // run has ended
}

func newDelays(bound int) *delays {
	return &delays{bound: bound, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// add takes a reject whose reply is complete. Nothing may touch u afterwards.
func (d *delays) add(u *unanswered, due time.Time) {
	now := d.enqueue(u, due)
	if now != nil {
		now.send()
	}
}

// enqueue gives the reject that must go out at once, if any.
func (d *delays) enqueue(u *unanswered, due time.Time) (now *unanswered) {
	u.due = due
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		return u
	}
	if len(d.queue) >= d.bound {
		now = heap.Pop(&d.queue).(*unanswered)
	}
	heap.Push(&d.queue, u)
	if d.queue[0] == u {
		d.signal()
	}
	return now
}

func (d *delays) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run sends what is due until flush.
func (d *delays) run() {
	defer close(d.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, next, ended := d.take(time.Now())
		for _, u := range due {
			u.send()
		}
		if ended {
			return
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-d.wake:
		}
	}
}

// grain is how much earlier than asked a reject may go, so that one wake-up serves many.
const grain = 5 * time.Millisecond

// take gives what is due and the time to the next one.
func (d *delays) take(now time.Time) (due []*unanswered, next time.Duration, ended bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.queue) > 0 && (d.ended || d.queue[0].due.Before(now.Add(grain))) {
		due = append(due, heap.Pop(&d.queue).(*unanswered))
	}
	next = time.Hour
	if len(d.queue) > 0 {
		next = d.queue[0].due.Sub(now)
	}
	return due, next, d.ended
}

// end sends all at once: the server stops. Rejects that come later are not held back any more.
func (d *delays) end() {
	d.mu.Lock()
	d.ended = true
	d.signal()
	d.mu.Unlock()
}

func (d *delays) len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queue)
}

// queue implements heap.Interface by the time that rejects are due.
type queue []*unanswered

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(u any)        { *q = append(*q, u.(*unanswered)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	u := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return u
}
