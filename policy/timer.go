package policy

import (
	"sync"
	"time"
)

// Timers keeps when the handlers of every() are due, by name, over reloads. One Timers serves one server. The
// zero Timers is ready.
type Timers struct {
	mu  sync.Mutex // protects due
	due map[string]time.Time
}

// next gives when a timer is due: as it was before a reload, else one interval from now. A shorter interval
// counts at once.
func (t *Timers) next(h *handler, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.due == nil {
		t.due = map[string]time.Time{}
	}
	due, ok := t.due[h.name]
	if latest := now.Add(h.interval); !ok || due.After(latest) {
		due = latest
		t.due[h.name] = due
	}
	return due
}

// ran notes that a timer has run; runs that were missed are not made up for.
func (t *Timers) ran(h *handler, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due[h.name] = now.Add(h.interval)
}

// forget drops timers that no script registers any more.
func (t *Timers) forget(keep []*handler) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.due {
		found := false
		for _, h := range keep {
			found = found || h.name == name
		}
		if !found {
			delete(t.due, name)
		}
	}
}

// Start lets the timers run. It is called once, when the program's generation is in place; Close ends them
// and runs the `unload` handlers.
func (pr *Program) Start() {
	pr.started = true
	pr.serves.Store(true)
	if pr.o.Backends != nil {
		pr.o.Backends.Activate()
	}
	var list []*handler
	for _, h := range pr.handlers {
		if h.kind == kindEvery {
			list = append(list, h)
		}
	}
	if pr.o.Timers == nil {
		return
	}
	pr.o.Timers.forget(list)
	if len(list) == 0 {
		return
	}
	stopped := make(chan struct{})
	pr.stop = sync.OnceFunc(func() { close(stopped) })
	go pr.tick(list, stopped)
}

// tick runs the timers one after the other in a state of their own, so that none runs twice at once.
func (pr *Program) tick(list []*handler, stopped <-chan struct{}) {
	rn := pr.newRunner()
	defer rn.close()
	for {
		h, due := pr.earliest(list)
		wait := time.NewTimer(time.Until(due))
		select {
		case <-stopped:
			wait.Stop()
			return
		case <-wait.C:
		}
		pr.o.Timers.ran(h, time.Now())
		rn.beside(h)
		if rn.broken() {
			rn.renew()
		}
	}
}

func (pr *Program) earliest(list []*handler) (first *handler, due time.Time) {
	for _, h := range list {
		if next := pr.o.Timers.next(h, time.Now()); first == nil || next.Before(due) {
			first, due = h, next
		}
	}
	return first, due
}
