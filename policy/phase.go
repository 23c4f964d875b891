package policy

import (
	"iter"

	"perilune/engine/server"
)

// Phases that lie beside the way of a request and that the server does not know.
const (
	phaseLoad = server.NumPhases + iota
	phaseUnload
	numPhases
)

// A kinds is a set of verdict kinds.
type kinds uint16

func kindSet(list ...server.Kind) (k kinds) {
	for _, v := range list {
		k |= 1 << v
	}
	return k
}

func (k kinds) has(v server.Kind) bool { return k&(1<<v) != 0 }

// names lists the verdicts of the set as scripts write them.
func (k kinds) names() string {
	text := ""
	for v := server.Accept; v <= server.Drop; v++ {
		if !k.has(v) {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += v.String()
	}
	if text == "" {
		return "none"
	}
	return text
}

// A lists is a set of attribute lists that a handler may change.
type lists uint8

const (
	changeRequest lists = 1 << iota
	changeControl
	changeReply
	changeProxied // in no phase
)

// A station is what one phase allows: the verdicts that end it and the lists that its handlers may change.
type station struct {
	name     string // as on("…") spells it; auth_type and answer have their own functions
	verdicts kinds
	change   lists
	must     bool // nil is no answer
}

// places is the table phase × verdict × change of docs/lua.md.
var places = [numPhases]station{
	server.PhaseHints:      {"hints", kindSet(server.Reject, server.Discard, server.Drop), changeRequest | changeControl, false},
	server.PhaseHuntgroups: {"huntgroups", kindSet(server.Reject, server.Discard, server.Drop), changeRequest | changeControl | changeReply, false},
	server.PhaseRoute: {"route", kindSet(server.Proxy, server.HandleLocally, server.Reject, server.Discard, server.Drop),
		changeRequest | changeControl | changeReply, false},
	server.PhaseAuthorize: {"authorize", kindSet(server.Accept, server.Authenticated, server.Reject, server.Challenge, server.Discard, server.Drop),
		changeRequest | changeControl | changeReply, false},
	server.PhaseAuthType: {"auth_type", kindSet(server.Accept, server.Reject, server.Challenge, server.Discard, server.Drop),
		changeRequest | changeControl | changeReply, true},
	server.PhaseAnswer: {"answer", kindSet(server.Accept, server.Authenticated, server.Reject, server.Challenge, server.Discard, server.Drop),
		changeRequest | changeControl | changeReply, true},
	server.PhaseReply:      {"reply", kindSet(server.Reject, server.Challenge, server.Discard, server.Drop), changeReply, false},
	server.PhaseAccounting: {"accounting", kindSet(server.Accept, server.Discard, server.Drop), changeRequest | changeControl, false},
	server.PhaseCoA: {"coa", kindSet(server.Accept, server.Reject, server.Proxy, server.Discard, server.Drop),
		changeRequest | changeReply, false},
	server.PhaseDone: {"done", 0, 0, false},
	server.PhasePreProxy: {"pre_proxy", kindSet(server.Proxy, server.HandleLocally, server.Reject, server.Discard, server.Drop),
		changeRequest, false},
	server.PhasePostProxy: {"post_proxy", kindSet(server.Accept, server.Proxy, server.HandleLocally, server.Reject, server.Discard, server.Drop),
		changeControl | changeReply, false},
	server.PhaseSession: {"session", 0, 0, false},
	phaseLoad:           {"load", 0, 0, false},
	phaseUnload:         {"unload", 0, 0, false},
}

// phaseNames gives the phases that on() takes.
func phaseNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for p := range places {
			if !places[p].must && !yield(places[p].name) {
				return
			}
		}
	}
}

// phaseNamed finds a phase that on() takes.
func phaseNamed(name string) (server.Phase, bool) {
	for p := range places {
		if places[p].name == name && !places[p].must {
			return server.Phase(p), true
		}
	}
	return 0, false
}

// serves reports whether handlers of the phase get a request.
func serves(p server.Phase) bool { return p < server.PhaseSession }

// asks reports whether handlers of the phase get a request: also those that are asked beside its way.
func asks(p server.Phase) bool { return serves(p) || p == server.PhaseSession }

// decided reports whether the request has its verdict when the phase is reached.
func decided(p server.Phase) bool { return p == server.PhaseReply || p == server.PhaseDone }
