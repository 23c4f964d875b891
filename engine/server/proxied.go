package server

import (
	"strconv"
	"strings"
	"time"

	"perilune/engine/dictionary"
)

// A Proxied is what became of a request that was sent on to a home server. It is there from post_proxy on.
type Proxied struct {
	Realm    string // as the realms file names it
	Server   string // that was asked last, as the realms file writes it; "" if none was
	Attempts int    // packets sent, to all servers together
	Took     time.Duration
	Result   string          // accept, reject, challenge, response, ack, nak, timeout, dead
	Reply    dictionary.List // all that was received, in clear text
}

func (p *Proxied) reset() {
	p.Realm, p.Server, p.Result, p.Attempts, p.Took = "", "", "", 0, 0
	p.Reply.Reset()
}

// trace tells where the request goes, and how it differs from what was received.
func (o *outbound) trace(r *Request) {
	servers := make([]string, 0, len(o.realm.Servers))
	for i := range o.realm.Servers {
		servers = append(servers, o.realm.Servers[i].Name)
	}
	r.Trace.Enter("proxy")
	r.Trace.Step("sent on by realm " + o.realm.Name + ", home servers " + strings.Join(servers, " "))
	var received dictionary.List
	if r.Generation.Dictionary.Decode(&received, r.Packet.Attributes, &r.Session, &r.Packet.Authenticator) != nil {
		return
	}
	if changes := difference(redactedTexts(&received), sentTexts(o.list)); len(changes) > 0 {
		r.Trace.add(TraceStep{Text: "changed against what was received", Changes: changes, ours: true})
	}
}

// sentTexts gives the pairs that are on the wire.
func sentTexts(l *dictionary.List) []string {
	var wire dictionary.List
	for _, p := range l.Pairs {
		if !p.Attr.Internal {
			wire.AddShared(p)
		}
	}
	return redactedTexts(&wire)
}

// traceAnswer tells what came back, and what of it is kept.
func (o *outbound) traceAnswer(r *Request) {
	x, p := &o.exchange, &o.proxied
	r.Trace.Enter("proxy")
	result := x.Outcome.String()
	if r.way.home != 0 {
		result = r.way.home.String()
	}
	switch {
	case x.Attempts > 0:
		packets := " packets, "
		if x.Attempts == 1 {
			packets = " packet, "
		}
		r.Trace.Step("home server " + p.Server + ": " + result + ", " + strconv.Itoa(x.Attempts) + packets + x.Took.Round(time.Microsecond).String())
	case o.core.leave == nil: // else it is told already
		r.Trace.Step("no home server was asked: " + result)
	}
	if r.way.home == 0 {
		return
	}
	r.Trace.List("received", &p.Reply)
	if changes := difference(redactedTexts(&p.Reply), redactedTexts(&r.Reply)); len(changes) > 0 {
		r.Trace.add(TraceStep{Text: "kept of it", Changes: changes, ours: true})
	}
}
