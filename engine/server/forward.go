package server

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// An outbound is what a desk keeps of its requests' way to home servers and back. It is made with the first one;
// its buffers stay, so that sending on allocates nothing.
type outbound struct {
	core     *Core
	request  *Request
	exchange proxy.Exchange
	realm    *proxy.Realm // where the request goes, or went last
	sent     dictionary.List
	list     *dictionary.List // what is sent: the request's attributes, or sent, a copy that pre_proxy could change
	before   dictionary.List  // the reply as it stood before
	proxied  Proxied
	name     []byte // User-Name with its realm, if that was taken off
	verdicts int    // proxy{}, so far
}

// maxProxies is how many proxy{} one request may meet: more go in a circle.
const maxProxies = 3

// outbound gives the desk's, ready for a request that is sent on for the first time.
func (r *Request) outbound(c *Core) *outbound {
	o := r.way.outbound
	if o == nil {
		o = &outbound{request: r}
		o.exchange.Encode, o.exchange.Done = o.encode, o.done
		r.way.outbound = o
	}
	if !r.way.sentOn {
		r.way.sentOn = true
		o.core = c
		o.rest()
	}
	return o
}

// rest forgets the last request, which belonged to a generation.
func (o *outbound) rest() {
	o.realm, o.list, o.exchange.Realm = nil, nil, nil
	o.name, o.verdicts = o.name[:0], 0
	o.proxied.reset()
	o.before.Reset()
	o.sent.Reset()
}

// done is called by the Forwarder, whose goroutine is not to be lent to what waits.
func (o *outbound) done(*proxy.Exchange) { o.request.resume() }

// wait hands a parked request to the recorder or the forwarder. The request belongs to that from here on.
func (c *Core) wait(r *Request, s *proxy.Sender) {
	switch r.pending {
	case waitRecord:
		c.record(r)
	case waitHome:
		c.forward(r, s)
	case waitNAS:
		c.ask(r)
	}
}

// resume goes on with a request once what it waited for has come. It may have to wait again: for another home
// server, or, accounting that a home server has answered, for its record.
func (c *Core) resume(r *Request) {
	waited := r.pending
	r.pending = waitNothing
	switch waited {
	case waitRecord:
		c.finishAccounting(r)
	case waitHome:
		c.returned(r)
	case waitNAS:
		c.relayed(r)
	}
	if r.pending == waitNothing {
		c.conclude(r)
	}
}

// sender gives what one loop sends requests on with.
func (c *Core) sender() *proxy.Sender {
	if c.forwarder == nil {
		return nil
	}
	return c.forwarder.NewSender()
}

// repeat tells the forwarder that the client has sent a request again.
func (c *Core) repeat(x *proxy.Exchange, serial uint64) {
	if c.forwarder != nil {
		c.forwarder.Repeat(x, serial)
	}
}

// forward sends a parked request to a home server.
func (c *Core) forward(r *Request, s *proxy.Sender) {
	o := r.way.outbound
	if r.Runner != nil && r.Runner.Park(r) {
		r.releaseRunner()
	}
	if r.Trace != nil {
		o.trace(r)
	}
	x := &o.exchange
	x.Code, x.Realm, x.Received, x.Serial = r.Packet.Code, o.realm, &r.Packet, r.Serial
	x.Source, x.Sticky, x.Deadline = r.Source.Addr(), c.sticky(r), r.homeDeadline(o.realm)
	if d := r.desk; d != nil && d.unanswered != nil && o.realm.Retransmit == proxy.RetransmitClient {
		d.unanswered.forwarded.Store(x)
		if w := d.unanswered.twin; w != nil {
			w.exchange.Store(x)
		}
	}
	outcome := proxy.Closed
	switch {
	case c.leave != nil:
		c.leave(r, x)
	case s != nil:
		outcome = s.Forward(x)
	case c.forwarder != nil:
		outcome = c.forwarder.Forward(x)
	default:
		x.Outcome = proxy.AllDead
	}
	if outcome != proxy.Pending {
		r.resume() // else it is the Forwarder's by now
	}
}

// sticky gives the same number for all requests of one device: its client and Calling-Station-Id, or else its
// user.
func (c *Core) sticky(r *Request) uint64 {
	device, ok := r.Packet.Attributes.Find(typeCallingStationID)
	if !ok {
		device = r.ReceivedUser
	}
	var h maphash.Hash
	h.SetSeed(c.deviceSeed)
	h.WriteString(r.Client.Name)
	h.WriteByte(0)
	h.Write(device)
	return h.Sum64() | 1
}

