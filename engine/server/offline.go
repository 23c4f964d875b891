package server

import (
	"crypto/md5"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// Offline takes requests through the whole native way of a generation without sockets, duplicate cache and
// persistence: for `explain`, and for the tests of a policy. Each packet is really made, parsed, verified,
// answered and read again, so nothing is left out. An Offline serves one goroutine at a time; rounds of a
// challenge go through the same one.
type Offline struct {
	// Home answers what is sent on, in place of the home servers; nil: they are all dead.
	Home func(*HomeQuestion) HomeAnswer
	// NAS answers CoA- and Disconnect-Requests, in place of the NASes; nil: none can be reached.
	NAS func(*NASQuestion) NASAnswer

	core   *Core
	serial uint64
	alone  *proxy.Alone // nil until something is sent on
}

// A Question is one request for Offline.
type Question struct {
	Client     *nas.Client           // nil: a client named test
	Source     netip.AddrPort        // invalid: the first address of the client's prefix
	Listener   string                // "": the one for Code
	Code       radius.Code           // 0: Access-Request
	Attributes dictionary.List       // as on the wire; User-Password in clear
	CHAP       string                // if not "": CHAP-Password is made of this password, over CHAP-Challenge if there is one
	State      []byte                // of an Outcome, for the next round
	Unsigned   bool                  // without Message-Authenticator
	Quiet      bool                  // nobody looks at the Trace
	Recorded   *Recorded             // what was met when the request was decided first; nil: nothing
	Challenge  *radius.Authenticator // the Request Authenticator; nil: a new one
}

// An Outcome is what became of a Question.
type Outcome struct {
	Decision
	Kind   Kind // Accept for an accounting request that is answered
	Answer radius.Code
	Delay  time.Duration
	Rules  []users.Rule    // that matched
	Hooks  []string        // handlers that changed or decided something, in order
	Notes  []Note          // of req:note
	Reply  dictionary.List // as read from the reply packet; Message-Authenticator left out
	State  []byte          // of the reply, nil if none
	Next   string          // the answer handler that State names
	Record []byte          // accounting: the record, JSON
	Realm  string          // as Request.Realm
	Sent   *Proxied        // what a home server said; nil if none was asked
	Trace  *Trace
	Tape   *Tape

	request *Request // what Traced reads
}

// NewOffline gives an Offline with its own clock (nil: time.Now), an empty memory of what was learnt about
// Message-Authenticator, and a State key of its own.
func NewOffline(now func() time.Time) *Offline {
	o := new(Offline)
	o.begin(now, nil)
	return o
}

// Renew makes an Offline as NewOffline gives it, but for Home and NAS, and cheaper. Rounds of a challenge end.
func (o *Offline) Renew() { o.begin(o.core.now, o.core) }

func (o *Offline) begin(now func() time.Time, like *Core) {
	store := acct.NewMemory(acct.Rules{}) // the sessions of its own accounting requests
	core, err := NewCore(CoreOptions{Now: now, Recorder: store, Sessions: store.Live(), Ring: 1, Dry: true, like: like})
	if err != nil {
		panic(err) // without files nothing can fail
	}
	core.throttle = nil      // likewise, one question must not lock out the next
	core.hashes.fixed = true // many of them at once would each raise what the others have raised
	o.core, o.serial, o.alone = core, 0, nil
	core.leave, core.standIn = o.leave, o.tell
}

// Capture is Core.Capture for the questions.
func (o *Offline) Capture(to Captor) (stop func(), ok bool) { return o.core.Capture(to) }

// Run answers one question on a generation. The error tells what cannot be made a packet of.
func (o *Offline) Run(g *Generation, q *Question) (*Outcome, error) {
	o.core.ratchet.empty() // one question teaches nothing about the next
	r := &Request{}
	if !q.Quiet {
		r.Trace = &Trace{now: o.core.now}
	}
	datagram, err := o.prepare(g, q, r)
	if err != nil {
		return nil, err
	}
	defer r.releaseRunner()
	r.way.recorded, r.way.tape = q.Recorded, new(Tape)
	if why := o.core.checkFrom(r, datagram); why != ReasonNone {
		r.refuse(Discard, why)
		return r.outcome(), nil
	}
	o.core.process(r)
	for r.pending != waitNothing {
		if r.pending == waitRecord { // what is no record for the sessions is answered all the same
			o.core.recorder.Append(r.way.record, func(error) {})
		} else if r.pending == waitHome {
			o.core.forward(r, nil)
		}
		o.core.resume(r)
	}
	out := r.outcome()
	out.Took = o.core.now().Sub(r.Arrival)
	if out.Verdict == "" {
		return nil, errors.New("server: request was not decided")
	}
	err = r.readReply(out, o.core.seal)
	if q.Recorded != nil {
		q.Recorded.decided = true
	}
	o.core.done(r)
	return out, err
}

// prepare fills the request as a listener would, and makes its datagram.
func (o *Offline) prepare(g *Generation, q *Question, r *Request) ([]byte, error) {
	o.serial++
	r.Generation, r.Serial, r.Arrival = g, o.serial, o.core.now()
	r.Transport, r.Listener, r.Source, r.Client = "udp", q.Listener, q.Source, q.Client
	if r.Client == nil {
		r.Client = &nas.Client{Name: "test", Prefix: netip.MustParsePrefix("127.0.0.1/32"), Secret: radius.NewSecret("explain"), Dynamic: nas.RightAll}
	}
	if !r.Source.IsValid() {
		r.Source = netip.AddrPortFrom(r.Client.Prefix.Addr(), 0)
	}
	code := q.Code
	if code == 0 {
		code = radius.CodeAccessRequest
	}
	if r.Listener == "" {
		r.Listener = listenerFor(code)
	}
	r.Session.Use(r.Client.Secret)
	r.Session.OneDigest = r.Client.BrokenPassword
	return q.packet(code, byte(o.serial), g, &r.Session)
}

func listenerFor(code radius.Code) string {
	switch code {
	case radius.CodeAccountingRequest:
		return "acct"
	case radius.CodeCoARequest, radius.CodeDisconnectRequest:
		return "coa"
	}
	return "auth"
}

// packet makes the signed request.
func (q *Question) packet(code radius.Code, id byte, g *Generation, s *radius.Session) ([]byte, error) {
	p := radius.Packet{Code: code, Identifier: id}
	if q.Challenge != nil && code == radius.CodeAccessRequest {
		p.Authenticator = *q.Challenge
	} else {
		rand.Read(p.Authenticator[:])
	}
	var attrs []byte
	if !q.Unsigned && code != radius.CodeAccountingRequest {
		attrs = radius.AppendAttribute(attrs, radius.TypeMessageAuthenticator, make([]byte, messageAuthenticatorLen))
	}
	salt := uint16(0x8000)
	nextSalt := func() uint16 { salt++; return salt }
	for i := range q.Attributes.Pairs {
		pair, err := &q.Attributes.Pairs[i], error(nil)
		if pair.Attr == g.Dictionary.Known.UserPassword && len(pair.Value) == 0 { // 16 NULs, not left out
			attrs = radius.AppendAttribute(attrs, radius.TypeUserPassword, s.HidePassword(nil, nil, &p.Authenticator))
			continue
		}
		if attrs, err = dictionary.Encode(attrs, pair, s, &p.Authenticator, nextSalt); err != nil {
			return nil, err
		}
	}
	if q.CHAP != "" {
		attrs = radius.AppendAttribute(attrs, radius.TypeCHAPPassword, q.chap(g, &p))
	}
	if q.State != nil {
		attrs = radius.AppendAttribute(attrs, radius.TypeState, q.State)
	}
	p.Attributes = attrs
	datagram, err := p.AppendTo(nil)
	if err != nil {
		return nil, err
	}
	s.SignRequest(datagram)
	return datagram, nil
}

// chap makes CHAP-Password (RFC 2865 s5.3) over CHAP-Challenge or, without one, the Request Authenticator.
func (q *Question) chap(g *Generation, p *radius.Packet) []byte {
	challenge, ok := q.Attributes.First(g.Dictionary.Known.CHAPChallenge)
	if !ok {
		challenge = p.Authenticator[:]
	}
	const ident = 1
	sum := md5.Sum(fmt.Appendf([]byte{ident}, "%s%s", q.CHAP, challenge))
	return append([]byte{ident}, sum[:]...)
}

// outcome copies what is worth keeping of a request.
func (r *Request) outcome() *Outcome {
	return &Outcome{
		Decision: r.decision(), Kind: r.Verdict, Answer: r.Code, Delay: r.Delay,
		Rules: clonedRules(r.Rules()), Hooks: r.Trace.Hooks(),
		Notes: append([]Note(nil), r.Notes...), Record: append([]byte(nil), r.way.record...), Trace: r.Trace,
		Realm: r.Realm, Sent: r.Proxied, Tape: r.way.tape, request: r,
	}
}

// clonedRules copies what points into the generation's memory.
func clonedRules(rules []users.Rule) []users.Rule {
	clones := make([]users.Rule, len(rules))
	for i := range rules {
		clones[i] = rules[i].Clone()
	}
	return clones
}

// readReply takes the reply packet apart again, as a NAS would.
func (r *Request) readReply(out *Outcome, seal *sealer) error {
	if len(r.out) == 0 {
		out.Answer = 0
		return nil
	}
	packet, err := radius.Parse(r.out)
	if err != nil {
		return err
	}
	if _, err := r.Session.VerifyReply(r.out, &r.Packet.Authenticator); err != nil {
		return err
	}
	d := r.Generation.Dictionary
	var all dictionary.List
	if err := d.Decode(&all, packet.Attributes, &r.Session, &r.Packet.Authenticator); err != nil {
		return err
	}
	for _, p := range all.Pairs {
		if p.Attr != d.Known.MessageAuthenticator {
			out.Reply.Add(dictionary.Ref{Attr: p.Attr, Tag: int8(p.Tag)}, p.Value)
		}
	}
	if state, ok := packet.Attributes.Find(radius.TypeState); ok {
		out.State = append([]byte(nil), state...)
		var round Round
		again := &Request{Peer: r.Peer, ReceivedUser: r.ReceivedUser}
		if _, err := seal.open(again, state, time.Unix(0, 0), &round); err == nil {
			out.Next = round.Next
		}
	}
	return nil
}

// Traced gives the outcome as people read it.
func (o *Outcome) Traced() *Traced {
	t := o.request.traced(o.Took)
	t.Next = o.Next
	return t
}

// String gives the outcome for people: what was decided and how, and the reply; one screen.
func (o *Outcome) String() string { return o.Traced().String() }
