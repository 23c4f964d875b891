package server

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"perilune/engine/dictionary"
)

// A Trace records the steps of one request for explain and trace. It is bounded. Secrets are blanked: those of
// attributes when they are recorded, texts that repeat them when the steps are read. All methods may be called on nil
// and then do nothing, but arguments that cost something should not be made for nobody.
type Trace struct {
	now     func() time.Time // of the times that handlers take
	phase   string
	steps   []TraceStep
	running []running // handlers, the innermost last
	ended   int       // step of the handler that ended last, and 1; 0: none
	near    nearest
	lost    int      // steps beyond the bound
	octets  int      // recorded
	hooks   []string // handlers that changed or decided something
	left    []string // attributes that the reply's code may not carry
	secrets secrets
	samples []sample // of vendors' attributes that no dictionary knows

	watching []*Watching // who may want it
}

// A TraceStep is one step of a request on its way.
type TraceStep struct {
	Phase   string      `json:"phase,omitempty"`
	Text    string      `json:"step,omitempty"`
	Hook    string      `json:"hook,omitempty"`    // file:line of the handler that ran
	Took    int64       `json:"took_us,omitempty"` // microseconds of its run; 0: not measured
	Verdict string      `json:"verdict,omitempty"` // that it gave, with its reason
	Inside  []string    `json:"inside,omitempty"`  // what it asked and said while it ran
	Changes []string    `json:"changes,omitempty"` // "reply + A = x", "control - B = y"; of lists "A = x"
	Nearest []TraceMiss `json:"nearest,omitempty"` // users entries that did not match
	Skipped []TraceSkip `json:"skipped,omitempty"` // handlers whose condition did not hold

	ours bool // the text is the server's own, so that a password that is one of its words is not blanked in it
}

// A TraceSkip is a handler that was not run, and the key of its `when` or `unless` that was against it.
type TraceSkip struct {
	Hook  string `json:"hook"` // file:line
	Name  string `json:"name"`
	Key   string `json:"key"`
	Wants string `json:"wants"`
	Found string `json:"found"`
	Near  bool   `json:"near,omitempty"` // all other keys held
}

// One screen is the aim; these are the bounds.
const (
	traceSteps   = 100
	traceChanges = 24
	traceInside  = 24
	traceSkips   = 24
	traceWidth   = 300  // octets of one line that is shown
	traceKept    = 2048 // and of one that is recorded
	traceOctets  = 64 << 10
)

// running is a handler that runs.
type running struct {
	at    int // its step; -1: it has none
	what  string
	begun time.Time
}

// Enter begins a phase: what follows belongs to it.
func (t *Trace) Enter(phase string) {
	if t != nil {
		t.phase, t.ended = phase, 0
	}
}

// Step records a line of text, which a handler or an administrator's text may have a share in: inside of the handler that
// runs, else a step of its own.
func (t *Trace) Step(text string) {
	if t == nil {
		return
	}
	if s := t.outermost(); s != nil && t.room(len(text)) {
		s.inside(text)
	} else if len(t.running) == 0 {
		t.add(TraceStep{Text: text})
	}
}

func (s *TraceStep) inside(text string) {
	switch n := len(s.Inside); {
	case n < traceInside:
		s.Inside = append(s.Inside, cut(text, traceKept))
	case n == traceInside:
		s.Inside = append(s.Inside, "…")
	}
}

// outermost gives the step of the handler that runs for the request, nil if none does or it has no room.
func (t *Trace) outermost() *TraceStep {
	if len(t.running) == 0 || t.running[0].at < 0 {
		return nil
	}
	return &t.steps[t.running[0].at]
}

// add records a step and gives its place, -1 if there is no room.
func (t *Trace) add(s TraceStep) int {
	if t == nil {
		return -1
	}
	s.Phase, s.Text, s.Changes = t.phase, cut(s.Text, traceKept), clip(s.Changes)
	if len(t.steps) >= traceSteps || !t.room(s.size()) {
		t.lost++
		return -1
	}
	t.steps = append(t.steps, s)
	return len(t.steps) - 1
}

// room takes octets of what a trace may hold; false if there are not so many.
func (t *Trace) room(octets int) bool {
	t.octets += min(octets, traceKept*traceChanges)
	return t.octets <= traceOctets
}

func (s *TraceStep) size() int {
	n := len(s.Text)
	for _, c := range s.Changes {
		n += len(c)
	}
	return n
}

