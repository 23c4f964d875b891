package nas

import (
	"net/netip"

	"github.com/gaissmai/bart"
)

// A Table finds clients by source address. It is immutable after Load.
type Table struct {
	clients  []*Client
	hosts    hosts
	zoned    map[netip.Addr]uint32 // link-local hosts that name their zone
	prefixes bart.Table[uint32]
	names    []Host
}

// Lookup gives the client with the longest prefix that holds addr, nil for an unknown source. The address
// must be unmapped (no ::ffff:a.b.c.d); a zone is ignored unless a client names it.
func (t *Table) Lookup(addr netip.Addr) *Client {
	if len(t.zoned) != 0 && addr.Zone() != "" {
		if i, ok := t.zoned[addr]; ok {
			return t.clients[i]
		}
	}
	if i, ok := t.hosts.find(addr); ok {
		return t.clients[i]
	}
	if i, ok := t.prefixes.Lookup(addr); ok {
		return t.clients[i]
	}
	return nil
}

// Len gives the number of clients.
func (t *Table) Len() int { return len(t.clients) }

// All gives the clients by Index. The slice must not be changed.
func (t *Table) All() []*Client { return t.clients }

// Named gives the first client of a name in the order of the file, nil if there is none.
func (t *Table) Named(name string) *Client {
	for _, c := range t.clients {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Hosts gives the clients that are given by host name, in the order of the file. The slice must not be
// changed.
func (t *Table) Hosts() []Host { return t.names }

// same gives the client that already has exactly this prefix.
func (t *Table) same(p netip.Prefix, zone string) *Client {
	var i uint32
	var ok bool
	switch {
	case zone != "":
		i, ok = t.zoned[p.Addr().WithZone(zone)]
	case p.IsSingleIP():
		i, ok = t.hosts.find(p.Addr())
	default:
		i, ok = t.prefixes.Get(p)
	}
	if !ok {
		return nil
	}
	return t.clients[i]
}

// add takes a client whose prefix is new.
func (t *Table) add(c *Client) {
	c.Index = len(t.clients)
	i := uint32(c.Index)
	t.clients = append(t.clients, c)
	switch {
	case c.Zone != "":
		if t.zoned == nil {
			t.zoned = map[netip.Addr]uint32{}
		}
		t.zoned[c.Prefix.Addr().WithZone(c.Zone)] = i
	case c.Prefix.IsSingleIP():
		t.hosts.add(c.Prefix.Addr(), i)
	default:
		t.prefixes.Insert(c.Prefix, i)
	}
}
