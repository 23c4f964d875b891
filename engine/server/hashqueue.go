package server

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// ErrHashQueue is what Hash gives when too many costly hashes wait already, or the request's time is up
// before its turn comes.
var ErrHashQueue = errors.New("server: too many costly hashes wait already")

// Hash computes a costly password hash: the loop passes on (Detach), and work runs once its turn has come.
// After ErrBusy or ErrHashQueue it has not run; the request is then to be dropped, never rejected: the password
// may be right.
func (r *Request) Hash(work func()) error {
	if err := r.Detach(); err != nil {
		return err
	}
	q := r.way.hashes
	if q == nil {
		work()
		return nil
	}
	if !q.enter(time.Until(r.Deadline)) {
		return ErrHashQueue
	}
	defer q.leave()
	apart(work)
	return nil
}

// apart runs work on a thread of its own, whose priority is low: a hash takes tens of milliseconds in which
// it cannot be asked to yield, and the kernel then gives the processor to the packet loops whenever they want
// it.
func apart(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and so its priority
		lowerPriority()
		work()
	}()
	<-done
}

// A hashQueue bounds how many hashes are computed at once and how many wait for their turn. While one is
// computed the runtime has a processor more for each worker, or Go's scheduler, which preempts after 10 ms
// at the soonest, would let the packet loops wait for the hashes.
type hashQueue struct {
	turns   chan struct{}
	waiting atomic.Int64
	limit   int64
	fixed   bool // the number of processors stays: nobody's packets wait beside this queue

	mu      sync.Mutex // protects all below
	running int
	base    int         // processors before the first hash; 0: not raised
	lower   *time.Timer // gives the processors back some time after the last hash
}

// waitersPerWorker is a second's work at some 15 ms a hash.
const waitersPerWorker = 64

// calmTime is how long after the last hash the processors are given back: to change their number stops the
// world for a moment.
const calmTime = 10 * time.Second

// newHashQueue gives a queue for workers hashes at once (0: one for each processor) and room that wait (0:
// waitersPerWorker for each).
func newHashQueue(workers, room int) *hashQueue {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if room <= 0 {
		room = workers * waitersPerWorker
	}
	return &hashQueue{turns: make(chan struct{}, workers), limit: int64(room)}
}

// enter waits for a turn, at most as long as the request has left, if there is room to wait.
func (q *hashQueue) enter(left time.Duration) bool {
	if q.waiting.Add(1) > q.limit {
		q.waiting.Add(-1)
		return false
	}
	defer q.waiting.Add(-1)
	if !q.turn(left) {
		return false
	}
	q.raise()
	return true
}

// turn waits for a turn, at most so long.
func (q *hashQueue) turn(left time.Duration) bool {
	select {
	case q.turns <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case q.turns <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

func (q *hashQueue) leave() {
	<-q.turns
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running--; q.running == 0 && !q.fixed {
		q.lower = time.AfterFunc(calmTime, q.calm)
	}
}

func (q *hashQueue) raise() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running++
	if q.fixed {
		return
	}
	if q.lower != nil {
		q.lower.Stop()
		q.lower = nil
	}
	if q.base == 0 {
		q.base = runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(q.base + cap(q.turns))
	}
}

// calm gives the processors back.
func (q *hashQueue) calm() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running == 0 && q.base != 0 {
		runtime.GOMAXPROCS(q.base)
		q.base = 0
	}
}

// close gives the processors back at once. No hash may be under way.
func (q *hashQueue) close() {
	q.mu.Lock()
	if q.lower != nil {
		q.lower.Stop()
	}
	q.mu.Unlock()
	q.calm()
}
