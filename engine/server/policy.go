package server

import (
	"perilune/engine/acct"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// A Phase is a place on the way where handlers run.
type Phase uint8

// The phases, in the order of the way.
const (
	PhaseHints Phase = iota
	PhaseHuntgroups
	PhaseRoute
	PhasePreProxy
	PhasePostProxy
	PhaseAuthorize
	PhaseAuthType
	PhaseAnswer
	PhaseReply
	PhaseAccounting
	PhaseCoA
	PhaseDone
	PhaseSession // beside the way: Runner.Session runs its handlers
	NumPhases
)

// String gives the phase's name as scripts spell it.
func (p Phase) String() string {
	return [...]string{"hints", "huntgroups", "route", "pre_proxy", "post_proxy", "authorize", "auth_type", "answer", "reply",
		"accounting", "coa", "done", "session"}[p]
}

// A Policy is the script side of one generation. Its methods are safe for use by many goroutines.
type Policy interface {
	// Has reports whether a phase has handlers; a phase without costs nothing.
	Has(Phase) bool
	// Acquire gives a Runner for one desk. It may allocate; a desk keeps its Runner for many requests.
	Acquire() Runner
	// Release takes a Runner back.
	Release(Runner)
	// Close ends timers and frees the states. It is called once, when no request is on the generation.
	Close()
}

// A Runner runs handlers, one at a time, on the goroutine that calls it. A handler that waits or computes
// for long calls Request.Detach from inside. A Runner keeps nothing of a Request after End.
type Runner interface {
	// Run runs the handlers of a phase that match, in order, up to the first verdict.
	Run(p Phase, r *Request) *Verdict
	// Huntgroup answers users.Host; a verdict other than nil ends the request.
	Huntgroup(ref int, r *Request) (users.Truth, *Verdict)
	// Rewrite runs a rewrite function; a verdict other than nil ends the request.
	Rewrite(ref int, r *Request) *Verdict
	// Evaluate computes a deferred value of a users rule, in the attribute's wire form. ok is false to
	// leave the pair out.
	Evaluate(ref int, r *Request, p *Pair) (value []byte, ok bool, v *Verdict)
	// AuthType runs the handler for a value of Auth-Type; found is false if the policy has none.
	AuthType(value uint32, r *Request) (v *Verdict, found bool)
	// Answer runs the handler of a challenge round; found is false if it no longer exists.
	Answer(r *Request) (v *Verdict, found bool)
	// Session asks the handlers of the phase session about a session that Simultaneous-Use doubts.
	Session(r *Request, s *acct.Session) Alive
	// Park moves what handlers keep of the request (ctx) out of the Runner and into Request.Local, so that the
	// Runner can be released while the request waits for a home server. The Runner that works for the request next
	// takes it up from there. It reports false if that is not possible; then the request keeps its Runner.
	Park(r *Request) bool
	// End is called once a request is over: handles to it die, its context is dropped.
	End(r *Request)
}

// Alive is what a policy knows of a session.
type Alive uint8

// The answers of Runner.Session.
const (
	AliveUnknown Alive = iota // no handler knows
	AliveYes
	AliveNo
)

// kinds is a set of verdicts.
type kinds uint16

func kindSet(list ...Kind) (s kinds) {
	for _, k := range list {
		s |= 1 << k
	}
	return s
}

// permitted says which verdicts a phase may give. A script that gives another has failed, as a policy
// checks already; the way looks again, because a wrong one here could let somebody in.
var permitted = [NumPhases]kinds{
	PhaseHints:      kindSet(Reject, Discard, Drop),
	PhaseHuntgroups: kindSet(Reject, Discard, Drop),
	PhaseRoute:      kindSet(Proxy, HandleLocally, Reject, Discard, Drop),
	PhasePreProxy:   kindSet(Proxy, HandleLocally, Reject, Discard, Drop),
	PhasePostProxy:  kindSet(Accept, Proxy, HandleLocally, Reject, Discard, Drop),
	PhaseAuthorize:  kindSet(Accept, Authenticated, Reject, Challenge, Discard, Drop),
	PhaseAuthType:   kindSet(Accept, Reject, Challenge, Discard, Drop),
	PhaseAnswer:     kindSet(Accept, Authenticated, Reject, Challenge, Discard, Drop),
	PhaseReply:      kindSet(Reject, Challenge, Discard, Drop),
	PhaseAccounting: kindSet(Accept, Discard, Drop),
	PhaseCoA:        kindSet(Accept, Reject, Proxy, Discard, Drop),
}

// What becomes of a verdict that the phase may not give: no answer to accounting, else a reject.
var (
	misplacedReject = &Verdict{Kind: Reject, Failed: true}
	misplacedDrop   = &Verdict{Kind: Drop, Failed: true}
)

// permit passes a verdict that the phase may give and replaces any other by a failure.
func (c *Core) permit(p Phase, r *Request, v *Verdict) *Verdict {
	if v == nil || permitted[p]&(1<<v.Kind) != 0 && r.fits(p, v) {
		return v
	}
	accounting := r.Packet.Code == radius.CodeAccountingRequest
	if accounting && v.Failed {
		return misplacedDrop
	}
	c.warn(r, "verdict "+v.Kind.String()+" is not possible in phase "+p.String()+" here; it counts as a failure")
	if accounting {
		return misplacedDrop
	}
	return misplacedReject
}

// fits holds the conditions that a table cannot: a challenge from `reply` only instead of an accept of the
// first round, or a forgotten guard would ask for codes for ever; an accept from `post_proxy` only if no home server
// has answered.
func (r *Request) fits(p Phase, v *Verdict) bool {
	switch {
	case p == PhaseReply && v.Kind == Challenge:
		return r.Verdict == Accept && r.Round == nil
	case p == PhasePostProxy && v.Kind == Accept:
		return r.way.home == 0
	}
	return true
}
