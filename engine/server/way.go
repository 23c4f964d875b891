package server

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"perilune/engine/program"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A Core is everything that the way of a request needs beside its generation: what outlives a reload. It
// knows no sockets. Its methods are safe for use by many goroutines, each with its own Request.
//
// The way is: receive (client, header, parse, authenticity), then the transport's duplicate cache, then
// process, then sending, then done. Down once, up once; nothing calls back up.
type Core struct {
	log        *slog.Logger
	now        func() time.Time
	recorder   Recorder
	detail     DetailWriter // nil: there are no detail files
	files      fileNames    // of these
	sessions   Sessions     // nil: logins are not counted
	places     Places       // nil: no other server counts
	settled    func() <-chan struct{}
	stirred    *stirred
	forwarder  *proxy.Forwarder                // nil: nothing is sent on
	leave      func(*Request, *proxy.Exchange) // of an Offline, in place of the forwarder
	deviceSeed maphash.Seed
	dynamics

	ratchet  *ratchet
	homes    *ratchet // home servers that sign their answers
	seal     *sealer
	tries    *tries
	hashes   *hashQueue
	dummy    *dummy
	throttle *throttle
	silence  *silence
	seldom   *seldom
	noise    *noise
	recent   *recent
	watches  observers[*Watching]
	captors  observers[Captor]

	programs *program.Runner // nil if dry
	dry      bool            // programs are not run, only told of

	draining atomic.Bool
}

// A Recorder makes accounting records durable. done is called once for each Append, with nil after the
// record cannot be lost any more, from a goroutine of the Recorder.
type Recorder interface {
	Append(record []byte, done func(error))
	Healthy() bool
}

// CoreOptions are what NewCore needs.
type CoreOptions struct {
	Log       *slog.Logger           // nil: nothing is logged
	Now       func() time.Time       // nil: time.Now
	Recorder  Recorder               // nil: accounting is not answered
	Detail    DetailWriter           // nil: there are no detail files
	Sessions  Sessions               // of the recorder; nil: Simultaneous-Use is not enforced
	Forwarder *proxy.Forwarder       // nil: nothing is sent on
	Places    Places                 // nil: no other server counts
	Settled   func() <-chan struct{} // gives a channel that is closed when Sessions holds what was recorded until now; nil: at once
	StateDir  string                 // holds what the ratchet learnt and the State key; "": kept in memory alone
	KeyFile   string                 // [state] key-file; "": state.key in StateDir
	Ring      int                    // decisions remembered for explain --last; 0: 4096

	Programs int  // external programs at once that requests wait for; 0: 32
	Dry      bool // external programs are not run

	HashWorkers int // costly password hashes computed at once; 0: one for each processor
	HashQueue   int // requests that may wait for their turn; 0: 64 for each worker

	like *Core // one that is over, without StateDir, whose large tables are used again; nil: none
}

// NewCore loads what was kept in the state directory.
func NewCore(o CoreOptions) (*Core, error) {
	c := &Core{log: o.Log, now: o.Now, recorder: o.Recorder, detail: o.Detail, sessions: o.Sessions, places: o.Places, forwarder: o.Forwarder, settled: o.Settled, deviceSeed: maphash.MakeSeed()}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	key, table := o.KeyFile, ""
	if o.StateDir != "" {
		table = filepath.Join(o.StateDir, "message-authenticator")
		if key == "" {
			key = filepath.Join(o.StateDir, "state.key")
		}
	}
	c.openToWorld(key)
	var err error
	if c.seal, err = openSealer(key); err != nil {
		return nil, err
	}
	if o.like == nil || !c.takeTables(o.like) {
		c.stirred = newStirred()
		if c.ratchet, err = openRatchet(table, c.log); err != nil {
			return nil, err
		}
		if c.homes, err = openRatchet(homeTable(o.StateDir), c.log); err != nil {
			return nil, err
		}
	}
	c.tries, c.throttle = newTries(), newThrottle(c.now())
	if c.dry = o.Dry; !c.dry {
		c.programs = program.NewRunner(program.Options{Max: o.Programs, Log: c.log})
	}
	c.hashes = newHashQueue(o.HashWorkers, o.HashQueue)
	c.dummy, c.silence = newDummy(), newSilence()
	c.seldom, c.noise = newSeldom(), newNoise()
	c.recent = newRecent(o.Ring)
	return c, nil
}

// takeTables takes the large tables of a Core that is over, if they can be emptied.
func (c *Core) takeTables(of *Core) bool {
	if !of.stirred.empty() {
		return false
	}
	of.ratchet.empty()
	of.homes.empty()
	c.stirred, c.ratchet, c.homes = of.stirred, of.ratchet, of.homes
	return true
}

// openToWorld warns of a key file that others may read.
func (c *Core) openToWorld(path string) {
	if info, err := os.Stat(path); path != "" && err == nil && info.Mode().Perm()&0o077 != 0 {
		c.log.Warn("key file can be read by others: chmod 600 it", "file", path, "mode", info.Mode().Perm().String())
	}
}

