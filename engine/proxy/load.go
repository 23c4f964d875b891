package proxy

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// Options of Load.
type Options struct {
	Clients *nas.Table  // where the secrets of home servers are found (GNU Radius); nil: none
	Names   nas.Options // how host names are looked up
}

// The defaults of a realm.
const (
	defaultTimeout = 3 * time.Second
	defaultRetries = 3
)

// Load reads the realms file name of the tree:
//
//	realm  host[:auth[:acct]],host...|LOCAL  [flag,option=value...]
//
// Errors and warnings are collected in errs. A home server whose name does not resolve has its last known
// address or is left out, with a warning.
func Load(tree *raddb.Tree, name string, o Options, errs *raddb.List) *Realms {
	l := &loader{tree: tree, o: o, errs: errs, realms: &Realms{exact: map[string]*Realm{}, folded: map[string]*Realm{}}}
	tree.EachLine(name, errs, l.line)
	l.resolve()
	return l.realms
}

type loader struct {
	tree    *raddb.Tree
	o       Options
	errs    *raddb.List
	realms  *Realms
	pending []pending
	secret  radius.Secret // secret= of the line at hand; kept out of Realm, whose hidden fields %v would print
	targets []target      // the servers of the line at hand
	weak    []weakness
}

// pending is a realm whose servers are still to get their addresses and secrets.
type pending struct {
	realm   *Realm
	servers []target
	secret  radius.Secret // secret=: of all of them; empty: each has that of the client with its address
}

// A target is one entry of a list of servers, as written.
type target struct {
	host       string
	auth, acct uint16
	text       string // the whole entry
	at         raddb.Pos

	secret radius.Secret // secret@; empty: none of its own
	weight int           // weight@; 0: not given
	status bool          // status-server@
}

func (l *loader) line(line raddb.Line) {
	f := line.Fields
	if len(f) < 2 {
		l.errs.Errorf(line.Pos(0), "realm %q has no servers; expected: realm server[:auth[:acct]],... or LOCAL, then flags", f[0].Text)
		return
	}
	r := &Realm{Name: f[0].Text, At: line.Pos(0), Strip: true, Auth: true, Acct: true, Timeout: defaultTimeout, Retries: defaultRetries, binding: new(binding)}
	servers, rest := l.servers(line)
	good := l.checkName(r)
	l.secret, l.targets = radius.Secret{}, servers
	options := words(line, rest)
	for _, w := range options {
		good = l.option(r, w) && good
	}
	if !good || servers == nil {
		return
	}
	if r.only != 0 {
		r.Auth, r.Acct = r.Auth && r.only&authTraffic != 0, r.Acct && r.only&acctTraffic != 0
	}
	if old := l.realms.same(r); old != nil {
		l.errs.Warnf(r.At, "realm %s is declared twice: this line replaces the one at %s", r.Name, old.At)
	}
	l.auditFlags(r, options)
	if len(servers) == 1 && servers[0].host == "LOCAL" {
		r.Local = true
		l.auditLocal(options)
		l.realms.add(r)
		return
	}
	if r.Plain {
		l.errs.Warnf(r.At, "no-message-authenticator: requests of realm %s go out without it, so who is on the way can forge the answers (CVE-2024-3596)", r.Name)
	}
	l.realms.add(r)
	l.pending = append(l.pending, pending{r, servers, l.secret})
}

// checkName refuses names that no user name can carry: the realm is what follows the last @.
func (l *loader) checkName(r *Realm) bool {
	if r.Name == "" || strings.ContainsAny(r.Name, "@ \t") {
		l.errs.Errorf(r.At, "%q is no realm; expected what follows the last @ of a user name, DEFAULT or NOREALM", r.Name)
		return false
	}
	return true
}

// A word is one part of a list that is parted by commas.
type word struct {
	text   string
	raw    string
	at     raddb.Pos
	hidden bool // it stands behind a secret without quotes, so that it may be a part of it
	quote  bool // its value begins with a quote that quotes nothing, as it stands behind a comma
}

// words splits the fields from i on at commas.
func words(line raddb.Line, i int) (out []word) {
	for ; i < len(line.Fields); i++ {
		f, at := line.Fields[i], line.Pos(i)
		if f.Quoted || f.Raw != f.Text {
			out = append(out, word{text: f.Text, raw: f.Raw, at: at})
			continue
		}
		hidden := false
		for part := range strings.SplitSeq(f.Text, ",") {
			if _, value, _ := strings.Cut(part, "="); !hidden && value != "" && (value[0] == '"' || value[0] == '\'') {
				return append(out, word{at: at, quote: true}) // the fields behind it are shreds of the quoted text
			}
			if part != "" {
				out = append(out, word{text: part, raw: part, at: at, hidden: hidden})
			}
			hidden = hidden || strings.HasPrefix(part, secretOption+"=") || strings.HasPrefix(part, secretOption+"@")
			at.Col += len(part) + 1
		}
	}
	return out
}

