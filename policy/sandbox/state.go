package sandbox

import (
	"fmt"
	"math/rand/v2"
	"runtime/metrics"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A Host is what a state asks of the program around it. Any field may be nil.
type Host struct {
	Now      func() time.Time                    // os.time, os.date; default time.Now
	Print    func(text string)                   // print; default: nothing is written
	Require  func(name string) (*Program, error) // the program behind require(name)
	ReadFile func(name string) (string, error)   // readfile; the host refuses it outside loading
	Data     any                                 // given back by State.Data
	Globals  *lua.LTable                         // from ShareGlobals of another state; nil: the base library
	Seed     uint64                              // of math.random; 0: a random one
}

// A State is one Lua state. It serves one goroutine at a time.
type State struct {
	// OnLong is called once in a run, after its first 8,192 steps, Yield at each 8,192 after that. Both may be
	// set at any time between runs. Neither may use the state.
	OnLong, Yield func()

	// Get and Set are what the metatables of objects mean by __index and __newindex, without the call; ok is false for
	// an object that is none of the host's. Either may raise, and be nil.
	Get func(l *lua.LState, object *lua.LUserData, key lua.LValue) (v lua.LValue, ok bool)
	Set func(l *lua.LState, object *lua.LUserData, key, v lua.LValue) (ok bool)

	l        *lua.LState
	stock    func(*lua.LState, *frame) // gopher-lua's loop
	host     Host
	limits   Limits
	budget   budget
	outer    []budget // of the runs around the one that goes on
	depth    int      // of nested Calls
	results  []lua.LValue
	loaded   map[string]lua.LValue
	patterns patternCache
	known    constantCache
	texts    texts
	matcher  matcher
	buf      []byte
	rng      *rand.Rand
	threads  int // coroutines made in this run
	raised   struct {
		kind Kind
		text string
	}
	broken bool
	laden  bool
	cover  *Coverage // nil: lines are not counted
	shared bool      // other states have the same globals
	sample [1]metrics.Sample
}

// New makes a state with the base library. It costs some 20 KiB, most of them for its stacks.
func New(limits Limits, host Host) *State {
	s := &State{limits: limits.withDefaults(), host: host, loaded: map[string]lua.LValue{}}
	s.budget.state = s
	s.sample[0].Name = allocations
	s.l = lua.NewState(lua.Options{
		SkipOpenLibs:     true,
		CallStackSize:    s.limits.Depth,
		RegistrySize:     256,
		RegistryMaxSize:  maxRegistry,
		RegistryGrowStep: 256,
	})
	s.l.G.Registry = &lua.LTable{Metatable: lua.LNil} // for libraries of gopher-lua that are absent
	s.l.SetContext(&s.budget)
	s.quicken()
	s.l.G.MainThread, s.l.G.CurrentThread = s.l, s.l
	if s.host.Now == nil {
		s.host.Now = time.Now
	}
	s.seed(host.Seed)
	if host.Globals != nil {
		s.useGlobals(host.Globals)
		s.shared = true
	} else {
		s.openBase()
	}
	s.l.SetMetatable(lua.LString(""), stringMeta)
	return s
}

// Of gives the state that l, or the coroutine l, belongs to. l must be of this package.
func Of(l *lua.LState) *State { return l.Context().(*budget).state }

// Lua gives the underlying state, for functions that make tables and userdata.
func (s *State) Lua() *lua.LState { return s.l }

// Data gives Host.Data.
func (s *State) Data() any { return s.host.Data }

// Deadline gives the deadline of the run that is going on, zero if it has none.
func (s *State) Deadline() time.Time { return s.budget.due() }

// Broken reports that the interpreter itself failed: the state must be closed and replaced.
func (s *State) Broken() bool { return s.broken }

// Laden reports that the state may hold much of what a run had that has ended: it should be closed and replaced, or it keeps
// that until others write over it.
func (s *State) Laden() bool { return s.laden }

// Close frees the state. It must not be running.
func (s *State) Close() { s.l.Close() }

// SetGlobal gives scripts a name. The name must also be in Options.Globals of the programs that use it.
func (s *State) SetGlobal(name string, v lua.LValue) {
	if s.shared {
		own := &lua.LTable{Metatable: lua.LNil}
		for k, v := s.globals().Next(lua.LNil); k != lua.LNil; k, v = s.globals().Next(k) {
			own.RawSet(k, v)
		}
		s.useGlobals(own)
		s.shared = false
	}
	s.globals().RawSetString(name, v)
	s.known = constantCache{}
}

// ShareGlobals gives the names that scripts see, for Host.Globals of further states. None of them is changed from now
// on: a state that is given one more takes a copy first.
func (s *State) ShareGlobals() *lua.LTable {
	s.shared = true
	return s.globals()
}

func (s *State) useGlobals(t *lua.LTable) {
	s.l.G.Global, s.l.Env = t, t
	s.known = constantCache{}
}

func (s *State) globals() *lua.LTable { return s.l.G.Global }

// Load runs a program's top level, within Limits.LoadSteps and LoadTime.
func (s *State) Load(p *Program) error {
	run := Run{Steps: s.limits.LoadSteps, Deadline: time.Now().Add(s.limits.LoadTime)}
	_, err := s.Call(s.l.NewFunctionFromProto(p.proto), run)
	return err
}

// LoadAgain runs a program's top level that another state has run to its end. Steps alone bound it: the counter of memory
// and the clock tell of the whole process, and a state that misses a handler would fail requests that did nothing.
func (s *State) LoadAgain(p *Program) error {
	_, err := s.Call(s.l.NewFunctionFromProto(p.proto), Run{Steps: s.limits.LoadSteps, known: true})
	return err
}

// Call calls fn within run. The results are valid until the next outermost Call. The error is an *Error. A
// function that Lua calls may Call again: the inner run has its own steps, for which the outer one pays in the end, at
// most the outer's deadline, and no memory of its own.
func (s *State) Call(fn *lua.LFunction, run Run, args ...lua.LValue) (results []lua.LValue, err error) {
	s.begin(run)
	defer func() {
		if fault := recover(); fault != nil {
			results, err = nil, s.crashed(fault)
		}
	}()
	base := s.l.GetTop()
	s.l.Push(fn)
	for _, a := range args {
		s.l.Push(a)
	}
	err = s.l.PCall(len(args), lua.MultRet, nil)
	if err != nil || s.budget.kind != 0 {
		return nil, s.end(base, err)
	}
	first := len(s.results)
	for i := base + 1; i <= s.l.GetTop(); i++ {
		s.results = append(s.results, s.l.Get(i))
	}
	s.end(base, nil)
	return s.results[first:], nil
}

// begin puts a fresh budget in the place of the outer one, which it keeps for end. Few runs have an outer one.
func (s *State) begin(run Run) {
	b := &s.budget
	detached := false
	if s.depth == 0 {
		s.results, s.threads = s.results[:0], 0
		s.raised.kind = 0
		b.measured, b.looks, b.slow, b.grown = false, false, false, 0
	} else {
		if due := b.due(); !due.IsZero() && (run.Deadline.IsZero() || due.Before(run.Deadline)) {
			run.Deadline = due
		}
		detached = b.detached
		s.outer = append(s.outer, *b)
	}
	if run.Steps <= 0 {
		run.Steps = s.limits.Steps
	}
	s.depth++
	b.steps, b.left, b.long = run.Steps, run.Steps, run.Steps-longEvery
	b.setMark(max(run.Steps-firstLook, 0))
	b.within, b.deadline = run.Within, run.Deadline
	b.kind, b.detached, b.known = 0, detached, run.known
}

// end takes the run's values off the stack and puts the outer budget back.
func (s *State) end(base int, err error) error {
	var e *Error
	switch {
	case err != nil:
		e = s.failure(err)
	case s.budget.kind != 0:
		e = &Error{Kind: s.budget.kind, Msg: stopText(s.budget.kind).Error(), Value: lua.LNil}
	}
	s.l.SetTop(base)
	s.restore()
	if s.depth == 0 {
		s.l.G.CurrentThread = s.l
		s.laden = s.laden || s.holds(e != nil)
	}
	if e == nil {
		return nil
	}
	return e
}

// What a run may have allocated and yet its state goes on: gopher-lua clears neither frames nor registers that are no longer
// in use, so that they hold what the run had last, functions with all that they see.
const (
	keptByFailed = fastGrowth
	keptByDone   = 8 << 20
)

// holds reports whether the state may hold too much of the run that has ended.
func (s *State) holds(failed bool) bool {
	return failed && s.budget.grown > keptByFailed || s.budget.grown > keptByDone
}

// restore puts the outer budget back, if there is one. It pays for what the inner run has taken.
func (s *State) restore() {
	s.depth--
	if s.depth == 0 {
		s.budget.kind, s.budget.within, s.budget.deadline = 0, 0, time.Time{}
		return
	}
	inner := s.budget
	b := &s.budget
	*b = s.outer[s.depth-1]
	s.outer = s.outer[:s.depth-1]
	b.left -= inner.steps - max(inner.left, 0)
	b.detached = b.detached || inner.detached
	b.measured, b.heap, b.grown, b.pace = inner.measured, inner.heap, inner.grown, inner.pace
	b.looks, b.looked, b.paused, b.slow = inner.looks, inner.looked, inner.paused, inner.slow
}

// crashed ends a run in which gopher-lua itself panicked past its own recovery: it does so when the registry
// overflows in a tail call. The runs around it end too, since they are on the same broken stack.
func (s *State) crashed(fault any) error {
	s.broken = true
	s.restore()
	if s.depth > 0 {
		s.budget.stop(Internal)
	}
	return &Error{Kind: Internal, Msg: fmt.Sprintf("%v: %v", errInternal, fault), Value: lua.LNil}
}

// Waited must be called after a function has waited, so that what others allocated meanwhile is not charged.
func (s *State) Waited() { s.budget.measured = false }

// Charge takes n steps from the run of l and raises if that was too much.
func Charge(l *lua.LState, n int) {
	if !Of(l).budget.spend(n) {
		stopped(l)
	}
}

// stopped raises the end of a run that has no budget left.
func stopped(l *lua.LState) { l.RaiseError("%s", stopText(Of(l).budget.kind).Error()) }