// Close writes what is not yet written.
func (c *Core) Close() error {
	c.stops.close()
	if c.programs != nil {
		c.programs.Close()
	}
	c.hashes.close()
	return errors.Join(c.ratchet.close(), c.homes.close())
}

// ProgramCounters count how external programs have ended.
func (c *Core) ProgramCounters() program.Counters {
	if c.programs == nil {
		return program.Counters{}
	}
	return c.programs.Counters()
}

// Drain makes Status-Server unanswered, so that NASes turn to another server (RFC 5997 s4.2).
func (c *Core) Drain() { c.draining.Store(true) }

// process takes a request whose packet receive found good through its phases. It fills Verdict, Reason,
// Cause, Code, Delay and out, which stays empty after a discard or drop. It runs on the caller's goroutine
// and may call Detach.
//
// If it leaves pending set, the request waits for its accounting record or for a home server: the caller makes
// the request independent of itself and then calls wait, after which it must not touch the request.
func (c *Core) process(r *Request) {
	r.way.hashes, r.way.throttle = c.hashes, c.throttle
	c.look(r)
	c.elect(r)
	switch r.Packet.Code {
	case radius.CodeStatusServer:
		c.status(r)
	case radius.CodeAccessRequest:
		c.access(r)
	case radius.CodeAccountingRequest:
		c.accounting(r)
	case radius.CodeCoARequest, radius.CodeDisconnectRequest:
		c.coa(r)
	default:
		r.refuse(Discard, ReasonUnknownCode)
	}
	if r.pending == waitNothing {
		c.conclude(r)
	}
}

// conclude is the end of every request that receive let through: rings and traces.
func (c *Core) conclude(r *Request) {
	c.recent.add(r)
	c.capture(r)
	if r.Trace != nil && !r.followed() {
		c.show(r)
	}
}

// followed reports whether handlers run after the answer was sent. Its trace is shown after them.
func (r *Request) followed() bool {
	p := r.Generation.Policy
	return p != nil && p.Has(PhaseDone) && r.Packet.Code != radius.CodeStatusServer
}

// done runs the handlers of the phase after sending and ends the request for the policy. Handlers that wait
// detach the request as everywhere.
func (c *Core) done(r *Request) {
	c.execAfter(r)
	p := r.Generation.Policy
	if p == nil {
		return
	}
	if r.followed() {
		r.Deadline = c.now().Add(doneTime)
		r.Trace.Enter(PhaseDone.String())
		r.runner().Run(PhaseDone, r)
		if r.Trace != nil {
			c.show(r)
		}
	}
	if r.Runner != nil && r.way.policy == p {
		r.Runner.End(r)
	}
}

// doneTime is what `done` handlers have, counted anew: the answer is out.
const doneTime = 5 * time.Second

// identify fills the request's attribute list and what follows from it.
func (c *Core) identify(r *Request) bool {
	g := r.Generation
	err := g.Dictionary.Decode(&r.Attributes, r.Packet.Attributes, &r.Session, &r.Packet.Authenticator)
	if err != nil {
		r.refuse(Discard, ReasonPasswordLength)
		return false
	}
	r.ReceivedUser = r.seen.user
	r.Method = r.method()
	r.addLocal()
	if r.Trace != nil {
		r.Trace.Enter("request")
		r.Trace.List("", &r.Attributes)
	}
	return true
}

// run runs one phase, if it has handlers, and gives a verdict that the phase may give.
func (c *Core) run(p Phase, r *Request) *Verdict {
	policy := r.Generation.Policy
	if policy == nil || !policy.Has(p) {
		return nil
	}
	r.way.asked = true
	r.Trace.Enter(p.String())
	return c.permit(p, r, r.runner().Run(p, r))
}

// late reports whether the request's deadline has passed. The clock is read only if something waited or
// computed for long: nothing else takes time.
func (c *Core) late(r *Request) bool {
	return r.way.slow && !r.Deadline.IsZero() && c.now().After(r.Deadline)
}

// refuse ends a request natively.
func (r *Request) refuse(k Kind, why Reason) {
	r.Verdict, r.Cause, r.Reason = k, why, reasonNames[why]
	if r.Trace != nil {
		r.Trace.add(TraceStep{Text: k.String() + ": " + r.Reason, ours: true})
	}
}

// renamed keeps the name as received once a handler has changed it (Orig-User-Name).
func (r *Request) renamed() {
	known := &r.Generation.Dictionary.Known
	if r.ReceivedUser == nil || known.OrigUserName == nil || string(r.User()) == string(r.ReceivedUser) {
		return
	}
	if _, ok := r.Attributes.First(known.OrigUserName); !ok {
		r.Attributes.Add(known.OrigUserName.AnyTag(), r.ReceivedUser)
	}
}

// warn logs what must not be logged for each packet: once a minute for each client and text.
func (c *Core) warn(r *Request, text string, attrs ...slog.Attr) {
	if !c.seldom.allow(r.Client.Name, text, c.now()) {
		return
	}
	attrs = append(attrs, slog.String("client", r.Client.Name), slog.String("source", r.Source.String()))
	c.log.LogAttrs(context.Background(), slog.LevelWarn, text, attrs...)
}
