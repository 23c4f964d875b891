package nas

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"perilune/engine/raddb"
)

// A Resolver finds the addresses of a host name. *net.Resolver is one. It is called from several goroutines.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// A Memory keeps the last known addresses of host names over reloads and restarts.
type Memory interface {
	Recall(host string) []netip.Addr
	Keep(host string, addrs []netip.Addr)
}

// A Host is a client that is given by host name, with the addresses it got.
type Host struct {
	Name  string
	Addrs []netip.Addr // sorted, unmapped; empty if nothing is known
	At    raddb.Pos
	Stale bool // the look-up failed: Addrs are the last known ones
}

const (
	defaultWait = 2 * time.Second
	lookups     = 64               // at once
	allLookups  = 10 * time.Second // for all together, so that a dead resolver does not stop a reload
)

// Resolve looks host names up, many at once, each for o.Wait at most. Names that do not resolve get their
// last known addresses. The results have the order of names; err says why one is stale.
func Resolve(names []string, o Options) (found []Host, errs []error) {
	found, errs = make([]Host, len(names)), make([]error, len(names))
	ctx, cancel := context.WithTimeout(context.Background(), allLookups)
	defer cancel()
	room := make(chan struct{}, lookups)
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			found[i], errs[i] = lookup(ctx, name, o)
		})
	}
	wg.Wait()
	return found, errs
}

func lookup(ctx context.Context, name string, o Options) (Host, error) {
	h := Host{Name: name}
	wait, resolver := o.Wait, o.Resolver
	if wait == 0 {
		wait = defaultWait
	}
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	addrs, err := resolver.LookupNetIP(ctx, "ip", name)
	if err == nil && len(addrs) == 0 {
		err = fmt.Errorf("it has no address")
	}
	if err != nil {
		h.Stale = true
		if o.Memory != nil {
			h.Addrs = o.Memory.Recall(name)
		}
		return h, err
	}
	h.Addrs = tidy(addrs)
	if o.Memory != nil {
		o.Memory.Keep(name, h.Addrs)
	}
	return h, nil
}

// tidy unmaps and sorts, so that the order of answers, which changes from look-up to look-up, is no change
// of the generation.
func tidy(addrs []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		out[i] = a.Unmap().WithZone("")
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// resolve gives the clients with host names their addresses, after all others have theirs.
func (l *loader) resolve() {
	if len(l.waiting) == 0 {
		return
	}
	names := make([]string, len(l.waiting))
	for i, w := range l.waiting {
		names[i] = w.host
	}
	hosts, errs := Resolve(names, l.o)
	for i, h := range hosts {
		h.At = l.waiting[i].client.At
		l.resolved(l.waiting[i].client, h, errs[i])
	}
}

func (l *loader) resolved(c *Client, h Host, err error) {
	l.table.names = append(l.table.names, h)
	l.tree.Remember("address of "+h.Name, []byte(AddressText(h.Addrs)))
	switch {
	case err != nil && len(h.Addrs) == 0:
		l.errs.Warnf(h.At, "client %s does not resolve (%v) and no address of it is known: it cannot speak until it does", h.Name, err)
	case err != nil:
		l.errs.Warnf(h.At, "client %s does not resolve (%v); its last known address is used: %s", h.Name, err, AddressText(h.Addrs))
	}
	for i, a := range h.Addrs {
		one := c
		if i > 0 {
			one = l.client()
			*one = *c
		}
		one.Prefix = netip.PrefixFrom(a, a.BitLen())
		if old := l.table.same(one.Prefix, ""); old != nil {
			l.errs.Warnf(h.At, "client %s resolves to %s, which is client %q at %s already: that one stays", h.Name, a, old.Name, old.At)
			continue
		}
		l.table.add(one)
	}
}

// AddressText gives addresses parted by spaces.
func AddressText(addrs []netip.Addr) string {
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	return strings.Join(words, " ")
}
