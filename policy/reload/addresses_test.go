package reload

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A resolver knows every name by one address, or none; look is told before.
type resolver struct {
	look func(host string)

	mu   sync.Mutex // protects addr
	addr string     // "": nothing resolves
}

func (r *resolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if r.look != nil {
		r.look(host)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.addr == "" {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{netip.MustParseAddr(r.addr)}, nil
}

func (r *resolver) set(addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addr = addr
}

const named = "nas.example a-secret-of-enough-octets here\n"

// TestAddressesChange: a client that moves is found again, while changes of files that were not asked for
// stay out, and a rollback stays in place.
func TestAddressesChange(t *testing.T) {
	off := strings.Replace(siteConfig, "poll = \"1h\"", "poll = \"1h\"\nwatch = false", 1)
	s := newSite(t, map[string]string{"raddb/clients": named, "raddb/config.toml": off})
	names := &resolver{addr: "192.0.2.1"}
	o := s.options()
	o.Resolver = names
	s.must(s.tryStart(o, func(r *Reloader) { r.resolved = 5 * time.Millisecond }))
	s.watch()
	s.write("raddb/users", "half of a cha")
	names.set("192.0.2.2")
	s.wait("the new address", func() bool { return s.r.Status().Generation == 2 })
	if report := s.r.Status().Last; report.Trigger != "addresses changed" || !report.OK || !slices.ContainsFunc(report.Changes, func(c string) bool { return strings.Contains(c, "nas.example") }) {
		t.Errorf("report %+v", report)
	}
	if c := s.last().Clients.Lookup(netip.MustParseAddr("192.0.2.2")); c == nil {
		t.Error("the client is not known by its new address")
	}
	s.refused("users")
	names.set("192.0.2.3")
	s.wait("the next address", func() bool { return s.r.Status().Generation == 3 })
	if s.r.Status().Degraded == "" {
		t.Error("a new address has mended the users file")
	}
	names.set("") // what does not resolve any more keeps what it has
	if s.r.moved(s.last().Clients.Hosts()) {
		t.Error("a failed look-up counts as a change")
	}
}

func (s *site) last() *Candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.placed[len(s.placed)-1]
}

// TestAddressesRemembered: a name that does not resolve at a start has its address of the last run.
func TestAddressesRemembered(t *testing.T) {
	s := newSite(t, map[string]string{"raddb/clients": named})
	names := &resolver{addr: "192.0.2.1"}
	o := s.options()
	o.Resolver = names
	s.must(s.tryStart(o))
	s.stop()
	names.set("")
	s.must(s.tryStart(o))
	if s.last().Clients.Lookup(netip.MustParseAddr("192.0.2.1")) == nil {
		t.Errorf("the last address is forgotten\n%s", s.log)
	}
	if st, err := os.Stat(s.path("state/addresses.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("addresses.json: %v %v", st, err)
	}
	if s.log.count("its last known address is used") == 0 {
		t.Errorf("nobody said so:\n%s", s.log)
	}
}
