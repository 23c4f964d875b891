package policy

import (
	"errors"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// A Runner is one Lua state with the program's handlers, and what it knows of the request it works for. It
// implements server.Runner.
type Runner struct {
	pr          *Program
	box         *sandbox.State
	functions   []*lua.LFunction // of the handlers, by index
	expressions []*lua.LFunction // by ref, made when first used
	codecs      []codecFunctions // of the program's codecs, by index
	prepared    []*lua.LUserData // fixed verdicts by number; nil: not made yet
	pure        bool             // a codec computes
	loading     bool
	incomplete  bool // the scripts did not run to their end in it
	busy        bool // a handler without request computes for long
	keys        keyCache
	patterns    map[patternKey]*pattern
	scratch     []byte // of values under way
	env         module.Env
	revealed    []string          // secrets that scripts have read
	bench       bool              // runs test files
	own         *objects          // reused by handlers that cannot keep req
	shot        *sandbox.Snapshot // of a view: what the scripts hold after they were loaded

	// Of the request.
	r        *server.Request
	ctx      *lua.LTable
	round    lua.LValue // req.state; nil: not read yet
	kept     parked     // of ctx and round, what Park has left and nobody has read since
	answers  []users.Truth
	asked    []bool        // huntgroups whose answer is in answers
	doubted  *acct.Session // that handlers of the phase session are asked about
	replaced []string      // secret values that handlers have changed

	// Of the handler that runs.
	h       *handler
	change  lists
	changed bool
	made    []*verdict  // by this run
	room    [2]*verdict // for made
	saved   [3]dictionary.List
	copied  bool // saved holds something
	placed  bool // it is counted among those that wait in h
}

// bareRunner makes a state with the API and no handlers.
func (pr *Program) bareRunner() *Runner {
	rn := &Runner{pr: pr}
	rn.open()
	return rn
}

// open makes the Lua state.
func (rn *Runner) open() {
	o := &rn.pr.o
	rn.patterns, rn.functions, rn.expressions, rn.codecs, rn.prepared, rn.pure = nil, nil, nil, nil, nil, false
	host := sandbox.Host{Now: o.Now, Print: rn.print, Require: rn.require, ReadFile: rn.readFile, Data: rn}
	if rn.pr.view {
		host.Seed = viewSeed
	}
	shared := rn.pr.surface
	if shared != nil {
		host.Globals = shared.globals
	}
	rn.box = sandbox.New(o.Limits, host)
	rn.box.Cover(rn.pr.cover)
	rn.box.OnLong = rn.long
	rn.box.Yield = o.Busy.Yield
	rn.box.Get, rn.box.Set = rn.get, rn.set
	rn.fillEnv()
	rn.keys = keyCache{}
	if shared == nil {
		rn.openAPI()
	}
	rn.own = rn.newObjects()
}

// newRunner makes a state of a linked program.
func (pr *Program) newRunner() *Runner {
	rn := pr.bareRunner()
	rn.loadAgain()
	return rn
}

// loadAgain runs the scripts of a linked program in this state. What differs from the first state is given,
// and logged, because a desk may need a state at any time; handlers that are missing fail, and the state is used once.
func (rn *Runner) loadAgain() (errs raddb.List) {
	pr := rn.pr
	pr.run(rn, rn.box.LoadAgain, &errs)
	if n := len(rn.functions); n < len(pr.handlers) && !errs.Failed() {
		h := pr.handlers[n]
		errs.Errorf(h.at, "%s was registered in the first state but not in a further one; all states must register the same, in the same order", h.text())
	}
	for len(rn.functions) < len(pr.handlers) {
		rn.functions = append(rn.functions, nil)
	}
	for len(rn.codecs) < len(pr.codecs) {
		rn.codecs = append(rn.codecs, codecFunctions{})
	}
	rn.incomplete = errs.Failed()
	if rn.incomplete && pr.o.Log != nil {
		pr.o.Log.Error("a further Lua state: " + errs.Error())
	}
	if pr.view {
		rn.shot = rn.box.Snapshot(rn.called())
	}
	return errs
}

// called gives all functions of scripts that are called from outside.
func (rn *Runner) called() []*lua.LFunction {
	all := slices.Clone(rn.functions)
	for _, c := range rn.codecs {
		all = append(all, c.decode, c.encode)
	}
	return all
}

// renew replaces a state whose interpreter has failed.
func (rn *Runner) renew() {
	rn.box.Close()
	rn.open()
	rn.loadAgain()
}

// require reads further files in test files alone: elsewhere all were read when the scripts were loaded first.
func (rn *Runner) require(name string) (*sandbox.Program, error) {
	return rn.pr.require(name, rn.bench)
}

func (rn *Runner) readFile(name string) (string, error) {
	if !rn.loading {
		return "", errors.New("readfile works while scripts load, not later")
	}
	return rn.pr.readFile(name, rn.bench)
}

func (rn *Runner) lua() *lua.LState { return rn.box.Lua() }

func (rn *Runner) known() *dictionary.Known { return &rn.pr.dict.Known }

// broken reports that the state must be thrown away.
func (rn *Runner) broken() bool { return rn.incomplete || rn.box.Broken() || rn.box.Laden() }

func (rn *Runner) close() { rn.box.Close() }

// long is called when a handler computes for long: the request leaves the loop.
func (rn *Runner) long() {
	if rn.r != nil {
		// A full house only means that the loop has to wait for this handler.
		_ = rn.r.Compute()
	} else if !rn.busy {
		rn.busy = true
		rn.pr.o.Busy.Enter()
	}
	rn.pr.o.Busy.Yield()
}

// Run implements server.Runner.
func (rn *Runner) Run(p server.Phase, r *server.Request) *server.Verdict {
	rn.begin(r)
	for _, h := range rn.pr.phases[p] {
		ok, v := rn.applies(h, r)
		if ok {
			v = rn.handle(h, r)
		} else if r.Trace != nil && v == nil {
			rn.showSkipped(h, r)
		}
		if v != nil {
			return rn.ends(p, r, v)
		}
	}
	return nil
}

// applies matches `when` and `unless` natively.
func (rn *Runner) applies(h *handler, r *server.Request) (bool, *server.Verdict) {
	if h.condition != nil {
		if ok, v := rn.match(h.condition, r); !ok {
			return false, v
		}
	}
	if h.exception != nil {
		if ok, v := rn.match(h.exception, r); ok || v != nil {
			return false, v
		}
	}
	return true, nil
}

// handle runs one handler of a phase with its request.
func (rn *Runner) handle(h *handler, r *server.Request) *server.Verdict {
	results, v, ok := rn.call(h, r)
	if !ok {
		return v
	}
	return rn.returned(h, r, results)
}

// AuthType implements server.Runner.
func (rn *Runner) AuthType(value uint32, r *server.Request) (*server.Verdict, bool) {
	h := rn.pr.authNumbers[value]
	if h == nil {
		return nil, false
	}
	rn.begin(r)
	return rn.handle(h, r), true
}

// Answer implements server.Runner.
func (rn *Runner) Answer(r *server.Request) (*server.Verdict, bool) {
	if r.Round == nil {
		return nil, false
	}
	h := rn.pr.answers[r.Round.Next]
	if h == nil {
		return nil, false
	}
	rn.begin(r)
	results, v, ok := rn.call(h, r, rn.answerText(r))
	if !ok {
		return v, true
	}
	return rn.returned(h, r, results), true
}

// answerText is what the user typed in an answer round; nil if the request has no password in clear.
func (rn *Runner) answerText(r *server.Request) lua.LValue {
	text, ok := r.Attributes.First(rn.known().UserPassword)
	if !ok {
		return lua.LNil
	}
	r.ReadsAnswer(rn.known().UserPassword, text)
	return lua.LString(text)
}

// begin takes up a request, if the state does not work for it already.
func (rn *Runner) begin(r *server.Request) {
	if rn.r == r {
		return
	}
	if rn.r != nil {
		rn.forget()
	}
	if rn.broken() {
		rn.renew()
	}
	rn.r = r
	rn.unpark(r)
}

// End implements server.Runner.
func (rn *Runner) End(r *server.Request) {
	if rn.r != nil {
		rn.forget()
	}
	r.Local = nil
}

// forget drops all that belongs to a request.
func (rn *Runner) forget() {
	rn.r, rn.ctx, rn.round, rn.kept = nil, nil, nil, parked{}
	rn.replaced, rn.env.Called, rn.env.Logged = nil, nil, nil
	clear(rn.asked)
	if rn.copied {
		rn.copied = false
		for i := range rn.saved {
			rn.saved[i].Reset()
		}
	}
}

// viewTimeout is the real time that a handler has in a view, whatever its timeout.
const viewTimeout = 30 * time.Second

// bounds gives how long a handler may run: its timeout, cut to what the request has left. What is left is
// counted on the scripts' clock, which tests stop.
func (rn *Runner) bounds(h *handler, r *server.Request) sandbox.Run {
	switch {
	case rn.pr.view:
		return sandbox.Run{Within: viewTimeout} // steps bound it; a busy machine must not fail a test
	case r == nil || r.Deadline.IsZero():
		return sandbox.Run{Within: h.timeout}
	case rn.pr.o.Now != nil:
		return sandbox.Run{Deadline: time.Now().Add(min(h.timeout, r.Deadline.Sub(rn.pr.o.Now())))}
	}
	return sandbox.Run{Within: h.timeout, Deadline: r.Deadline}
}
