package reload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy"
)

// Options of a Reloader.
type Options struct {
	Root    string // the raddb directory
	Scripts string // overrides [policy] scripts; "" keeps it
	State   string // overrides [state] dir; "" keeps it
	Version string // of the program, stamped on what is kept
	Strict  bool   // a broken tree at start is refused; otherwise the last good generation starts, loudly
	Log     *slog.Logger
	Busy    *server.Busy
}

// A Reloader makes generations and puts them in place. One build runs at a time; everybody else who asks
// waits for it and then has one of their own.
type Reloader struct {
	o     Options
	build builder
	swap  func(*server.Generation) // set by Attach; nil: nothing serves yet

	building sync.Mutex // held for a whole attempt; protects active, tried, eye and store

	active *Candidate
	tried  fingerprint // what the last attempt read
	eye    *eye
	store  *Store

	mu       sync.Mutex // protects what Status tells
	last     Report
	degraded string
	number   uint64
}

// A Report tells what became of one attempt.
type Report struct {
	Trigger   string        `json:"trigger"`
	OK        bool          `json:"ok"`
	Unchanged bool          `json:"unchanged,omitempty"`
	From      uint64        `json:"from"`
	To        uint64        `json:"to"`
	Hash      string        `json:"hash,omitempty"`
	Time      time.Time     `json:"time"`
	Took      time.Duration `json:"took"`
	Tests     int           `json:"tests"`
	Changes   []string      `json:"changes,omitempty"`
	Errors    []string      `json:"errors,omitempty"`
	Warnings  []string      `json:"warnings,omitempty"`
}

