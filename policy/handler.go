package policy

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/module"
)

// A kind is which function registered a handler.
type kind uint8

const (
	kindOn kind = iota
	kindHuntgroup
	kindRewrite
	kindAuthType
	kindAnswer
	kindEvery
	kindExpression
)

func (k kind) String() string {
	return [...]string{"on", "huntgroup", "rewrite", "auth_type", "answer", "every", "expression"}[k]
}

// An action is what a failing handler does to its request.
type action uint8

const (
	actionDefault action = iota
	actionReject
	actionDrop
	actionContinue
)

var actions = []string{"", "reject", "drop", "continue"}

// A handler is one registered function, without the function itself: each state has its own, at index.
type handler struct {
	kind    kind
	phase   server.Phase // whose rules hold while it runs
	name    string
	at      raddb.Pos
	label   string       // file.lua:line, for r.Hook and the log
	index   int          // in Program.handlers and Runner.functions
	ref     int          // what users.Host calls it by
	number  uint32       // value of Auth-Type
	waiting atomic.Int32 // requests that wait in it
	decides bool         // it returns a verdict whatever the request is
	tame    bool         // req cannot outlive a run, so the same object serves each

	when, unless         written
	condition, exception condition

	timeout            time.Duration
	interval           time.Duration // every
	onError, onTimeout action
}

// kindName gives the phase or kind that a handler serves.
func (h *handler) kindName() string {
	if h.kind == kindOn {
		return places[h.phase].name
	}
	return h.kind.String()
}

// text gives the handler as errors name it: hook "mfa".
func (h *handler) text() string {
	if h.kind == kindOn {
		return fmt.Sprintf("hook %q", h.name)
	}
	return fmt.Sprintf("%s %q", h.kind, h.name)
}

// same reports whether two states registered the same thing.
func (h *handler) same(o *handler) bool {
	return h.kind == o.kind && h.phase == o.phase && h.name == o.name && h.at == o.at &&
		h.timeout == o.timeout && h.interval == o.interval && h.onError == o.onError && h.onTimeout == o.onTimeout &&
		h.when.text() == o.when.text() && h.unless.text() == o.unless.text()
}

// change gives the lists that the handler may change.
func (h *handler) change() lists {
	switch h.kind {
	case kindHuntgroup:
		return 0 // it answers a question
	case kindRewrite:
		return changeRequest | changeControl | changeReply
	case kindExpression:
		return changeRequest
	}
	return places[h.phase].change
}

// failure gives what a failed run of the handler does to r: the table of lua-api section 8.
func (h *handler) failure(r *server.Request, late bool) action {
	a := h.onError
	if late {
		a = h.onTimeout
	}
	accounting := r.Packet.Code == radius.CodeAccountingRequest
	switch {
	case a == actionDefault && h.phase == server.PhaseSession:
		return actionContinue // it doesn't know
	case a == actionDefault && (late || accounting):
		return actionDrop
	case a == actionDefault:
		return actionReject
	case a == actionReject && accounting:
		return actionDrop // there is no reject of accounting
	}
	return a
}

// optionNames gives the options that each registration function takes.
func optionNames(k kind) []string {
	names := []string{"timeout", "on_error", "on_timeout"}
	switch k {
	case kindOn:
		return append(names, "name", "when", "unless")
	case kindEvery:
		return append(names, "name")
	}
	return names
}

// read takes the options of a registration.
func (h *handler) read(t *lua.LTable) (err error) {
	allowed := optionNames(h.kind)
	each(t, func(k, v lua.LValue) bool {
		name := k.String()
		if k.Type() != lua.LTString || !slices.Contains(allowed, name) {
			err = fmt.Errorf("%s has no option %q%s", h.kind, name, raddb.DidYouMean(name, slices.Values(allowed)))
			return false
		}
		err = h.option(name, v)
		return err == nil
	})
	return err
}

func (h *handler) option(name string, v lua.LValue) (err error) {
	switch name {
	case "name":
		h.name, err = wantText(name, v)
	case "timeout":
		h.timeout, err = module.Duration(name, v)
	case "when":
		h.when, err = readWhen(name, v)
	case "unless":
		h.unless, err = readWhen(name, v)
	case "on_error":
		h.onError, err = h.action(name, v)
	case "on_timeout":
		h.onTimeout, err = h.action(name, v)
	}
	if err == nil && (name == "when" || name == "unless") && !asks(h.phase) {
		err = fmt.Errorf("%s: %s handlers get no request", name, places[h.phase].name)
	}
	return err
}

func (h *handler) action(option string, v lua.LValue) (action, error) {
	word, err := wantText(option, v)
	if err != nil {
		return 0, err
	}
	i := slices.Index(actions, word)
	if i <= 0 {
		return 0, fmt.Errorf(`%s: got %q, expected "reject", "drop" or "continue"`, option, word)
	}
	if action(i) == actionContinue && (h.kind == kindAuthType || h.kind == kindAnswer) {
		return 0, fmt.Errorf(`%s: %s may not continue: a failure must not let anyone in`, option, h.kind)
	}
	return action(i), nil
}

func wantText(name string, v lua.LValue) (string, error) {
	s, ok := v.(lua.LString)
	if !ok {
		return "", fmt.Errorf("%s: %w", name, found(v, "text"))
	}
	return string(s), nil
}
