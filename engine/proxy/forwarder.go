package proxy

import (
	"hash/maphash"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Forwarder sends requests on to home servers. It outlives generations: it holds sockets, timers, and what is
// known of the servers' health. A few goroutines serve it: one for timers and one for each socket.
type Forwarder struct {
	o     ForwarderOptions
	born  time.Time
	marks marks

	homes       atomic.Pointer[[]*home] // whose timers are turned; a new slice for each change
	outstanding atomic.Int64            // identifiers taken, probes included
	refused     [len(outcomeNames)]atomic.Uint64
	sendErrors  atomic.Uint64
	senders     sync.Pool

	mu      sync.Mutex // protects known, changes of homes, and closing
	known   map[identity]*home
	closing atomic.Bool
	readers sync.WaitGroup
	forgot  int64       // when homes were last let go; of the timers' goroutine
	resting atomic.Bool // the timers are looked at seldom
	wake    chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

// A route is one realm's way to its home servers.
type route struct {
	realm    *Realm
	timeout  int64 // of the first try, nanoseconds
	retries  int
	pools    [kinds]pool
	inflight atomic.Int64 // requests under way
}

// binding ties a realm to its route. It hangs from Realm by a pointer, so that realms can be copied.
type binding struct{ route atomic.Pointer[route] }

// NewForwarder starts a Forwarder without home servers; Configure gives it some.
func NewForwarder(o ForwarderOptions) *Forwarder {
	f := newForwarder(o)
	go f.run()
	return f
}

func newForwarder(o ForwarderOptions) *Forwarder {
	o.complete()
	f := &Forwarder{o: o, born: o.Now(), known: map[identity]*home{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	f.marks.seed = maphash.MakeSeed()
	f.marks.serial.Store(rand.Uint64())
	f.homes.Store(new([]*home))
	f.senders.New = func() any { return f.NewSender() }
	return f
}

// now gives nanoseconds of the Forwarder's life, on the monotonic clock.
func (f *Forwarder) now() int64 { return int64(f.o.Now().Sub(f.born)) }

// Configure makes the home servers of realms known, before a generation with them becomes active. Those with
// unchanged address, port and secret keep their state. Others end once nothing is out to them; requests of an
// older generation still reach them.
func (f *Forwarder) Configure(realms *Realms) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.known {
		h.configured.Store(false)
		h.status.Store(false)
	}
	for _, r := range realms.All() {
		f.bind(r, true)
	}
}

// Bind makes the home servers of one realm known that stands in no file, such as a NAS that is to be told to
// disconnect. It is for as long as it is used: without requests its sockets are closed after a minute.
func (f *Forwarder) Bind(r *Realm) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.binding == nil {
		r.binding = new(binding)
	}
	f.bind(r, false)
}

func (f *Forwarder) bind(r *Realm, configured bool) {
	if r.binding == nil || f.closing.Load() {
		return
	}
	to := &route{realm: r, timeout: int64(r.Timeout), retries: r.Retries}
	if r.Timeout <= 0 {
		to.timeout = int64(defaultTimeout)
	}
	if r.Retries <= 0 {
		to.retries = defaultRetries
	}
	for i := range r.Servers {
		s := &r.Servers[i]
		for kind, addr := range [kinds]netip.AddrPort{s.Auth, s.Acct, s.Dynamic} {
			if !addr.IsValid() || i >= maxServers {
				continue
			}
			h := f.homeOf(identity{addr, Kind(kind), s.Secret}, s.Name)
			if configured {
				h.configured.Store(true)
				h.status.Store(h.status.Load() || r.Status || s.Status)
			}
			p := &to.pools[kind]
			p.balance = r.Balance
			p.homes, p.weights = append(p.homes, h), append(p.weights, float64(max(s.Weight, 1)))
		}
	}
	r.binding.route.Store(to)
}

// homeOf gives the home server of that identity. The caller holds mu.
func (f *Forwarder) homeOf(id identity, name string) *home {
	h := f.known[id]
	if h == nil {
		h = newHome(f, id, name)
		f.known[id] = h
		f.turnTimersOf(h)
	}
	return h
}

// turnTimersOf takes a home among those whose timers are turned. The caller holds mu.
func (f *Forwarder) turnTimersOf(h *home) {
	if list := *f.homes.Load(); !slices.Contains(list, h) {
		list = append(slices.Clone(list), h)
		f.homes.Store(&list)
	}
}

// adopt takes a home back that had been let go: a request came for it, of an old generation or by Bind.
func (f *Forwarder) adopt(h *home) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing.Load() {
		go f.empty(h)
		return
	}
	if f.known[h.identity] == nil {
		f.known[h.identity] = h
	}
	f.turnTimersOf(h)
}

// forget lets homes go that are neither configured nor have anything out.
func (f *Forwarder) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := slices.Clone(*f.homes.Load())
	n := len(list)
	list = slices.DeleteFunc(list, func(h *home) bool {
		if h.configured.Load() || !h.quiet() {
			return false
		}
		if f.known[h.identity] == h {
			delete(f.known, h.identity)
		}
		return true
	})
	if len(list) < n {
		f.homes.Store(&list)
	}
}

// quiet reports whether a home has nothing open any more; from then on it is absent.
func (h *home) quiet() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.absent = len(h.sockets) == 0
	return h.absent
}

// Circles reports whether a CoA- or Disconnect-Request from that address is one that we have sent to the realm's
// servers ourselves: where Direct leaves no mark of ours in it, only the port tells.
func (f *Forwarder) Circles(r *Realm, from netip.AddrPort) bool {
	if r.binding == nil || r.binding.route.Load() == nil {
		return false
	}
	to := r.binding.route.Load()
	for _, h := range to.pools[KindDynamic].homes {
		if h.sends(from) {
			f.refused[Looped].Add(1)
			return true
		}
	}
	return false
}

// sends reports whether a socket of the home has the address.
func (h *home) sends(from netip.AddrPort) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.sockets {
		if a, ok := k.conn.LocalAddr().(*net.UDPAddr); ok && a.Port == int(from.Port()) && a.AddrPort().Addr().Unmap() == from.Addr().Unmap() {
			return true
		}
	}
	return false
}

// Wake makes all readers look at Poll.
func (f *Forwarder) Wake() {
	for _, h := range *f.homes.Load() {
		h.mu.Lock()
		for _, k := range h.sockets {
			k.conn.SetReadDeadline(time.Unix(1, 0))
		}
		h.mu.Unlock()
	}
}

// Close ends all exchanges with Closed, and all goroutines. Forward gives Closed from then on.
func (f *Forwarder) Close() {
	f.mu.Lock()
	again := f.closing.Load()
	f.closing.Store(true)
	f.mu.Unlock()
	if !again {
		close(f.stop)
	}
	<-f.done
}
