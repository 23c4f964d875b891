package policy

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// Default times of handlers without a timeout (lua-api section 2).
const (
	requestTimeout = time.Second
	besideTimeout  = 5 * time.Second
)

// registering gives the function that registers handlers of a kind.
func registering(k kind) func(rn *Runner, l *lua.LState) int {
	return func(rn *Runner, l *lua.LState) int {
		if !rn.loading {
			sandbox.RaiseMisuse(l, "%s: handlers are registered while scripts load, not later", k)
		}
		h, fn, err := rn.readRegistration(k, l)
		if err == nil {
			err = rn.register(h, fn)
		}
		if err != nil {
			sandbox.RaiseMisuse(l, "%s", err)
		}
		return 0
	}
}

// readRegistration reads name-or-phase-or-interval, perhaps options, and the function.
func (rn *Runner) readRegistration(k kind, l *lua.LState) (*handler, *lua.LFunction, error) {
	h := &handler{kind: k, at: whereabouts(l)}
	h.label = h.at.String()
	options, last := l.Get(2), l.Get(3)
	if l.GetTop() == 2 {
		options, last = lua.LNil, l.Get(2)
	}
	if err := h.first(l.Get(1)); err != nil {
		return h, nil, err
	}
	fn, ok := last.(*lua.LFunction)
	if !ok || l.GetTop() > 3 {
		return h, nil, fmt.Errorf("%s: expected (%s [, options], function), got a %s in the function's place", k, h.wants(), last.Type())
	}
	switch t := options.(type) {
	case *lua.LNilType:
	case *lua.LTable:
		if err := h.read(t); err != nil {
			return h, nil, err
		}
	default:
		return h, nil, fmt.Errorf("%s: options: %w", k, found(options, "a table"))
	}
	if h.name == "" {
		h.name = h.label
	}
	h.decides = fn.Proto != nil && rn.pr.decides[functionPlace{fn.Proto.SourceName, fn.Proto.LineDefined}]
	h.tame = fn.Proto != nil && rn.pr.tame(fn.Proto.SourceName, fn.Proto.LineDefined)
	return h, fn, nil
}

// wants names the first argument of a registration, for errors.
func (h *handler) wants() string {
	switch h.kind {
	case kindOn:
		return "phase"
	case kindEvery:
		return "interval"
	}
	return "name"
}

// first reads the first argument.
func (h *handler) first(v lua.LValue) (err error) {
	switch h.kind {
	case kindOn:
		word, err := wantText("on: phase", v)
		if err != nil {
			return err
		}
		p, ok := phaseNamed(word)
		if !ok {
			return fmt.Errorf("on: no phase %q%s", word, raddb.DidYouMean(word, phaseNames()))
		}
		h.phase = p
		return nil
	case kindEvery:
		h.phase = phaseLoad
		h.interval, err = module.Duration("every", v)
		return err
	case kindAuthType:
		h.phase = server.PhaseAuthType
	case kindAnswer:
		h.phase = server.PhaseAnswer
	default:
		h.phase = server.PhaseHuntgroups
	}
	h.name, err = wantText(h.kind.String()+": name", v)
	if err == nil && h.name == "" {
		err = fmt.Errorf("%s: the name is empty", h.kind)
	}
	return err
}

// whereabouts gives the script line that called the function running in l.
func whereabouts(l *lua.LState) raddb.Pos {
	d, ok := l.GetStack(1)
	if !ok {
		return raddb.Pos{}
	}
	if _, err := l.GetInfo("Sl", d, lua.LNil); err != nil {
		return raddb.Pos{}
	}
	return raddb.Pos{File: d.Source, Line: d.CurrentLine}
}

// register adds a handler to this state, and to the program if the state is its first one.
func (rn *Runner) register(h *handler, fn *lua.LFunction) error {
	if h.timeout == 0 {
		h.timeout = rn.pr.defaultTimeout(h)
	}
	h.index = len(rn.functions)
	if rn.pr.linked {
		return rn.registerAgain(h, fn)
	}
	if err := rn.pr.add(h); err != nil {
		return err
	}
	rn.functions = append(rn.functions, fn)
	return nil
}

// registerAgain checks that a further state registers what the first one did.
func (rn *Runner) registerAgain(h *handler, fn *lua.LFunction) error {
	if h.index >= len(rn.pr.handlers) || !rn.pr.handlers[h.index].same(h) {
		return fmt.Errorf("%s is registered here in a further state but was not in the first one; all states must register the same, in the same order", h.text())
	}
	rn.functions = append(rn.functions, fn)
	return nil
}

func (pr *Program) defaultTimeout(h *handler) time.Duration {
	if h.kind == kindEvery || !asks(h.phase) {
		return besideTimeout
	}
	if pr.o.Timeout > 0 {
		return pr.o.Timeout
	}
	return requestTimeout
}

// add files a handler under its phase or name.
func (pr *Program) add(h *handler) error {
	for _, o := range pr.handlers {
		// A label is no name: one line may register many hooks without one.
		if o.kind == h.kind && o.name == h.name && h.name != h.label {
			return fmt.Errorf("%s is registered already at %s", h.text(), o.at)
		}
	}
	h.index, h.ref = len(pr.handlers), len(pr.handlers)
	switch h.kind {
	case kindOn:
		pr.phases[h.phase] = append(pr.phases[h.phase], h)
	case kindHuntgroup:
		pr.huntgroups[h.name] = h
	case kindRewrite:
		pr.rewrites[h.name] = h
	case kindAnswer:
		pr.answers[h.name] = h
		pr.phases[server.PhaseAnswer] = append(pr.phases[server.PhaseAnswer], h)
	case kindAuthType:
		if err := pr.addAuthType(h); err != nil {
			return err
		}
		pr.phases[server.PhaseAuthType] = append(pr.phases[server.PhaseAuthType], h)
	}
	pr.handlers = append(pr.handlers, h)
	return nil
}

// firstAuthType is where numbers of scripts' Auth-Types begin: above all that dictionaries use.
const firstAuthType = 0x4000_0000

// addAuthType makes the handler's name a VALUE of Auth-Type.
func (pr *Program) addAuthType(h *handler) error {
	a := pr.dict.Known.AuthType
	if _, taken := a.ValueNumber(h.name); taken {
		return fmt.Errorf("auth_type: %q is built in; choose another name", h.name)
	}
	h.number = firstAuthType + uint32(len(pr.authTypes))
	if err := pr.dict.AddValue(a, h.name, uint64(h.number), h.at); err != nil {
		return fmt.Errorf("auth_type: %w", err)
	}
	pr.authTypes[h.name] = h
	pr.authNumbers[h.number] = h
	return nil
}
