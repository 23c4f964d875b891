package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// screenWidth is that of the smallest terminal: longer lines go on below, farther to the right.
const screenWidth = 80

// phaseWidth is that of the column with the phases' names; what is below a step stands farther to the right.
const (
	phaseWidth = 14
	below      = phaseWidth + 2
)

// String gives the steps as text: the phase at the left, what a handler asked, said and changed below it.
func (t *Trace) String() string { return stepsText(t.Steps()) }

// MarshalJSON gives the steps as a list.
func (t *Trace) MarshalJSON() ([]byte, error) { return json.Marshal(t.Steps()) }

func stepsText(steps []TraceStep) string {
	var s screen
	phase := ""
	for i := range steps {
		if steps[i].Phase != phase {
			phase = steps[i].Phase
			s.margin = phase
		}
		s.step(&steps[i])
	}
	return s.String()
}

// A screen is text in lines that fit.
type screen struct {
	strings.Builder
	margin string // stands before the next line, in the column of the phases
}

// line writes a text on as many lines as it needs, the further ones two columns to the right.
func (s *screen) line(indent int, text string) {
	room := screenWidth - indent
	for first := true; first || text != ""; first = false {
		if !first {
			room = screenWidth - indent - 2
		}
		n := fits(text, room)
		fmt.Fprintf(s, "%-*s", screenWidth-room, s.margin)
		s.margin = ""
		s.WriteString(strings.TrimRight(text[:n], " "))
		s.WriteByte('\n')
		text = strings.TrimLeft(text[n:], " ")
	}
}

// fits gives how many octets of a text fit into room columns, up to a blank if there is one in the second half.
func fits(text string, room int) int {
	if utf8.RuneCountInString(text) <= room {
		return len(text)
	}
	at := 0
	for i := range text {
		if room == 0 {
			at = i
			break
		}
		room--
	}
	if blank := strings.LastIndexByte(text[:at], ' '); blank > at/2 {
		return blank
	}
	return at
}

func (s *screen) step(t *TraceStep) {
	for _, m := range t.Nearest {
		text := fmt.Sprintf("%s %s: no, wants %s, %s", m.Rule, m.Label, m.Wants, m.Found)
		if m.Held > 0 {
			text += fmt.Sprintf(" (%d of %d hold)", m.Held, m.Checks)
		}
		s.line(phaseWidth, text)
	}
	head := t.head()
	switch {
	case head != "":
		s.line(phaseWidth, head)
	case len(t.Changes) > 0:
		s.pairs(t.Changes)
		return
	}
	for _, text := range t.Inside {
		s.line(below, text)
	}
	for _, text := range t.Changes {
		s.line(below, text)
	}
	if t.Hook != "" && t.Verdict != "" {
		s.line(below, "→ "+t.Verdict)
	}
	s.skips(t.Skipped)
}

// pairs writes a list, as many on a line as fit.
func (s *screen) pairs(list []string) {
	text := ""
	for i, pair := range list {
		if i < len(list)-1 {
			pair += ","
		}
		if text != "" && utf8.RuneCountInString(text)+1+utf8.RuneCountInString(pair) > screenWidth-phaseWidth {
			s.line(phaseWidth, text)
			text = ""
		}
		if text != "" {
			text += " "
		}
		text += pair
	}
	s.line(phaseWidth, text)
}

// head is the first line of a step.
func (t *TraceStep) head() string {
	if t.Hook == "" {
		return t.Text
	}
	return strings.TrimSpace(t.Hook+" "+t.Text) + after(t.Took)
}

// after tells how long something took, in microseconds; 0 was not measured.
func after(took int64) string {
	switch {
	case took <= 0:
		return ""
	case took < 1000:
		return fmt.Sprintf(", %d µs", took)
	}
	return fmt.Sprintf(", %.1f ms", float64(took)/1000)
}

// skips lists handlers that were not run: one that only one key kept away has a line, the others share one.
func (s *screen) skips(skips []TraceSkip) {
	const nearLines = 3
	var others []string
	near := 0
	for _, k := range skips {
		if k.Near && near < nearLines {
			near++
			s.line(phaseWidth, fmt.Sprintf("%s hook %q not run: wants %s, %s", k.Hook, k.Name, k.Wants, k.Found))
			continue
		}
		others = append(others, k.Name+" ("+k.Key+")")
	}
	if len(others) > 0 {
		s.line(phaseWidth, "not run: "+strings.Join(others, ", "))
	}
}

