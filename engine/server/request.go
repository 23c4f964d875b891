package server

import (
	"net/netip"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/radius"
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

	ReceivedUser []byte      // User-Name as received; nil if none
	Method       string      // pap, chap, eap, answer, none, …
	Code         radius.Code // of the reply; set when Outcome is Replied
	Verdict      Kind        // Accept, Reject, Challenge, Discard, Drop; from the decision on
	Reason       string      // password, unknown-user, …
	Rule         string      // users:42; the last entry that matched
	Hook         string      // hints.lua:7; the handler that decided or last changed something
	Notes        []Note      // req:note, 8 at most

	// Round is what a State of ours held; nil in a first round.
	Round *Round

	Session radius.Session
	Trace   *Trace // nil: nobody looks
	Local   any    // the policy's own per-request data (ctx); cleared by Runner.End
	Runner  Runner // the desk's Lua state, acquired when first needed

	desk *desk // nil for a request without a server (explain, policy tests)
}

// A Note is one key and value for the request's log line.
type Note struct{ Key, Value string }

// A Round is an answer to a challenge of ours.
type Round struct {
	Next string
	Data []byte // as Verdict.State held it
}
