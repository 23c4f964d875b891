package policy

import (
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

var _ server.Policy = (*Program)(nil)

// Options of Load. Tree, Dir and Dictionary must be set.
type Options struct {
	Tree        *raddb.Tree
	Dir         string                 // of the scripts, as a name of the tree
	Dictionary  *dictionary.Dictionary // not frozen yet: scripts may add to it
	Limits      Limits
	Timeout     time.Duration    // of a request's handler that names none; 1 s
	Now         func() time.Time // of scripts; time.Now
	Log         *slog.Logger     // of scripts and failures; nil: nothing is logged
	Busy        *server.Busy     // told of long computations; may be nil
	HookWaiting int              // requests that may wait in one handler at the same time; 0: any number
	Realms      *proxy.Realms    // what proxy{} may name; nil: not known, nothing is checked
	Clients     *nas.Table       // what proxy{client=} may name; nil: not known, nothing is checked
	Radius      module.Radius    // what the module radius asks; nil: its functions fail
	Programs    []string         // what exec.run may run; nil: not known, nothing is checked
	Backends    Backends         // what the modules of section 7 open; nil: they open nothing
	Timers      *Timers          // due times that live over reloads; nil: timers don't run
	Zone        *time.Location   // of scripts' times; nil: the process's
	Version     string           // perilune.version
	Silent      bool             // no name server is asked
	Advice      bool             // warn also of what is allowed and mostly not meant: for the command check
	// Secret gives the text behind secret("name"); nil: there are none.
	Secret func(name string) (string, error)
}

// Backends is what handles stand for. The Program that has it closes it at its own end.
type Backends interface {
	module.Backends
	// Activate is called when the program's generation is put in place.
	Activate()
	Close()
}

// A Program is the scripts of one generation: compiled, run once to register, and, after Link, resolved.
// It implements server.Policy and users.Names.
type Program struct {
	o       Options
	dict    *dictionary.Dictionary
	names   *names
	scripts []*script
	library library
	failed  bool // Load had errors
	linked  bool
	view    bool              // made by View: test files may read more
	network func()            // of a view: told of what would have left the process
	cover   *sandbox.Coverage // of a view: counts the lines that run; nil: nothing is counted

	handlers                []*handler // in order of registration; a handler's index is its place here
	phases                  [numPhases][]*handler
	huntgroups              map[string]*handler
	rewrites                map[string]*handler
	answers                 map[string]*handler
	authTypes               map[string]*handler
	authNumbers             map[uint32]*handler
	expressions             []*expression
	codecs                  []*codec
	tames                   map[functionPlace]bool
	decides                 map[functionPlace]bool // functions that return a verdict whatever the request is
	literals                []literal              // names in the scripts' text, checked by Link
	literalNames            map[string]*access     // the attributes among them; not changed after Link
	requestNames, listNames map[string]Entry
	globals                 map[string][]string
	registration            []string
	surface                 *surface   // of the API, of all states; nil before the first
	stateSize               int        // of one state, in octets, about
	first                   *Runner    // the state that registered, until Link
	firstUse                sync.Mutex // held while a codec runs in it
	pending                 []*verdict // made while loading, built by Link
	fixed                   []fixed    // verdicts that are always the same, by number

	mu      sync.Mutex // protects idle, least, filling and shut
	idle    []*Runner
	filling bool           // states are being made beforehand
	fillers sync.WaitGroup // of that
	serves  atomic.Bool    // it is the active program
	least   int            // idle states that were never needed since the last Trim
	shut    bool
	stop    func() // ends the timers; nil if none runs

	accounts func() (*users.Accounts, error) // of the system, read once when first asked for

	failures failures // that were logged

	started bool // Start was called: the generation was in place
}

// leastState is what a Lua state takes at least, in octets.
const leastState = 32 << 10

// StateSize gives about what a state of the program takes, in octets.
func (rn *Runner) StateSize() int { return rn.pr.stateSize }

// Has implements server.Policy.
func (pr *Program) Has(p server.Phase) bool { return len(pr.phases[p]) > 0 }

// Acquire implements server.Policy.
func (pr *Program) Acquire() server.Runner {
	pr.mu.Lock()
	pr.fill()
	if n := len(pr.idle); n > 0 {
		rn := pr.idle[n-1]
		pr.idle[n-1] = nil
		pr.idle = pr.idle[:n-1]
		pr.least = min(pr.least, n-1)
		pr.mu.Unlock()
		return rn
	}
	pr.least = 0
	pr.mu.Unlock()
	return pr.newRunner()
}

// spares is how many idle states are made beforehand in a program that serves: with many scripts one takes a
// millisecond, in which a loop that needs it would answer nobody.
const spares = 4

// fill makes states in the background when few are idle. The caller holds mu.
func (pr *Program) fill() {
	if !pr.serves.Load() || pr.shut || pr.filling || len(pr.idle) > spares/2 {
		return
	}
	pr.filling = true
	pr.fillers.Go(func() {
		pr.o.Busy.Enter()
		defer pr.o.Busy.Leave()
		for pr.spare(pr.newRunner()) {
			pr.o.Busy.Yield()
		}
	})
}

// spare files a state that was made beforehand, and reports whether more are wanted.
func (pr *Program) spare(rn *Runner) bool {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.shut {
		rn.close()
		return false
	}
	pr.idle = append(pr.idle, rn)
	pr.filling = len(pr.idle) < spares
	return pr.filling
}

// Trim throws half of the idle states away that were not needed since the last call. What waits needs a state for
// itself, and making one costs as much as a hundred hooks: so as many are kept as waited at a time of late.
func (pr *Program) Trim() {
	pr.mu.Lock()
	n := len(pr.idle)
	keep := n - (pr.least+1)/2
	over := slices.Clone(pr.idle[keep:])
	clear(pr.idle[keep:])
	pr.idle, pr.least = pr.idle[:keep], keep
	pr.mu.Unlock()
	for _, rn := range over {
		rn.close()
	}
}

// Release implements server.Policy.
func (pr *Program) Release(r server.Runner) {
	rn := r.(*Runner)
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.shut || rn.broken() {
		rn.close()
		return
	}
	pr.idle = append(pr.idle, rn)
}

// Close implements server.Policy.
func (pr *Program) Close() {
	pr.serves.Store(false)
	if pr.stop != nil {
		pr.stop()
	}
	if pr.started {
		pr.started = false
		pr.runUnload()
	}
	pr.mu.Lock()
	pr.shut = true
	pr.mu.Unlock()
	pr.fillers.Wait()
	pr.mu.Lock()
	defer pr.mu.Unlock()
	if pr.first != nil {
		pr.first.close()
		pr.first = nil
	}
	for _, rn := range pr.idle {
		rn.close()
	}
	pr.idle = nil
	if pr.o.Backends != nil && !pr.view {
		pr.o.Backends.Close()
	}
}

// Huntgroup implements users.Names.
func (pr *Program) Huntgroup(name string) (ref int, ok bool) { return pr.refOf(pr.huntgroups, name) }

// Rewrite implements users.Names.
func (pr *Program) Rewrite(name string) (ref int, ok bool) { return pr.refOf(pr.rewrites, name) }

// refOf finds a name. If a script failed, what it would have registered is not known: the program will not
// serve, and errors about such names would only hide the one that matters.
func (pr *Program) refOf(m map[string]*handler, name string) (int, bool) {
	h, ok := m[name]
	if !ok {
		return 0, pr.failed
	}
	return h.ref, true
}

// All implements users.Names.
func (pr *Program) All(kind string) iter.Seq[string] {
	m := map[string]map[string]*handler{
		"huntgroup": pr.huntgroups, "rewrite": pr.rewrites, "answer": pr.answers, "auth_type": pr.authTypes,
	}[kind]
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

// A Hook describes one registered handler, for status, check and the summary of a reload.
type Hook struct {
	Kind string // a phase's name, huntgroup, rewrite, auth_type, answer or every
	Name string
	At   raddb.Pos
}

// Hooks gives all handlers in order of registration.
func (pr *Program) Hooks() []Hook {
	list := make([]Hook, len(pr.handlers))
	for i, h := range pr.handlers {
		list[i] = Hook{h.kindName(), h.name, h.at}
	}
	return list
}

// Limits bound each run of a script.
type Limits = sandbox.Limits
