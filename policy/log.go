package policy

import (
	"log/slog"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// blanked stands where a secret was.
const blanked = "[secret]"

// minBlanked is the length from which a secret is looked for in texts: shorter ones would blank
// half of every line.
const minBlanked = 4

// maxLogged bounds a script's text in log, trace or error: strings may be long, lines should not.
const maxLogged = 1024

// blank takes revealed secrets and the request's secret values out of a text for log, trace or error, and cuts
// what is too long.
func (rn *Runner) blank(r *server.Request, text string) string {
	text = rn.blankRevealed(text)
	if r == nil {
		return clip(text)
	}
	for _, value := range rn.replaced {
		text = strings.ReplaceAll(text, value, blanked)
	}
	for _, l := range [...]*dictionary.List{&r.Attributes, &r.Control, &r.Reply} {
		for i := range l.Pairs {
			if value := secretText(&l.Pairs[i]); value != "" {
				text = strings.ReplaceAll(text, value, blanked)
			}
		}
	}
	return clip(text)
}

// secretText gives the text that stands for a secret pair in scripts, "" for any other pair and for one that is
// too short to look for.
func secretText(p *dictionary.Pair) string {
	if !p.Attr.Secret {
		return ""
	}
	text := string(p.Value)
	if numeric(p.Attr) || address(p.Attr) {
		text = string(p.Attr.AppendText(nil, p.Value))
	}
	if len(text) < minBlanked {
		return ""
	}
	return text
}

// maxReplaced bounds the secret values that a state remembers of one request.
const maxReplaced = 16

// keepSecrets remembers the values of a secret attribute that a handler is about to change: a script may have
// read them.
func (rn *Runner) keepSecrets(l *dictionary.List, a *dictionary.Attribute) {
	for i := range l.Pairs {
		if p := &l.Pairs[i]; p.Attr == a && len(rn.replaced) < maxReplaced {
			if text := secretText(p); text != "" {
				rn.replaced = append(rn.replaced, text)
			}
		}
	}
}

// clip cuts a text to maxLogged octets, between characters.
func clip(text string) string {
	if len(text) <= maxLogged {
		return text
	}
	end := maxLogged
	for end > maxLogged-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// print is print and log.debug.
func (rn *Runner) print(text string) {
	if rn.env.Logged != nil {
		rn.env.Logged(slog.LevelDebug.String(), text)
	}
	if rn.pr.o.Log == nil {
		return
	}
	if rn.r == nil {
		rn.pr.o.Log.Debug(rn.blank(nil, text))
		return
	}
	rn.pr.o.Log.Debug(rn.blank(rn.r, text), slog.Uint64("req", rn.r.Serial))
}

func (rn *Runner) nearest(kind, name string) string { return raddb.DidYouMean(name, rn.pr.All(kind)) }

// requestTrace is req:trace(fmt, …).
func requestTrace(rn *Runner, l *lua.LState) int {
	self(l)
	_, ok := l.Get(2).(lua.LString)
	if !ok {
		sandbox.RaiseMisuse(l, "trace: got a %s, expected a format", l.Get(2).Type())
	}
	if rn.r.Trace == nil {
		return 0
	}
	rn.r.Trace.Step("trace: " + rn.blank(rn.r, rn.format(l)))
	return 0
}

// format is string.format over the arguments after the first. What cannot be formatted is told in the line and does not
// raise: a request is decided the same whether somebody looks or not.
func (rn *Runner) format(l *lua.LState) string {
	top := l.GetTop()
	l.Push(l.GetField(l.G.Global.RawGetString("string"), "format"))
	for i := 2; i <= top; i++ {
		l.Push(l.Get(i))
	}
	if err := l.PCall(top-1, 1, nil); err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		return "cannot be formatted: " + why
	}
	text := l.Get(-1).String()
	l.Pop(1)
	return text
}
