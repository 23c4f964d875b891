package policy

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
	"perilune/engine/users"
)

// Huntgroup implements server.Runner.
func (rn *Runner) Huntgroup(ref int, r *server.Request) (users.Truth, *server.Verdict) {
	rn.begin(r)
	return rn.askHuntgroup(rn.pr.handlers[ref], r)
}

// inHuntgroup reports whether any of the huntgroups holds.
func (rn *Runner) inHuntgroup(refs []int, r *server.Request) (bool, *server.Verdict) {
	for _, ref := range refs {
		truth, v := rn.askHuntgroup(rn.pr.handlers[ref], r)
		if v != nil || truth == users.True {
			return v == nil, v
		}
	}
	return false, nil
}

// askHuntgroup runs a huntgroup's function, once in a request.
func (rn *Runner) askHuntgroup(h *handler, r *server.Request) (users.Truth, *server.Verdict) {
	if h.ref < len(rn.asked) && rn.asked[h.ref] {
		return rn.answers[h.ref], nil
	}
	rn.keepAnswer(h.ref, users.False) // a huntgroup that asks itself is false while it is asked
	results, v, ok := rn.call(h, r)
	switch {
	case v != nil:
		return users.Unknown, v
	case !ok:
		rn.answers[h.ref] = users.Unknown // on_error="continue"
	case len(results) > 0 && results[0] == lua.LTrue:
		rn.answers[h.ref] = users.True
	}
	return rn.answers[h.ref], nil
}

// keepAnswer keeps a huntgroup's answer for the request.
func (rn *Runner) keepAnswer(ref int, truth users.Truth) {
	if n := len(rn.pr.handlers); len(rn.asked) < n {
		rn.asked, rn.answers = make([]bool, n), make([]users.Truth, n)
	}
	rn.asked[ref], rn.answers[ref] = true, truth
}

// checkTruth says what is wrong with a huntgroup's answer: in Lua 0 is true, so only booleans count.
func checkTruth(results []lua.LValue) error {
	if len(results) == 0 || results[0] == lua.LNil || results[0].Type() == lua.LTBool {
		return nil
	}
	return fmt.Errorf("returned a %s, expected true, false or nil", results[0].Type())
}

// Rewrite implements server.Runner.
func (rn *Runner) Rewrite(ref int, r *server.Request) *server.Verdict {
	rn.begin(r)
	_, v, _ := rn.call(rn.pr.handlers[ref], r)
	return v
}