// patient gives how long a request that is sent on may take. Where only the NAS repeats, it has the time for that.
func (r *Request) patient(line *proxy.Realm) time.Duration {
	const usual, whole = 15 * time.Second, 30 * time.Second
	switch d := r.Generation.Settings.ProxyDeadline; {
	case line.Retransmit == proxy.RetransmitClient:
		return whole // RFC 5080 s2.2.1: MRD
	case d > 0:
		return d
	}
	return usual
}

// homeDeadline gives until when home servers may answer. Handlers of post_proxy that follow need time as well: most of
// all those that say what becomes of a request that nobody has answered.
func (r *Request) homeDeadline(line *proxy.Realm) time.Time {
	if p := r.Generation.Policy; p == nil || !p.Has(PhasePostProxy) {
		return r.Deadline
	}
	return r.Deadline.Add(-min(time.Second, r.patient(line)/8))
}

// encode appends the attributes for one home server: those of the request as hints, huntgroups and pre_proxy have
// left them, in order, with what was hidden hidden anew.
func (o *outbound) encode(dst []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
	r := o.request
	known := &r.Generation.Dictionary.Known
	if r.way.salt == nil {
		r.way.salt = r.nextSalt
	}
	operatorName := r.Generation.prepare().operator
	operator, delayed := false, false
	for i := range o.list.Pairs {
		p := &o.list.Pairs[i]
		switch {
		case p.Attr == known.MessageAuthenticator: // the Forwarder's
			continue
		case p.Attr == known.UserPassword && len(p.Value) == 0: // 16 NULs, not left out
			dst = radius.AppendAttribute(dst, radius.TypeUserPassword, s.HidePassword(nil, nil, auth))
			continue
		case p.Attr == known.AcctDelayTime && len(p.Value) == 4 && !delayed:
			delayed = true
			dst = appendNumber(dst, typeAcctDelayTime, uint32Of(p.Value)+o.delay())
			continue
		case p.Attr == operatorName:
			operator = true
		}
		var err error
		if dst, err = dictionary.Encode(dst, p, s, auth, r.way.salt); err != nil {
			return dst, err
		}
	}
	if r.Packet.Code == radius.CodeAccountingRequest && !delayed && o.delay() > 0 {
		dst = appendNumber(dst, typeAcctDelayTime, o.delay())
	}
	if o.realm.Operator != "" && !operator { // RFC 5580 s4.1
		dst = radius.AppendAttribute(dst, typeOperatorName, []byte(o.realm.Operator))
	}
	return dst, nil
}

const (
	typeAcctDelayTime = radius.Type(41)
	typeOperatorName  = radius.Type(126)
)

// delay gives the seconds that the request has been here. They count in Acct-Delay-Time: a packet to another server is
// a new one (RFC 2866 s5.2).
func (o *outbound) delay() uint32 {
	return uint32(max(0, o.core.now().Sub(o.request.Arrival)/time.Second))
}

func appendNumber(dst []byte, t radius.Type, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(t), 6), n)
}

// fixRealm sets Realm: the part of the name after the last @, in lower case. A realm of the realms file brings its own
// text along; another is made once for each desk as long as it stays the same.
func (r *Request) fixRealm(line *proxy.Realm) {
	name := r.User()
	r.way.routedUser, r.way.ended = name, true
	at := bytes.LastIndexByte(name, '@')
	if r.Realm = ""; at < 0 || at+1 == len(name) {
		return
	}
	realm := name[at+1:]
	switch {
	case line != nil && equalLower(realm, line.Lower()):
		r.Realm = line.Lower()
	case equalLower(realm, r.way.realmText):
		r.Realm = r.way.realmText
	default:
		r.way.realmText = string(bytes.ToLower(realm))
		r.Realm = r.way.realmText
	}
}

// RoutedUser gives User-Name as it stood when route had ended, valid until the request is over: Realm and the name
// before it are taken from it. ok is false as long as route has not ended.
func (r *Request) RoutedUser() (name []byte, ok bool) { return r.way.routedUser, r.way.ended }

// equalLower reports whether text is the name in lower case.
func equalLower(name []byte, text string) bool {
	if len(name) != len(text) {
		return false
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != text[i] {
			return false
		}
	}
	return true
}
