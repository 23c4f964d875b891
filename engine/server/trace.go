package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// A Trace records the steps of one request for explain and trace. It is bounded and holds no secrets: those
// are blanked when they are recorded. All methods may be called on nil and then do nothing, but arguments
// that cost something should not be made for nobody.
type Trace struct {
	steps  []TraceStep
	lost   int      // steps beyond the bound
	missed int      // users entries that did not match, beyond the bound
	hooks  []string // handlers that changed or decided something
}

// A TraceStep is one step of a request: a line, and what it changed.
type TraceStep struct {
	Text    string   `json:"step"`
	Changes []string `json:"changes,omitempty"` // "+ A = x", "- A = y"
}

// One screen is the bound.
const (
	traceSteps   = 100
	traceMisses  = 12
	traceChanges = 24
	traceWidth   = 300 // octets of one line
)

// Step records a line of text without secrets.
func (t *Trace) Step(text string) { t.add(text, nil) }

func (t *Trace) add(text string, changes []string) {
	switch {
	case t == nil:
	case len(t.steps) >= traceSteps:
		t.lost++
	default:
		t.steps = append(t.steps, TraceStep{shortened(text), changes})
	}
}

func shortened(text string) string {
	if len(text) > traceWidth {
		return strings.ToValidUTF8(text[:traceWidth], "") + "…"
	}
	return text
}

// List records a list of attributes under a title; an empty list is left out.
func (t *Trace) List(title string, l *dictionary.List) {
	if t == nil || len(l.Pairs) == 0 {
		return
	}
	t.add(title, clip(redactedTexts(l)))
}

// Diff records what a hook made of a list ("request", "control", "reply"). Equal lists record nothing.
func (t *Trace) Diff(hook, list string, before, after *dictionary.List) {
	if t == nil {
		return
	}
	changes := difference(redactedTexts(before), redactedTexts(after))
	if len(changes) == 0 && !sameValues(before, after) {
		changes = []string{"~ a secret value"}
	}
	if len(changes) == 0 {
		return
	}
	t.touched(hook)
	t.add(hook+" changed "+list, clip(changes))
}

// touched remembers a handler that changed or decided something.
func (t *Trace) touched(hook string) {
	if t != nil && hook != "" && !slices.Contains(t.hooks, hook) && len(t.hooks) < traceSteps {
		t.hooks = append(t.hooks, hook)
	}
}

// Decided remembers a handler that gave a verdict.
func (t *Trace) Decided(hook string) { t.touched(hook) }

func clip(changes []string) []string {
	if n := len(changes) - traceChanges; n > 0 {
		return append(changes[:traceChanges:traceChanges], fmt.Sprintf("… %d more", n))
	}
	return changes
}

func redactedTexts(l *dictionary.List) []string {
	texts := make([]string, 0, len(l.Pairs))
	for i := range l.Pairs {
		p := &l.Pairs[i]
		switch {
		case p.Tag == users.Deferred:
			texts = append(texts, p.Attr.Name+" = (computed after the password)")
		case p.Attr.Vendor == nil && p.Attr.Number == uint32(radius.TypeMessageAuthenticator) && !p.Attr.Internal:
			// Noise: it was right, or the request would not be here.
		default:
			texts = append(texts, shortened(string(p.AppendText(nil, true))))
		}
	}
	return texts
}

func sameValues(a, b *dictionary.List) bool {
	return slices.EqualFunc(a.Pairs, b.Pairs, func(x, y Pair) bool {
		return x.Attr == y.Attr && x.Tag == y.Tag && string(x.Value) == string(y.Value)
	})
}

// difference gives what left and what came, in the order of the lists. Attributes of one name keep their
// order, so a common head and tail tell most of it.
func difference(before, after []string) []string {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	var changes []string
	for _, text := range before[head : len(before)-tail] {
		changes = append(changes, "- "+text)
	}
	for _, text := range after[head : len(after)-tail] {
		changes = append(changes, "+ "+text)
	}
	return changes
}

// Tried implements users.Watcher.
func (t *Trace) Tried(r users.Rule, matched bool, failed, found string) {
	place := fmt.Sprintf("%s:%d %s", r.File, r.Line, r.Label)
	switch {
	case matched:
		t.Step(place + ": matched (" + r.Dialect.String() + ")")
	case t.missed >= traceMisses:
		t.missed++
	default:
		t.missed++
		t.Step(place + ": no, wants " + failed + ", " + instead(found))
	}
}

// instead tells what the request has; of huntgroups and profiles there is a sentence already.
func instead(found string) string {
	switch {
	case found == "":
		return "the request has nothing"
	case strings.HasPrefix(found, "the "), strings.HasPrefix(found, "no entry "):
		return found
	}
	return "the request has " + found
}

func (t *Trace) verdict(v *Verdict) {
	if t == nil {
		return
	}
	t.touched(v.Hook)
	text := v.Hook + ": " + v.Kind.String()
	if v.Failed {
		text += " (the handler failed)"
	}
	if v.Reason != "" {
		text += ", reason " + v.Reason
	}
	t.add(text, nil)
}

// Steps gives what was recorded, and a last line for what was not.
func (t *Trace) Steps() []TraceStep {
	if t == nil {
		return nil
	}
	steps := slices.Clip(t.steps)
	if n := t.missed - traceMisses; n > 0 {
		steps = append(steps, TraceStep{Text: fmt.Sprintf("%d more users entries did not match", n)})
	}
	if t.lost > 0 {
		steps = append(steps, TraceStep{Text: fmt.Sprintf("%d more steps", t.lost)})
	}
	return steps
}

// Hooks gives the handlers that changed or decided something, in order.
func (t *Trace) Hooks() []string {
	if t == nil {
		return nil
	}
	return t.hooks
}

// String gives the steps as text, one a line, changes indented below.
func (t *Trace) String() string {
	var b strings.Builder
	for _, s := range t.Steps() {
		b.WriteString("  " + s.Text + "\n")
		for _, c := range s.Changes {
			b.WriteString("      " + c + "\n")
		}
	}
	return b.String()
}

// MarshalJSON gives the steps as a list.
func (t *Trace) MarshalJSON() ([]byte, error) { return json.Marshal(t.Steps()) }
