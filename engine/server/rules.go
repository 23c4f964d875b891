package server

import (
	"encoding/binary"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
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
	expireDays *dictionary.Attribute    // Password-Expire-Days
	logMask    *dictionary.Attribute    // Log-Mode-Mask
	callback   *dictionary.Attribute    // Callback-Id
	authData   *dictionary.Attribute    // Auth-Data
	local      [2]*dictionary.Attribute // GNU-Server-Address, GNU-Server-Port
	names      byText[users.Macro]      // of Replace-User-Name
	dropped    []*dictionary.Attribute
}

// forCallback is what an accept with Callback-Id must not have, since the session ends to begin again.
var forCallback = []string{
	"Framed-Protocol", "Framed-IP-Address", "Framed-IP-Netmask", "Framed-Route", "Framed-MTU", "Framed-Compression", "Filter-Id",
	"Port-Limit", "Callback-Number",
}

func (a *ruleAttributes) find(d *dictionary.Dictionary) {
	a.expireDays, a.logMask, a.callback = d.Attribute("Password-Expire-Days"), d.Attribute("Log-Mode-Mask"), d.Attribute("Callback-Id")
	a.authData = d.Attribute("Auth-Data")
	a.local = [...]*dictionary.Attribute{d.Attribute("GNU-Server-Address"), d.Attribute("GNU-Server-Port")}
	for _, name := range forCallback {
		if attr := d.Attribute(name); attr != nil {
			a.dropped = append(a.dropped, attr)
		}
	}
}

// addLocal lets the request have the address and port that were asked (GNU Radius). The address is of IPv4.
func (r *Request) addLocal() {
	if !r.Generation.Settings.LocalAttributes {
		return
	}
	local := &r.Generation.prepare().local
	if local[0] == nil || local[1] == nil {
		return
	}
	if a := r.Peer.Local.Addr().Unmap(); a.Is4() {
		v := a.As4()
		r.Attributes.Add(local[0].AnyTag(), v[:])
	}
	var port [4]byte
	binary.BigEndian.PutUint32(port[:], uint32(r.Peer.Local.Port()))
	r.Attributes.Add(local[1].AnyTag(), port[:])
}

// copyAuthData lets the request have the Auth-Data of its rules, as the manual of GNU Radius says: programs get it
// by %C{Auth-Data}.
func (r *Request) copyAuthData() {
	a := r.Generation.prepare().authData
	if a == nil || r.ruleDialect() != users.GNU {
		return
	}
	if v, ok := r.Control.First(a); ok {
		r.Attributes.Set(a.AnyTag(), v)
	}
}

// replaceName gives the user the name that Replace-User-Name of a rule makes of the request, once he has proved
// that he is who he says (GNU Radius): what comes later, and the log, have that name.
func (c *Core) replaceName(r *Request) {
	known := &r.Generation.Dictionary.Known
	if r.ruleDialect() != users.GNU {
		return
	}
	text, ok := r.Reply.First(known.ReplaceUserName)
	if !ok {
		text, ok = r.Control.First(known.ReplaceUserName)
	}
	if !ok {
		return
	}
	m := r.Generation.prepare().names.get(text, func(text string) *users.Macro {
		m, _ := users.ParseMacro(text, r.Generation.Dictionary) // its problems were told at load
		return m
	})
	name := r.expand(m)
	if len(name) == 0 || len(name) > radius.MaxValueLen {
		c.warn(r, "Replace-User-Name gives an empty name, or one of more than 253 octets; the name stays")
		return
	}
	r.Attributes.Set(known.UserName.AnyTag(), name)
	r.way.text = r.way.text[:0]
	r.renamed()
}

// copyAddress gives the address that the NAS proposes to an accept that has none (GNU Radius).
func (r *Request) copyAddress() {
	if r.ruleDialect() != users.GNU && (r.Proxied == nil || !r.Generation.Settings.GNURules) {
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
	if _, has := r.Reply.First(n.callback); !has {
		return
	}
	for _, a := range n.dropped {
		r.Reply.Delete(a.AnyTag())
	}
}
