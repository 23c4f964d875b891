package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"perilune/engine/proxy"
)

// Options of New. They do not change while the server runs.
type Options struct {
	Listeners      []Listener
	Batch          int           // datagrams of one read, 1 to 128; 0: 64
	Whole          bool          // each reply is a message of its own to the kernel, also where many to one NAS are equally long
	Detached       int           // requests that wait at the same time, at most; 0: 1024
	DetachedBytes  int           // memory that these may take, counted roughly; 0: 640 MiB
	Heap           *Heap         // while it is full no request may begin to wait; nil: it never is
	Outstanding    int           // requests at home servers at the same time, at most; 0: 65536
	Delayed        int           // rejects held back at the same time, at most; 0: 16384
	DuplicateBytes int           // memory of each loop's duplicate cache, rounded up to a power of two; 0: 16 MiB
	StatusRate     int           // Status-Server packets answered each second for one client; 0: 10
	Grace          time.Duration // how long Serve waits for requests at work when its context ends; 0: 5 s
	Log            *Log          // nil: no request log
	Events         *slog.Logger  // what the operator should know beside requests; nil: slog.Default()
	Busy           *Busy         // shared with loaders and hooks; nil: one of the server's own
	Portable       bool          // read and send one datagram at a time, by the standard library alone
}

func (o *Options) fill() {
	def := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	def(&o.Batch, 64)
	o.Batch = min(o.Batch, maxBatch)
	def(&o.Detached, 1024)
	def(&o.DetachedBytes, 640<<20)
	def(&o.Outstanding, maxOut)
	def(&o.Delayed, 16384)
	def(&o.DuplicateBytes, 16<<20)
	def(&o.StatusRate, 10)
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Events == nil {
		o.Events = slog.Default()
	}
	if o.Busy == nil {
		o.Busy = new(Busy)
	}
}

// steps is the way of a request from the datagram to the reply; Core fills it, and tests of the transport.
type steps interface {
	// receive finds the client, parses and verifies; zero to go on, or why the packet is discarded.
	receive(r *Request, datagram []byte) Reason
	// process decides and encodes. It may call Detach, and it may leave the request to wait (r.pending).
	process(r *Request)
	// wait hands a parked request to the recorder or to the forwarder, which calls r.resume later, or at once. A
	// request for a home server may leave with what s holds; nil: at once.
	wait(r *Request, s *proxy.Sender)
	// resume goes on with a request once what it waited for has come. It may leave it to wait again.
	resume(r *Request)
	// sender gives what a role sends requests on with; nil if there is no forwarder.
	sender() *proxy.Sender
	// conclude is the end of a request that was to wait and found no room for it.
	conclude(r *Request)
	// repeat tells the forwarder that the client has sent a request again.
	repeat(x *proxy.Exchange, serial uint64)
	// done tells hooks of the outcome, and ends the request. It may call Detach.
	done(r *Request)
	// Drain makes Status-Server unanswered from now on.
	Drain()
}

// ErrStopped is what Serve gives if the server was shut down before.
var ErrStopped = errors.New("server: stopped")

// A Server reads requests from its sockets and sends the answers that Core gives.
type Server struct {
	options    Options
	born       time.Time
	steps      steps
	process    func(*Request) // of steps, kept: a method value made for each call would be garbage
	done       func(*Request)
	resume     func(*Request)
	busy       *Busy
	generation atomic.Pointer[Generation]
	serial     atomic.Uint64
	roles      []*role
	ports      []*port // by listener
	desks      desks
	admission  admission
	delays     *delays
	outbox     *outbox
	twins      *twins
	log        *Log

	stopping atomic.Bool    // sockets are read empty, rejects go out at once
	started  bool           // Serve was called, or never may be; protected by starting
	starting sync.Mutex     // held while all that Serve starts is started, so that Shutdown waits for the whole of it
	working  sync.WaitGroup // roles
	inflight sync.WaitGroup // detached requests, and those that are parked
	closers  sync.WaitGroup // generations being closed
	stop     sync.Once
	stopped  chan struct{} // closed when Shutdown is through
}

// New binds all sockets. It fails if one cannot be had, and then leaves none open. Packets are answered from
// Serve on, with the generation that Swap was given before.
func New(core *Core, o Options) (*Server, error) { return newServer(core, o) }

