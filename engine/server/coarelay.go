package server

import (
	"strings"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// relay sends a request on to the NAS that has the session.
func (c *Core) relay(r *Request) {
	if cause := r.malformed(); cause != 0 {
		c.refuseCoA(r, cause)
		return
	}
	if realm, known := r.visited(); realm != nil || !known {
		c.relayAway(r, realm)
		return
	}
	if r.Client.Dynamic == nas.RightNone { // not even told which sessions there are, nor let search for them
		c.mayChange(r, nil)
		return
	}
	s, cause := c.session(r)
	if cause != 0 {
		if cause == causeNoSession && r.Client.Dynamic == nas.RightOwn {
			c.warn(r, "the client has no such session of its own, and may not change those of others: dynamic-authorization= in the clients file gives the right")
		}
		c.refuseCoA(r, cause)
		return
	}
	if c.mayChange(r, s) {
		c.send(r, &DynamicQuestion{Session: s})
	}
}

// mayChange refuses a client without the right to a session.
func (c *Core) mayChange(r *Request, s *acct.Session) bool {
	switch {
	case r.entitled(s):
		return true
	case r.Client.Dynamic != nas.RightRealm:
		c.warn(r, "client may not change sessions: dynamic-authorization= in the clients file gives the right")
		c.refuseCoA(r, causeProhibited)
	default: // RFC 5176 s6.1: silently discarded
		c.warn(r, "client asks for a change of a session whose realm it does not serve")
		r.refuse(Discard, ReasonProhibited)
	}
	return false
}

// relayAs sends a request where a handler says.
func (c *Core) relayAs(r *Request, v *Verdict) {
	if v.Hook != "" {
		r.Hook = v.Hook
	}
	r.Trace.verdict(v)
	q := new(DynamicQuestion)
	switch {
	case v.Client != "":
		if q.Client = r.Generation.Clients.Named(v.Client); q.Client == nil {
			c.warn(r, "no client "+v.Client+" to send a CoA-Request to")
			c.refuseCoA(r, causeNotRoutable)
			return
		}
		if s, cause := c.session(r); cause == 0 && s.Client == v.Client {
			q.Session = s
		}
	default:
		name := v.Pool
		if name == "" {
			name = v.Realm
		}
		if q.Realm = r.away(name); q.Realm == nil {
			c.warn(r, "no home servers of "+name+" to send a CoA-Request to")
			c.refuseCoA(r, causeNotRoutable)
			return
		}
	}
	c.send(r, q)
}

// relayAway sends a request on to the network that the user visits (RFC 8559 s3.1). realm is nil if there is no way.
func (c *Core) relayAway(r *Request, realm *proxy.Realm) {
	if realm == nil {
		c.refuseCoA(r, causeNotRoutable)
		return
	}
	if c.mayChange(r, &acct.Session{UserName: acct.Text(r.User())}) {
		c.send(r, &DynamicQuestion{Realm: realm})
	}
}

// visited reads Operator-Name, the network that the user visits (RFC 5580 s4.1, 8559 s3.1): nil and true if that
// is ours or not named; a realm; or nil and false for a network that nothing is known of.
func (r *Request) visited() (away *proxy.Realm, known bool) {
	value, ok := r.first(r.Generation.prepare().operator)
	const namespaceRealm = '1'
	if !ok || len(value) < 2 || value[0] != namespaceRealm {
		return nil, true
	}
	name := strings.ToLower(string(value[1:]))
	if r.Generation.Realms == nil {
		return nil, true
	}
	for _, line := range r.Generation.Realms.All() {
		if strings.EqualFold(strings.TrimPrefix(line.Operator, string(rune(namespaceRealm))), name) {
			return nil, true // the name that we give ourselves
		}
	}
	line := r.Generation.Realms.Line(name)
	if line == nil {
		return nil, false
	}
	if line.Local {
		return nil, true
	}
	return line, true
}

// away gives a line of the realms file that has home servers, nil if there is none.
func (r *Request) away(name string) *proxy.Realm {
	if r.Generation.Realms == nil {
		return nil
	}
	if line := r.Generation.Realms.Lookup(name); line != nil && len(line.Servers) > 0 {
		return line
	}
	return nil
}

// malformed gives why a NAS would have to refuse a request, 0 if it would not.
func (r *Request) malformed() (cause uint32) {
	bad := unsupported(&r.Attributes, r.Packet.Code)
	only := onlyAuthorize(&r.Attributes)
	switch {
	case bad != nil && r.Packet.Code == radius.CodeDisconnectRequest && bad.Number == typeServiceType && bad.Vendor == nil:
		return causeUnsupportedService // RFC 5176 s3.2
	case bad != nil:
		if r.Trace != nil {
			r.Trace.Step(bad.Name + " may not be in a " + r.Packet.Code.String())
		}
		return causeUnsupportedAttribute // RFC 5176 s3
	case only && !r.seen.state: // RFC 5176 s3.3
		return causeMissingAttribute
	}
	return 0
}

// send runs pre_proxy and sends the request on, or leaves it to wait.
func (c *Core) send(r *Request, q *DynamicQuestion) {
	q.Code, q.received, q.source = r.Packet.Code, &r.Packet, r.Source
	if v := c.run(PhasePreProxy, r); v != nil {
		switch v.Kind {
		case Proxy:
			c.refuseCoA(r, causeProxyError) // where to is decided in coa
		case HandleLocally:
			c.refuseCoA(r, causeProhibited)
		default:
			c.settleCoA(r, v)
		}
		return
	}
	q.Attributes = &r.Attributes
	r.way.question = q
	if c.dry || c.forwarder == nil {
		c.Dynamic(r.Generation, q, func(a DynamicAnswer) { r.way.told = &a })
		c.relayed(r)
		return
	}
	r.pending = waitNAS
}

// ask sends a parked request on. It belongs to the forwarder from here on.
func (c *Core) ask(r *Request) {
	c.Dynamic(r.Generation, r.way.question, func(a DynamicAnswer) {
		r.way.told = &a
		r.resume()
	})
}

// relayed goes on with a request once its NAS has answered, or has not.
func (c *Core) relayed(r *Request) {
	a := r.way.told
	r.Proxied = a.proxied()
	if a.Code == 0 && r.Trace != nil {
		r.Trace.Step(a.Err.Error())
	}
	if p := r.Generation.Policy; p != nil && p.Has(PhasePostProxy) {
		r.takeAnswer(a)
		if v := c.run(PhasePostProxy, r); v != nil {
			c.settleRelayed(r, v)
			return
		}
	} else {
		r.takeAnswer(a)
	}
	c.passAnswer(r, a)
}

// settleRelayed gives the answer that post_proxy has decided.
func (c *Core) settleRelayed(r *Request, v *Verdict) {
	if v.Kind == Proxy || v.Kind == HandleLocally {
		c.refuseCoA(r, causeProxyError)
		return
	}
	c.settleCoA(r, v)
}

// takeAnswer takes what the NAS has said into the reply: Error-Cause, State (RFC 5176 s3.3: unmodified) and what
// else such an answer may carry, which encode sees to. Proxy-States are our client's own again.
func (r *Request) takeAnswer(a *DynamicAnswer) {
	for i := range a.Attributes.Pairs {
		p := &a.Attributes.Pairs[i]
		if t, ok := rfcType(p.Attr); ok && (t == uint32(radius.TypeMessageAuthenticator) || t == uint32(radius.TypeProxyState)) {
			continue
		}
		if p.Attr == r.Generation.Dictionary.Known.State {
			r.way.sealed = append(r.way.sealed[:0], p.Value...)
			continue
		}
		r.Reply.AddShared(*p)
	}
}

// passAnswer answers as the NAS did. What has no answer gets none: whoever sent the request asks again.
func (c *Core) passAnswer(r *Request, a *DynamicAnswer) {
	switch {
	case a.OK():
		r.Verdict = Accept
		c.answerCoA(r, 0)
	case a.Code != 0:
		r.refuse(Reject, ReasonNAS)
		c.answerCoA(r, 0)
	case a.outcome == proxy.Timeout:
		r.refuse(Drop, ReasonNoHomeServer)
	case a.outcome == proxy.Full:
		c.refuseCoA(r, causeNoResources)
	case a.outcome == proxy.Looped, a.outcome == proxy.Unsendable, a.outcome == proxy.Closed:
		c.refuseCoA(r, causeProxyError)
	default:
		c.refuseCoA(r, causeNotRoutable)
	}
}

// proxied gives the answer as scripts see it.
func (a *DynamicAnswer) proxied() *Proxied {
	p := &Proxied{Realm: a.Client, Attempts: a.Attempts, Took: a.Took, Result: a.Result()}
	if a.Address.IsValid() {
		p.Server = a.Address.String()
	}
	if p.Result == "unreachable" {
		p.Result = "dead"
	}
	a.Attributes.CopyTo(&p.Reply)
	return p
}

// pass makes the list of a request that is passed on: as the client sent it and handlers changed it. To a NAS of ours
// it says nothing of networks and proxies (RFC 8559 s3.4): the NAS is named as it names itself, and Proxy-States,
// which some NASes refuse, stay here until its answer.
func (x *dynamic) pass(q *DynamicQuestion, client *nas.Client) {
	n := x.generation.prepare()
	for i := range q.Attributes.Pairs {
		p := q.Attributes.Pairs[i]
		t, rfc := rfcType(p.Attr)
		switch {
		case rfc && t == uint32(radius.TypeMessageAuthenticator):
			continue
		case client != nil && (rfc && t == uint32(radius.TypeProxyState) || p.Attr == n.operator || p.Attr == n.operatorNAS):
			continue
		}
		x.pairs.Add(dictionary.Ref{Attr: p.Attr, Tag: int8(p.Tag)}, p.Value)
	}
	if _, named := identifies(&x.pairs, x.generation.Dictionary); client != nil && !named && x.session != nil {
		identify(&x.pairs, x.generation.Dictionary, x.session, nas.IdentifyNAS)
	}
}
