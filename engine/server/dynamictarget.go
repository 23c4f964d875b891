package server

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"perilune/engine/acct"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// Dynamic holds the settings of CoA- and Disconnect-Requests that are sent.
type Dynamic struct {
	Timeout  time.Duration // for the first answer; each further try waits twice as long; 0: 2 s
	Tries    int           // 0: 3
	StopWait time.Duration // after a Disconnect-ACK, for the session's Stop; 0: 1 minute; negative: for ever
	Stamped  bool          // requests without Event-Timestamp are discarded
}

func (d *Dynamic) stopWait() time.Duration {
	if d.StopWait == 0 {
		return time.Minute
	}
	return d.StopWait
}

func (d *Dynamic) tries() (timeout time.Duration, tries int) {
	timeout, tries = d.Timeout, d.Tries
	if timeout <= 0 {
		timeout = 2 * time.Second
	}
	if tries <= 0 {
		tries = 3
	}
	return timeout, tries
}

// Why a NAS cannot be told anything.
var (
	errNoClient  = errors.New("no client of the clients file is its NAS")
	errNoAddress = errors.New("the client has many addresses; expected coa=ADDRESS in the clients file")
)

// nasOf finds the NAS of a question: its line in the clients file, and the address for such requests.
func (g *Generation) nasOf(q *DynamicQuestion) (client *nas.Client, to netip.AddrPort, err error) {
	var own netip.Addr
	if q.Session != nil {
		own, _ = netip.ParseAddr(q.Session.NASAddress)
	}
	candidates := []*nas.Client{q.Client}
	if q.Client == nil {
		candidates = g.clientsOf(q.Session, own)
	}
	for _, c := range candidates {
		client = c
		if to, ok := c.DynamicAddress(own); ok {
			return c, to, nil
		}
	}
	if client == nil {
		return nil, to, errNoClient
	}
	return nil, to, fmt.Errorf("%s: %w", client.Name, errNoAddress)
}

// clientsOf gives the lines that may be a session's NAS: those with the name of its client, which may be several
// addresses of one; if the file has that no more, the line for its address.
func (g *Generation) clientsOf(s *acct.Session, own netip.Addr) (found []*nas.Client) {
	if s == nil || g.Clients == nil {
		return nil
	}
	for _, c := range g.Clients.All() {
		if c.Name != s.Client {
			continue
		}
		if own.IsValid() && c.Prefix.Contains(own) {
			found = append([]*nas.Client{c}, found...)
		} else {
			found = append(found, c)
		}
	}
	if len(found) == 0 && own.IsValid() {
		if c := g.Clients.Lookup(own.Unmap()); c != nil {
			found = append(found, c)
		}
	}
	return found
}

// maxTargets bounds the NASes that are remembered.
const maxTargets = 4096

// A target is what tells one NAS from another.
type target struct {
	address netip.AddrPort
	secret  radius.Secret
	dynamic Dynamic
}

// targets are the NASes and realms that were asked, as the forwarder knows them, for one generation.
type targets struct {
	mu         sync.Mutex // protects all below
	generation *Generation
	byNAS      map[target]*proxy.Realm
	byRealm    map[*proxy.Realm]*proxy.Realm
}

// enter forgets what another generation left. The caller holds mu.
func (t *targets) enter(g *Generation) {
	if t.generation != g || len(t.byNAS)+len(t.byRealm) >= maxTargets {
		t.generation, t.byNAS, t.byRealm = g, map[target]*proxy.Realm{}, map[*proxy.Realm]*proxy.Realm{}
	}
}

// nas gives a realm with the NAS as its one home server. f may be nil: nothing is bound then.
func (t *targets) nas(f *proxy.Forwarder, g *Generation, c *nas.Client, to netip.AddrPort) *proxy.Realm {
	key := target{to, c.Secret, g.Settings.Dynamic}
	if c.CoASecret.Len() > 0 {
		key.secret = c.CoASecret
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enter(g)
	if r := t.byNAS[key]; r != nil {
		return r
	}
	r := &proxy.Realm{Name: c.Name, Servers: []proxy.Server{{Name: c.Name, Dynamic: to, Secret: key.secret}}}
	r.Timeout, r.Retries = g.Settings.Dynamic.tries()
	t.byNAS[key] = r
	if f != nil {
		f.Bind(r)
	}
	return r
}

// realm gives a realm whose home servers are asked at the port of RFC 5176.
func (t *targets) realm(f *proxy.Forwarder, g *Generation, of *proxy.Realm) *proxy.Realm {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enter(g)
	if r := t.byRealm[of]; r != nil {
		return r
	}
	r := &proxy.Realm{Name: of.Name, Balance: of.Balance}
	r.Timeout, r.Retries = g.Settings.Dynamic.tries()
	for _, s := range of.Servers {
		if !s.Dynamic.IsValid() {
			s.Dynamic = netip.AddrPortFrom(s.Auth.Addr(), nas.PortDynamic)
		}
		s.Auth, s.Acct = netip.AddrPort{}, netip.AddrPort{}
		r.Servers = append(r.Servers, s)
	}
	t.byRealm[of] = r
	if f != nil {
		f.Bind(r)
	}
	return r
}
