package server

import (
	"fmt"
	"slices"
	"strings"

	"perilune/engine/users"
)

// A TraceMiss is a users entry that did not match.
type TraceMiss struct {
	Rule   string `json:"rule"` // users:42
	Label  string `json:"label"`
	Wants  string `json:"wants"` // the pair that failed
	Found  string `json:"found"` // what the request has in its place
	Held   int    `json:"held"`  // pairs that hold
	Checks int    `json:"checks"`
}

// traceNearest is how many entries that did not match are shown.
const traceNearest = 3

// nearest keeps the entries that came nearest to a match: those of the user's name first, then by the pairs that held.
type nearest struct {
	misses []TraceMiss
	count  int // of all that did not match
}

func (m *TraceMiss) named() bool { return m.Label != "DEFAULT" && m.Label != "BEGIN" }

// nearer reports whether m is nearer to a match than o. Of equals the first in the file stays.
func (m *TraceMiss) nearer(o *TraceMiss) bool {
	switch {
	case m.named() != o.named():
		return m.named()
	case m.Held != o.Held:
		return m.Held > o.Held
	}
	return m.Checks < o.Checks
}

// admits reports whether m is among the nearest so far.
func (n *nearest) admits(m *TraceMiss) bool {
	return len(n.misses) < traceNearest || m.nearer(&n.misses[len(n.misses)-1])
}

func (n *nearest) put(m TraceMiss) {
	at := slices.IndexFunc(n.misses, func(o TraceMiss) bool { return m.nearer(&o) })
	if at < 0 {
		at = len(n.misses)
	}
	n.misses = slices.Insert(n.misses, at, m)
	n.misses = n.misses[:min(len(n.misses), traceNearest)]
}

// A ruleWatch records what the users file does for a request. It implements users.Watcher.
type ruleWatch struct {
	r              *Request
	t              *Trace
	at             int // step of the entry that matched last; -1: none, or it has no room
	control, reply []string
	miss           TraceMiss // that Missed completes
}

// watchRules makes the watcher of a match; ended must be called behind it.
func (r *Request) watchRules() *ruleWatch {
	r.Trace.Enter("users")
	r.Trace.near = nearest{}
	return &ruleWatch{r: r, t: r.Trace, at: -1}
}

// Matched implements users.Watcher.
func (w *ruleWatch) Matched(r users.Rule) {
	w.changes()
	text := fmt.Sprintf("%s:%d %s: matched (%s)", r.File, r.Line, r.Label, r.Dialect)
	w.at = w.t.add(TraceStep{Text: text, ours: true})
	w.control, w.reply = redactedTexts(&w.r.Control), redactedTexts(&w.r.Reply)
}

// changes records what the entry that matched last has given.
func (w *ruleWatch) changes() {
	if w.at < 0 {
		return
	}
	w.t.learn(&w.r.Control)
	w.t.learn(&w.r.Reply)
	s := &w.t.steps[w.at]
	for _, line := range difference(w.control, redactedTexts(&w.r.Control)) {
		s.Changes = append(s.Changes, "control "+line)
	}
	for _, line := range difference(w.reply, redactedTexts(&w.r.Reply)) {
		s.Changes = append(s.Changes, "reply "+line)
	}
	s.Changes, w.at = clip(s.Changes), -1
}

// Near implements users.Watcher.
func (w *ruleWatch) Near(r users.Rule, held, checks int) bool {
	w.t.near.count++
	w.miss = TraceMiss{Label: r.Label, Held: held, Checks: checks}
	return w.t.near.admits(&w.miss)
}

// Missed implements users.Watcher.
func (w *ruleWatch) Missed(r users.Rule, wants, found string) {
	m := w.miss
	m.Rule, m.Label = fmt.Sprintf("%s:%d", r.File, r.Line), strings.Clone(r.Label)
	m.Wants, m.Found = cut(wants, traceKept), cut(instead(found), traceKept)
	w.t.near.put(m)
}

// ended records what did not match.
func (w *ruleWatch) ended() {
	w.changes()
	n := &w.t.near
	if n.count == 0 {
		return
	}
	text := ""
	switch more := n.count - len(n.misses); {
	case more == 1:
		text = "1 more users entry did not match"
	case more > 1:
		text = fmt.Sprintf("%d more users entries did not match", more)
	}
	w.t.add(TraceStep{Text: text, Nearest: n.misses, ours: true})
}

// instead tells what the request has; of huntgroups and profiles there is a sentence already.
func instead(found string) string {
	switch {
	case found == "":
		return "has nothing"
	case strings.HasPrefix(found, "the "), strings.HasPrefix(found, "no entry "):
		return found
	}
	return "has " + found
}