// New prepares a reloader; nothing is read yet.
func New(o Options) (*Reloader, error) {
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, err
	}
	o.Root = root
	if o.Scripts != "" {
		if o.Scripts, err = filepath.Abs(o.Scripts); err != nil {
			return nil, err
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	b := builder{o: o, timers: new(policy.Timers), memory: openAddresses("")}
	return &Reloader{o: o, build: b, eye: newEye()}, nil
}

// Start builds the first generation from the files, or, if they are broken and Strict is unset, from the
// last good one that is kept in the state directory of that configuration. The error is a raddb.List
// where the files are to blame.
func (r *Reloader) Start() (*Candidate, error) {
	r.building.Lock()
	defer r.building.Unlock()
	began := time.Now()
	tree := raddb.Open(r.o.Root)
	c, errs := r.build.candidate(tree)
	if c == nil && r.o.Strict {
		return nil, errs
	}
	if err := r.openStore(c); err != nil {
		return nil, err
	}
	if c == nil {
		r.remember(tree.Inputs(), true)
		return r.startFromLastGood(errs, began)
	}
	r.remember(c.Inputs, false)
	r.accept(c, Report{Trigger: "start", Time: began, Took: time.Since(began), Warnings: texts(errs)})
	return c, nil
}

func (r *Reloader) startFromLastGood(errs raddb.List, began time.Time) (*Candidate, error) {
	if r.store == nil {
		return nil, errs
	}
	for _, m := range r.store.Manifests() {
		if m.Root != r.o.Root {
			continue
		}
		c, _ := r.build.candidate(r.store.Tree(m))
		if c == nil {
			continue
		}
		for _, e := range errs {
			r.o.Log.Error(e.Error())
		}
		r.o.Log.Error("DEGRADED: the files are broken; serving the last good generation", "generation", m.Number, "from", m.Time)
		r.accept(c, Report{Trigger: "start from the last good generation", Time: began, Took: time.Since(began)})
		r.mu.Lock()
		defer r.mu.Unlock()
		r.degraded = fmt.Sprintf("the files are broken; serving the last good generation, of %s", m.Time.Format(time.RFC3339))
		r.last = Report{Trigger: "start", Time: began, From: c.Number, To: c.Number, Errors: texts(errs)}
		return c, nil
	}
	return nil, errs
}

// openStore opens the store of the configuration at hand; without one (nothing could be read) that of the
// -state option or of the place beside the root.
func (r *Reloader) openStore(c *Candidate) error {
	dir, keep := r.o.State, 10
	if c != nil {
		dir, keep = c.StateDir, c.Config.Reload.Keep
	}
	if dir == "" {
		dir = absolute(r.o.Root, config.Default().StateDir(os.Getenv, os.Geteuid()))
	}
	store, err := OpenStore(filepath.Join(dir, "generations"), keep)
	if err != nil {
		return fmt.Errorf("the state directory cannot be used: %w", err)
	}
	r.store = store
	r.build.memory.keepIn(filepath.Join(dir, "addresses.json"))
	for _, m := range store.Manifests() {
		r.number = max(r.number, m.Number)
	}
	return nil
}

// SetLog changes where messages go.
func (r *Reloader) SetLog(log *slog.Logger) {
	r.building.Lock()
	defer r.building.Unlock()
	r.o.Log, r.build.o.Log = log, log
}

// Attach tells the reloader where to put generations, and puts the first one there.
func (r *Reloader) Attach(swap func(*server.Generation)) {
	r.building.Lock()
	defer r.building.Unlock()
	r.swap = swap
	swap(r.active.Generation)
	r.active.Program.Start()
}

// Reload builds from the files and swaps if all is well. It blocks until it is done. force builds even if
// nothing has changed since the active generation.
func (r *Reloader) Reload(trigger string, force bool) Report {
	r.building.Lock()
	defer r.building.Unlock()
	return r.attempt(raddb.Open(r.o.Root), trigger, force)
}

// Rollback puts a generation that is kept in place, under a new number. The files stay as they are; the
// next change of them is loaded again.
func (r *Reloader) Rollback(number uint64, who string) (Report, error) {
	r.building.Lock()
	defer r.building.Unlock()
	m, err := r.store.Find(number)
	if err != nil {
		return Report{}, err
	}
	report := r.attempt(r.store.Tree(m), fmt.Sprintf("rollback to %d %s", number, who), true)
	if !report.OK {
		return report, errors.New("the generation does not load any more")
	}
	return report, nil
}

// attempt is one build, with its report, log line and, if all is well, swap.
func (r *Reloader) attempt(tree *raddb.Tree, trigger string, force bool) Report {
	began := time.Now()
	report := Report{Trigger: trigger, Time: began, From: r.active.Number, To: r.active.Number}
	r.o.Busy.Enter()
	c, errs := r.build.candidate(tree)
	r.o.Busy.Leave()
	if c != nil {
		errs = append(errs, config.RestartOnly(r.active.Config, c.Config)...)
	}
	if tree.OnDisk() {
		r.remember(tree.Inputs(), c == nil)
	}
	report.Took = time.Since(began)
	report.Warnings = texts(errs)
	switch {
	case c == nil || errs.Failed():
		report.Warnings, report.Errors = nil, texts(errs)
		c.discard()
		r.refuse(report)
	case c.Hash == r.active.Hash && !force:
		report.OK, report.Unchanged, report.Hash, report.Tests = true, true, c.Hash, c.Tests
		c.discard()
		r.settle(report)
		r.o.Log.Info("policy reload: nothing has changed", "generation", report.From, "trigger", trigger)
	default:
		report = r.accept(c, report)
	}
	return report
}

// accept puts a candidate in place and keeps it.
func (r *Reloader) accept(c *Candidate, report Report) Report {
	old := r.active
	c.Number = r.advance()
	if old != nil {
		report.Changes = changes(old, c)
	}
	report.OK, report.To, report.Hash, report.Tests = true, c.Number, c.Hash, c.Tests
	if r.swap != nil {
		r.swap(c.Generation)
		c.Program.Start()
	}
	r.active = c
	r.settle(report)
	r.o.Log.Info("policy reload ok", "generation", fmt.Sprintf("%d→%d", report.From, report.To), "changes", report.Changes,
		"tests", report.Tests, "took", report.Took.Round(time.Millisecond), "trigger", report.Trigger)
	if err := r.keep(c, report); err != nil {
		r.o.Log.Warn("the generation could not be kept on disk", "generation", c.Number, "error", err)
	}
	return report
}

func (r *Reloader) keep(c *Candidate, report Report) error {
	m := Manifest{Number: c.Number, Hash: c.Hash, Time: report.Time, Version: r.o.Version, Trigger: report.Trigger, Root: r.o.Root}
	if c.kept != nil {
		m.Files = c.kept
		return r.store.Copy(m)
	}
	return r.store.Save(m, c.Inputs)
}

func (r *Reloader) refuse(report Report) {
	r.mu.Lock()
	r.last = report
	r.mu.Unlock()
	for _, e := range report.Errors {
		r.o.Log.Error(e)
	}
	r.o.Log.Error("policy reload refused: the old generation serves on", "generation", report.From, "errors", len(report.Errors),
		"took", report.Took.Round(time.Millisecond), "trigger", report.Trigger)
}

// settle records a success: whatever was wrong before is mended.
func (r *Reloader) settle(report Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.degraded = report, ""
}

// advance gives the number of the next good generation.
func (r *Reloader) advance() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	return r.number
}

