package policy

import (
	"log/slog"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// blanked stands where a secret was.
const blanked = "[secret]"

// minBlanked is the length from which a request's password is looked for in texts: shorter ones would blank
// half of every line.
const minBlanked = 4

// maxLogged bounds a script's text in log, trace or error: strings may be long, lines should not.
const maxLogged = 1024

// blank takes the request's password out of a text for log, trace or error, and cuts what is too long.
func (rn *Runner) blank(r *server.Request, text string) string {
	text = rn.blankRevealed(text)
	if r == nil {
		return clip(text)
	}
	password, _ := r.Attributes.First(rn.known().UserPassword)
	if len(password) < minBlanked {
		return clip(text)
	}
	return clip(strings.ReplaceAll(text, string(password), blanked))
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
	if rn.pr.o.Log == nil {
		return
	}
	if rn.r == nil {
		rn.pr.o.Log.Debug(text)
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
	line, err := rn.format(l)
	if err != nil {
		sandbox.RaiseMisuse(l, "trace: %v", err)
	}
	rn.r.Trace.Step(rn.h.label + ": " + rn.blank(rn.r, line))
	return 0
}

// format is string.format over the arguments after the first.
func (rn *Runner) format(l *lua.LState) (string, error) {
	top := l.GetTop()
	l.Push(l.GetField(l.G.Global.RawGetString("string"), "format"))
	for i := 2; i <= top; i++ {
		l.Push(l.Get(i))
	}
	if err := l.PCall(top-1, 1, nil); err != nil {
		return "", err
	}
	text := l.Get(-1).String()
	l.Pop(1)
	return text, nil
}
