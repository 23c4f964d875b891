package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"perilune/engine/acct"
	"perilune/engine/admin"
	"perilune/engine/config"
	"perilune/engine/proxy"
	"perilune/engine/server"
	"perilune/policy/backend"
	"perilune/policy/reload"
	"perilune/policy/replay"
)

// serveOptions are the command line of serve; they stand above config.toml.
type serveOptions struct {
	dir, scripts, state  string
	auth, acct, coa      list
	strict               bool
	logFormat, logLevel  string
	authAddrs, acctAddrs []netip.AddrPort
	coaAddrs             []netip.AddrPort
}

func runServe(args []string, s streams) int {
	var o serveOptions
	f := newFlags(s, "serve", "Runs the server. Edits of its configuration and scripts take effect when they are saved.", "perilune serve -d raddb")
	f.StringVar(&o.dir, "d", defaultDir(), "configuration `DIR`")
	f.Var(&o.auth, "auth-listen", "`ADDRESS:PORT` for authentication; repeat or part by commas for more")
	f.Var(&o.acct, "acct-listen", "`ADDRESS:PORT` for accounting")
	f.Var(&o.coa, "coa-listen", "`ADDRESS:PORT` for CoA and Disconnect")
	f.StringVar(&o.scripts, "scripts", "", "`DIR` of the scripts instead of [policy] scripts")
	f.StringVar(&o.state, "state", "", "`DIR` for what is kept instead of [state] dir")
	f.BoolVar(&o.strict, "strict", false, "refuse to start on broken files instead of from the last good generation")
	f.StringVar(&o.logFormat, "log-format", "", "auto, text or json instead of [log] format")
	f.StringVar(&o.logLevel, "log-level", "", "debug, info, warn or error instead of [log] level")
	rest, code, ok := f.parse(args)
	if !ok {
		return code
	}
	if len(rest) > 0 {
		return f.wrong("unexpected argument %q", rest[0])
	}
	if err := o.addresses(); err != nil {
		return f.wrong("%v", err)
	}
	if err := serve(&o, s); err != nil {
		if missing := noDir(o.dir); missing != nil {
			err = missing
		}
		return s.fail("serve", err)
	}
	return exitOK
}

// addresses reads the -…-listen options.
func (o *serveOptions) addresses() error {
	for _, l := range []struct {
		name string
		from list
		to   *[]netip.AddrPort
	}{{"auth", o.auth, &o.authAddrs}, {"acct", o.acct, &o.acctAddrs}, {"coa", o.coa, &o.coaAddrs}} {
		for text := range strings.SplitSeq(strings.Join(l.from, ","), ",") {
			if text == "" {
				continue
			}
			if strings.HasPrefix(text, ":") {
				text = "[::]" + text
			}
			addr, err := netip.ParseAddrPort(text)
			if err != nil {
				return fmt.Errorf("-%s-listen %q: expected ADDRESS:PORT, like 127.0.0.1:1812 or [::1]:1812", l.name, text)
			}
			*l.to = append(*l.to, addr)
		}
	}
	return nil
}

// daemon is a running server with everything around it.
type daemon struct {
	o         *serveOptions
	s         streams
	log       *slog.Logger
	sinks     *sinks
	reloader  *reload.Reloader
	backends  *backend.Pools
	first     *reload.Candidate // its settings alone once all is open
	store     *acct.Store
	detail    *acct.Detail // nil: none
	forwarder *proxy.Forwarder
	memory    atomic.Pointer[server.Heap] // nil: the process has no limit
	core      *server.Core
	requests  *replay.Recorder
	server    *server.Server
	began     time.Time
	bindable  func(netip.Addr) bool // whether the machine has an address
	closers   []func()
}

func serve(o *serveOptions, s streams) error {
	d := &daemon{o: o, s: s, began: time.Now(), bindable: bindable}
	defer d.close()
	busy := new(server.Busy)
	early := newSinks(config.Log{Format: o.logFormat, Level: o.logLevel}, s.err)
	d.backends = backend.New(time.Now, early.logger)
	var err error
	d.reloader, err = reload.New(reload.Options{
		Root: o.dir, Scripts: o.scripts, State: o.state, Version: version(), Strict: o.strict, Log: early.logger, Busy: busy, Full: d.full, Radius: world{d},
		Backends: d.backends,
	})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, d.reloader.Close)
	if d.first, err = d.reloader.Start(); err != nil {
		return err
	}
	if err := d.open(busy, early); err != nil {
		return err
	}
	return d.run()
}

// uncounted is what the process has beside what Go's collector counts: the program itself.
const uncounted = 24 << 20

// limitMemory holds the process to a limit, 0 for none, before the first packet is read. The collector is told less: it is late
// by some when much is taken at once.
func (d *daemon) limitMemory(limit int64) {
	if limit > 0 {
		limit = max(limit-limit/8-uncounted, limit/2)
		debug.SetMemoryLimit(limit)
		d.memory.Store(server.NewHeap(limit))
	}
}

// full reports whether the process has nearly all its memory. The first scripts are loaded before the limit is known.
func (d *daemon) full() bool { return d.memory.Load().Full() }

