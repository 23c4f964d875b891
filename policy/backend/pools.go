package backend

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"perilune/policy/module"
)

// Pools holds what is open, for one server, over all its generations. It is safe for use by many goroutines.
type Pools struct {
	now func() time.Time
	log *slog.Logger

	mu   sync.Mutex // protects open and the counts in it
	open map[string]*pooled
	held int // of them that nobody uses

	counting sync.Mutex // protects counters
	counters map[string]*calls

	showing sync.Mutex // protects metrics and opened
	metrics map[*metric]struct{}
	opened  int
}

// pooled is one thing that generations share, with the number of those that do.
type pooled struct {
	io.Closer
	users int
	held  *time.Timer // ends the holding of what nobody uses; nil: it is not held
}

// New makes empty pools. now is the clock of keys and windows; log may be nil.
func New(now func() time.Time, log *slog.Logger) *Pools {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Pools{now: now, log: log, open: map[string]*pooled{}, counters: map[string]*calls{}, metrics: map[*metric]struct{}{}}
}

// A Lease is what one generation has open. It implements policy.Backends. What no lease holds any more is closed.
type Lease struct {
	pools    *Pools
	settings Settings

	mu     sync.Mutex // protects held
	held   map[string]io.Closer
	closed bool

	wishes tableWishes
	spans  windowSpans

	reading sync.Mutex // protects files
	files   map[string]fileRead
}

// Lease gives a generation its access; settings are its configuration's.
func (p *Pools) Lease(settings Settings) *Lease {
	return &Lease{pools: p, settings: settings, held: map[string]io.Closer{}, files: map[string]fileRead{}}
}

var errClosed = errors.New("the generation is over")

// take gives what has the key, which must hold all settings that make a difference. open makes it if no lease has it.
func take[T io.Closer](l *Lease, key string, open func() (T, error)) (none T, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return none, errClosed
	}
	if c, ok := l.held[key]; ok {
		return c.(T), nil
	}
	l.pools.mu.Lock()
	defer l.pools.mu.Unlock()
	p := l.pools.open[key]
	if p == nil {
		made, err := open()
		if err != nil {
			return none, err
		}
		p = &pooled{Closer: made}
		l.pools.open[key] = p
	}
	if p.users++; p.held != nil {
		p.held.Stop()
		p.held = nil
		l.pools.held--
	}
	l.held[key] = p.Closer
	return p.Closer.(T), nil
}

// Close gives back all that the lease holds. A second call does nothing.
func (l *Lease) Close() {
	l.mu.Lock()
	held := l.held
	l.held, l.closed = nil, true
	l.mu.Unlock()
	var over []io.Closer
	l.pools.mu.Lock()
	for key := range held {
		p := l.pools.open[key]
		if p.users--; p.users > 0 || l.settings.Serve && l.pools.hold(key, p) {
			continue
		}
		delete(l.pools.open, key)
		over = append(over, p.Closer)
	}
	l.pools.mu.Unlock()
	for _, c := range over {
		if err := c.Close(); err != nil {
			l.pools.log.Warn("closing a backend", "error", err)
		}
	}
}

// holdTime is how long tables and windows are held that no generation has open: a script that is taken away and put
// back finds what it had. heldMost bounds their number.
const (
	holdTime = time.Hour
	heldMost = 64
)

// hold keeps what nobody uses, if that is worth it. The caller holds mu.
func (p *Pools) hold(key string, unused *pooled) bool {
	worth, ok := unused.Closer.(interface{ outlives() bool })
	if !ok || p.held >= heldMost || !worth.outlives() {
		return false
	}
	p.held++
	unused.held = time.AfterFunc(holdTime, func() { p.release(key, unused) })
	return true
}

// release closes what was held for nobody.
func (p *Pools) release(key string, unused *pooled) {
	p.mu.Lock()
	over := unused.users == 0 && p.open[key] == unused
	if over {
		delete(p.open, key)
		p.held--
	}
	p.mu.Unlock()
	if over {
		unused.Close()
	}
}

// alone reports that no other lease has what this one holds under a key.
func (l *Lease) alone(key string) bool {
	l.pools.mu.Lock()
	defer l.pools.mu.Unlock()
	p := l.pools.open[key]
	return p != nil && p.users == 1
}

// Reset empties what the lease holds, as far as that has a method Reset: tables and windows, between two tests.
// Handles of it stay as they are.
func (l *Lease) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.held {
		if r, ok := c.(interface{ Reset() }); ok {
			r.Reset()
		}
	}
}

var _ module.Backends = (*Lease)(nil)

// notConfigured is the error of a name that the configuration does not have.
func notConfigured(kind, name string, near string) error {
	return fmt.Errorf("config.toml has no [backend.%s.%s]%s", kind, name, near)
}
