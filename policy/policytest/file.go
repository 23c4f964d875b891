package policytest

import (
	"errors"
	"strings"
	"testing/fstest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/nas"
	"perilune/engine/raddb"
	"perilune/engine/server"
	"perilune/engine/users"
	"perilune/policy"
	"perilune/policy/sandbox"
)

// A testCase is one test.case, or one row of a test.each.
type testCase struct {
	name string
	at   raddb.Pos
	fn   *lua.LFunction
	row  lua.LValue // argument; nil if none
}

// A file is one test file: its Lua state, what it registered, and the case that runs.
type file struct {
	*stage
	name     string
	bench    *policy.Bench
	loading  bool
	judges   bool // it raises errors by itself, so that a case without demands may still have some
	warnings raddb.List

	methods      methods
	answering    *lua.LFunction // r.answer
	expectations *lua.LTable    // metatables
	mocks        *lua.LTable

	users   *users.Table
	clients *nas.Table
	cases   []testCase
	setups  []*lua.LFunction

	// Of the case that runs.
	gen       *server.Generation
	settingUp bool // a test.setup runs
	last      *exchange
	exchanges map[lua.LValue]*exchange // by the reply's Lua value
	pools     map[string]*mock         // by the name of a realm or of a line of the realms file
	coa       *mock                    // of all NASes
	mocked    []*mock
	calling   *lua.LState // that sends; mocks run on it
	astray    error       // a request was sent on without a mock, or the mock went wrong
	failed    *wrong      // the demand that was not met
	demanded  bool        // something was expected
}

// Limits of one case; the time is real, the clock of the scripts stands.
const (
	caseSteps = 10_000_000
	caseTime  = time.Minute
)

func newFile(s *stage, name string) *file {
	f := &file{stage: s, name: name, clients: s.o.Generation.Clients}
	s.fakes.f = f
	s.output.take()
	f.bench = s.own.NewBench()
	f.o.Busy.Yield()
	f.open()
	f.o.Busy.Yield()
	return f
}

func (f *file) close() {
	f.bench.Close()
	f.view.DropExpressions(f.added)
	if f.users != nil {
		f.users.Close(nil)
	}
}

// load compiles and runs the file, which registers its cases.
func (f *file) load(source []byte) raddb.List {
	program, errs := policy.CompileTest(f.name, source, f.globals, f.o.Busy.Yield)
	if program == nil {
		return errs
	}
	f.o.Busy.Yield()
	f.judges = strings.Contains(string(source), "error(") || strings.Contains(string(source), "assert(")
	f.loading = true
	defer func() { f.loading = false }()
	if err := f.bench.State().Load(program); err != nil {
		e := asError(err)
		errs.Errorf(e.at(f.name), "%s", f.bench.Blank(e.Msg))
	} else if len(f.cases) == 0 {
		errs.Warnf(raddb.Pos{File: f.name}, "the file has no test.case and tests nothing")
	}
	return errs
}

// takeUsers reads the lines of test.users.
func (f *file) takeUsers(text string) error {
	if f.users != nil {
		return errors.New("a test file has one")
	}
	var errs raddb.List
	o := f.o.Users
	o.Dictionary, o.Names = f.o.Generation.Dictionary, f.view
	if p := f.o.Generation.Programs; p != nil {
		o.Program = p.Check
	}
	f.users = users.Load(mapTree("users", text), "users", o, &errs)
	return errs.Err()
}

// takeClients reads the lines of test.clients.
func (f *file) takeClients(text string) error {
	var errs raddb.List
	f.clients = nas.Load(mapTree("clients", text), "clients", &errs)
	return errs.Err()
}

func mapTree(name, text string) *raddb.Tree {
	return raddb.OpenFS(fstest.MapFS{name: {Data: []byte(text)}})
}

// begin makes all that a case has of its own.
func (f *file) begin() {
	f.sweep()
	f.bench.Renew()
	f.last, f.exchanges, f.failed, f.demanded = nil, map[lua.LValue]*exchange{}, nil, false
	f.pools, f.coa, f.mocked, f.astray, f.calling = map[string]*mock{}, nil, nil, nil, f.bench.State().Lua()
	f.gen = f.generation(f)
	f.offline.Home, f.offline.NAS = f.home, f.nas
	f.view.SetRadius(world{f})
	f.bench.SetRadius(world{f})
	f.startTimers()
}

// run runs the setups and the case. nil means passed.
func (f *file) run(c testCase) *Failure {
	f.begin()
	err := f.perform(c)
	if f.astray != nil && (err == nil || !strings.Contains(err.Error(), f.astray.Error())) {
		err = f.astray // what followed from it is no news
	}
	if err == nil && f.network.Load() {
		err = errors.New("a name server would have been asked; tests use no network")
	}
	if err != nil {
		return f.failure(c, err)
	}
	f.unused(c)
	if f.last != nil && !f.demanded && !f.judges {
		f.warnings.Warnf(c.at, "test %q demands nothing of what it sends; end it with expect(r), test.equal or test.raises", c.name)
	}
	return nil
}

func (f *file) perform(c testCase) error {
	f.settingUp = true
	for _, setup := range f.setups {
		if err := f.call(setup); err != nil {
			return err
		}
	}
	f.settingUp = false
	if c.row != nil {
		return f.call(c.fn, c.row)
	}
	return f.call(c.fn)
}

func (f *file) call(fn *lua.LFunction, args ...lua.LValue) error {
	run := sandbox.Run{Steps: caseSteps, Deadline: time.Now().Add(caseTime)}
	if end := f.o.deadline; !end.IsZero() && end.Before(run.Deadline) {
		run.Deadline = end
	}
	_, err := f.bench.State().Call(fn, run, args...)
	return err
}

func (f *file) failure(c testCase, err error) *Failure {
	e := asError(err)
	failure := &Failure{At: e.at(f.name), Case: c.name, Message: f.bench.Blank(e.Msg), Log: f.log.lines}
	if failure.At.Line == 0 {
		failure.At = c.at
	}
	if e.Kind == sandbox.Deadline && f.o.late() {
		failure.Message = f.o.tooLong("ended")
	}
	if f.failed != nil && strings.HasSuffix(e.Msg, f.failed.text) {
		failure.Diff = f.failed.lines()
	}
	if f.last != nil {
		failure.Request, failure.Path = f.last.request(), f.last.way(failure.Diff == nil || f.failed.title != "reply")
	}
	return failure
}
