package policy

import (
	"fmt"

	"perilune/engine/raddb"
)

// RunLoad runs the `load` handlers: after the tests, before the generation is put in place. One that raises
// refuses the generation.
func (pr *Program) RunLoad() (errs raddb.List) {
	pr.besideAll(pr.phases[phaseLoad], func(h *handler, err error) {
		at := place(err, h.at.File)
		if at.Line == 0 {
			at = h.at
		}
		errs.Errorf(at, "%s: %s", h.text(), message(err))
	})
	return errs
}

// runUnload runs the `unload` handlers. Their failures were logged.
func (pr *Program) runUnload() {
	pr.besideAll(pr.phases[phaseUnload], func(*handler, error) {})
}

func (pr *Program) besideAll(list []*handler, failed func(*handler, error)) {
	if len(list) == 0 {
		return
	}
	rn := pr.Acquire().(*Runner)
	defer pr.Release(rn)
	for _, h := range list {
		if err := rn.beside(h); err != nil {
			failed(h, err)
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
		if err := rn.beside(h); err != nil {
			return err
		}
	}
	if !ran {
		return fmt.Errorf("nothing is registered for %s %q", kind, name)
	}
	return nil
}

// beside runs a handler without a request. A failure is logged and given back.
func (rn *Runner) beside(h *handler) error {
	rn.forget()
	rn.h, rn.change, rn.made = h, 0, nil
	defer func() {
		rn.h = nil
		if rn.busy {
			rn.busy = false
			rn.pr.o.Busy.Leave()
		}
	}()
	fn := rn.functions[h.index]
	if fn == nil {
		return errMissing
	}
	_, err := rn.box.Call(fn, rn.bounds(h, nil))
	if err != nil && rn.pr.o.Log != nil {
		rn.pr.o.Log.Error(fmt.Sprintf("%s: %s: %s", place(err, h.at.File), h.text(), message(err)))
	}
	return err
}
