package server

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// blanked stands where a secret was.
const blanked = "[secret]"

// secrets are the values that a trace must not show, wherever they turn up.
type secrets struct {
	values []string // of secret attributes, and secrets that scripts have read
	public []string // names and stations: for a MAC the password is no secret
}

const (
	minSecret  = 4 // octets; shorter ones would blank half of every line
	maxSecrets = 32
)

// Conceal makes the trace blank texts that hold a secret.
func (t *Trace) Conceal(values ...string) {
	if t == nil {
		return
	}
	s := &t.secrets
	for _, v := range values {
		if len(v) >= minSecret && len(s.values) < maxSecrets && !slices.Contains(s.values, v) {
			s.values = append(s.values, strings.Clone(v))
		}
	}
}

// learn takes note of a list's secret values and of names.
func (t *Trace) learn(l *dictionary.List) {
	for i := range l.Pairs {
		p := &l.Pairs[i]
		switch {
		case p.Attr.Secret && p.Tag != users.Deferred:
			t.Conceal(string(p.Value))
			if p.Attr.Type != dictionary.TypeString {
				t.Conceal(string(p.Attr.AppendText(nil, p.Value)))
			}
		case p.Attr.Internal || p.Attr.Vendor != nil:
		case p.Attr.Number == uint32(radius.TypeUserName), p.Attr.Number == uint32(typeCallingStationID):
			if text := string(p.Value); len(t.secrets.public) < maxSecrets && !slices.Contains(t.secrets.public, text) {
				t.secrets.public = append(t.secrets.public, text)
			}
		}
	}
}

// A blanker takes secrets out of texts: as they are, in quotes, in hex and in base64.
type blanker struct {
	r       *strings.Replacer // nil: there are no secrets
	longest int               // form of a secret, in octets
}

func (t *Trace) blanker() blanker {
	var forms []string
	longest := 0
	values := slices.Clone(t.secrets.values)
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	for _, v := range values {
		if slices.ContainsFunc(t.secrets.public, func(name string) bool { return bareMAC(name) == bareMAC(v) }) {
			continue
		}
		quoted := dictionary.Quote(v)
		for _, form := range []string{
			v, quoted[1 : len(quoted)-1], strings.Trim(strconv.Quote(v), `"`), hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v))),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(v)), "="),
		} {
			forms, longest = append(forms, form, blanked), max(longest, len(form))
		}
	}
	if forms == nil {
		return blanker{}
	}
	return blanker{strings.NewReplacer(forms...), longest}
}

// text blanks a text whole, makes one line of it and cuts it. Where it was cut before, half a secret may stand at the
// end: that goes too.
func (b blanker) text(text string) string {
	if b.r != nil {
		whole := len(text) < traceKept
		if text = b.r.Replace(text); !whole {
			text = text[:max(0, len(text)-b.longest)]
		}
	}
	return cut(visible(text), traceWidth)
}

// value blanks what stands behind the first `=` of "A = x": the name tells nothing.
func (b blanker) value(text string) string {
	name, value, ok := strings.Cut(text, " = ")
	if !ok {
		return cut(visible(text), traceWidth)
	}
	return cut(name+" = "+b.text(value), traceWidth)
}

func each(list []string, blank func(string) string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = blank(text)
	}
	return out
}

// step gives a step as it may be seen.
func (b blanker) step(s TraceStep) TraceStep {
	if s.Hook == "" && !s.ours {
		s.Text = b.text(s.Text)
	}
	s.Verdict = b.text(s.Verdict)
	s.Inside, s.Changes = each(s.Inside, b.text), each(s.Changes, b.value)
	s.Nearest, s.Skipped = slices.Clone(s.Nearest), slices.Clone(s.Skipped)
	for i := range s.Nearest {
		n := &s.Nearest[i]
		n.Wants, n.Found = b.value(n.Wants), b.value(n.Found)
	}
	for i := range s.Skipped {
		s.Skipped[i].Found = b.text(s.Skipped[i].Found)
	}
	return s
}

// visible writes out what would move a terminal's cursor or end the line.
func visible(text string) string {
	if !strings.ContainsFunc(text, control) {
		return text
	}
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\n':
			b.WriteString(`\n`)
		case control(c):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// control reports C0, C1 and what turns the direction of text.
func control(c rune) bool {
	return c < ' ' || c >= 0x7f && c < 0xa0 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

// redactedTexts gives each pair as text: secrets blanked, of State, Class and EAP-Message the length alone.
func redactedTexts(l *dictionary.List) []string {
	texts := make([]string, 0, len(l.Pairs))
	for i := range l.Pairs {
		p := &l.Pairs[i]
		standard := p.Attr.Vendor == nil && p.Attr.Parent == nil && !p.Attr.Internal
		switch {
		case p.Tag == users.Deferred:
			texts = append(texts, p.Attr.Name+" = (computed after the password)")
		case standard && p.Attr.Number == uint32(radius.TypeMessageAuthenticator):
			// Noise: it was right, or the request would not be here.
		case standard && opaque[radius.Type(p.Attr.Number)]:
			texts = append(texts, fmt.Sprintf("%s = (%d octets)", p.Attr.Name, len(p.Value)))
		default:
			texts = append(texts, cut(string(p.AppendText(nil, true)), traceKept))
		}
	}
	return texts
}

// opaque are State, Class and EAP-Message, whose octets lend somebody a session, or tell nothing.
var opaque = map[radius.Type]bool{radius.TypeState: true, radius.Type(25): true, radius.TypeEAPMessage: true}
