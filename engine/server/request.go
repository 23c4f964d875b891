package server

import (
	"net/netip"
	"time"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// Pair is dictionary.Pair, named here for the interface Runner.
type Pair = dictionary.Pair

// A Peer is who sent a request and how (TLS identity later).
type Peer struct {
	Source    netip.AddrPort // unmapped; with zone for link-local ones
	Local     netip.AddrPort // the address asked
	Transport string         // "udp"
	Client    *nas.Client
}

// A Request is the server's state for one packet. It belongs to a desk: its lists and buffers are reused
// for the next one, so nothing may keep it, or what hangs from it, after the request is over. One goroutine
// at a time works on it.
type Request struct {
	Peer
	Packet     radius.Packet // as received; Attributes share the desk's buffer
	Listener   string        // "auth", "acct", "coa"
	Serial     uint64        // log_id: unique in this process
	Arrival    time.Time     // wall and monotonic clock at receipt
	Deadline   time.Time
	Generation *Generation

	Attributes dictionary.List // the request, as hooks changed it
	Control    dictionary.List
	Reply      dictionary.List

	ReceivedUser []byte        // User-Name as received; nil if none
	Method       string        // pap, chap, eap, answer, none, …
	Code         radius.Code   // of the reply; set when out holds one
	Verdict      Kind          // Accept, Reject, Challenge, Discard, Drop; from the decision on
	Reason       string        // password, unknown-user, …, or what a script gave as reason=
	Cause        Reason        // the counter of Reason
	Delay        time.Duration // how long to hold a reject back
	Hook         string        // hints.lua:7; the handler that decided or last changed something
	Notes        []Note        // req:note, 8 at most

	// Round is what a State of ours held; nil in a first round.
	Round *Round

	// Realm is the name after the last @ of User-Name, in lower case, as it stood when route had ended; "" for none.
	Realm string

	// Proxied is what a home server said; nil for a request that none was asked for.
	Proxied *Proxied

	Session radius.Session
	Trace   *Trace // nil: nobody looks
	Local   any    // the policy's own per-request data (ctx); cleared by Runner.End
	Runner  Runner // the desk's Lua state, acquired when first needed

	desk *desk // nil for a request without a server (explain, policy tests)

	datagram []byte        // as received, to the packet's Length
	ahead    *radius.Ahead // what its batch has computed for it; nil: nothing
	broken   error         // why the datagram is no packet
	out      []byte        // the signed reply; empty if there is none
	pending  pending       // what process or resume left the request to: call Core.wait next
	seen     seen          // what the first walk over the attributes found
	way      way           // what the steps tell one another
}

// A Note is one key and value for the request's log line.
type Note struct{ Key, Value string }

// A Round is an answer to a challenge of ours.
type Round struct {
	Next string
	Data []byte // as Verdict.State held it

	accepted bool // the State went out with an accept: the user is in and authenticates again
	expires  time.Time
}

// way is what one step of the way tells a later one. Its buffers are kept for the next request.
type way struct {
	query       users.Query
	scratch     dictionary.List // the other half of a list being rebuilt
	messages    dictionary.List // Reply-Messages of the rules that matched
	round       Round
	state       []byte       // plain text of the received State; Round points into it
	ticket      ticket       // which State is being answered
	bad         bool         // the State is ours but cannot be taken
	decided     *Verdict     // of a huntgroup or rewrite function in the middle of a match
	sealed      []byte       // State of the reply
	unsigned    bool         // the reply is still to be signed, with its batch
	realm       *proxy.Realm // the line of the realms file that applies; nil: none
	booked      booked       // of Simultaneous-Use and quota=
	limit       int          // Simultaneous-Use that refuses
	settled     bool         // authenticated{}: the password question is over
	noRecord    bool         // accept{record=false}
	left        int64        // seconds that the session may last
	asked       bool         // a handler ran, so time may have passed
	slow        bool         // it waited or computed for long
	runsAfter   bool         // the accept has Exec-Program
	external    bool         // accounting: Acct-Ext-Program
	second      bool         // the client used its old secret
	verified    bool         // Message-Authenticator was there and right
	keyless     bool         // MPPE keys were withheld
	record      []byte       // accounting: the record for the store
	detail      []byte       // and the one for a detail file
	stamp       acct.DetailStamp
	records     records
	outbound    *outbound   // the desk's; nil until its first request for a home server
	sentOn      bool        // outbound is of this request
	home        radius.Code // of the home server's answer that is passed on; 0: none
	routed      *Verdict    // proxy or handle_locally of the phase at hand
	realmText   string      // the last Realm that no line of the realms file had
	routedUser  []byte      // User-Name when route had ended
	ended       bool        // route has ended
	failure     error       // of the recorder
	salt        func() uint16
	salts       uint16
	policy      Policy     // that Runner belongs to
	hashes      *hashQueue // the Core's
	throttle    *throttle  // likewise; nil: nothing is counted (explain, policy tests)
	guess       guess
	print       fingerprint // of the extended comparison; zero: not compared
	twin        *twin
	class       *class // of ours, in accounting; nil if there is none
	digest      []byte
	ring        *ring
	question    *DynamicQuestion // CoA: what its NAS is asked
	told        *DynamicAnswer   // and what that has said
	values      []byte           // encoding scratch
	accountName []byte           // the canonical user, if it is not User-Name
	text        []byte           // a message of the server's own; pairs of Reply point into it
	truth       Truth            // of the password
	captors     []Captor         // who want the request when it is over
	tape        *Tape            // what it meets, for them
	recorded    *Recorded        // what it met when it was decided first; nil for a request of today
}

// reset makes the request ready for the next packet on the same desk: all but buffers, the desk, its Runner
// and Session. The caller then fills Source, Local, Transport, Listener, Serial, Arrival and Generation.
func (r *Request) reset() {
	r.Peer, r.Packet = Peer{}, radius.Packet{}
	r.Listener, r.Serial, r.Arrival, r.Deadline, r.Generation = "", 0, time.Time{}, time.Time{}, nil
	r.Attributes.Reset()
	r.Control.Reset()
	r.Reply.Reset()
	r.ReceivedUser, r.Method, r.Code = nil, "", 0
	r.Verdict, r.Reason, r.Cause, r.Delay, r.Hook = 0, "", 0, 0, ""
	r.Notes, r.Round, r.Trace, r.Local = r.Notes[:0], nil, nil, nil
	r.Proxied, r.Realm = nil, ""
	r.datagram, r.ahead, r.broken, r.out, r.pending, r.seen = nil, nil, nil, r.out[:0], waitNothing, seen{}
	r.way.reset()
}

func (w *way) reset() {
	w.round, w.ticket, w.bad, w.left, w.guess = Round{}, ticket{}, false, 0, guess{}
	w.print, w.twin, w.class = fingerprint{}, nil, nil
	w.messages.Reset()
	w.decided = nil
	w.settled, w.noRecord, w.asked, w.slow, w.second, w.verified = false, false, false, false, false, false
	w.keyless, w.unsigned = false, false
	w.truth, w.tape, w.recorded = Unchecked, nil, nil
	w.captors = w.captors[:0]
	w.question, w.told = nil, nil
	w.runsAfter, w.external = false, false
	w.booked, w.limit, w.realm = booked{}, 0, nil
	w.sentOn, w.home, w.routed, w.routedUser, w.ended = false, 0, nil, nil, false
	w.failure, w.salts = nil, 0
	w.records.reset()
	w.query.Reset()
	w.state, w.sealed, w.record, w.detail, w.text = w.state[:0], w.sealed[:0], w.record[:0], w.detail[:0], w.text[:0]
}

// rest forgets what reset leaves to be written over by the next request: on an idle desk it would keep a generation.
func (w *way) rest() {
	w.scratch.Reset()
	if w.outbound != nil {
		w.outbound.rest()
	}
}

// User gives User-Name as it stands, nil if there is none.
func (r *Request) User() []byte {
	name, _ := r.Attributes.First(r.Generation.Dictionary.Known.UserName)
	return name
}

// Rule gives the users entry that matched last as users:42, "" if none did.
func (r *Request) Rule() string { return string(r.AppendRule(nil)) }

// AppendRule appends what Rule gives.
func (r *Request) AppendRule(dst []byte) []byte {
	rules := r.way.query.Rules
	if len(rules) == 0 {
		return dst
	}
	last := &rules[len(rules)-1]
	dst = append(dst, last.File...)
	dst = append(dst, ':')
	return appendDecimal(dst, int64(last.Line))
}

// Rules gives the users entries that matched, in order; valid until the request is over.
func (r *Request) Rules() []users.Rule { return r.way.query.Rules }

// runner gives the desk's Runner for the request's generation. One of an older generation goes back to it.
func (r *Request) runner() Runner {
	p := r.Generation.Policy
	if r.Runner != nil && r.way.policy == p {
		return r.Runner
	}
	r.releaseRunner()
	r.Runner, r.way.policy = p.Acquire(), p
	return r.Runner
}

// releaseRunner gives the Runner back to the policy that it came from: when the generation changes, and
// when the desk is put away.
func (r *Request) releaseRunner() {
	if r.Runner != nil && r.way.policy != nil {
		r.keepRevealed()
		r.way.policy.Release(r.Runner)
	}
	r.Runner, r.way.policy = nil, nil
}