// servers reads the list of servers from the second field on; it goes on while fields end in a comma. rest is
// the field behind it; a nil list has an error.
func (l *loader) servers(line raddb.Line) (list []target, rest int) {
	rest = 2
	for rest < len(line.Fields) && strings.HasSuffix(line.Fields[rest-1].Text, ",") {
		rest++
	}
	good := strings.Trim(line.Fields[1].Text, ",") != ""
	if !good {
		l.errs.Errorf(line.Pos(1), "the list of home servers begins with an empty one")
	}
	for _, w := range words(raddb.Line{Fields: line.Fields[:rest], File: line.File}, 1) {
		t, problem := parseTarget(w)
		if w.quote {
			good = l.misquoted(w)
		} else if problem != "" {
			l.errs.Errorf(w.at, "home server %q: %s", w.text, problem)
			good = false
		}
		list = append(list, t)
	}
	if len(list) > maxServers {
		l.errs.Errorf(list[maxServers].at, "%d home servers of one realm; expected at most %d", len(list), maxServers)
		good = false
	}
	if len(list) > 1 && good {
		for _, t := range list {
			if t.host == "LOCAL" {
				l.errs.Errorf(t.at, "LOCAL is not one of several servers; expected it alone")
				good = false
			}
		}
	}
	if !good {
		return nil, rest
	}
	return list, rest
}

// parseTarget reads host[:auth[:acct]]; an IPv6 address with ports stands in brackets.
func parseTarget(w word) (t target, problem string) {
	const expected = "expected host, host:port or host:port:acct-port; an IPv6 address in brackets"
	t = target{auth: 1812, acct: 1813, text: w.text, at: w.at}
	host, ports := w.text, ""
	if _, err := netip.ParseAddr(w.text); err != nil {
		if inner, ok := strings.CutPrefix(w.text, "["); ok {
			host, ports, ok = strings.Cut(inner, "]")
			if !ok || ports != "" && ports[0] != ':' {
				return t, expected
			}
			ports = strings.TrimPrefix(ports, ":")
		} else {
			host, ports, _ = strings.Cut(w.text, ":")
		}
	}
	t.host = host
	if host == "" {
		return t, expected
	}
	if ports == "" {
		return t, ""
	}
	auth, acct, both := strings.Cut(ports, ":")
	n, ok := port(auth)
	t.auth, t.acct = n, n+1
	if both {
		t.acct, both = port(acct)
		ok = ok && both
	}
	if !ok || t.acct == 0 {
		return t, "expected ports from 1 to 65535"
	}
	return t, ""
}

func port(text string) (uint16, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n > 0
}

// resolve gives all home servers their addresses and secrets.
func (l *loader) resolve() {
	found := l.addresses()
	for _, p := range l.pending {
		for _, t := range p.servers {
			for _, a := range found[t.host] {
				l.server(p.realm, t, a, p.secret)
			}
		}
		if len(p.realm.Servers) == 0 {
			l.errs.Warnf(p.realm.At, "realm %s has no home server that can be asked", p.realm.Name)
		}
	}
	l.tellWeak()
}

// addresses looks up each host once.
func (l *loader) addresses() map[string][]netip.Addr {
	found := map[string][]netip.Addr{}
	var names []string
	place := map[string]raddb.Pos{}
	for _, p := range l.pending {
		for _, t := range p.servers {
			if a, err := netip.ParseAddr(t.host); err == nil {
				found[t.host] = []netip.Addr{a.Unmap()}
			} else if _, twice := place[t.host]; !twice {
				names, place[t.host] = append(names, t.host), t.at
			}
		}
	}
	hosts, errs := nas.Resolve(names, l.o.Names)
	for i, h := range hosts {
		if errs[i] != nil {
			l.errs.Warnf(place[h.Name], "home server %s does not resolve (%v); last known addresses: %v", h.Name, errs[i], h.Addrs)
		}
		l.tree.Remember("address of "+h.Name, []byte(nas.AddressText(h.Addrs)))
		if len(h.Addrs) > 0 {
			found[h.Name] = h.Addrs[:1] // one server, one address: the others are the same machine
		}
	}
	return found
}

// server adds a home server. Its secret is the realm's or, as in GNU Radius, that of the client with its
// address.
func (l *loader) server(r *Realm, t target, a netip.Addr, secret radius.Secret) {
	if t.secret.Len() != 0 {
		secret = t.secret
	}
	if secret.Len() != 0 {
		l.auditSecret(secret, &t, a)
	} else if l.o.Clients != nil {
		if c := l.o.Clients.Lookup(a); c != nil {
			secret = c.Secret
		}
	}
	if secret == (radius.Secret{}) {
		l.errs.Errorf(t.at, "no secret for home server %s of realm %s; expected secret=... on this line, or %s in the clients file", t.host, r.Name, a)
		return
	}
	l.auditServer(r, &t, a)
	r.Servers = append(r.Servers, Server{
		Name:   t.host,
		Auth:   netip.AddrPortFrom(a, t.auth),
		Acct:   netip.AddrPortFrom(a, t.acct),
		Secret: secret,
		Weight: t.weight,
		Status: t.status,
	})
}
