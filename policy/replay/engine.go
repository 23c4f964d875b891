package replay

import (
	"errors"
	"hash/maphash"
	"iter"
	"runtime"
	"strings"
	"time"

	"perilune/engine/config"
	"perilune/engine/server"
	"perilune/policy"
	"perilune/policy/backend"
)

// A Subject is the generation that decides requests again. All stays the caller's.
type Subject struct {
	Generation *server.Generation
	Program    *policy.Program // its scripts, linked
	Backend    config.Backend  // its table [backend], which says what tables are elsewhere
}

// Options of an Engine. All may be zero.
type Options struct {
	Workers  int          // 0: one for each processor; 1 if the policy keeps tables or windows, whose order counts
	Examples int          // of each group in the report; 0: 3
	Busy     *server.Busy // told of the computation; may be nil
}

// An Engine runs cases through a generation. It is used by one goroutine.
type Engine struct {
	subject Subject
	o       Options
	report  *gatherer
	workers []*worker
	seed    maphash.Seed
	serial  int
	began   time.Time
}

// New makes an engine, ready for cases.
func New(s Subject, o Options) *Engine {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	e := &Engine{subject: s, o: o, report: newGatherer(o.Examples), seed: maphash.MakeSeed(), began: time.Now()}
	first := newWorker(e)
	if first.keepsState() {
		e.o.Workers = 1
	}
	e.workers = append(e.workers, first)
	for len(e.workers) < e.o.Workers {
		e.workers = append(e.workers, newWorker(e))
	}
	for _, w := range e.workers {
		w.start()
	}
	return e
}

// Put hands a case to the worker of its user, so that the requests of one are decided in order. It blocks while that
// has too much to do.
func (e *Engine) Put(c *Case) {
	e.serial++
	c.serial = e.serial
	w := e.workers[0]
	if n := len(e.workers); n > 1 {
		w = e.workers[maphash.String(e.seed, c.chain())%uint64(n)]
	}
	w.in <- c
}

// Broken counts what is no case.
func (e *Engine) Broken(err error) { e.report.broken(err) }

// Close waits for all cases, frees what the engine holds, and gives the report.
func (e *Engine) Close() *Report {
	for _, w := range e.workers {
		close(w.in)
	}
	for _, w := range e.workers {
		<-w.done
	}
	return e.report.report(time.Since(e.began))
}

// Run puts all cases of a sequence, and gives the first error that is not about one line.
func (e *Engine) Run(cases iter.Seq2[*Case, error]) error {
	for c, err := range cases {
		var line *LineError
		switch {
		case err == nil:
			e.Put(c)
		case errors.As(err, &line):
			e.Broken(err)
		default:
			return err
		}
	}
	return nil
}

// chain gives what orders a case: those with the same one are decided one after the other.
func (c *Case) chain() string {
	if c.User == "" {
		for _, t := range c.Texts {
			if name, ok := strings.CutPrefix(t, `User-Name = "`); ok {
				c.User = strings.TrimSuffix(name, `"`)
				break
			}
		}
	}
	return strings.ToLower(c.User)
}

// A worker decides cases, one at a time, at the time when each was decided first.
type worker struct {
	e       *Engine
	in      chan *Case
	done    chan struct{}
	now     time.Time
	open    *opened
	view    *policy.Program
	gen     *server.Generation
	offline *server.Offline
	current *Case
	known   *server.Recorded
	rounds  rounds
	ran     int
}

// queued bounds the cases that wait for a worker.
const queued = 256

func newWorker(e *Engine) *worker {
	w := &worker{e: e, in: make(chan *Case, queued), done: make(chan struct{}), now: time.Now(), rounds: rounds{states: map[string][]byte{}}}
	g := e.subject.Generation
	w.view = e.subject.Program.View(w.clock, nil, w.asked)
	w.open = &opened{Backends: backend.Recalled(backend.New(w.clock, nil).Lease(backend.Settings{Backend: config.Backend{KV: e.subject.Backend.KV}, Memory: true}))}
	w.view.SetBackends(w.open)
	w.view.SetRadius(world{w})
	w.gen = &server.Generation{
		Number: g.Number, Hash: g.Hash, Loaded: g.Loaded, Dictionary: g.Dictionary, Clients: g.Clients, Realms: g.Realms, Users: g.Users,
		Accounts: g.Accounts, Policy: w.view, Settings: g.Settings, Programs: g.Programs,
	}
	w.renew()
	return w
}

// renewAfter bounds what the sessions of replayed accounting hold.
const renewAfter = 100_000

// renew begins with an empty table of sessions. Rounds of challenges that are open then are lost.
func (w *worker) renew() {
	w.offline, w.ran = server.NewOffline(w.clock), 0
	w.offline.Home, w.offline.NAS = w.home, w.nas
	w.rounds.forget()
}

// keepsState reports whether the scripts open tables or windows.
func (w *worker) keepsState() bool {
	w.view.Release(w.view.Acquire())
	return w.open.state
}

func (w *worker) clock() time.Time { return w.now }

func (w *worker) start() {
	go func() {
		defer close(w.done)
		defer w.close()
		for c := range w.in {
			w.e.o.Busy.Enter()
			f := w.decide(c)
			w.e.o.Busy.Leave()
			w.e.report.add(c, f)
			w.e.o.Busy.Yield()
		}
	}()
}

func (w *worker) close() {
	w.view.Close()
	w.open.Close()
}

// missed notes what the case at hand wants and does not know.
func (w *worker) missed(what string) {
	if w.known != nil {
		w.known.Missed(what)
	}
}

// asked is told of what would have left the process.
func (w *worker) asked() { w.missed("the answer of a name server") }
