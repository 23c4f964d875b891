package policy

import (
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
	"perilune/engine/users"
)

// showBegin records for the trace that a handler runs.
func (rn *Runner) showBegin(h *handler, r *server.Request) {
	r.Trace.Began(h.label, h.text())
	rn.env.Called, rn.env.Logged = rn.showCall, rn.showLog // until the request is forgotten
}

// showEnd records what it has answered and changed.
func (rn *Runner) showEnd(h *handler, r *server.Request, results []lua.LValue) {
	r.Trace.Conceal(rn.revealed...)
	r.Trace.Conceal(rn.replaced...)
	if h.change() == 0 {
		r.Trace.Ended(answerOf(h, results))
		return
	}
	r.Trace.Ended(answerOf(h, results),
		server.Change{List: "request", Before: &rn.saved[0], After: &r.Attributes},
		server.Change{List: "control", Before: &rn.saved[1], After: &r.Control},
		server.Change{List: "reply", Before: &rn.saved[2], After: &r.Reply})
}

// answerOf gives what a handler that is asked a question has answered, "" for others.
func answerOf(h *handler, results []lua.LValue) string {
	switch {
	case h.kind != kindHuntgroup && h.phase != server.PhaseSession:
		return ""
	case len(results) == 0:
		return "nil"
	}
	return results[0].String()
}

// showCall records a call of a backend: its kind, what was asked, and how it ended.
func (rn *Runner) showCall(what, asked string, took time.Duration, err error) {
	if rn.r == nil || rn.r.Trace == nil {
		return
	}
	text := what
	if asked != "" {
		text += " " + asked
	}
	if err != nil {
		text += ": " + err.Error()
	}
	if took = took.Round(time.Microsecond); took > 0 && !rn.pr.view {
		text += fmt.Sprintf(", %v", took)
	}
	rn.r.Trace.Step(rn.blank(rn.r, text))
}

// showLog records a line that a handler logs.
func (rn *Runner) showLog(level, text string) {
	if rn.r != nil {
		rn.r.Trace.Step("log " + strings.ToLower(level) + ": " + rn.blank(rn.r, text))
	}
}

// showFailure records why a handler failed, and what that does.
func (rn *Runner) showFailure(r *server.Request, err error, a action) {
	text := "failed: "
	if at := place(err, ""); at.File != "" {
		text += at.String() + ": "
	}
	text += rn.blank(r, message(err))
	if a == actionContinue {
		text += "; it goes on without what the handler changed"
	}
	r.Trace.Step(text)
}

// showSkipped records a handler whose condition does not hold, with the key that was against it.
func (rn *Runner) showSkipped(h *handler, r *server.Request) {
	skip := server.TraceSkip{Hook: h.label, Name: h.name}
	if h.condition != nil {
		if t, near := rn.against(h.condition, r); t != nil {
			skip.Key, skip.Wants, skip.Found, skip.Near = t.key, t.key+" = "+t.wants, rn.found(t, r), near
			if t.subject == subjectAttribute && t.ref.Attr.Secret {
				skip.Wants = t.key + " = " + blanked
			}
			r.Trace.Skip(skip)
			return
		}
	}
	skip.Key, skip.Wants, skip.Found = "unless", "no "+h.unless.short(), "which holds"
	r.Trace.Skip(skip)
}

// against gives the first test that fails, of the set that has the fewest such; nil if a set holds. Near is true if it
// is the only one of several. Huntgroups that were not asked are not asked for this: they count as held.
func (rn *Runner) against(c condition, r *server.Request) (worst *test, near bool) {
	fewest := -1
	for _, set := range c {
		var first *test
		failed := 0
		for i := range set {
			if t := &set[i]; !rn.holdsAsFar(t, r) {
				if failed++; first == nil {
					first = t
				}
			}
		}
		if first == nil {
			return nil, false
		}
		if fewest < 0 || failed < fewest {
			worst, fewest, near = first, failed, failed == 1 && len(set) > 1
		}
	}
	return worst, near
}

func (rn *Runner) holdsAsFar(t *test, r *server.Request) bool {
	if t.subject == subjectHuntgroup {
		for _, ref := range t.huntgroups {
			if ref >= len(rn.asked) || !rn.asked[ref] || rn.answers[ref] == users.True {
				return true
			}
		}
		return false
	}
	ok, _ := rn.holds(t, r)
	return ok
}

// found tells what the request has under the key of a test.
func (rn *Runner) found(t *test, r *server.Request) string {
	text := ""
	switch t.subject {
	case subjectHuntgroup:
		return "the request is not in it"
	case subjectSource:
		text = r.Source.Addr().String()
	case subjectUser:
		text = string(r.User())
	case subjectRealm:
		realm, _ := rn.realm(r)
		text = string(realm)
	case subjectAttribute:
		return rn.foundPair(t, r)
	default:
		text = rn.word(t.subject, r)
	}
	if text == "" {
		return "has none"
	}
	return "has " + text
}

func (rn *Runner) foundPair(t *test, r *server.Request) string {
	value, ok := r.Attributes.Get(t.ref, 0)
	switch {
	case !ok:
		return "has none"
	case t.ref.Attr.Secret:
		return "has " + blanked
	}
	return "has " + string(t.ref.Attr.AppendText(nil, value))
}

// short gives a condition on one line.
func (w written) short() string {
	var sets []string
	for _, set := range w {
		var keys []string
		for _, k := range set {
			keys = append(keys, k.key+" = "+k.short())
		}
		sets = append(sets, strings.Join(keys, ", "))
	}
	return clip(strings.Join(sets, " or "))
}

func (k *writtenKey) short() string {
	var values []string
	for _, v := range k.values {
		values = append(values, v.String())
	}
	return strings.Join(values, " or ")
}
