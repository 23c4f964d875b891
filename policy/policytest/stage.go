package policytest

import (
	"log/slog"
	"sync/atomic"

	"perilune/engine/server"
	"perilune/policy"
)

// A stage is what the cases of a run play on, one after the other: views of the program under test, the clock, the
// backends. What scripts leave in it is swept away between cases.
type stage struct {
	o         *Options
	clock     *clock
	view      *policy.Program // its handlers run in requests
	own       *policy.Program // for the test files themselves
	log       errorLog        // of handlers
	output    output          // of test files
	network   atomic.Bool     // the case would have used the network; set by the resolver's goroutines
	offline   *server.Offline
	fakes     *fakes // behind http, sql, ldap, kv, window and exec
	timers    []due
	globals   map[string][]string // of test files
	functions []Function          // the same
	added     int                 // `=` values of the program itself; those of test.users come after them
}

func newStage(o *Options) *stage {
	s := &stage{o: o, clock: newClock(o.Users.Location), globals: globals(), functions: Functions()}
	s.view = o.Program.View(s.clock.now, slog.New(&s.log), s.asked)
	s.own = o.Program.View(s.clock.now, slog.New(&s.output), s.asked)
	s.added = s.view.Expressions()
	s.offline = server.NewOffline(s.clock.now)
	s.fakes = newFakes(s.clock, o.KV)
	s.view.SetBackends(noting{s.fakes})
	s.own.SetBackends(after{noting{s.fakes}, s.view})
	if o.Coverage != nil {
		s.view.SetCoverage(o.Coverage.lines)
		s.view.Release(s.view.Acquire()) // the top level counts, also if no case sends anything
	}
	return s
}

func (s *stage) close() {
	s.view.Close()
	s.own.Close()
	s.fakes.Close()
}

// asked notes that a handler or the case itself would have used the network.
func (s *stage) asked() { s.network.Store(true) }

// sweep makes the stage as it is for each case.
func (s *stage) sweep() {
	s.clock.reset()
	s.log.lines = nil
	s.network.Store(false)
	s.fakes.reset()
	s.offline.Renew()
	s.view.Renew()
}

// generation gives the one under test with what a test file has of its own.
func (s *stage) generation(f *file) *server.Generation {
	tested := s.o.Generation
	g := &server.Generation{
		Number: tested.Number, Hash: tested.Hash, Loaded: tested.Loaded, Dictionary: tested.Dictionary,
		Clients: f.clients, Users: tested.Users, Policy: s.view, Settings: tested.Settings, Programs: tested.Programs,
		Realms: tested.Realms,
	}
	if f.users != nil {
		g.Users = f.users
	}
	return g
}
