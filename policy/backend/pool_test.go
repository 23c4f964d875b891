package backend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"perilune/engine/config"
	"perilune/policy/module"
)

// A wire is a connection to nothing.
type wire struct {
	n            int
	dead, closed atomic.Bool
}

func (w *wire) alive() bool { return !w.dead.Load() }
func (w *wire) close()      { w.closed.Store(true) }

// A wired makes wires; away is why it cannot.
type wired struct {
	mu    sync.Mutex
	away  error
	delay time.Duration
	made  []*wire
	tries int
}

func (w *wired) dial(ctx context.Context) (*wire, error) {
	w.mu.Lock()
	delay := w.delay
	w.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	if w.away != nil {
		return nil, w.away
	}
	c := &wire{n: len(w.made)}
	w.made = append(w.made, c)
	return c, nil
}

func (w *wired) set(away error, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away, w.delay = away, delay
}

func wiredPool(t *testing.T) (*pool[*wire], *wired) {
	w := &wired{}
	p := newPool("backend.test", poolBounds{connections: 2, waiting: 3, connect: time.Second, retry: 10 * time.Second, idle: time.Minute}, w.dial)
	t.Cleanup(func() { p.Close() })
	return p, w
}

func kind(err error) string {
	if err == nil {
		return ""
	}
	return module.AsFailure(err).Kind
}

// TestPoolBounds: as many connections as there may be, as many calls that wait, in order, each for its own time.
func TestPoolBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := wiredPool(t)
		a, _ := p.take(context.Background())
		b, _ := p.take(context.Background())
		got := make(chan string, 10)
		wait := func(who string, patience time.Duration) {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				c, err := p.take(ctx)
				if err == nil {
					p.put(c)
				}
				got <- who + " " + kind(err)
			}()
			synctest.Wait()
		}
		wait("first", time.Hour)
		wait("short", time.Second)
		wait("third", time.Hour)
		wait("fourth", time.Hour)
		if g := <-got; g != "fourth busy" {
			t.Error(g)
		}
		time.Sleep(2 * time.Second)
		if g := <-got; g != "short timeout" {
			t.Error(g)
		}
		p.put(a)
		for _, want := range []string{"first ", "third "} {
			if g := <-got; g != want {
				t.Error(g)
			}
		}
		p.drop(b)
		if len(w.made) != 2 || !b.closed.Load() || a.closed.Load() {
			t.Errorf("%d connections were made", len(w.made))
		}
		time.Sleep(2 * time.Minute)
		p.mu.Lock()
		defer p.mu.Unlock()
		if !a.closed.Load() || p.open != 0 {
			t.Error("an unused connection stays")
		}
	})
}

// TestPoolAway: who is away is asked once after each pause; all other calls fail at once. What died unused is replaced.
func TestPoolAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := wiredPool(t)
		w.set(errors.New("no route"), 0)
		for range 100 {
			if _, err := p.take(context.Background()); err == nil || err.Error() != "refused: backend.test: no route" {
				t.Error(err)
			}
		}
		if w.tries != 1 {
			t.Errorf("%d tries", w.tries)
		}
		time.Sleep(11 * time.Second)
		w.set(nil, 500*time.Millisecond)
		go func() { // the try ends after this call has given up
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			if _, err := p.take(ctx); kind(err) != "timeout" {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if _, err := p.take(context.Background()); kind(err) != "refused" {
			t.Errorf("while it is tried: %v", err)
		}
		time.Sleep(time.Second)
		c, err := p.take(context.Background())
		if err != nil || w.tries != 2 {
			t.Errorf("after it came back: %v, %d tries", err, w.tries)
		}
		c.dead.Store(true)
		p.put(c)
		if next, err := p.take(context.Background()); err != nil || next == c || !c.closed.Load() {
			t.Errorf("a dead connection: %v", err)
		}
	})
}

// TestPoolStuck: nobody waits longer for a server that does not answer than its making may take.
func TestPoolStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := wiredPool(t)
		w.set(nil, time.Hour)
		began := time.Now()
		if _, err := p.take(context.Background()); kind(err) != "refused" || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestPoolClose: calls that wait fail, what is in use is closed when it comes back, what is being made is given up.
func TestPoolClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w := wiredPool(t)
		a, _ := p.take(context.Background())
		b, _ := p.take(context.Background())
		p.put(b)
		w.set(nil, time.Hour)
		c, _ := p.take(context.Background())
		done := make(chan error)
		go func() { _, err := p.take(context.Background()); done <- err }()
		synctest.Wait()
		p.Close()
		if err := <-done; !errors.Is(err, errClosed) {
			t.Error(err)
		}
		p.put(a)
		p.drop(c)
		if !a.closed.Load() || !b.closed.Load() || p.open != 0 {
			t.Error("something is open")
		}
		if _, err := p.take(context.Background()); !errors.Is(err, errClosed) {
			t.Error(err)
		}
	})
}

// TestPoolOverReload: generations with the same settings share a database; another setting is another pool, and the
// old one ends with the last generation that has it, under the call that still uses it.
func TestPoolOverReload(t *testing.T) {
	path := sqliteFile(t)
	pools := New(time.Now, nil)
	open := func(more ...func(*config.BackendSQL)) (*Lease, module.SQL) {
		t.Helper()
		l := pools.Lease(sqlSettings(path, more...))
		db, err := l.SQL("crm")
		if err != nil {
			t.Fatal(err)
		}
		return l, db
	}
	one, first := open()
	two, second := open()
	three, third := open(func(s *config.BackendSQL) { s.Connections = 2 })
	if first != second || first == third {
		t.Error("the same settings give another pool, or others the same")
	}
	tx, err := first.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	one.Close()
	if _, err := second.Query(context.Background(), "SELECT 1", nil, 1); err != nil {
		t.Errorf("after one of two generations: %v", err)
	}
	two.Close()
	if _, err := first.Query(context.Background(), "SELECT 1", nil, 1); !errors.Is(err, errClosed) {
		t.Errorf("after both: %v", err)
	}
	if _, err := tx.Exec(context.Background(), "UPDATE person SET octets = 9 WHERE id = $1", []any{int64(1)}); err != nil {
		t.Errorf("a transaction that began before: %v", err)
	}
	if err := tx.Commit(context.Background()); err != nil {
		t.Errorf("its end: %v", err)
	}
	rows, err := third.Query(context.Background(), "SELECT octets FROM person WHERE id = 1", nil, 1)
	if err != nil || fmt.Sprint(rows[0].Values) != "[9]" {
		t.Errorf("%v, %v", rows, err)
	}
	three.Close()
}
