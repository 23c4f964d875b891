package proxy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// opposites are flags that say the contrary of each other, and what holds if both stand in a line; "": the later one.
var opposites = [...]struct{ yes, no, holds string }{
	{"strip", "nostrip", ""},
	{"auth", "noauth", "noauth"},
	{"acct", "noacct", "noacct"},
}

// ofLocal are the options that mean something where nothing is sent on.
var ofLocal = [...]string{"ignorecase", "strip", "nostrip", "auth", "acct", "noauth", "noacct", "quota"}

// auditFlags warns about flags of one line that contradict each other, and of those that leave nothing to the realm.
func (l *loader) auditFlags(r *Realm, flags []word) {
	place := map[string]word{}
	for _, w := range flags {
		place[w.text] = w
	}
	for _, o := range opposites {
		yes, both := place[o.yes]
		no, found := place[o.no]
		if !both || !found {
			continue
		}
		later := no
		if yes.at.Line > no.at.Line || yes.at.Line == no.at.Line && yes.at.Col > no.at.Col {
			later = yes
		}
		holds := o.holds
		if holds == "" {
			holds = later.text
		}
		l.errs.Warnf(later.at, "%s and %s in one line: %s holds", o.yes, o.no, holds)
	}
	if !r.Auth && !r.Acct {
		l.errs.Warnf(r.At, "the flags of realm %s leave out both kinds of requests: nobody goes by this line", r.Name)
	}
}

// auditLocal warns about options that have no effect where requests are answered here.
func (l *loader) auditLocal(options []word) {
	var idle []string
	var at raddb.Pos
	for _, w := range options {
		name, _, _ := strings.Cut(w.text, "=")
		if slices.Contains(ofLocal[:], name) || slices.Contains(idle, name) {
			continue
		}
		if len(idle) == 0 {
			at = w.at
		}
		idle = append(idle, name)
	}
	if len(idle) > 0 {
		l.errs.Warnf(at, "no effect on LOCAL, as nothing is sent on: %s", strings.Join(idle, ", "))
	}
}

// auditServer warns about a home server that cannot be one, or that the realm has already.
func (l *loader) auditServer(r *Realm, t *target, a netip.Addr) {
	if a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		l.errs.Warnf(t.at, "home server %s of realm %s: %s is not the address of one machine, so nothing will answer from there", t.host, r.Name, a)
		return
	}
	for i := range r.Servers {
		s := &r.Servers[i]
		if s.Auth == netip.AddrPortFrom(a, t.auth) && s.Acct == netip.AddrPortFrom(a, t.acct) {
			l.errs.Warnf(t.at, "home server %s stands twice in realm %s: a second try there is no fail-over", t.text, r.Name)
			return
		}
	}
}

// A weakness is one reason to mistrust secrets, with the first place that has it.
type weakness struct {
	why    string
	server string
	at     raddb.Pos
	n      int
}

// auditSecret notes a weak secret of the realms file. Those of the clients file are warned about there, and those of
// this machine are nobody's business.
func (l *loader) auditSecret(s radius.Secret, t *target, a netip.Addr) {
	why := nas.WeakSecret(s)
	if why == "" || a.IsLoopback() {
		return
	}
	i := slices.IndexFunc(l.weak, func(w weakness) bool { return w.why == why })
	if i < 0 {
		i = len(l.weak)
		l.weak = append(l.weak, weakness{why: why, server: t.host, at: t.at})
	}
	l.weak[i].n++
}

// tellWeak warns about each kind of weak secret once.
func (l *loader) tellWeak() {
	for _, w := range l.weak {
		more := ""
		if w.n > 1 {
			more = fmt.Sprintf("; the same holds for %d more", w.n-1)
		}
		l.errs.Warnf(w.at, "the secret of home server %s %s%s", w.server, w.why, more)
	}
}
