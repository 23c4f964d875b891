package reload

import (
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/config"
	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy"
	"perilune/policy/backend"
)

// Options of a Reloader.
type Options struct {
	Root     string // the raddb directory
	Scripts  string // overrides [policy] scripts; "" keeps it
	State    string // overrides [state] dir; "" keeps it
	Version  string // of the program, stamped on what is kept
	Strict   bool   // a broken tree at start is refused; otherwise the last good generation starts, loudly
	Log      *slog.Logger
	Busy     *server.Busy
	Full     func() bool    // of sandbox.Limits; may be nil
	Resolver nas.Resolver   // of host names; nil: the system's
	Radius   policy.Radius  // what the module radius asks; nil: its functions fail
	Backends *backend.Pools // that outlive generations; nil: pools of its own

	Silent bool // scripts ask no name server

	// Wrap changes what scripts ask; nil: nothing.
	Wrap func(backend.Backends) backend.Backends
}

// A Reloader makes generations and puts them in place. One build runs at a time. Close frees what it holds.
type Reloader struct {
	o        Options
	build    builder
	logger   atomic.Pointer[slog.Logger]
	settled  chan struct{}    // told when a generation was put in place
	noEvents bool             // poll alone
	remind   time.Duration    // how often the log repeats that the server is degraded
	resolved time.Duration    // how often names are looked up; 0: as [clients] resolve says
	swap     func(*Candidate) // set by Attach; nil: nothing serves yet

	aside sync.WaitGroup // of what Attach leaves to be done

	building  sync.Mutex // held for a whole attempt; protects all up to mu
	active    *Candidate
	keptFiles bool        // the attempt does not look at the files on disk: what was wrong with them still is
	tried     fingerprint // what the last attempt read
	eye       *eye
	store     *Store
	unkept    func() // writes the active generation to the store; nil: that is done
	unlock    func()

	confirm     time.Duration // the attempt must be confirmed in this time; 0: it need not
	unconfirmed *Unconfirmed  // nil: the active generation stays
	patience    *time.Timer   // until it is taken back
	shadowing   atomic.Bool

	mu      sync.Mutex // protects what Status tells, and queued
	status  Status
	number  uint64
	queued  *flight // waits for the build that runs
	kept    uint64  // generation that was read from the store; 0: the files'
	closing bool
	turned  chan struct{} // closed when another generation is put in place; nil: nobody waits
}

// New prepares a reloader; nothing is read yet.
func New(o Options) (*Reloader, error) {
	for _, dir := range []*string{&o.Root, &o.Scripts, &o.State} {
		if *dir == "" && dir != &o.Root {
			continue
		}
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return nil, err
		}
		*dir = abs
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Backends == nil {
		o.Backends = backend.New(time.Now, o.Log)
	}
	b := builder{o: o, timers: new(policy.Timers), memory: openAddresses("")}
	r := &Reloader{o: o, build: b, eye: newEye(), settled: make(chan struct{}, 1), remind: time.Minute, unlock: func() {}}
	r.logger.Store(o.Log)
	return r, nil
}

// Start builds the first generation from the files, or, if they are broken and Strict is unset, from the
// last good one that is kept in the state directory. The error is a raddb.List where the files are to
// blame; ErrLocked if another server uses the state directory.
func (r *Reloader) Start() (*Candidate, error) {
	r.building.Lock()
	defer r.building.Unlock()
	began := time.Now()
	var ignored raddb.List // the build tells them again
	if err := r.openStore(config.Load(raddb.Open(r.o.Root), &ignored)); err != nil {
		return nil, err
	}
	c, errs := r.fromDisk()
	if before := r.startBefore(c, began); before != nil {
		c.Discard()
		return before, nil
	}
	if c != nil {
		errs = append(errs, c.Program.RunLoad()...)
	}
	if !errs.Failed() {
		r.accept(c, Report{Trigger: "start", Time: began, Took: time.Since(began), Warnings: texts(errs)})
		return c, nil
	}
	c.Discard()
	if !r.o.Strict && r.startFromLastGood(errs, began) {
		return r.active, nil
	}
	return nil, errs
}

// openStore locks the state directory and opens what is kept in it. It is found also if the settings are
// broken.
func (r *Reloader) openStore(c *config.Config) (err error) {
	dir := stateDir(r.o, c)
	if r.unlock, err = lockDirectory(dir); err != nil {
		r.unlock = func() {}
		return err
	}
	if r.store, err = OpenStore(filepath.Join(dir, "generations"), r.o.Busy); err != nil {
		return err
	}
	r.build.memory.keepIn(filepath.Join(dir, "addresses.json"))
	for _, m := range r.store.Manifests() {
		r.number = max(r.number, m.Number)
	}
	return nil
}

