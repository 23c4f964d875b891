package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// call runs a handler's function with req and args. ok is false if it failed; v is then what the failure
// does to the request, nil to go on.
func (rn *Runner) call(h *handler, r *server.Request, args ...lua.LValue) (results []lua.LValue, v *server.Verdict, ok bool) {
	return rn.callFunction(h, rn.functions[h.index], r, args...)
}

func (rn *Runner) callFunction(h *handler, fn *lua.LFunction, r *server.Request, args ...lua.LValue) (results []lua.LValue, v *server.Verdict, ok bool) {
	outer := rn.enter(h, r)
	objects := rn.own
	if !h.tame || rn.own.live {
		objects = rn.newObjects()
	}
	objects.bind(r)
	if r.Trace != nil {
		rn.showBegin(h, r)
	}
	results, err := rn.invoke(h, fn, r, objects, args)
	objects.live = false
	if err == nil {
		err = rn.checkRun(h, r, results)
	}
	if err != nil {
		v = rn.failed(h, r, err)
	} else if rn.changed {
		r.Hook = h.label
		r.Touched(h.label)
	}
	if r.Trace != nil {
		rn.showEnd(h, r, results)
	}
	rn.leave(outer)
	return results, v, err == nil
}

// checkRun says what is wrong with what a run left behind: its results and req.ctx.
func (rn *Runner) checkRun(h *handler, r *server.Request, results []lua.LValue) error {
	if rn.ctx != nil {
		if err := checkPlain(rn.ctx); err != nil {
			rn.ctx, rn.kept.ctx = nil, nil
			return fmt.Errorf("req.ctx: %w", err)
		}
	}
	switch h.kind {
	case kindHuntgroup:
		return checkTruth(results)
	case kindRewrite, kindExpression:
		if len(rn.made) > 0 {
			return fmt.Errorf("%s{} was made, but a %s decides nothing", rn.made[0].kind, h.kind)
		}
		return nil
	}
	if h.phase == server.PhaseSession {
		return rn.checkAnswer(results)
	}
	return rn.checkReturn(h, r, results)
}

// checkAnswer says what is wrong with what a handler says of a session.
func (rn *Runner) checkAnswer(results []lua.LValue) error {
	if len(rn.made) > 0 {
		return fmt.Errorf("%s{} is no answer about a session; return true, false or nil", rn.made[0].kind)
	}
	if len(results) > 0 && verdictOf(results[0]) != nil {
		return errors.New("a verdict is no answer about a session; return true, false or nil")
	}
	return checkTruth(results)
}

// errMissing is what a handler fails with in a state whose scripts did not run to their end.
var errMissing = errors.New("the handler is missing in this state; its script failed there")

func (rn *Runner) invoke(h *handler, fn *lua.LFunction, r *server.Request, o *objects, args []lua.LValue) ([]lua.LValue, error) {
	if fn == nil {
		return nil, errMissing
	}
	run := rn.bounds(h, r)
	if len(args) == 0 {
		return rn.box.Call(fn, run, &o.request)
	}
	all := append([]lua.LValue{&o.request}, args...)
	return rn.box.Call(fn, run, all...)
}

// A frame is what a handler's run replaces in the Runner: a handler may ask a huntgroup, which is one too.
type frame struct {
	h       *handler
	change  lists
	changed bool
	made    []*verdict
	placed  bool
}

func (rn *Runner) enter(h *handler, r *server.Request) frame {
	outer := frame{rn.h, rn.change, rn.changed, rn.made, rn.placed}
	made := rn.made[len(rn.made):] // behind the outer one's
	if rn.made == nil {
		made = rn.room[:0]
	}
	rn.h, rn.change, rn.changed, rn.made, rn.placed = h, h.change(), false, made, false
	// Huntgroups change nothing; one that is asked by a handler leaves the handler's copies alone.
	if h.change() != 0 && (h.undoes() || r.Trace != nil) {
		rn.copied = true
		r.Attributes.CopyTo(&rn.saved[0])
		r.Control.CopyTo(&rn.saved[1])
		r.Reply.CopyTo(&rn.saved[2])
	}
	return outer
}

func (rn *Runner) leave(f frame) {
	rn.leavePlace()
	rn.placed = f.placed
	rn.h, rn.change, rn.changed, rn.made = f.h, f.change, f.changed || rn.changed, f.made
}

// undoes reports whether a failure of the handler lets the request go on as if it had not run.
func (h *handler) undoes() bool {
	return (h.onError == actionContinue || h.onTimeout == actionContinue) && h.change() != 0
}

