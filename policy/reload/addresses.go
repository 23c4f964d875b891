package reload

import (
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"sync"
)

// addresses keeps the last known addresses of host names in the clients file, over reloads and restarts: a
// name that does not resolve must not stop a start. It implements nas.Memory.
type addresses struct {
	mu   sync.Mutex // protects the rest
	path string     // "": not kept on disk
	last map[string][]netip.Addr
}

func openAddresses(path string) *addresses {
	a := &addresses{path: path, last: map[string][]netip.Addr{}}
	if b, err := os.ReadFile(path); err == nil {
		json.Unmarshal(b, &a.last) // a damaged file is as good as none
	}
	return a
}

// keepIn says where to keep them from now on, and adds what was kept there.
func (a *addresses) keepIn(path string) {
	old := openAddresses(path)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.path = path
	for host, addrs := range old.last {
		if _, known := a.last[host]; !known {
			a.last[host] = addrs
		}
	}
}

// Recall implements nas.Memory.
func (a *addresses) Recall(host string) []netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.last[host])
}

// Keep implements nas.Memory.
func (a *addresses) Keep(host string, addrs []netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Equal(a.last[host], addrs) {
		return
	}
	a.last[host] = slices.Clone(addrs)
	if b, err := json.Marshal(a.last); err == nil && a.path != "" {
		writeDurably(a.path, b) // a loss costs a look-up, no more
	}
}