func newServer(way steps, o Options) (*Server, error) {
	o.fill()
	s := &Server{options: o, born: time.Now(), steps: way, busy: o.Busy, log: o.Log, stopped: make(chan struct{})}
	s.process, s.done, s.resume = way.process, way.done, way.resume
	s.admission.bound, s.admission.out = o.Detached, int64(o.Outstanding)
	s.admission.memory, s.admission.heap = o.DetachedBytes, o.Heap
	s.delays, s.outbox, s.twins = newDelays(o.Delayed), newOutbox(), newTwins(o.DuplicateBytes)
	for i, l := range o.Listeners {
		if err := s.open(i, l); err != nil {
			s.closeSockets()
			return nil, err
		}
	}
	return s, nil
}

func (s *Server) open(index int, l Listener) error {
	switch l.Kind {
	case "auth", "acct", "coa":
	default:
		return fmt.Errorf("server: listener %s: kind %q; expected auth, acct or coa", l.Addr, l.Kind)
	}
	p, err := bind(l, s.options.Listeners, !s.options.Portable)
	if err != nil {
		return err
	}
	s.ports = append(s.ports, p)
	for i := range p.conns {
		ro, err := newRole(s, index, l, p, i)
		if err != nil {
			return err
		}
		s.roles = append(s.roles, ro)
	}
	return nil
}

func (s *Server) closeSockets() {
	for _, p := range s.ports {
		p.close()
	}
}

// Serve answers requests until ctx ends, then shuts down gracefully; or until Shutdown is called. A
// generation must be in place. It gives nil after a graceful end.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.start(); err != nil {
		return err
	}
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-s.stopped:
			return nil
		case <-ticker.C:
			s.desks.trim()
			s.trimPolicy()
		case <-ctx.Done():
			grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
			defer cancel()
			return s.Shutdown(grace)
		}
	}
}

// trimPolicy lets the active policy drop Lua states that were not needed of late.
func (s *Server) trimPolicy() {
	g, release := s.Hold()
	defer release()
	if g == nil {
		return
	}
	if p, ok := g.Policy.(interface{ Trim() }); ok {
		p.Trim()
	}
}

func (s *Server) start() error {
	s.starting.Lock()
	defer s.starting.Unlock()
	switch {
	case s.stopping.Load():
		return ErrStopped
	case s.generation.Load() == nil:
		return errors.New("server: no generation to serve")
	case s.started:
		return errors.New("server: Serve was called already")
	}
	s.started = true
	s.tellSockets()
	go s.delays.run()
	go s.outbox.run()
	for _, ro := range s.roles {
		s.working.Add(1)
		s.busy.Watch(ro.wake)
		go ro.run()
	}
	return nil
}

// tellSockets says what the kernel granted: of the receive buffers, where most lost packets are lost, and of lanes.
func (s *Server) tellSockets() {
	for _, l := range s.Snapshot().Listeners {
		s.options.Events.Debug("receive buffer", "kind", l.Kind, "address", l.Addr.String(), "octets", l.ReceiveBuffer)
	}
	for i, l := range s.options.Listeners {
		if err := s.ports[i].unsteered; err != nil {
			s.options.Events.Warn("under overload all sources lose alike: the kernel does not steer the noisy ones aside", "kind", l.Kind, "address", l.Addr.String(), "error", err)
		}
		got := s.Snapshot().Listeners[i].ReceiveBuffer / 2 // the kernel counts its own needs in
		if l.ReceiveBuffer > 0 && got > 0 && got < l.ReceiveBuffer {
			s.options.Events.Warn("the receive buffer is smaller than asked; raise net.core.rmem_max", "kind", l.Kind,
				"address", l.Addr.String(), "asked", l.ReceiveBuffer, "granted", got)
		}
	}
}

// Addrs gives the bound address of each listener, in the order of the options; ports asked as 0 are filled in.
func (s *Server) Addrs() []netip.AddrPort {
	addrs := make([]netip.AddrPort, len(s.options.Listeners))
	for _, ro := range s.roles {
		addrs[ro.index] = ro.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	return addrs
}

// Busy gives the counter that loaders and hooks raise while they compute.
func (s *Server) Busy() *Busy { return s.busy }
