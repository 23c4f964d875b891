package reload

import (
	"context"
	"log/slog"
	"time"

	"perilune/engine/config"
	"perilune/engine/raddb"
)

// Follow calls run with a fresh tree of the files, and again whenever one of those changes that it has read through
// the tree, until ctx ends. Runs do not overlap.
func Follow(ctx context.Context, o Options, run func(tree *raddb.Tree)) error {
	r, err := New(o)
	if err != nil {
		return err
	}
	f := &follower{o: r.o, eye: newEye(), run: run}
	f.changed()
	(&watch{r: f}).run(ctx)
	return nil
}

// A follower is what a watch of Follow looks at.
type follower struct {
	o     Options
	run   func(tree *raddb.Tree)
	eye   *eye
	tried fingerprint
}

// changed runs, and remembers what was read. What was read before counts, too: a run that failed may have stopped
// before it read all.
func (f *follower) changed() time.Duration {
	before := f.eye.look(f.tried, nil)
	tree := raddb.Open(f.o.Root)
	f.run(tree)
	read := fingerprintOf(tree.Inputs())
	for path, sum := range read {
		before[path] = sum
	}
	f.tried = before
	return 0 // a person waits for the next run
}

func (f *follower) watchSettings() config.Reload {
	var ignored raddb.List // run tells them
	s := config.Load(raddb.Open(f.o.Root), &ignored).Reload
	s.Watch = true
	return s
}

func (f *follower) watched() watched { return watchedFor(f.tried, nil) }

func (f *follower) holds() []string { return nil }

func (f *follower) changedOnDisk() (fingerprint, bool) {
	now := f.eye.look(f.tried, nil)
	return now, !now.equal(f.tried)
}

func (f *follower) log() *slog.Logger { return f.o.Log }
