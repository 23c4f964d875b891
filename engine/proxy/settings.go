package proxy

import (
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"perilune/engine/nas"
)

// ForwarderOptions are the settings of a Forwarder. The zero value of each stands for what is said beside it.
type ForwarderOptions struct {
	Log  *slog.Logger     // of home servers' deaths and the like; nil: none
	Now  func() time.Time // time.Now
	Name string           // NAS-Identifier in Status-Server; "": none
	From netip.Addr       // the address to send from, of its family; invalid: as the routing says

	MaxOutstanding int           // requests out at once in all: 65,536
	MaxPerServer   int           // and at one port of one home server: 16,384, which are 64 sockets
	Window         time.Duration // of silence until a home server is dead: 20 s
	Silences       int           // and how many requests in a row must go without an answer: 3
	Revival        time.Duration // in which the share of one that answers again grows: 30 s
	Probe          time.Duration // between two Status-Servers: 6 s, which is the least (RFC 3539 s3.4.1)
	Require        nas.Mode      // for realms without require-message-authenticator: auto

	// Busy is told while very many timers run out at once; nil: nobody is.
	Busy Busy
	// Poll reports whether readers should poll and yield instead of parking: while all processors compute, Go's
	// scheduler does not look at the network. Whoever brings that about calls Wake. Nil: they always park.
	Poll func() bool

	// Learnt reports whether a home server is known to sign its answers, from an earlier life; Learn is told
	// once that one does, on a goroutine of the Forwarder that it must not block for long. Nil: kept in memory alone.
	Learnt func(netip.AddrPort) bool
	Learn  func(netip.AddrPort)
}

func (o *ForwarderOptions) complete() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Busy == nil {
		o.Busy = idle{}
	}
	if o.Poll == nil {
		o.Poll = func() bool { return false }
	}
	if o.Require == nas.Inherit {
		o.Require = nas.Auto
	}
	for _, n := range []struct {
		field *int
		value int
	}{{&o.MaxOutstanding, 1 << 16}, {&o.MaxPerServer, 1 << 14}, {&o.Silences, 3}} {
		if *n.field <= 0 {
			*n.field = n.value
		}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&o.Window, 20 * time.Second}, {&o.Revival, 30 * time.Second}, {&o.Probe, probeInterval}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	o.Probe = max(o.Probe, probeInterval)
}

// A Busy is told of work that holds a processor for long, and lets others run.
type Busy interface {
	Enter()
	Yield()
	Leave()
}

// idle is a Busy that tells nobody.
type idle struct{}

func (idle) Enter() {}
func (idle) Yield() { runtime.Gosched() }
func (idle) Leave() {}
