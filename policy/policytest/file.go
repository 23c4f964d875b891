package policytest

import (
	"errors"
	"log/slog"
	"sync/atomic"
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
	o       *Options
	name    string
	clock   *clock
	program *policy.Program // a view, to which test.users adds its expressions
	bench   *policy.Bench
	loading bool
	output  output // of the file itself, not of handlers

	users   *users.Table
	clients *nas.Table
	cases   []testCase
	setups  []*lua.LFunction

	// Of the case that runs.
	view      *policy.Program
	gen       *server.Generation
	offline   *server.Offline
	log       *errorLog
	last      *exchange
	network   atomic.Bool              // the case would have used the network; set by the resolver's goroutines
	exchanges map[lua.LValue]*exchange // by the reply's Lua value
	pools     map[string]*mock         // by the name of a realm or of a line of the realms file
	coa       *mock                    // of all NASes
	fakes     *fakes                   // behind http, sql, ldap, kv, window and exec
	calling   *lua.LState              // that sends; mocks run on it
	astray    error                    // a request was sent on without a mock, or the mock went wrong
}

// Limits of one case; the time is real, the clock of the scripts stands.
const (
	caseSteps = 10_000_000
	caseTime  = time.Minute
)

func newFile(o *Options, name string) *file {
	f := &file{o: o, name: name, clock: newClock(o.Users.Location), clients: o.Generation.Clients}
	f.program = o.Program.View(f.clock.now, slog.New(&f.output), f.asked)
	f.fakes = f.newFakes() // of states beside the cases
	f.program.SetBackends(f.fakes)
	f.bench = f.program.NewBench()
	f.open()
	return f
}

func (f *file) close() {
	f.bench.Close()
	f.program.Close()
	if f.users != nil {
		f.users.Close(nil)
	}
}

// load compiles and runs the file, which registers its cases.
func (f *file) load(source []byte) raddb.List {
	program, errs := policy.CompileTest(f.name, source, globals())
	if program == nil {
		return errs
	}
	f.loading = true
	defer func() { f.loading = false }()
	if err := f.bench.State().Load(program); err != nil {
		e := asError(err)
		errs.Errorf(e.at(f.name), "%s", f.bench.Blank(e.Msg))
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
	o.Dictionary, o.Names = f.o.Generation.Dictionary, f.program
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
	f.clock.reset()
	f.log, f.last, f.exchanges = &errorLog{}, nil, map[lua.LValue]*exchange{}
	f.pools, f.coa, f.astray, f.calling = map[string]*mock{}, nil, nil, f.bench.State().Lua()
	f.network.Store(false)
	f.view = f.program.View(f.clock.now, slog.New(f.log), f.asked)
	tested := f.o.Generation
	f.gen = &server.Generation{
		Number: tested.Number, Hash: tested.Hash, Loaded: tested.Loaded, Dictionary: tested.Dictionary,
		Clients: f.clients, Users: tested.Users, Policy: f.view, Settings: tested.Settings, Programs: tested.Programs,
		Realms: tested.Realms,
	}
	if f.users != nil {
		f.gen.Users = f.users
	}
	f.offline = server.NewOffline(f.clock.now)
	f.offline.Home, f.offline.NAS = f.home, f.nas
	f.fakes = f.newFakes()
	f.view.SetBackends(f.fakes)
	f.bench.SetBackends(f.fakes)
	f.view.SetRadius(world{f})
	f.bench.SetRadius(world{f})
}

// run runs the setups and the case. nil means passed.
func (f *file) run(c testCase) *Failure {
	f.begin()
	defer f.fakes.Close()
	defer f.view.Close()
	for _, setup := range f.setups {
		if err := f.call(setup); err != nil {
			return f.failure(c, err)
		}
	}
	var args []lua.LValue
	if c.row != nil {
		args = append(args, c.row)
	}
	err := f.call(c.fn, args...)
	if err == nil {
		err = f.astray
	}
	if err == nil && f.network.Load() {
		err = errors.New("a name server would have been asked; tests use no network")
	}
	if err != nil {
		return f.failure(c, err)
	}
	return nil
}

// asked notes that a handler or the case itself would have used the network.
func (f *file) asked() { f.network.Store(true) }

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
	if f.last != nil {
		failure.Request, failure.Path = f.last.request(), f.last.out.String()
	}
	return failure
}
