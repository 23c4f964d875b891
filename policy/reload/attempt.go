package reload

import (
	"fmt"
	"time"

	"perilune/engine/config"
	"perilune/engine/raddb"
)

// A flight is one reload that several callers may wait for together.
type flight struct {
	trigger string
	force   bool
	done    chan struct{}
	report  Report
}

// Reload builds from the files and swaps if all is well. It blocks until it is done. force builds even if
// nothing has changed since the active generation. Callers that come while a build runs share the next one.
func (r *Reloader) Reload(trigger string, force bool) Report {
	r.mu.Lock()
	f := r.queued
	if f != nil {
		f.force = f.force || force
		r.mu.Unlock()
		<-f.done
		return f.report
	}
	f = &flight{trigger: trigger, force: force, done: make(chan struct{})}
	r.queued = f
	r.mu.Unlock()

	r.building.Lock()
	defer r.building.Unlock()
	defer close(f.done)
	r.mu.Lock()
	r.queued = nil
	r.mu.Unlock()
	f.report = r.attempt(r.fromDisk, f.trigger, f.force)
	return f.report
}

// Rollback puts a generation that is kept in place, under a new number. The files stay as they are; the
// next change of them is loaded again. The error says that there is no such generation.
func (r *Reloader) Rollback(number uint64, who string) (Report, error) {
	r.building.Lock()
	defer r.building.Unlock()
	return r.rollback(number, who)
}

func (r *Reloader) rollback(number uint64, who string) (Report, error) {
	m, err := r.keep().Find(number)
	if err != nil {
		return Report{}, err
	}
	report := r.attempt(func() (*Candidate, raddb.List) { return r.fromStore(m) }, fmt.Sprintf("rollback to %d %s", number, who), true)
	if report.OK {
		r.expect(nil) // who takes one back has decided
		r.mu.Lock()
		r.kept, r.status.RolledBack = number, number
		r.mu.Unlock()
	}
	return report, nil
}

// attempt is one build, with its report, log line and, if all is well, swap.
func (r *Reloader) attempt(build func() (*Candidate, raddb.List), trigger string, force bool) Report {
	return r.finish(r.built(build, trigger, force))
}

// A building is an attempt that has got as far as a candidate, or has failed.
type building struct {
	candidate *Candidate
	errs      raddb.List
	report    Report
	unchanged bool
	stopped   error // why a good candidate is not put in place
}

func (b *building) fine() bool { return !b.errs.Failed() }

// built is the first half of an attempt.
func (r *Reloader) built(build func() (*Candidate, raddb.List), trigger string, force bool) *building {
	began := time.Now()
	b := &building{report: Report{Trigger: trigger, Time: began, From: r.active.Number, To: r.active.Number}}
	r.o.Busy.Enter()
	defer r.o.Busy.Leave()
	defer holdCollector()()
	b.candidate, b.errs = build()
	if c := b.candidate; c != nil {
		b.errs = append(b.errs, config.RestartOnly(r.active.Config, c.Config)...)
		b.unchanged = c.Hash == r.active.Hash && !force
	}
	b.report.Took = time.Since(began)
	return b
}

// finish is the second half: load handlers, report, log line and, if all is well, swap.
func (r *Reloader) finish(b *building) Report {
	began := time.Now()
	c, errs, report := b.candidate, b.errs, b.report
	if b.fine() && !b.unchanged && b.stopped == nil {
		errs = append(errs, c.Program.RunLoad()...)
	}
	report.Took += time.Since(began)
	r.o.Busy.Enter() // what follows is many small things, which together take milliseconds
	defer r.o.Busy.Leave()
	switch {
	case b.stopped != nil:
		report.Errors, report.Warnings = []string{b.stopped.Error()}, texts(errs)
		same := c.Hash == r.active.Hash
		c.Discard()
		r.keepOut(report, same)
	case errs.Failed():
		report.Errors, report.Warnings = apart(errs)
		c.Discard()
		r.refuse(report)
	case r.closed():
		report.Errors = []string{"the server is stopping"}
		c.Discard()
	case b.unchanged:
		report.OK, report.Unchanged, report.Hash, report.Tests, report.Warnings = true, true, c.Hash, c.Tests, texts(errs)
		c.Discard()
		r.settle(report)
		r.log().Info("policy reload: nothing has changed", "generation", report.From, "trigger", report.Trigger)
	default:
		report.Warnings = texts(errs)
		report = r.accept(c, report)
	}
	return report
}

func (r *Reloader) closed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closing
}

// accept puts a candidate in place and keeps it.
func (r *Reloader) accept(c *Candidate, report Report) Report {
	old := r.active
	c.Number = r.numberFor(c)
	if old != nil {
		report.Changes = changes(old, c)
	}
	r.o.Busy.Yield()
	report.OK, report.To, report.Hash, report.Tests = true, c.Number, c.Hash, c.Tests
	r.await(c)
	if r.swap != nil {
		r.swap(c)
		c.Program.Start()
	}
	r.o.Busy.Yield()
	r.active = c
	r.turnOver()
	r.settle(report)
	if u := r.unconfirmed; u != nil {
		report.Unconfirmed = u
	}
	for _, w := range report.Warnings {
		r.log().Warn(w)
	}
	r.log().Info("policy reload ok", "generation", fmt.Sprintf("%d→%d", report.From, report.To), "changes", report.Changes,
		"tests", report.Tests, "took", report.Took.Round(time.Millisecond), "trigger", report.Trigger)
	m := Manifest{
		Number: c.Number, Hash: c.Hash, Time: report.Time, Version: r.o.Version, Trigger: report.Trigger,
		Root: r.o.Root, Scripts: c.ScriptsDir,
	}
	keep := c.Config.Reload.Keep
	if r.unconfirmed != nil { // what may come back is kept
		keep = max(keep, int(c.Number-r.unconfirmed.Back)+1)
	}
	r.keep() // the one before, if this one comes that early
	r.unkept = func() {
		if err := r.store.Save(m, c.Tree, keep); err != nil {
			r.log().Warn("the generation could not be kept on disk", "generation", m.Number, "error", err)
		}
	}
	if r.swap != nil || !large(c.Inputs) {
		r.keep()
	}
	return report
}

// large reports whether files take so long to write that a server at start had better serve first.
func large(inputs []raddb.Input) bool {
	const most = 4 << 20
	size := int64(0)
	for _, in := range inputs {
		if in.Opened.Info != nil {
			size += in.Opened.Info.Size()
		}
	}
	return size > most
}

// keep writes the active generation to disk, unless that is done.
func (r *Reloader) keep() *Store {
	if save := r.unkept; save != nil {
		r.unkept = nil
		save()
	}
	return r.store
}

// numberFor gives the number of a good generation: the next one, but at a start that of the newest one kept
// if it is the same.
func (r *Reloader) numberFor(c *Candidate) uint64 {
	if r.active == nil {
		if kept := r.store.Manifests(); len(kept) > 0 && kept[0].Hash == c.Hash {
			return kept[0].Number
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	return r.number
}
