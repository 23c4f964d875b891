package reload

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Times of the watch.
const (
	quiet    = 150 * time.Millisecond // no event for so long: the writer has finished
	patience = 2 * time.Second        // from the first event: somebody writes without end
	holdMost = 10 * time.Minute       // a .hold file older than that was forgotten
)

// watch turns changes on disk into calls of changed, until ctx ends. Events only schedule a look; what the
// look finds decides. Where events cannot be had (network file systems, limits of the kernel) polling alone
// serves.
type watch struct {
	poll    time.Duration
	dirs    func() []string              // where to look for events; asked again after each change
	holds   []string                     // directories whose .hold file stops the watch
	changed func() (again time.Duration) // looks at the files and reloads if their content changed; or says when to ask again
	warn    func(msg string, args ...any)
	warned  bool // of a directory that cannot be watched; once is enough
}

func (w *watch) run(ctx context.Context) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.warn("no events from the file system, polling alone", "error", err, "every", w.poll)
		notify = &fsnotify.Watcher{}
	} else {
		defer notify.Close()
		w.follow(notify)
	}
	poll := time.NewTicker(w.poll)
	defer poll.Stop()
	var due <-chan time.Time
	var first time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-notify.Events:
			if !ok {
				notify.Events = nil
				continue
			}
			now := time.Now()
			if due == nil {
				first = now
			}
			due = time.After(min(quiet, max(0, first.Add(patience).Sub(now))))
		case <-notify.Errors: // overflow: events were lost, so look at everything
			due = time.After(quiet)
		case <-due:
			due = w.look(notify)
		case <-poll.C:
			if due == nil {
				due = w.look(notify)
			}
		}
	}
}

// look gives the time of a further look that is due already.
func (w *watch) look(notify *fsnotify.Watcher) <-chan time.Time {
	if w.held() {
		return nil
	}
	again := w.changed()
	if notify.Events != nil {
		w.follow(notify)
	}
	if again > 0 {
		return time.After(again)
	}
	return nil
}

// follow watches exactly the directories that matter now. A directory that was replaced by another of the
// same name needs a new watch, so each is added again; adding one that is watched costs nothing.
func (w *watch) follow(notify *fsnotify.Watcher) {
	want := map[string]bool{}
	for _, d := range w.dirs() {
		want[d] = true
		if err := notify.Add(d); err != nil && !os.IsNotExist(err) && !w.warned {
			w.warned = true
			w.warn("cannot watch a directory, polling it", "dir", d, "error", err)
		}
	}
	for _, d := range notify.WatchList() {
		if !want[d] {
			notify.Remove(d)
		}
	}
}

// held reports whether somebody asked for quiet by a .hold file that is not older than holdMost.
func (w *watch) held() bool {
	for _, dir := range w.holds {
		if st, err := os.Stat(filepath.Join(dir, ".hold")); err == nil && time.Since(st.ModTime()) < holdMost {
			return true
		}
	}
	return false
}
