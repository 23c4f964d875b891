package server

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"perilune/engine/acct"
)

// dynamics is what a Core keeps for CoA and Disconnect.
type dynamics struct {
	targets targets
	stops   stops
	replays replays
	standIn func(*dynamic, *DynamicQuestion) // answers in the place of NASes, in tests of a policy
}

// maxStops bounds the sessions whose Stop is awaited. Beyond it rows stay open: the reaper finds them.
const maxStops = 1 << 16

// stops waits for the Stops that NASes owe after they have acknowledged a Disconnect.
type stops struct {
	mu      sync.Mutex // protects all below
	pending []owed     // in the order of due, as long as nobody changes the setting
	timer   *time.Timer
	closed  bool
}

// owed is one session that its NAS has said to have ended.
type owed struct {
	unique, user, client string
	told, due            time.Time
}

// grace is how much later than the ACK a packet may come that the NAS had sent before.
const stopGrace = 5 * time.Second

// await closes a session's row after wait unless its Stop has come; with a negative wait never.
func (t *stops) await(c *Core, wait time.Duration, s *acct.Session) {
	if wait < 0 || c.dry || c.sessions == nil || c.recorder == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.pending) >= maxStops {
		return
	}
	now := c.now()
	t.pending = append(t.pending, owed{s.Unique(), s.User, s.Client, now, now.Add(wait)})
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, func() { t.turn(c) })
	}
}

// turn looks at the sessions whose time is over, and sets the timer for the next.
func (t *stops) turn(c *Core) {
	for _, o := range t.due(c) {
		c.closeUnstopped(&o)
	}
}

func (t *stops) due(c *Core) (over []owed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := c.now()
	for len(t.pending) > 0 && !t.pending[0].due.After(now) {
		over = append(over, t.pending[0])
		t.pending = t.pending[1:]
	}
	t.timer = nil
	if len(t.pending) > 0 && !t.closed {
		t.timer = time.AfterFunc(max(t.pending[0].due.Sub(now), time.Millisecond), func() { t.turn(c) })
	}
	return over
}

// close ends the waiting.
func (t *stops) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed, t.pending = true, nil
	if t.timer != nil {
		t.timer.Stop()
	}
}

// closeUnstopped closes the row of a session that is still open. One that the NAS has told of since lives,
// whatever it has acknowledged.
func (c *Core) closeUnstopped(o *owed) {
	for _, s := range c.sessions.Select(acct.Filter{ID: o.unique, User: o.user, Client: o.client}) {
		attrs := []any{slog.String("user", s.User), slog.String("client", s.Client), slog.String("session", s.SessionID)}
		if s.Heard > o.told.Add(stopGrace).Unix() {
			c.log.Warn("NAS has acknowledged a Disconnect and goes on with the session", attrs...)
			continue
		}
		c.log.Warn("NAS has acknowledged a Disconnect and sent no Stop; its session is closed as Admin-Reset", attrs...)
		c.CloseSession(s.Unique(), func(err error) {
			if err != nil {
				c.log.Error("session could not be closed", append(attrs, slog.String("error", err.Error()))...)
			}
		})
	}
}

// CloseSession closes the row of an open session as Admin-Reset, durably: done tells when. unique is the session's
// Unique. The NAS is not told; a Stop that comes later corrects the row.
func (c *Core) CloseSession(unique string, done func(error)) {
	if c.recorder == nil {
		done(errors.New("there is no place to record it"))
		return
	}
	c.recorder.Append(acct.AppendClose(nil, c.now(), unique, acct.CauseAdminReset), done)
}
