package nas

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"perilune/engine/raddb"

	"github.com/google/go-cmp/cmp"
)

// phonebook resolves the names that it has.
type phonebook map[string][]string

func (p phonebook) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	list, ok := p[host]
	if !ok {
		return nil, errors.New("no such host")
	}
	var addrs []netip.Addr
	for _, a := range list {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, nil
}

// memory is a Memory for tests.
type memory struct {
	mu    sync.Mutex // protects known
	known map[string][]netip.Addr
}

func (m *memory) Recall(host string) []netip.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[host]
}

func (m *memory) Keep(host string, addrs []netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[host] = addrs
}

func names(t *Table) []string {
	var out []string
	for _, c := range t.All() {
		out = append(out, c.Name+" "+c.Prefix.String())
	}
	return out
}

func TestHostNames(t *testing.T) {
	tr := tree(t, map[string]string{"clients": "nas.example.net a-secret-of-the-nas nas\n192.0.2.1 a-secret-of-one-nas one\nlost.example.net a-secret-of-lost\n"})
	book := phonebook{"nas.example.net": {"2001:db8::1", "192.0.2.9", "::ffff:192.0.2.9", "192.0.2.1"}}
	mem := &memory{known: map[string][]netip.Addr{}}
	var errs raddb.List
	table := LoadWith(tr, "clients", Options{Resolver: book, Memory: mem}, &errs)
	want := `clients:1:1: warning: client nas.example.net resolves to 192.0.2.1, which is client "one" at clients:2:1 already: that one stays
clients:3:1: warning: client lost.example.net does not resolve (no such host) and no address of it is known: it cannot speak until it does`
	if d := cmp.Diff(want, errs.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"one 192.0.2.1/32", "nas 192.0.2.9/32", "nas 2001:db8::1/128"}, names(table)); d != "" {
		t.Errorf("clients (-want +got)\n%s", d)
	}
	if c := table.Lookup(netip.MustParseAddr("2001:db8::1")); c == nil || c.Name != "nas" {
		t.Errorf("Lookup: %v", c)
	}
	before := tr.Inputs()

	// The name is gone: the last known addresses hold, and that is no change of the generation.
	errs = nil
	again := raddb.Open(tr.Root)
	table = LoadWith(again, "clients", Options{Resolver: phonebook{}, Memory: mem}, &errs)
	if errs.Failed() || len(errs) != 3 || table.Len() != 3 || !table.Hosts()[0].Stale {
		t.Errorf("clients %v, hosts %v, errors %v", names(table), table.Hosts(), errs)
	}
	if d := cmp.Diff(before, again.Inputs()); d != "" {
		t.Errorf("inputs changed (-want +got)\n%s", d)
	}

	// A new address is a change.
	third := raddb.Open(tr.Root)
	LoadWith(third, "clients", Options{Resolver: phonebook{"nas.example.net": {"192.0.2.77"}}, Memory: mem}, &errs)
	if cmp.Equal(before, third.Inputs()) {
		t.Error("a new address is no change of the inputs")
	}
}

// silent never answers.
type silent struct{}

func (silent) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestDeadResolver: many names and no answers take two seconds, not two each; ten at most.
func TestDeadResolver(t *testing.T) {
	for _, c := range []struct {
		n    int
		want time.Duration
	}{{1, 2 * time.Second}, {lookups, 2 * time.Second}, {10 * lookups, allLookups}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			hosts, errs := Resolve(make([]string, c.n), Options{Resolver: silent{}})
			if took := time.Since(start); took != c.want {
				t.Errorf("%d names took %v, want %v", c.n, took, c.want)
			}
			if len(hosts) != c.n || !hosts[c.n-1].Stale || errs[c.n-1] == nil {
				t.Errorf("the last is %v %v", hosts[c.n-1], errs[c.n-1])
			}
		})
	}
}