// A Traced is one request that was watched or explained, as people read it.
type Traced struct {
	Decision
	Micros   int64       `json:"took_us,omitempty"`
	NASType  string      `json:"nas_type,omitempty"` // of the client
	Hooks    []string    `json:"hooks,omitempty"`    // that changed or decided something
	Next     string      `json:"next,omitempty"`     // the answer handler of the next round
	Steps    []TraceStep `json:"steps"`
	Answer   string      `json:"answer,omitempty"` // code of the reply
	Delay    float64     `json:"delay_s,omitempty"`
	Reply    []string    `json:"reply"`
	LeftOut  []string    `json:"left_out,omitempty"` // attributes that the encoder left out of it
	Unknown  []Unknown   `json:"unknown,omitempty"`  // vendors' attributes that no dictionary knows
	NotShown uint64      `json:"not_shown,omitempty"`
	Unlooked uint64      `json:"not_looked_at,omitempty"`
}

// String gives header, steps, verdict and reply: one screen.
func (t *Traced) String() string {
	if len(t.Steps) == 0 { // a packet that never became a request
		return t.Decision.String() + "\n"
	}
	var s screen
	s.line(0, t.header())
	s.WriteString(stepsText(t.Steps))
	s.line(0, t.verdict())
	if t.Answer != "" {
		s.line(0, t.Answer)
	}
	for _, text := range t.Reply {
		s.line(2, text)
	}
	if len(t.LeftOut) > 0 {
		s.line(2, "left out: "+strings.Join(t.LeftOut, ", "))
	}
	for i := range t.Unknown {
		s.unknown(&t.Unknown[i])
	}
	return s.String()
}

// A word is a name and a value of a line.
type word struct{ name, value string }

func words(b *strings.Builder, list ...word) string {
	for _, w := range list {
		if w.value != "" {
			fmt.Fprintf(b, " %s=%s", w.name, oneWord(w.value))
		}
	}
	return b.String()
}

// header tells who asks, and how.
func (t *Traced) header() string {
	var b strings.Builder
	b.WriteString(t.Time.Format("15:04:05.000") + " " + t.Code)
	return words(&b, word{"user", t.User}, word{"calling", t.Calling}, word{"client", t.Client}, word{"source", strings.TrimSuffix(t.Source, ":0")},
		word{"nas-type", t.NASType})
}

// verdict tells what became of the request, and by what.
func (t *Traced) verdict() string {
	var b strings.Builder
	b.WriteString(t.Verdict)
	delay, method := "", t.Method
	if t.Code != radius.CodeAccessRequest.String() {
		method = ""
	}
	if t.Delay > 0 {
		delay = fmt.Sprintf("%gs", t.Delay)
	}
	words(&b, word{"reason", t.Reason}, word{"rule", t.Rule}, word{"hooks", strings.Join(t.Hooks, ",")}, word{"method", method},
		word{"next", t.Next},
		word{"realm", t.Realm}, word{"home", t.Home}, word{"delay", delay})
	return b.String() + after(t.Micros)
}

// traced gives what may be shown of a request that has a Trace.
func (r *Request) traced(took time.Duration) *Traced {
	b := r.Trace.blanker()
	t := &Traced{
		Decision: r.decision(), Micros: took.Microseconds(), Hooks: r.Trace.Hooks(), Steps: r.Trace.Steps(), NASType: r.Client.Type,
		LeftOut: r.Trace.left, Unknown: r.Trace.unknown(), Delay: r.Delay.Seconds(), Reply: []string{},
	}
	t.Reason = b.text(t.Reason)
	if len(r.out) > 0 {
		t.Answer, t.Reply = r.Code.String(), each(clip(r.sentTexts()), b.value)
	}
	return t
}

// sentTexts reads the reply again, as the NAS will.
func (r *Request) sentTexts() []string {
	packet, err := radius.Parse(r.out)
	if err != nil {
		return []string{err.Error()}
	}
	var sent dictionary.List
	if err := r.Generation.Dictionary.Decode(&sent, packet.Attributes, &r.Session, &r.Packet.Authenticator); err != nil {
		return []string{err.Error()}
	}
	r.Trace.learn(&sent)
	return redactedTexts(&sent)
}

// tellJudged says what became of the credential.
func (r *Request) tellJudged(right bool, why Reason) {
	text := r.Method + ": wrong; compared with the password of " + r.holder()
	given, ok := r.Attributes.First(r.Generation.Dictionary.Known.UserPassword)
	switch {
	case why == ReasonUnknownUser:
		text = "no users entry and no handler knows this user"
	case why == ReasonNoPassword:
		text = "nothing that matched has a password that can be read"
	case r.way.guess.throttled:
		return // said already
	case right:
		text = r.Method + ": right, by the password of " + r.holder()
	case ok && isNoise(given):
		text += "; it is unprintable: the shared secret is probably wrong"
	}
	r.Trace.add(TraceStep{Text: text, ours: true})
}
