package policy

import (
	"fmt"

	"perilune/engine/raddb"
)

// RunLoad runs the `load` handlers: after the tests, before the generation is put in place. One that raises
// refuses the generation.
func (pr *Program) RunLoad() (errs raddb.List) {
	pr.besideAll(pr.phases[phaseLoad], func(h *handler, f failure) {
		if f.at.Line == 0 {
			f.at = h.at
		}
		errs.Errorf(f.at, "%s: %s", h.text(), f.text)
	})
	return errs
}

// runUnload runs the `unload` handlers. Their failures were logged.
func (pr *Program) runUnload() {
	pr.besideAll(pr.phases[phaseUnload], func(*handler, failure) {})
}

func (pr *Program) besideAll(list []*handler, failed func(*handler, failure)) {
	if len(list) == 0 {
		return
	}
	rn := pr.Acquire().(*Runner)
	defer pr.Release(rn)
	for _, h := range list {
		if f := rn.beside(h); f != nil {
			failed(h, *f)
		}
	}
}

// Fire runs a timer (kind "every") by its name, or all `load` or `unload` handlers, now. For tests.
func (pr *Program) Fire(kind, name string) error {
	rn := pr.Acquire().(*Runner)
	defer pr.Release(rn)
	ran := false
	for _, h := range pr.handlers {
		if h.kindName() != kind || kind == kindEvery.String() && h.name != name {
			continue
		}
		ran = true
		if f := rn.beside(h); f != nil {
			return fmt.Errorf("%s: %s", f.at, f.text)
		}
	}
	if !ran {
		return fmt.Errorf("nothing is registered for %s %q", kind, name)
	}
	return nil
}

// A failure is what went wrong in a handler without a request; its text shows no secret.
type failure struct {
	at   raddb.Pos
	text string
}

// beside runs a handler without a request. A failure is logged and given back; nil if there was none.
func (rn *Runner) beside(h *handler) *failure {
	rn.forget()
	rn.h, rn.change, rn.made = h, 0, nil
	defer func() {
		rn.h = nil
		if rn.busy {
			rn.busy = false
			rn.pr.o.Busy.Leave()
		}
	}()
	err := errMissing
	if fn := rn.functions[h.index]; fn != nil {
		_, err = rn.box.Call(fn, rn.bounds(h, nil))
	}
	if err == nil {
		return nil
	}
	f := &failure{place(err, h.at.File), rn.blank(nil, message(err))}
	if rn.pr.o.Log != nil {
		rn.pr.o.Log.Error(fmt.Sprintf("%s: %s: %s", f.at, h.text(), f.text))
	}
	return f
}
