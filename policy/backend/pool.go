package backend

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"perilune/policy/module"
)

// A conn is one connection to a server.
type conn interface {
	// alive reports, without waiting, that nothing is known to be wrong with it. It is called while it is idle.
	alive() bool
	// close ends it. It does not wait for the other side.
	close()
}

// poolBounds are the settings of a pool.
type poolBounds struct {
	connections int           // at once
	waiting     int           // calls that wait for one
	connect     time.Duration // of making one
	retry       time.Duration // after one could not be made
	idle        time.Duration // until an unused one is closed
}

// A pool keeps connections to one server. They are made when calls want them, on goroutines of their own, so that a
// call whose time is short does not end the making. While the server cannot be reached all calls fail at once, but for
// one after each retry. It is safe for use by many goroutines.
type pool[C conn] struct {
	poolBounds
	what string // for people: [backend.sql.crm]
	dial func(context.Context) (C, error)
	life context.Context // ends with the pool
	end  context.CancelFunc

	mu      sync.Mutex  // protects all that follows
	free    []freed[C]  // the one that was used last at the end
	open    int         // connections, free and in use
	dialing int         // that are being made
	queue   *list.List  // of chan given[C]: calls that wait, in order
	down    error       // why the last one could not be made; nil if one could since
	next    time.Time   // when another may be tried while down
	sweep   *time.Timer // closes what nobody uses; nil if nothing is free
	closed  bool
	makers  sync.WaitGroup // goroutines that dial
}

// freed is a connection that nobody uses.
type freed[C conn] struct {
	c     C
	since time.Time
}

// given is what a waiting call gets.
type given[C conn] struct {
	c   C
	err error
}

func newPool[C conn](what string, b poolBounds, dial func(context.Context) (C, error)) *pool[C] {
	p := &pool[C]{poolBounds: b, what: what, dial: dial, queue: list.New()}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// take gives a connection, which the caller gives back by put or drop.
func (p *pool[C]) take(ctx context.Context) (c C, err error) {
	if err := ctx.Err(); err != nil {
		return c, err
	}
	p.mu.Lock()
	if c, ok := p.unused(); ok {
		p.mu.Unlock()
		return c, nil
	}
	if err := p.refusal(); err != nil {
		p.mu.Unlock()
		return c, err
	}
	turn := make(chan given[C], 1)
	place := p.queue.PushBack(turn)
	p.grow()
	p.mu.Unlock()
	select {
	case g := <-turn:
		return g.c, g.err
	case <-ctx.Done():
	}
	p.leave(place, turn)
	return c, ctx.Err()
}

// unused takes a free connection that is alive.
func (p *pool[C]) unused() (c C, ok bool) {
	for n := len(p.free); n > 0; n = len(p.free) {
		c, p.free = p.free[n-1].c, p.free[:n-1]
		if c.alive() {
			return c, true
		}
		c.close()
		p.open--
	}
	return c, false
}

// refusal says why a call may not wait for a connection.
func (p *pool[C]) refusal() error {
	switch {
	case p.closed:
		return errClosed
	case p.down != nil && p.open == 0 && (p.dialing > 0 || time.Now().Before(p.next)):
		return p.unreachable()
	case p.queue.Len() >= p.waiting:
		return &module.Failure{Kind: "busy", Err: fmt.Errorf("%d calls wait for %s already", p.queue.Len(), p.what)}
	}
	return nil
}

func (p *pool[C]) unreachable() error {
	return &module.Failure{Kind: "refused", Err: fmt.Errorf("%s: %w", p.what, p.down)}
}

// grow makes a connection if there are more calls waiting than connections being made, and room.
func (p *pool[C]) grow() {
	if p.closed || p.open+p.dialing >= p.connections || p.dialing >= p.queue.Len() {
		return
	}
	if p.down != nil && (p.dialing > 0 || time.Now().Before(p.next)) {
		return
	}
	p.dialing++
	p.makers.Go(p.make)
}

func (p *pool[C]) make() {
	ctx, cancel := context.WithTimeout(p.life, p.connect)
	defer cancel()
	c, err := p.dial(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
	if err == nil {
		p.down = nil
		p.open++
		p.give(c)
		return
	}
	p.down, p.next = err, time.Now().Add(p.retry)
	p.starve()
}

// starve ends the waiting of all calls if no connection is there that they could wait for.
func (p *pool[C]) starve() {
	if p.open == 0 && p.dialing == 0 {
		p.fail(p.unreachable())
	}
}

// fail ends the waiting of all calls.
func (p *pool[C]) fail(err error) {
	for e := p.queue.Front(); e != nil; e = p.queue.Front() {
		p.queue.Remove(e).(chan given[C]) <- given[C]{err: err}
	}
}

// give hands a connection on to the first that waits, or keeps it.
func (p *pool[C]) give(c C) {
	if p.closed {
		c.close()
		p.open--
		return
	}
	if e := p.queue.Front(); e != nil {
		p.queue.Remove(e).(chan given[C]) <- given[C]{c: c}
		p.grow()
		return
	}
	p.free = append(p.free, freed[C]{c, time.Now()})
	if p.sweep == nil {
		p.sweep = time.AfterFunc(p.idle, p.expire)
	}
}

// leave ends the waiting of a call whose time is up.
func (p *pool[C]) leave(place *list.Element, turn chan given[C]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case g := <-turn: // too late to be of use
		if g.err == nil {
			p.give(g.c)
		}
	default:
		p.queue.Remove(place)
	}
}

// put gives back a connection that can be used again.
func (p *pool[C]) put(c C) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.give(c)
}

// drop gives back one that cannot.
func (p *pool[C]) drop(c C) {
	c.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.grow()
	if p.down != nil {
		p.starve()
	}
}

// expire closes what nobody has used for long: it stands at the front.
func (p *pool[C]) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := time.Now().Add(-p.idle)
	for len(p.free) > 0 && !p.free[0].since.After(before) {
		p.free[0].c.close()
		p.free = p.free[1:]
		p.open--
	}
	p.sweep = nil
	if len(p.free) > 0 && !p.closed {
		p.sweep = time.AfterFunc(time.Until(p.free[0].since.Add(p.idle)), p.expire)
	}
}

// Close ends the pool: free connections at once, those in use when they are given back. Calls that wait fail.
func (p *pool[C]) Close() error {
	p.end()
	p.mu.Lock()
	p.closed = true
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
	for _, f := range p.free {
		f.c.close()
		p.open--
	}
	p.free = nil
	p.fail(errClosed)
	p.mu.Unlock()
	p.makers.Wait()
	return nil
}
