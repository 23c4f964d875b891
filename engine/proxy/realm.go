package proxy

import (
	"net/netip"
	"slices"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// The names of realms that are none: for user names with a realm that has no line of its own, and for those
// without a realm.
const (
	DefaultRealm = "DEFAULT"
	NoRealm      = "NOREALM"
)

// A Realm is one line of the realms file. It is not changed after Load.
type Realm struct {
	Name    string
	Local   bool     // LOCAL: answered here
	Servers []Server // home servers in order of preference; empty if Local
	At      raddb.Pos

	IgnoreCase bool          // ignorecase: the name matches without case, ASCII only
	Strip      bool          // strip, the default: the realm is taken off User-Name when sent on
	Auth       bool          // auth, the default: Access-Requests go there
	Acct       bool          // acct, the default: Accounting-Requests go there
	Quota      int           // quota=: open sessions at once; counted by whoever admits them; 0: no limit
	Inflight   int           // inflight=: requests out at once; 0: no limit of its own
	Timeout    time.Duration // timeout=: for an answer to one try
	Retries    int           // retries=: tries at one server

	Dead       Dead       // dead=: what is answered when no home server does
	Retransmit Retransmit // retransmit=: who asks again
	Require    nas.Mode   // require-message-authenticator=: on answers to Access-Requests
	Status     bool       // status-server: a silent home server is probed (RFC 5997)
	Plain      bool       // no-message-authenticator: requests go without, for a home server that chokes on it
	Balance    bool       // balance: requests are spread over the servers by weight, not asked in order
	Operator   string     // operator-name=: Operator-Name for requests that have none (RFC 5580 s4.1); "": none
	only       traffic    // of the flags auth and acct
	lower      string     // Name in lower case
	binding    *binding   // to a Forwarder
}

// traffic is a set of kinds of requests.
type traffic uint8

const (
	authTraffic traffic = 1 << iota
	acctTraffic
)

// A Server is one home server of a realm.
type Server struct {
	Name string         // as written
	Auth netip.AddrPort // where Access-Requests go
	Acct netip.AddrPort // where Accounting-Requests go
	// Where CoA- and Disconnect-Requests go (RFC 5176). The realms file names none: NASes are told, by Bind.
	Dynamic netip.AddrPort
	Secret  radius.Secret
	Weight  int  // weight@: its share in a balanced realm, from 1 to 100; 0 counts as 1
	Status  bool // status-server@: as the realm's, for this server alone
}

// Dead says what a NAS hears when all home servers of a realm are dead.
type Dead uint8

// The answers.
const (
	DeadDrop   Dead = iota // nothing, so that the NAS asks its next server
	DeadReject             // an Access-Reject
)

// Retransmit says who repeats a request that a home server has not answered.
type Retransmit uint8

// The ways.
const (
	RetransmitServer Retransmit = iota // we do, by timeout and retries
	RetransmitClient                   // only the NAS does (converted trees)
)

// Realms finds realms by name. It is immutable after Load.
type Realms struct {
	list    []*Realm
	exact   map[string]*Realm
	folded  map[string]*Realm // of ignorecase, in lower case
	Default *Realm            // DEFAULT; nil if there is none
	None    *Realm            // NOREALM; nil if there is none
}

// Lookup gives the realm of a name, DEFAULT's for an unknown one, nil if there is neither. The empty name is
// NOREALM's.
func (rs *Realms) Lookup(name string) *Realm {
	if name == "" {
		return rs.None
	}
	if r, ok := rs.exact[name]; ok {
		return r
	}
	if len(rs.folded) != 0 {
		if r, ok := rs.folded[lower(name)]; ok {
			return r
		}
	}
	return rs.Default
}

// Line gives the line of that name, also of DEFAULT and NOREALM, and no other line in its place; nil if there
// is none.
func (rs *Realms) Line(name string) *Realm {
	switch r, ok := rs.exact[name]; {
	case ok:
		return r
	case name == DefaultRealm:
		return rs.Default
	case name == NoRealm:
		return rs.None
	}
	return rs.folded[lower(name)]
}

// Find is Lookup of a name from the wire. It allocates nothing. An empty name is an unknown one here.
func (rs *Realms) Find(name []byte) *Realm {
	if r, ok := rs.exact[string(name)]; ok {
		return r
	}
	var folded [radius.MaxValueLen]byte
	if len(rs.folded) != 0 && len(name) <= len(folded) {
		n := copy(folded[:], name)
		for i, c := range folded[:n] {
			if 'A' <= c && c <= 'Z' {
				folded[i] = c + 'a' - 'A'
			}
		}
		if r, ok := rs.folded[string(folded[:n])]; ok {
			return r
		}
	}
	return rs.Default
}

// Lower gives the realm's name in lower case.
func (r *Realm) Lower() string { return r.lower }

// Len gives the number of realms, DEFAULT and NOREALM included.
func (rs *Realms) Len() int { return len(rs.list) }

// All gives the realms in the order of the file. The slice must not be changed.
func (rs *Realms) All() []*Realm { return rs.list }

// add takes a realm in, in the place of earlier lines of the same name.
func (rs *Realms) add(r *Realm) {
	for old := rs.same(r); old != nil; old = rs.same(r) {
		rs.remove(old)
	}
	rs.list = append(rs.list, r)
	r.lower = lower(r.Name)
	switch {
	case r.Name == DefaultRealm:
		rs.Default = r
	case r.Name == NoRealm:
		rs.None = r
	case r.IgnoreCase:
		rs.folded[lower(r.Name)] = r
	default:
		rs.exact[r.Name] = r
	}
}

func (rs *Realms) remove(old *Realm) {
	rs.list = slices.DeleteFunc(rs.list, func(x *Realm) bool { return x == old })
	switch {
	case old == rs.Default:
		rs.Default = nil
	case old == rs.None:
		rs.None = nil
	case old.IgnoreCase:
		delete(rs.folded, lower(old.Name))
	default:
		delete(rs.exact, old.Name)
	}
}

// same gives a realm that has the name already.
func (rs *Realms) same(r *Realm) *Realm {
	switch r.Name {
	case DefaultRealm:
		return rs.Default
	case NoRealm:
		return rs.None
	}
	if old := rs.exact[r.Name]; old != nil {
		return old
	}
	if old := rs.folded[lower(r.Name)]; old != nil && (r.IgnoreCase || old.Name == r.Name) {
		return old
	}
	return nil
}

// lower folds ASCII letters alone: names are octets, and two that differ elsewhere are two realms.
func lower(name string) string {
	isUpper := func(c byte) bool { return 'A' <= c && c <= 'Z' }
	if !slices.ContainsFunc([]byte(name), isUpper) {
		return name
	}
	folded := []byte(name)
	for i, c := range folded {
		if isUpper(c) {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}