// remember keeps what this attempt read, so that only a further change makes another. An attempt that
// failed may have stopped before it read all, so what the last one read still counts.
func (r *Reloader) remember(inputs []raddb.Input, partial bool) {
	tried := fingerprint{}
	if partial {
		maps.Copy(tried, r.tried)
	}
	for _, in := range inputs {
		if !strings.HasPrefix(in.Path, "[") {
			tried[in.Path] = in.Sum
		}
	}
	r.tried = tried
}

// Watch reloads when files change, until ctx ends.
func (r *Reloader) Watch(ctx context.Context) {
	r.building.Lock()
	settings, scripts := r.active.Config.Reload, r.active.ScriptsDir
	r.building.Unlock()
	if !settings.Watch {
		return
	}
	var rest time.Time // until then no build by the watch
	w := watch{poll: settings.Poll, warn: r.o.Log.Warn, holds: []string{r.o.Root, scripts}}
	w.dirs = func() []string {
		r.building.Lock()
		defer r.building.Unlock()
		return directories(r.o.Root, r.tried)
	}
	w.changed = func() (again time.Duration) {
		if !r.changedOnDisk() {
			return 0
		}
		if wait := time.Until(rest); wait > 0 {
			return wait
		}
		took := r.Reload("files changed", false).Took
		rest = time.Now().Add(10 * took) // a tool that writes every second must not hold a core
		return 0
	}
	w.run(ctx)
}

func (r *Reloader) changedOnDisk() bool {
	r.building.Lock()
	defer r.building.Unlock()
	return !r.eye.look(r.tried, r.o.Busy).equal(r.tried)
}

// Status is what `perilune status` and readiness tell of generations.
type Status struct {
	Generation uint64    `json:"generation"`
	Hash       string    `json:"hash"`
	Loaded     time.Time `json:"loaded"`
	Degraded   string    `json:"degraded,omitempty"` // why the server does not run what lies on disk
	Last       Report    `json:"last_reload"`
}

// Status tells which generation is active and how the last attempt went.
func (r *Reloader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{Degraded: r.degraded, Last: r.last, Generation: r.last.To, Hash: r.last.Hash}
	if !r.last.OK && s.Degraded == "" {
		s.Degraded = "the last reload was refused: the files on disk are broken"
	}
	return s
}

// Generations lists those that are kept, newest first.
func (r *Reloader) Generations() []Manifest {
	r.building.Lock()
	defer r.building.Unlock()
	return r.store.Manifests()
}

func texts(errs raddb.List) []string {
	var list []string
	for _, e := range errs {
		list = append(list, e.Error())
	}
	return list
}
