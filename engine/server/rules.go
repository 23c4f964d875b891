package server

import (
	"perilune/engine/dictionary"
	"perilune/engine/users"
)

// badName refuses a User-Name that is missing, empty or malformed, after hints, which may have mended it. true
// means that the request is decided. A missing name goes on where names are rejected: it fails later, unless a
// handler knows better.
func (c *Core) badName(r *Request) bool {
	set, name := &r.Generation.Settings, r.User()
	allowed := r.Client.Names
	if allowed == nil {
		allowed = set.Names
	}
	bad := set.StrictNames && controlOctets(name) || allowed != nil && !allowed.Allows(name)
	switch {
	case bad && !set.DiscardNames:
		c.reject(r, ReasonName)
	case bad, len(name) == 0 && set.DiscardNames:
		r.refuse(Discard, ReasonName)
	default:
		return false
	}
	return true
}

// controlOctets reports what no user name holds: control characters, also DEL (field practice: MAC
// addresses, accents, spaces and `+` are all in use).
func controlOctets(name []byte) bool {
	for _, b := range name {
		if b < 0x20 || b == 0x7f {
			return true
		}
	}
	return false
}

// ruleAttributes are attributes that some rule of GNU Radius asks for; nil where the dictionary lacks one.
type ruleAttributes struct {
	expireDays *dictionary.Attribute // Password-Expire-Days
	logMask    *dictionary.Attribute // Log-Mode-Mask
	callback   *dictionary.Attribute // Callback-Id
	dropped    []*dictionary.Attribute
}

// forCallback is what an accept with Callback-Id must not have, since the session ends to begin again.
var forCallback = []string{
	"Framed-Protocol", "Framed-IP-Address", "Framed-IP-Netmask", "Framed-Route", "Framed-MTU", "Framed-Compression", "Filter-Id",
	"Port-Limit", "Callback-Number",
}

func newRuleAttributes(d *dictionary.Dictionary) (a ruleAttributes) {
	a.expireDays, a.logMask, a.callback = d.Attribute("Password-Expire-Days"), d.Attribute("Log-Mode-Mask"), d.Attribute("Callback-Id")
	for _, name := range forCallback {
		if attr := d.Attribute(name); attr != nil {
			a.dropped = append(a.dropped, attr)
		}
	}
	return a
}

// copyAddress gives the address that the NAS proposes to an accept that has none (GNU Radius).
func (r *Request) copyAddress() {
	if r.ruleDialect() != users.GNU {
		return
	}
	attr := r.Generation.Dictionary.Known.FramedIPAddress
	if _, has := r.Reply.First(attr); has {
		return
	}
	if v, ok := r.Attributes.First(attr); ok {
		r.Reply.AddShared(Pair{Attr: attr, Value: v})
	}
}

// dropForCallback leaves out of an accept with Callback-Id what belongs to the session (GNU Radius).
func (r *Request) dropForCallback() {
	if r.ruleDialect() != users.GNU {
		return
	}
	n := r.Generation.prepare()
	if _, has := r.Reply.First(n.callback); !has || n.callback == nil {
		return
	}
	for _, a := range n.dropped {
		r.Reply.Delete(dictionary.Ref{Attr: a, Tag: dictionary.AnyTag})
	}
}
