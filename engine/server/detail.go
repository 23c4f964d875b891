package server

import (
	"net/netip"
	"strings"

	"perilune/engine/acct"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// A DetailName tells which file a detail record goes to. The zero one is the default: the NAS's name, then detail or
// detail.auth.
type DetailName struct {
	Macro    *users.Macro // nil: none
	Computed bool         // Ref is the expression that gives it
	Ref      int          // of users.Names.Expression
}

// makeDetail makes the detail record of an accounting request, and finds its file. It is false if the request is decided.
func (c *Core) makeDetail(r *Request, s *Recording) bool {
	if !c.detailName(r, &s.Name, "/detail") {
		return false
	}
	w := &r.way
	name := c.files.keep(w.values)
	if r.Trace != nil {
		r.Trace.Step("detail file " + name)
	}
	if c.detail == nil { // explain, policy tests
		return true
	}
	w.records.file = name
	sign := acct.AuthenticatorVerified
	if r.Packet.Authenticator == (radius.Authenticator{}) {
		sign = acct.AuthenticatorNone
	}
	w.detail = r.appendDetail(w.detail[:0], s, sign)
	return true
}

func (r *Request) appendDetail(dst []byte, s *Recording, sign acct.Authenticity) []byte {
	at, name := r.Arrival, r.ReceivedUser
	if zone := r.Generation.Settings.Location; zone != nil {
		at = at.In(zone)
	}
	if s.StripNames {
		name = nil
	}
	if s.OldNames {
		return acct.AppendOldDetail(dst, &r.way.stamp, at, name, r.Attributes.Pairs, sign)
	}
	return acct.AppendDetail(dst, &r.way.stamp, at, name, r.Attributes.Pairs, sign)
}

// detailAuth writes an Access-Request into its detail file, if settings say so. Nobody waits for it.
func (c *Core) detailAuth(r *Request) {
	s := &r.Generation.Settings.Recording
	if !s.DetailAuth || c.detail == nil || !c.detailName(r, &s.AuthName, "/detail.auth") {
		return
	}
	record := r.appendDetail(nil, s, acct.AuthenticatorUnsaid)
	c.detail.Append(c.files.keep(r.way.values), record, func(error) {})
}

// detailName leaves the name of the file in way.values. It is false if the request is decided: a script that
// computes the name has failed.
func (c *Core) detailName(r *Request, n *DetailName, standard string) bool {
	w := &r.way
	switch {
	case n.Computed:
		return c.computedName(r, n, standard)
	case n.Macro != nil:
		in := r.macroInput()
		in.Clean = flatten
		w.values = n.Macro.Append(w.values[:0], &in)
	default:
		w.values = append(r.appendNASName(w.values[:0]), standard...)
	}
	return true
}

// computedName asks the policy. nil gives the default name.
func (c *Core) computedName(r *Request, n *DetailName, standard string) bool {
	p := Pair{Attr: r.Generation.Dictionary.Known.UserName}
	r.way.asked = true
	value, ok, v := r.runner().Evaluate(n.Ref, r, &p)
	switch {
	case v != nil && r.Packet.Code == radius.CodeAccountingRequest:
		r.ruled(v, Drop)
		return false
	case v != nil:
		return false
	case ok:
		r.way.values = append(r.way.values[:0], value...)
	default:
		r.way.values = append(r.appendNASName(r.way.values[:0]), standard...)
	}
	return true
}

// appendNASName names the NAS: the client that has its NAS-IP-Address, or that address if the client's line has no name.
// Without NAS-IP-Address, or with one that no client has, it is the client that sent the request: made-up addresses make
// no directories. GNU Radius took the address then, and its names (detail-old-names) keep that.
func (r *Request) appendNASName(dst []byte) []byte {
	v, _ := r.Attributes.First(r.Generation.Dictionary.Known.NASIPAddress)
	client := r.Client
	from := len(dst)
	if addr, ok := netip.AddrFromSlice(v); ok {
		known := r.Generation.Clients.Lookup(addr)
		switch {
		case known != nil && strings.IndexByte(known.Name, '/') < 0: // one without a name of its own has its prefix
			client = known
		case known != nil || r.Generation.Settings.Recording.OldNames:
			return addr.AppendTo(dst)
		}
	}
	dst = append(dst, client.Name...)
	flatten(dst[from:])
	return dst
}

// flatten keeps what a request has sent from naming directories.
func flatten(text []byte) {
	for i, c := range text {
		if c == '/' || c < ' ' || c >= 0x7f || c == '\\' {
			text[i] = '_'
		}
	}
	if string(text) == "." || string(text) == ".." {
		text[0] = '_'
	}
}