// returned turns what a handler gave back into a verdict. It was checked by checkReturn.
func (rn *Runner) returned(h *handler, r *server.Request, results []lua.LValue) *server.Verdict {
	if len(results) == 0 || results[0] == lua.LNil {
		return nil
	}
	out := verdictOf(results[0]).v
	r.Hook = h.label
	r.Touched(h.label)
	if r.Trace != nil {
		r.Trace.Decided(h.label)
		return named(out, h)
	}
	return out
}

// named gives a copy of a verdict with its handler, for the trace. Without a trace r.Hook says enough.
func named(v *server.Verdict, h *handler) *server.Verdict {
	out := *v
	out.Hook = h.label
	return &out
}

// checkReturn says what is wrong with the values that a handler returned.
func (rn *Runner) checkReturn(h *handler, r *server.Request, results []lua.LValue) error {
	if len(results) > 1 {
		return fmt.Errorf("returned %d values, expected one verdict or nil", len(results))
	}
	var first lua.LValue = lua.LNil
	if len(results) == 1 {
		first = results[0]
	}
	if first == lua.LNil {
		if len(rn.made) > 0 {
			return fmt.Errorf("%s{} was made but not returned", rn.made[0].kind)
		}
		if places[h.phase].must {
			return fmt.Errorf("returned nothing; %s must return a verdict", h.kind)
		}
		return nil
	}
	v := verdictOf(first)
	if v == nil {
		return fmt.Errorf("returned a %s, expected a verdict or nil", first.Type())
	}
	for _, made := range rn.made {
		if made != v {
			return fmt.Errorf("%s{} was made but not returned", made.kind)
		}
	}
	if why := v.fits(h.phase, r); why != "" {
		return errors.New(why)
	}
	return nil
}

// failed logs a failure and gives what it does to the request.
func (rn *Runner) failed(h *handler, r *server.Request, err error) *server.Verdict {
	late := false
	var e *sandbox.Error
	if errors.As(err, &e) {
		late = e.Kind == sandbox.Deadline || e.Kind == sandbox.Backend
	}
	rn.logFailure(h, r, err)
	a := h.failure(r, late)
	if r.Trace != nil {
		rn.showFailure(r, err, a)
	}
	if h.phase == server.PhaseDone {
		return nil
	}
	if a == actionContinue {
		rn.undo(h, r)
		return nil
	}
	r.Hook = h.label
	r.Touched(h.label)
	v := dropFailed
	if a == actionReject {
		v = rejectFailed
	}
	if r.Trace != nil {
		return named(v, h)
	}
	return v
}

// The verdicts of failed handlers.
var (
	rejectFailed = &server.Verdict{Kind: server.Reject, Reason: server.ReasonHookFailed.String(), Failed: true}
	dropFailed   = &server.Verdict{Kind: server.Drop, Reason: server.ReasonBackend.String(), Failed: true}
)

// undo takes back what a failed handler changed.
func (rn *Runner) undo(h *handler, r *server.Request) {
	if !h.undoes() {
		return
	}
	for i, l := range []*dictionary.List{&r.Attributes, &r.Control, &r.Reply} {
		rn.saved[i].CopyTo(l)
	}
}

// logFailure writes one line that names the script's place, the hook and the request; at most one a second of
// each kind.
func (rn *Runner) logFailure(h *handler, r *server.Request, err error) {
	if rn.pr.o.Log == nil {
		return
	}
	at := place(err, "")
	if at.File == "" || h.kind == kindExpression && at.File == h.at.File {
		at = h.at // an expression's own lines begin at 1, wherever it stands
	}
	var leftOut uint64
	if !rn.pr.view { // a test has few failures, and its clock stands
		var ok bool
		if leftOut, ok = rn.pr.failures.allow(h, at, rn.pr.now()); !ok {
			return
		}
	}
	attrs := []slog.Attr{slog.Uint64("req", r.Serial), slog.String("phase", h.kindName())}
	if leftOut > 0 {
		attrs = append(attrs, slog.Uint64("suppressed", leftOut))
	}
	text := rn.blank(r, message(err))
	rn.pr.o.Log.LogAttrs(context.Background(), slog.LevelError, fmt.Sprintf("%s: %s: %s", at, h.text(), text), attrs...)
}

// ends gives a verdict its way out of the phase.
func (rn *Runner) ends(p server.Phase, r *server.Request, v *server.Verdict) *server.Verdict {
	accounting := r.Packet.Code == radius.CodeAccountingRequest
	// Refusing access must not lose records: a reject before accounting ends its phase alone.
	if accounting && v.Kind == server.Reject && !v.Failed && p <= server.PhasePostProxy {
		return nil
	}
	return v
}
