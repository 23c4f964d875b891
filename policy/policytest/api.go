package policytest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/policy/sandbox"
)

// globals are the names that test files see beside the modules and verdicts.
func globals() map[string][]string {
	return map[string][]string{
		"test":  {"case", "each", "setup", "users", "clients", "equal", "raises", "fire"},
		"clock": {"set", "advance"},
		"mock":  {"pool", "coa", "http", "sql", "ldap", "exec", "fail"},
		"send":  nil, "expect": nil,
	}
}

// open gives the file's state the API of tests.
func (f *file) open() {
	state := f.bench.State()
	l := state.Lua()
	tables := map[string]map[string]lua.LGFunction{
		"test": {
			"case": f.testCase, "each": f.testEach, "setup": f.testSetup, "users": f.testUsers,
			"clients": f.testClients, "equal": f.testEqual, "raises": f.testRaises, "fire": f.testFire,
		},
		"clock": {"set": f.clock.set, "advance": f.clock.advance},
	}
	for name, functions := range tables {
		state.SetGlobal(name, l.SetFuncs(l.NewTable(), functions))
	}
	state.SetGlobal("mock", f.mockTable(l))
	state.SetGlobal("send", l.NewFunction(f.send))
	state.SetGlobal("expect", l.NewFunction(f.expect))
}

// registering raises unless the file is being loaded.
func (f *file) registering(l *lua.LState, what string) {
	if !f.loading {
		sandbox.RaiseMisuse(l, "%s belongs to the top of the file, not into a case", what)
	}
}

func (f *file) testCase(l *lua.LState) int {
	f.registering(l, "test.case")
	name, fn := sandbox.CheckString(l, 1), sandbox.CheckFunction(l, 2)
	f.cases = append(f.cases, testCase{name: name, at: f.whereabouts(l), fn: fn})
	return 0
}

func (f *file) testEach(l *lua.LState) int {
	f.registering(l, "test.each")
	name, rows, fn := sandbox.CheckString(l, 1), sandbox.CheckTable(l, 2), sandbox.CheckFunction(l, 3)
	for i := 1; i <= rows.Len(); i++ {
		f.cases = append(f.cases, testCase{
			name: fmt.Sprintf("%s #%d", name, i), at: f.whereabouts(l), fn: fn, row: rows.RawGetInt(i),
		})
	}
	return 0
}

func (f *file) testSetup(l *lua.LState) int {
	f.registering(l, "test.setup")
	f.setups = append(f.setups, sandbox.CheckFunction(l, 1))
	return 0
}

func (f *file) testUsers(l *lua.LState) int { return f.lines(l, "test.users", f.takeUsers) }

func (f *file) testClients(l *lua.LState) int { return f.lines(l, "test.clients", f.takeClients) }

func (f *file) lines(l *lua.LState, what string, take func(string) error) int {
	f.registering(l, what)
	if err := take(sandbox.CheckString(l, 1)); err != nil {
		sandbox.RaiseMisuse(l, "%s: %s", what, err)
	}
	return 0
}

func (f *file) testEqual(l *lua.LState) int {
	if got, want := l.Get(1), l.Get(2); !deepEqual(got, want, 0) {
		sandbox.RaiseMisuse(l, "not equal\n    got  %s\n    want %s", show(got, 0), show(want, 0))
	}
	return 0
}

func (f *file) testRaises(l *lua.LState) int {
	fn, text := sandbox.CheckFunction(l, 1), sandbox.OptString(l, 2, "")
	l.Push(fn)
	err := l.PCall(0, 0, nil)
	if err == nil {
		sandbox.RaiseMisuse(l, "nothing was raised; expected %q", text)
	}
	if message := raised(err); !strings.Contains(message, text) {
		sandbox.RaiseMisuse(l, "raised %q, expected %q in it", message, text)
	}
	return 0
}

// raised gives what a call has raised, with its place and without the stack.
func raised(err error) string {
	var api *lua.ApiError
	if errors.As(err, &api) {
		return api.Object.String()
	}
	return err.Error()
}

func (f *file) testFire(l *lua.LState) int {
	if f.loading {
		sandbox.RaiseMisuse(l, "test.fire belongs into a case")
	}
	if err := f.view.Fire(sandbox.CheckString(l, 1), sandbox.OptString(l, 2, "")); err != nil {
		sandbox.RaiseMisuse(l, "test.fire: %s", err)
	}
	return 0
}

// whereabouts gives the line that called the running function.
func (f *file) whereabouts(l *lua.LState) raddb.Pos {
	at := raddb.Pos{File: f.name}
	if d, ok := l.GetStack(1); ok {
		if _, err := l.GetInfo("l", d, lua.LNil); err == nil {
			at.Line = d.CurrentLine
		}
	}
	return at
}

// A scriptError is what a call of the sandbox failed with.
type scriptError struct{ *sandbox.Error }

func asError(err error) scriptError {
	var e *sandbox.Error
	if errors.As(err, &e) {
		return scriptError{e}
	}
	return scriptError{&sandbox.Error{Msg: err.Error()}}
}

// at gives the place of the error in the file, without a line if it lies elsewhere.
func (e scriptError) at(file string) raddb.Pos {
	if e.File == "" {
		return raddb.Pos{File: file}
	}
	return raddb.Pos{File: e.File, Line: e.Line}
}

// An errorLog keeps what handlers log as errors, to be shown with a failure.
type errorLog struct{ lines []string }

// maxLogged bounds the lines that one failure shows.
const maxLogged = 8

// Enabled implements slog.Handler.
func (e *errorLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

// Handle implements slog.Handler.
func (e *errorLog) Handle(_ context.Context, r slog.Record) error {
	if len(e.lines) < maxLogged {
		e.lines = append(e.lines, r.Message)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (e *errorLog) WithAttrs([]slog.Attr) slog.Handler { return e }

// WithGroup implements slog.Handler.
func (e *errorLog) WithGroup(string) slog.Handler { return e }
