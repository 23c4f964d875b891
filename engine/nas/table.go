package nas

import (
	"net/netip"

	"perilune/engine/raddb"
)

// A Table finds clients by source address. It is immutable after Load.
type Table struct{}

// Load reads the clients file name of the tree. Errors and warnings are collected in errs.
func Load(tree *raddb.Tree, name string, errs *raddb.List) *Table { panic("nas.Load") }

// Lookup gives the client with the longest prefix that holds addr, nil for an unknown source. The address
// must be unmapped (no ::ffff:a.b.c.d); a zone is ignored unless a client names it.
func (t *Table) Lookup(addr netip.Addr) *Client { panic("nas.Lookup") }

// Len gives the number of clients.
func (t *Table) Len() int { panic("nas.Len") }

// All gives the clients by Index. The slice must not be changed.
func (t *Table) All() []*Client { panic("nas.All") }
