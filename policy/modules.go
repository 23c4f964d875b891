package policy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/server"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// apiVersion is the version of the API that scripts see as perilune.api.
const apiVersion = 1

// moduleFields gives the names of the libraries with their fields, for the check of globals.
func moduleFields() map[string][]string {
	names := module.Globals()
	names["perilune"] = []string{"version", "api"}
	names["secret"] = nil
	return names
}

// fillEnv tells the modules of the state what they need.
func (rn *Runner) fillEnv() {
	o := &rn.pr.o
	rn.env = module.Env{
		Dictionary: o.Dictionary, Log: o.Log, LogAttrs: rn.logAttrs, Now: o.Now, Zone: o.Zone,
		Blank:    func(text string) string { return rn.blank(rn.r, text) },
		Revealed: rn.reveal, MayWait: rn.mayWait, Wait: rn.wait, Hash: rn.hash,
		Radius: o.Radius, Backends: o.Backends, Loading: func() bool { return rn.loading }, Attribute: rn.addDynamic, Described: rn.described,
		Context: rn.context,
	}
	if o.Silent {
		rn.env.Resolver = rn.pr.refusing()
	}
	if rn.pr.view {
		rn.env.Resolver, rn.env.Random = rn.pr.refusing(), newViewRandom()
	}
}

// refusing gives the resolver of tests: nothing is asked.
func (pr *Program) refusing() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		if pr.network != nil {
			pr.network()
		}
		return nil, errors.New("no name server is asked here")
	}}
}

// ModuleEnv implements module.Holder.
func (rn *Runner) ModuleEnv() *module.Env { return &rn.env }

// context tells backends for which request they are asked.
func (rn *Runner) context(ctx context.Context) context.Context { return server.WithRequest(ctx, rn.r) }

// logAttrs gives what a script's log line says beside.
func (rn *Runner) logAttrs() []slog.Attr {
	var attrs []slog.Attr
	if rn.r != nil {
		attrs = append(attrs, slog.Uint64("req", rn.r.Serial))
	}
	if rn.h != nil {
		attrs = append(attrs, slog.String("hook", rn.h.label))
	}
	return attrs
}

// mayWait says why nothing may wait here.
func (rn *Runner) mayWait() error {
	switch {
	case rn.h == nil && rn.loading && !rn.bench:
		return errors.New("nothing waits while scripts load; call it from a handler")
	case rn.h != nil && rn.h.kind == kindExpression:
		return errors.New("nothing waits in an `=` value; use a reply handler")
	}
	return nil
}

// wait gives the loop away before a call blocks.
func (rn *Runner) wait() error {
	if rn.r == nil || rn.pr.view {
		return nil
	}
	if !rn.takePlace() {
		rn.r.Crowd()
		return module.ErrBusy
	}
	if rn.r.Detach() != nil {
		return module.ErrBusy
	}
	return nil
}

// takePlace counts the run of a handler among those that wait, once. It reports false if as many wait in that handler
// as may: so a slow backend leaves room for handlers that ask others.
func (rn *Runner) takePlace() bool {
	if rn.placed || rn.h == nil {
		return true
	}
	if n, most := rn.h.waiting.Add(1), rn.pr.o.HookWaiting; most > 0 && int(n) > most {
		rn.h.waiting.Add(-1)
		return false
	}
	rn.placed = true
	return true
}

// leavePlace gives the place of a run back.
func (rn *Runner) leavePlace() {
	if rn.placed {
		rn.placed = false
		rn.h.waiting.Add(-1)
	}
}

// hash computes a password hash as the server does it for its own.
func (rn *Runner) hash(work func()) error {
	if rn.r == nil || rn.pr.view {
		work()
		return nil
	}
	return rn.r.Hash(work)
}

// secret is secret("name").
func (rn *Runner) secret(l *lua.LState) int {
	name := sandbox.CheckString(l, 1)
	if !rn.loading {
		sandbox.RaiseMisuse(l, "secret(%q): secrets are taken while scripts load, not later", name)
	}
	if rn.pr.o.Secret == nil {
		sandbox.RaiseMisuse(l, "secret(%q): the configuration names no secrets", name)
	}
	text, err := rn.pr.o.Secret(name)
	if err != nil {
		sandbox.RaiseMisuse(l, "secret(%q): %v", name, err)
	}
	rn.reveal(text) // a backend that is given it may say it again
	l.Push(module.NewSecret(text))
	return 1
}

// maxRevealed bounds the secrets that a state remembers to blank.
const maxRevealed = 64

// reveal remembers a secret that a script has read, so that no text shows it.
func (rn *Runner) reveal(text string) {
	if len(text) < minBlanked || len(rn.revealed) >= maxRevealed {
		return
	}
	for _, known := range rn.revealed {
		if known == text {
			return
		}
	}
	rn.revealed = append(rn.revealed, text)
}

// Revealed gives the secrets that scripts have read in this state. The caller must not change them.
func (rn *Runner) Revealed() []string { return rn.revealed[:len(rn.revealed):len(rn.revealed)] }

// blankRevealed takes revealed secrets out of a text.
func (rn *Runner) blankRevealed(text string) string {
	for _, s := range rn.revealed {
		text = strings.ReplaceAll(text, s, blanked)
	}
	return text
}
