package module

import "context"

// An LDAP is one directory with its pool of connections.
type LDAP interface {
	Search(ctx context.Context, q *LDAPSearch) ([]LDAPEntry, error)
	// Bind reports whether a password is right for a DN. An empty password is never asked about (RFC 4513 s5.1.2).
	Bind(ctx context.Context, dn, password string) (bool, error)
}

// An LDAPSearch is one search. Scope is base, one or sub.
type LDAPSearch struct {
	Base, Filter, Scope string
	Attributes          []string
	Limit               int
}

// An LDAPEntry is one entry that was found.
type LDAPEntry struct {
	DN         string
	Attributes map[string][]string
}