// cut bounds a text, between characters.
func cut(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// List records a list of attributes under a title, which may be ""; an empty list is left out.
func (t *Trace) List(title string, l *dictionary.List) {
	if t == nil || len(l.Pairs) == 0 {
		return
	}
	t.learn(l)
	t.sampleAll(l)
	t.add(TraceStep{Text: title, Changes: redactedTexts(l)})
}

// A Change is a list of attributes before and after a step.
type Change struct {
	List          string // request, control or reply
	Before, After *dictionary.List
}

// Began records that a handler runs: its place is file:line, what tells kind and name. Each is followed by Ended.
func (t *Trace) Began(place, what string) {
	if t == nil {
		return
	}
	at := -1
	if len(t.running) == 0 {
		at = t.add(TraceStep{Text: what, Hook: place})
	} else {
		what += " at " + place
	}
	t.running = append(t.running, running{at, what, t.clock()})
}

// Ended records what the handler that runs has answered ("" for nothing), and what it has changed.
func (t *Trace) Ended(answer string, changes ...Change) {
	if t == nil || len(t.running) == 0 {
		return
	}
	r := t.running[len(t.running)-1]
	t.running = t.running[:len(t.running)-1]
	took := t.clock().Sub(r.begun)
	if len(t.running) > 0 { // asked by another handler
		t.Step(answered(r.what, answer) + after(took.Microseconds()))
	}
	place := ""
	if r.at >= 0 {
		s := &t.steps[r.at]
		s.Text, s.Took, place = answered(s.Text, answer), max(took.Microseconds(), min(1, int64(took))), s.Hook
		t.ended = r.at + 1
	}
	t.change(place, r.at, changes)
}

func answered(what, answer string) string {
	if answer != "" {
		return what + " = " + answer
	}
	return what
}

// change records what became of lists; equal ones record nothing.
func (t *Trace) change(hook string, at int, changes []Change) {
	var all []string
	for _, c := range changes {
		t.learn(c.Before)
		t.learn(c.After)
		all = append(all, c.texts()...)
	}
	if len(all) == 0 {
		return
	}
	t.touched(hook)
	if s := (TraceStep{Changes: clip(all)}); at >= 0 && t.room(s.size()) {
		t.steps[at].Changes = clip(append(t.steps[at].Changes, s.Changes...))
	}
}

// texts gives the difference of the lists, a line for each attribute.
func (c *Change) texts() (texts []string) {
	for _, line := range difference(redactedTexts(c.Before), redactedTexts(c.After)) {
		texts = append(texts, c.List+" "+line)
	}
	if len(texts) == 0 && !sameValues(c.Before, c.After) {
		texts = append(texts, c.List+" ~ a secret value")
	}
	return texts
}

// Diff records what a handler made of a list ("request", "control", "reply"). Equal lists record nothing.
func (t *Trace) Diff(hook, list string, before, after *dictionary.List) {
	if t == nil {
		return
	}
	if c := (Change{list, before, after}); len(c.texts()) > 0 {
		t.change(hook, t.add(TraceStep{Hook: hook}), []Change{c})
	}
}

// clock reads the time; a test's stands.
func (t *Trace) clock() time.Time {
	if t.now == nil {
		return time.Now()
	}
	return t.now()
}

// touched remembers a handler that changed or decided something.
func (t *Trace) touched(hook string) {
	if t != nil && hook != "" && !slices.Contains(t.hooks, hook) && len(t.hooks) < traceSteps {
		t.hooks = append(t.hooks, hook)
	}
}

// Decided remembers a handler that gave a verdict.
func (t *Trace) Decided(hook string) { t.touched(hook) }

// Skip records a handler whose condition did not hold.
func (t *Trace) Skip(s TraceSkip) {
	if t == nil {
		return
	}
	n := len(t.steps)
	if n == 0 || t.steps[n-1].Phase != t.phase || t.steps[n-1].Skipped == nil {
		if t.add(TraceStep{}) < 0 {
			return
		}
		n = len(t.steps)
	}
	if list := &t.steps[n-1].Skipped; len(*list) < traceSkips {
		*list = append(*list, s)
	} else {
		t.lost++
	}
}

// leftOut remembers an attribute that the encoder left out.
func (t *Trace) leftOut(name string) {
	if t != nil && len(t.left) < traceChanges {
		t.left = append(t.left, name)
	}
}

// verdict records what a handler or the native way decided.
func (t *Trace) verdict(v *Verdict) {
	if t == nil {
		return
	}
	t.touched(v.Hook)
	text := v.Kind.String()
	if v.Failed {
		text += " (the handler failed)"
	}
	if v.Reason != "" {
		text += ", reason " + v.Reason
	}
	if t.ended > 0 && t.steps[t.ended-1].Hook == v.Hook {
		t.steps[t.ended-1].Verdict = cut(text, traceKept)
		return
	}
	if v.Hook != "" {
		text = v.Hook + ": " + text
	}
	t.add(TraceStep{Text: text})
}

// Steps gives what was recorded, and a last line for what was not.
func (t *Trace) Steps() []TraceStep {
	if t == nil {
		return nil
	}
	steps := make([]TraceStep, len(t.steps), len(t.steps)+1)
	b := t.blanker()
	for i := range t.steps {
		steps[i] = b.step(t.steps[i])
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
