package program

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// How a run can end without an exit status.
var (
	// ErrBusy: as many programs run as may, and no turn came in time. Nothing was run.
	ErrBusy = errors.New("too many programs run already")
	// ErrDeadline: the time was up and the program was killed.
	ErrDeadline = errors.New("killed at its deadline")
	// ErrOutput: the program printed more than it may and was killed.
	ErrOutput = errors.New("killed for printing more than it may")
	// ErrClosed: the server stops.
	ErrClosed = errors.New("the server stops")
)

// A StartError says why a program cannot be run at all.
type StartError struct {
	Path string
	Err  error
}

// Error names the program and the reason.
func (e *StartError) Error() string { return "cannot run " + e.Path + ": " + e.Reason() }

// Reason gives the reason alone.
func (e *StartError) Reason() string { return reason(e.Err) }

// Unwrap gives the system's error.
func (e *StartError) Unwrap() error { return e.Err }

// Options of NewRunner.
type Options struct {
	Max     int          // programs at once that somebody waits for, and as many others; 0: 32
	Waiting int          // that may wait for their turn; 0: 16 for each of Max
	Backlog int          // programs that nobody waits for and that have not ended; 0: 256
	Log     *slog.Logger // of filters and of programs that nobody waits for; nil: nothing is logged
}

// A Runner runs programs. It outlives generations. Its methods are safe for use by many goroutines.
type Runner struct {
	o        Options
	log      *slog.Logger
	turns    chan struct{} // of those that somebody waits for
	asides   chan struct{} // of the others
	waiting  atomic.Int64
	backlog  atomic.Int64
	counters counters
	stop     chan struct{}  // closed by Close
	work     sync.WaitGroup // runs
	tells    sync.WaitGroup // readers of filters' standard error

	mu      sync.Mutex // protects all below
	closed  bool
	running map[*process]struct{}
	filters map[FilterSpec]*Filter
}

const (
	defaultMax     = 32
	waitingPerTurn = 16
	defaultBacklog = 256
)

// NewRunner gives a Runner, to be closed.
func NewRunner(o Options) *Runner {
	if o.Max <= 0 {
		o.Max = defaultMax
	}
	if o.Waiting <= 0 {
		o.Waiting = o.Max * waitingPerTurn
	}
	if o.Backlog <= 0 {
		o.Backlog = defaultBacklog
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	closeOnExec()
	return &Runner{
		o: o, log: o.Log, turns: make(chan struct{}, o.Max), asides: make(chan struct{}, o.Max), stop: make(chan struct{}),
		running: map[*process]struct{}{}, filters: map[FilterSpec]*Filter{},
	}
}

// enter waits for a turn, at most until the deadline.
func (r *Runner) enter(turns chan struct{}, deadline time.Time) error {
	select {
	case turns <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case turns <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-r.stop:
		return ErrClosed
	}
}

// add notes a process as running; false once the Runner is closed.
func (r *Runner) add(p *process) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.running[p] = struct{}{}
	}
	return !r.closed
}

func (r *Runner) remove(p *process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, p)
}

// closeGrace is how long Close leaves to programs that run, most of which nobody waits for any more.
const closeGrace = time.Second

// Close gives what runs a second to end, kills the rest, ends the filters and waits for all. Programs that wait for
// their turn are not run. Further calls wait for the first.
func (r *Runner) Close() {
	if r.shut() {
		r.await(closeGrace)
		for _, f := range r.takeFilters() {
			f.end()
		}
	}
	r.work.Wait()
	r.tells.Wait()
}

// shut lets nothing new begin; false if that was done before.
func (r *Runner) shut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.closed = true
	close(r.stop)
	return true
}

// await waits for what runs, and kills it when the time is up.
func (r *Runner) await(grace time.Duration) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.work.Wait()
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-over:
		return
	case <-timer.C:
	}
	r.mu.Lock()
	for p := range r.running {
		p.kill()
	}
	r.mu.Unlock()
	<-over
}

// takeFilters gives all filters and forgets them.
func (r *Runner) takeFilters() (all []*Filter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.filters {
		all = append(all, f)
	}
	clear(r.filters)
	return all
}
