package server

import "perilune/engine/users"

// A Phase is a place on the way where handlers run.
type Phase uint8

// The phases, in the order of the way.
const (
	PhaseHints Phase = iota
	PhaseHuntgroups
	PhaseRoute
	PhaseAuthorize
	PhaseAuthType
	PhaseAnswer
	PhaseReply
	PhaseAccounting
	PhaseCoA
	PhaseDone
	NumPhases
)

// String gives the phase's name as scripts spell it.
func (p Phase) String() string {
	return [...]string{"hints", "huntgroups", "route", "authorize", "auth_type", "answer", "reply", "accounting", "coa", "done"}[p]
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
	// End is called once a request is over: handles to it die, its context is dropped.
	End(r *Request)
}