// startFromLastGood tries what is kept, the newest first, and reports whether one of them loads.
func (r *Reloader) startFromLastGood(errs raddb.List, began time.Time) bool {
	refused := r.store.Unconfirmed()
	for _, m := range r.store.Manifests() {
		if refused != nil && m.Hash == refused.Hash {
			continue // nobody has confirmed it
		}
		c, why := r.fromStore(m)
		if c != nil {
			why = append(why, c.Program.RunLoad()...)
		}
		if why.Failed() {
			c.Discard()
			r.log().Warn("a generation that is kept cannot be used", "generation", m.Number, "error", why)
			continue
		}
		r.log().Error("DEGRADED: the files are broken; serving the last good generation", "generation", m.Number, "from", m.Time)
		r.accept(c, Report{Trigger: "start from the last good generation", Time: began, Took: time.Since(began), Warnings: texts(why)})
		r.mu.Lock()
		r.kept = m.Number
		r.mu.Unlock()
		r.refuse(Report{Trigger: "start", Time: began, Took: time.Since(began), From: c.Number, To: c.Number, Errors: texts(errs)})
		return true
	}
	return false
}

// SetLog changes where messages go.
func (r *Reloader) SetLog(log *slog.Logger) {
	r.building.Lock()
	defer r.building.Unlock()
	r.logger.Store(log)
	r.build.o.Log = log
}

func (r *Reloader) log() *slog.Logger { return r.logger.Load() }

// Attach tells the reloader where to put generations, and puts the first one there. swap must not block.
func (r *Reloader) Attach(swap func(*Candidate)) {
	r.building.Lock()
	defer r.building.Unlock()
	r.swap = swap
	swap(r.active)
	r.active.Program.Start()
	r.aside.Go(func() {
		r.building.Lock()
		defer r.building.Unlock()
		r.keep()
	})
}

// Close gives the state directory free. Reloads under way end first; later ones are refused.
func (r *Reloader) Close() {
	r.aside.Wait()
	r.building.Lock()
	defer r.building.Unlock()
	if r.store != nil {
		r.keep()
	}
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	if r.patience != nil {
		r.patience.Stop()
	}
	r.turnOver()
	r.unlock()
	r.unlock = func() {}
}

// tries bounds how often files are read again that change meanwhile.
const tries = 5

// fromDisk makes a candidate from the files. What changes while it is read is read again: a generation is
// never made of two states of the files.
func (r *Reloader) fromDisk() (c *Candidate, errs raddb.List) {
	before := r.eye.look(r.tried, r.o.Busy)
	for try := 1; ; try++ {
		tree := raddb.Open(r.o.Root)
		c, errs = r.build.candidate(tree)
		inputs := tree.Inputs()
		r.eye.note(inputs)
		read := fingerprintOf(inputs)
		torn := tree.Torn() || !r.eye.look(read, r.o.Busy).equal(read)
		if !torn || try == tries {
			if torn && c != nil {
				c.Discard()
				c = nil
				errs.Errorf(raddb.Pos{File: r.o.Root}, "%v", errTorn)
			}
			r.remember(before, read, c == nil)
			return c, errs
		}
		c.Discard()
		time.Sleep(time.Duration(try) * tornPause)
	}
}

// tornPause is the first pause before files are read again.
const tornPause = 50 * time.Millisecond

var errTorn = errors.New("the files change faster than they can be read; expected a writer that comes to an end")

// remember keeps what this attempt read, so that only a further change makes another. An attempt that
// failed may have stopped before it read all, so what the one before read still counts, as it was found
// when the attempt began.
func (r *Reloader) remember(before, read fingerprint, failed bool) {
	r.tried = fingerprint{}
	if failed {
		maps.Copy(r.tried, before)
	}
	maps.Copy(r.tried, read)
}

// fromStore makes a candidate from what is kept.
func (r *Reloader) fromStore(m Manifest) (*Candidate, raddb.List) {
	var errs raddb.List
	tree, err := r.store.Tree(m)
	if err == nil && m.Root != r.o.Root {
		err = errors.New("it was made from another directory: " + m.Root)
	}
	if err != nil {
		errs.Errorf(raddb.Pos{}, "generation %d: %v", m.Number, err)
		return nil, errs
	}
	c, errs := r.build.candidate(tree)
	if c != nil && c.ScriptsDir != m.Scripts {
		errs.Errorf(raddb.Pos{}, "generation %d was made with the scripts in %s, not %s", m.Number, m.Scripts, c.ScriptsDir)
		c.Discard()
		return nil, errs
	}
	return c, errs
}
