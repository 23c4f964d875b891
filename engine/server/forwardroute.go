package server

import (
	"bytes"
	"fmt"

	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// forwards decides once route has ended where the request goes: true means that it waits for a home server or is
// decided, false that it goes on here. A verdict of route stands above the realms file.
func (c *Core) forwards(r *Request) bool {
	v := r.way.routed
	r.way.routed = nil
	line, strip := c.destination(r, v)
	r.fixRealm(line)
	if r.Verdict != 0 {
		return true
	}
	if line == nil || v != nil && v.Kind == HandleLocally || line.Local {
		r.stay(line, strip)
		return false
	}
	if v != nil {
		r.outbound(c).verdicts = 1
	}
	return c.sendOn(r, line, strip)
}

// stay keeps a request here. A realm that is answered here is known to rules as Realm.
func (r *Request) stay(line *proxy.Realm, strip bool) {
	if line != nil && line.Local {
		r.way.realm = line
		r.nameRealm(line)
	}
	if strip {
		r.strip()
	}
	if r.Trace != nil && line != nil && line.Local {
		r.Trace.Step(fmt.Sprintf("realm %s is LOCAL: it goes on here, with the user %q", line.Name, r.User()))
	}
}

// localRealm takes the realm off the name of a request that answers a challenge of ours: it stays here, whatever
// the realms file says, and has the name that it had in its first round.
func (c *Core) localRealm(r *Request) {
	line, strip := r.native()
	r.fixRealm(line)
	if line == nil || line.Local {
		r.stay(line, strip)
	}
}

// destination gives the line of the realms file that a request goes by, and whether its name loses the realm.
func (c *Core) destination(r *Request, v *Verdict) (line *proxy.Realm, strip bool) {
	switch {
	case v == nil:
		line, strip = r.native()
		if line != nil && !line.Local && r.malformedRealm(line) {
			if r.Packet.Code != radius.CodeAccessRequest { // refusing access must not lose records
				return nil, false
			}
			c.reject(r, ReasonName)
		}
		return line, strip
	case v.Kind == Proxy:
		return c.named(r, v)
	}
	line, _ = r.native()
	return line, v.strips(line)
}

// strips says whether a verdict takes the realm off the name: as it says itself, else as the realm does.
func (v *Verdict) strips(line *proxy.Realm) bool {
	return v.Strip > 0 || v.Strip == 0 && line != nil && line.Strip
}

// native looks the name up in the realms file. A line that is not for this kind of request counts as none: the name
// stays as it is.
func (r *Request) native() (line *proxy.Realm, strip bool) {
	realms := r.Generation.Realms
	if realms == nil {
		return nil, false
	}
	name := r.User()
	at := bytes.LastIndexByte(name, '@')
	if at < 0 {
		return realms.None, false
	}
	line = realms.Find(name[at+1:])
	accounting := r.Packet.Code == radius.CodeAccountingRequest
	if line == nil || accounting && !line.Acct || !accounting && !line.Auth {
		return nil, false
	}
	return line, line.Strip
}

// malformedRealm reports a realm that cannot be one, so that nobody else should be troubled with it: empty, with
// spaces or control characters, or with two dots in a row or one at an end. One that has a line is never malformed.
func (r *Request) malformedRealm(line *proxy.Realm) bool {
	if line.Name != proxy.DefaultRealm {
		return false
	}
	name := r.User()
	realm := name[bytes.LastIndexByte(name, '@')+1:]
	if len(realm) == 0 || realm[0] == '.' || realm[len(realm)-1] == '.' {
		return true
	}
	for i, c := range realm {
		if c <= ' ' || c == 0x7f || c == '.' && realm[i-1] == '.' {
			return true
		}
	}
	return false
}

// named finds the line that proxy{} names: a pool is a line, a realm may be DEFAULT's. The script's load has checked
// what stands in its text.
func (c *Core) named(r *Request, v *Verdict) (line *proxy.Realm, strip bool) {
	if realms := r.Generation.Realms; realms != nil {
		if v.Pool != "" {
			line = realms.Line(v.Pool)
		} else {
			line = realms.Lookup(v.Realm)
		}
	}
	if line == nil {
		c.warn(r, "a script wants to forward the request, and the realms file has no line "+v.Realm+v.Pool)
		r.refuse(Drop, ReasonNoHomeServer)
	}
	return line, line != nil && v.strips(line)
}

// sendOn makes a request ready to go to a realm's home servers. True means that it waits for them or is decided,
// false that a pre_proxy handler keeps it here.
func (c *Core) sendOn(r *Request, line *proxy.Realm, strip bool) bool {
	o := r.outbound(c)
	o.realm, r.way.realm, r.way.home = line, line, 0
	r.rename(o, strip)
	r.nameRealm(line)
	r.Reply.CopyTo(&o.before)
	v := c.preProxy(r, o)
	switch {
	case r.Verdict != 0:
		return true
	case v != nil && v.Kind == HandleLocally:
		r.stay(nil, v.strips(line))
		return false
	case v != nil:
		if line, strip = c.further(r, o, v); r.Verdict != 0 {
			return true
		}
		if line.Local {
			r.stay(line, strip)
			return false
		}
		o.redirect(r, line, strip)
	}
	r.Deadline = r.Arrival.Add(r.patient(o.realm))
	r.pending = waitHome
	return true
}

// preProxy runs the handlers on a copy of the request: they change what is sent and nothing else.
func (c *Core) preProxy(r *Request, o *outbound) *Verdict {
	o.list = &r.Attributes
	if p := r.Generation.Policy; p == nil || !p.Has(PhasePreProxy) {
		return nil
	}
	r.Attributes.CopyTo(&o.sent)
	r.Attributes, o.sent = o.sent, r.Attributes
	defer func() { r.Attributes, o.sent, o.list = o.sent, r.Attributes, &o.sent }()
	return c.around(PhasePreProxy, r)
}

// around runs pre_proxy or post_proxy and gives a verdict that names another way. A reject of an Accounting-Request
// ends the phase alone: refusing access must not lose records.
func (c *Core) around(p Phase, r *Request) *Verdict {
	accounting := r.Packet.Code == radius.CodeAccountingRequest
	v := c.run(p, r)
	switch {
	case v == nil || accounting && v.Kind == Reject && !v.Failed:
		return nil
	case accounting && v.Kind == Reject:
		r.ruled(v, Drop)
		return nil
	case accounting && v.Kind == Accept:
		r.assign(v)
		r.way.noRecord = v.NoRecord
		return v
	}
	c.apply(r, v)
	r.way.routed = nil
	if r.Verdict != 0 {
		return nil
	}
	return v
}

// further counts a proxy{} that sends the request elsewhere, and finds the line that it names.
func (c *Core) further(r *Request, o *outbound, v *Verdict) (line *proxy.Realm, strip bool) {
	if o.verdicts++; o.verdicts > maxProxies {
		c.warn(r, "scripts have sent the request on too often")
		r.refuse(Drop, ReasonProxyLoop)
		return nil, false
	}
	return c.named(r, v)
}

// redirect changes where a request goes after pre_proxy. The copy that it changed gets the new name, too, unless
// it has one of its own.
func (o *outbound) redirect(r *Request, line *proxy.Realm, strip bool) {
	user := r.Generation.Dictionary.Known.UserName
	sent, _ := o.sent.First(user)
	same := bytes.Equal(sent, r.User())
	o.realm, r.way.realm = line, line
	r.rename(o, strip)
	r.nameRealm(line)
	if name := r.User(); same && name != nil {
		o.sent.Set(user.AnyTag(), name)
	}
}

// rename takes the realm off the name, or puts it back that an earlier line has taken off.
func (r *Request) rename(o *outbound, strip bool) {
	switch {
	case strip && len(o.name) == 0:
		name := append(o.name, r.User()...)
		if r.strip(); len(r.User()) < len(name) {
			o.name = name
		}
	case !strip && len(o.name) > 0:
		r.Attributes.Set(r.Generation.Dictionary.Known.UserName.AnyTag(), o.name)
		o.name = o.name[:0]
	}
}

// nameRealm gives rules the line's name: Realm-Name as in GNU Radius, Realm as in FreeRADIUS. Both are internal.
func (r *Request) nameRealm(line *proxy.Realm) {
	n := r.Generation.prepare()
	for _, a := range n.realmNames {
		r.way.text = append(r.way.text[:0], line.Name...)
		r.Attributes.Set(a.AnyTag(), r.way.text)
	}
	r.way.text = r.way.text[:0]
}
