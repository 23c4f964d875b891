package program

import (
	"bufio"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrBroken is what a filter gives that ended, printed what is no answer, or is not started again yet.
var ErrBroken = errors.New("the filter is broken")

// A FilterSpec says what a filter is. Equal specs share one process over generations.
type FilterSpec struct {
	Name     string
	Service  string // "auth" or "acct": each has a process of its own
	Command  string // its words, joined by NULs
	Account  Account
	ErrorLog string // absolute path of a file, "" for the server's own log, "none"
	Output   int    // octets of one answer; 0: 64 KiB
	Silent   bool   // it answers nothing: lines are written and that is all
	Workers  int    // processes at most; 0: 1
}

// A Filter is one or more processes that live long: each reads lines and answers each with a line, a status and more.
// A process is started when it is needed, and again when it broke: at once the first time, then ever later.
type Filter struct {
	spec   FilterSpec
	runner *Runner
	turns  chan struct{} // one for each worker at work
	queued atomic.Int64

	mu   sync.Mutex // protects idle
	idle []*worker  // the last one was at work last: so few processes are started as will do

	refs   int // of the runner's mu
	linger *time.Timer
}

// A worker is one process of a filter. It belongs to whoever has taken it.
type worker struct {
	*Filter
	process *process
	in      *os.File
	out     *os.File
	reader  *bufio.Reader
	fails   int       // since the last good answer
	next    time.Time // no start before
	ended   bool
}

const (
	filterQueue = 64 // requests that may wait for one filter
	firstPause  = 100 * time.Millisecond
	longPause   = 30 * time.Second
	lingerTime  = time.Minute // a filter that no generation names lives on for so long
)

// Filter gives the filter of a spec, and keeps it until Release. It starts nothing.
func (r *Runner) Filter(spec FilterSpec) *Filter {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.filters[spec]
	if f == nil {
		f = newFilter(r, spec)
		if !r.closed {
			r.filters[spec] = f
		}
	}
	f.refs++
	if f.linger != nil {
		f.linger.Stop()
		f.linger = nil
	}
	return f
}

// newFilter makes a filter; the caller holds the runner's mu.
func newFilter(r *Runner, spec FilterSpec) *Filter {
	n := max(spec.Workers, 1)
	f := &Filter{spec: spec, runner: r, turns: make(chan struct{}, n)}
	for range n {
		f.idle = append(f.idle, &worker{Filter: f, ended: r.closed})
	}
	return f
}

// take gives an idle worker to whoever has a turn; put takes it back.
func (f *Filter) take() *worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := f.idle[len(f.idle)-1]
	f.idle = f.idle[:len(f.idle)-1]
	return w
}

func (f *Filter) put(w *worker) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = append(f.idle, w)
}

// Release gives the filter back. When nobody has it its process lives on for a minute, for a reload, and is
// ended then.
func (f *Filter) Release() {
	r := f.runner
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.refs--; f.refs == 0 && !r.closed {
		f.linger = time.AfterFunc(lingerTime, f.retire)
	}
}

// retire ends a filter that is still nobody's.
func (f *Filter) retire() {
	r := f.runner
	r.mu.Lock()
	idle := f.refs == 0 && r.filters[f.spec] == f
	if idle {
		delete(r.filters, f.spec)
	}
	r.mu.Unlock()
	if idle {
		f.end()
	}
}

// end kills the processes for good, after the questions at hand.
func (f *Filter) end() {
	f.runner.mu.Lock()
	if f.linger != nil {
		f.linger.Stop()
	}
	f.runner.mu.Unlock()
	for range cap(f.turns) {
		f.turns <- struct{}{}
	}
	for _, w := range f.idle { // all of them, as all turns are taken
		w.stop()
		w.ended = true
	}
	for range cap(f.turns) {
		<-f.turns
	}
}

// Ask gives the filter a line, without its end, and waits for the answer until the deadline: the status and what
// follows it. The error is ErrBusy, ErrDeadline, ErrClosed, ErrOutput, ErrBroken or a *StartError; of a silent
// filter there is no answer but 0. A filter that has not answered in time is killed, for its next line would be
// taken for the answer to another question.
func (f *Filter) Ask(line []byte, deadline time.Time) (status int, rest []byte, err error) {
	if f.queued.Add(1) > filterQueue {
		f.queued.Add(-1)
		return 0, nil, ErrBusy
	}
	defer f.queued.Add(-1)
	if err := f.runner.enter(f.turns, deadline); err != nil {
		return 0, nil, err
	}
	w := f.take()
	defer func() {
		f.put(w)
		<-f.turns
	}()
	f.runner.counters.asked.Add(1)
	return w.ask(line, deadline)
}