// open makes everything that the first generation's settings ask for.
func (d *daemon) open(busy *server.Busy, early *sinks) error {
	c := d.first.Config
	d.limitMemory(int64(c.Server.Memory))
	where := c.Log
	if where.File != "" {
		where.File = d.first.Path(where.File)
	}
	d.sinks = early.with(where, d.o)
	d.log = d.sinks.logger
	d.reloader.SetLog(d.log)
	var err error
	if err = d.openAccounting(c); err != nil {
		return err
	}
	d.openForwarder(c.Proxy, busy)
	d.core, err = server.NewCore(server.CoreOptions{
		Log: d.log, Recorder: d.store, Detail: d.detailWriter(), Sessions: d.store.Live(), Places: d.store, Settled: d.store.Shown, Forwarder: d.forwarder, StateDir: d.first.StateDir, KeyFile: d.first.KeyFile(), Ring: c.Log.Last,
		HashWorkers: c.Auth.HashWorkers, HashQueue: c.Auth.HashQueue, Programs: c.Programs.Max,
	})
	if err != nil {
		return err
	}
	d.closers = append(d.closers, func() { d.core.Close() })
	if err := d.openRecord(); err != nil {
		return err
	}
	lines, err := d.sinks.requests(c.Log, d.first.StateDir)
	if err != nil {
		return err
	}
	requests := server.NewLog(lines)
	d.closers = append(d.closers, func() { closeWithin(requests.Close) })
	d.server, err = server.New(d.core, server.Options{
		Listeners: d.listeners(c), Batch: c.Server.Batch, Whole: !c.Server.Segments, Detached: c.Server.Queue, DetachedBytes: int(c.Server.QueueMemory), Heap: d.memory.Load(), Outstanding: c.Proxy.MaxOutstanding,
		DuplicateBytes: int(c.Server.DuplicateCache), Log: requests, Busy: busy,
	})
	if err != nil {
		return err
	}
	d.reloader.Attach(func(g *reload.Candidate) {
		requests.SetLevel(d.sinks.setLevel(g.Config.Log, d.o))
		d.forwarder.Configure(g.Realms)
		d.server.Swap(g.Generation)
		d.requests.Configure(recordOf(g))
	})
	d.first = d.first.Outline() // later ones take its place
	return d.openSides(c)
}

// openSides opens the admin socket and the HTTP listeners.
func (d *daemon) openSides(c *config.Config) error {
	socket, err := admin.Listen(admin.Options{Path: d.first.AdminSocket(), Group: c.Admin.Group, Operators: c.Admin.Operators, Log: d.log}, d.routes())
	if err != nil {
		return err
	}
	d.closers = append(d.closers, func() { socket.Close() })
	return d.openHTTP(c)
}

// openHTTP opens the listeners of health and metrics. A default address that another server has is left out:
// a second server beside it answers packets, which matters more. What the file names must be had.
func (d *daemon) openHTTP(c *config.Config) error {
	for _, addr := range c.HTTP.Listen {
		web, at, err := admin.ListenHTTP(addr.String(), d.health(), d.metrics)
		if err != nil && c.Place("http.listen").Line == 0 {
			d.log.Warn("health and metrics are not served: [http] listen can name another address", "address", addr.String(), "error", err)
			continue
		}
		if err != nil {
			return err
		}
		d.closers = append(d.closers, func() { web.Close() })
		d.log.Info("health and metrics", "address", at.String())
	}
	return nil
}

func (d *daemon) close() {
	for i := len(d.closers) - 1; i >= 0; i-- {
		d.closers[i]()
	}
}

func closeWithin(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	end(ctx)
}

// listeners gives the addresses of the command line, else those of the file.
func (d *daemon) listeners(c *config.Config) (all []server.Listener) {
	add := func(kind string, option, file []netip.AddrPort) {
		if len(option) == 0 {
			option = d.available("listen."+kind, c, file)
		}
		for _, a := range option {
			all = append(all, server.Listener{Kind: kind, Addr: a, Loops: c.Server.Loops, ReceiveBuffer: int(c.Server.RecvBuffer)})
		}
	}
	add("auth", d.o.authAddrs, c.Listen.Auth)
	add("acct", d.o.acctAddrs, c.Listen.Acct)
	add("coa", d.o.coaAddrs, c.Listen.CoA)
	return all
}

// available leaves the IPv6 loopback out of the default addresses on a machine without IPv6. What the file
// names must be there.
func (d *daemon) available(key string, c *config.Config, addrs []netip.AddrPort) []netip.AddrPort {
	if c.Place(key).Line != 0 {
		return addrs
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.AddrPort) bool {
		missing := a.Addr().Is6() && !d.bindable(a.Addr())
		if missing {
			d.log.Warn("this machine has no IPv6: the default address is left out", "address", a.String())
		}
		return missing
	})
}

func bindable(addr netip.Addr) bool {
	conn, err := net.ListenPacket("udp", netip.AddrPortFrom(addr, 0).String())
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// run serves until a signal ends it.
func (d *daemon) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		d.reloader.Watch(ctx)
	}()
	go d.signals(ctx)
	go d.feedWatchdog(ctx)
	d.welcome()
	notifySystemd("READY=1")
	err := d.server.Serve(ctx)
	notifySystemd("STOPPING=1")
	d.forwarder.Close() // what home servers still have ends without an answer
	stop()
	<-watching
	d.log.Info("stopped")
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("requests that were still in work got no answer: %w", err)
	}
	return err
}

// signals reloads on SIGHUP and reopens log files on SIGUSR1.
func (d *daemon) signals(ctx context.Context) {
	ch := make(chan os.Signal, 4)
	signal.Notify(ch, syscall.SIGHUP, syscall.SIGUSR1)
	defer signal.Stop(ch)
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-ch:
			d.sinks.reopen()
			d.reopenAccounting()
			if sig == syscall.SIGHUP {
				notifyReloading()
				d.reloader.Reload("SIGHUP", false)
				notifySystemd("READY=1")
			}
		}
	}
}

var _ io.Writer = (*reopening)(nil)
