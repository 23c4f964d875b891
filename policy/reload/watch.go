package reload

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"perilune/engine/config"
)

const (
	holdFile = ".hold"          // in the root or the scripts directory: leave the files alone
	holdMost = 10 * time.Minute // one that is older was forgotten
	restFor  = 10               // times what the last build took, until the watch may begin the next
	restTold = time.Second      // a rest of this is told
)

// inputs is what a watch looks at: of the generations of a Reloader, or of the runs of Follow.
type inputs interface {
	watchSettings() config.Reload
	watched() watched
	holds() []string
	// changedOnDisk gives the state of the files, and whether it is another than the last attempt read.
	changedOnDisk() (fingerprint, bool)
	// changed works on the files as they are now, and gives how long it took.
	changed() time.Duration
	log() *slog.Logger
}

// A watch turns changes on disk into reloads, until its context ends. Events only schedule a look; what the
// look finds decides. Where events cannot be had (network file systems, limits of the kernel) polling alone
// serves.
type watch struct {
	r        inputs
	settled  <-chan struct{} // told when other files may matter; nil: never
	noEvents bool            // poll alone
	settings config.Reload
	notify   *fsnotify.Watcher // nil: polling alone
	follows  watched
	warned   bool // of a directory that cannot be watched; once is enough

	due     <-chan time.Time // a look is scheduled
	first   time.Time        // of the events since the last look
	confirm bool             // the change was found by polling: look twice, the writer may not have finished
	last    fingerprint      // what the look before found, if confirm
	rest    time.Time        // until then no build by the watch
	told    time.Time        // the rest that the log has told
	took    time.Duration    // the last build
	held    bool
}

func (w *watch) run(ctx context.Context) {
	w.open()
	defer w.close()
	w.refresh()
	poll := time.NewTicker(w.settings.Poll)
	defer poll.Stop()
	events, errors := w.channels()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			if w.follows.concerns(e.Name) {
				w.schedule(time.Now())
			}
		case <-errors: // events were lost, so look at everything
			w.schedule(time.Now())
		case <-w.due:
			w.look(time.Now(), false)
		case <-poll.C:
			if w.due == nil {
				w.look(time.Now(), true)
			}
		case <-w.settled:
			if every := w.settings.Poll; w.refresh() != every {
				poll.Reset(w.settings.Poll)
			}
		}
	}
}

func (w *watch) open() {
	if w.noEvents {
		return
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.r.log().Warn("no events from the file system, polling alone", "error", err)
		return
	}
	w.notify = notify
}

func (w *watch) close() {
	if w.notify != nil {
		w.notify.Close()
	}
}

func (w *watch) channels() (<-chan fsnotify.Event, <-chan error) {
	if w.notify == nil {
		return nil, nil
	}
	return w.notify.Events, w.notify.Errors
}

// schedule puts the look off until nothing has happened for a while, but not for ever.
func (w *watch) schedule(now time.Time) {
	if w.due == nil {
		w.first = now
	}
	w.confirm = false
	w.after(min(w.settings.Quiet, max(0, w.first.Add(w.settings.Longest).Sub(now))))
}

func (w *watch) after(d time.Duration) { w.due = time.After(d) }

// look reloads if the files' content has changed.
func (w *watch) look(now time.Time, polled bool) {
	w.due = nil
	defer w.follow()
	if !w.settings.Watch || w.onHold() {
		return
	}
	state, changed := w.r.changedOnDisk()
	if !changed {
		w.confirm = false
		return
	}
	if polled {
		w.first, w.confirm, w.last = now, true, nil
	}
	if w.confirm && !state.equal(w.last) && now.Sub(w.first) < w.settings.Longest {
		w.last = state
		w.after(w.settings.Quiet)
		return
	}
	if wait := w.rest.Sub(now); wait > 0 {
		w.tellRest(wait)
		w.after(wait)
		return
	}
	w.confirm = false
	w.took = w.r.changed()
	w.rest = time.Now().Add(restFor * w.took) // a tool that writes every second must not hold a core
}

// tellRest says that a change waits, where a person who has just saved a file would wonder; once for each rest.
func (w *watch) tellRest(wait time.Duration) {
	if wait < restTold || w.told.Equal(w.rest) {
		return
	}
	w.told = w.rest
	w.r.log().Info("changes of files wait: the last build was slow; perilune reload does not wait",
		"for", wait.Round(time.Millisecond), "built_in", w.took.Round(time.Millisecond))
}

// refresh takes over the settings and inputs of the generation in place, and gives how often to poll. What
// happened before its directories were watched is looked for.
func (w *watch) refresh() time.Duration {
	w.settings = w.r.watchSettings()
	w.follow()
	w.schedule(time.Now())
	return w.settings.Poll
}

// follow watches exactly the directories that matter now. A directory that was replaced by another of the
// same name needs a new watch, so each is added again; adding one that is watched costs nothing.
func (w *watch) follow() {
	if w.notify == nil {
		return
	}
	before := w.follows
	w.follows = w.r.watched()
	for d := range w.follows {
		if _, old := before[d]; !old {
			w.schedule(time.Now()) // what happened in it so far was not seen
		}
		if err := w.notify.Add(d); err != nil && !os.IsNotExist(err) && !w.warned {
			w.warned = true
			w.r.log().Warn("cannot watch a directory, polling it", "dir", d, "error", err, "every", w.settings.Poll)
		}
	}
	for _, d := range w.notify.WatchList() {
		if _, wanted := w.follows[d]; !wanted {
			w.notify.Remove(d)
		}
	}
}

// onHold reports whether somebody asked for quiet by a .hold file that is not older than holdMost.
func (w *watch) onHold() bool {
	was := w.held
	w.held = false
	for _, dir := range w.r.holds() {
		path := filepath.Join(dir, holdFile)
		if st, err := os.Stat(path); err == nil && time.Since(st.ModTime()) < holdMost {
			w.held = true
			if !was {
				w.r.log().Info("changes of files wait", "for", path, "longest", holdMost)
			}
		}
	}
	return w.held
}
