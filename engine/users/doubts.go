package users

import (
	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// warnReject tells of reply pairs that an Access-Reject cannot carry (RFC 2865 s5.44), in an entry that
// always rejects.
func (c *compiler) warnReject() {
	if c.flags&flagFallThrough != 0 || !c.rejects() {
		return
	}
	for i := range c.raw.reply {
		p := &c.raw.reply[i]
		n := c.names.get(p.name.text, c.dialect)
		if n.err == nil && !n.attr().Internal && !inReject(n.attr()) && !neverInReply(n.attr()) {
			c.errs.Warnf(c.at(p.name), "%s is left out of an Access-Reject", n.attr().Name)
		}
	}
}

// rejects reports whether the entry orders Auth-Type Reject before any other.
func (c *compiler) rejects() bool {
	a := c.names.d.Known.AuthType
	reject, ok := a.ValueNumber("Reject")
	var p pair
	for rest := c.checks; ok && len(rest) > 0; {
		if p, rest = c.table.nextPair(rest); p.kind >= firstEffect && c.table.attrs[p.attr] == a {
			n, _ := a.Uint(p.value)
			return n == reject
		}
	}
	return false
}

// inReject reports whether an Access-Reject may carry the attribute (RFC 2865 s5.44, 2869 s5.19).
func inReject(a *dictionary.Attribute) bool {
	if a.Vendor != nil || a.Parent != nil {
		return true // the client's options decide
	}
	switch radius.Type(a.Number) {
	case radius.TypeProxyState, radius.TypeEAPMessage, radius.TypeMessageAuthenticator, radius.TypeErrorCause:
		return true
	}
	return a.Name == "Reply-Message"
}

// neverInReply reports whether no reply carries what a rule gives of the attribute (RFC 2865 s5.44).
func neverInReply(a *dictionary.Attribute) bool {
	if a.Internal || a.Vendor != nil || a.Parent != nil {
		return false
	}
	switch a.Number {
	case 2, 3, 60, // passwords of the user
		24, 33, 79, 80, // State, Proxy-State, EAP-Message and Message-Authenticator: the server's own
		4, 5, 30, 31, 32, 61: // NAS-IP-Address, NAS-Port, Called- and Calling-Station-Id, NAS-Identifier, NAS-Port-Type
		return true
	}
	return false
}

// warnOrder tells of a file in both languages, and names each DEFAULT above a literal entry where the two
// try them in another order and the file does not say clearly which it is in: a deny-DEFAULT at the top
// would silently lose its force.
func (l *loader) warnOrder() {
	t := l.table
	mixed := l.strange.Line != 0
	if mixed {
		l.errs.Warnf(l.strange, "the file is in both dialects: this entry is read as %s, the order is that of %s",
			other(t.order), t.order)
	}
	if !mixed && (l.root.declared || l.signs != 0) {
		return
	}
	what := "after them (order of gnu: BEGIN, name, DEFAULT); by the order of the file it would come first"
	if t.order == FreeRADIUS {
		what = "before them (order of freeradius: that of the file); by the order of gnu it would come last"
	}
	if !l.root.declared {
		what += "; $DIALECT settles it"
	}
	for p, r := range t.ring(t.defaults) {
		if p < t.lastNamed {
			l.errs.Warnf(t.at(r), "%s stands above entries with a name and is tried %s", r.name(), what)
			l.tally.count(l.errs)
		}
	}
}

func other(d Dialect) Dialect {
	if d == GNU {
		return FreeRADIUS
	}
	return GNU
}
