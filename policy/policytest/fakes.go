package policytest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/backend"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// fakes stands for the backends of one case: what mock.http and its like answer, and tables and windows that are the
// case's own. It implements policy.Backends.
type fakes struct {
	f *file
	*backend.Lease
	mocks map[string]*mock // by kind, a space and the name
}

// newFakes makes the backends of a case, on its clock.
func (f *file) newFakes() *fakes {
	return &fakes{f, backend.New(func() time.Time { return f.clock.now() }, nil).Lease(backend.Settings{}), map[string]*mock{}}
}

// mockBackend is mock.http(name){[call]=answer, …}: a call is answered by the longest key that it begins with.
// mock.http(name, answers) is the same.
func (f *file) mockBackend(kind string) lua.LGFunction {
	return func(l *lua.LState) int {
		if f.loading {
			sandbox.RaiseMisuse(l, "mock.%s belongs into a case or into test.setup", kind)
		}
		name := ""
		if kind != "exec" {
			name = sandbox.CheckString(l, 1)
			l.Remove(1)
		}
		if l.GetTop() > 0 {
			return f.answers(l, kind, name, sandbox.CheckTable(l, 1))
		}
		l.Push(l.NewFunction(func(l *lua.LState) int { return f.answers(l, kind, name, sandbox.CheckTable(l, 1)) }))
		return 1
	}
}

func (f *file) answers(l *lua.LState, kind, name string, table *lua.LTable) int {
	m, value := newMock(l, table)
	f.fakes.mocks[kind+" "+name] = m
	l.Push(value)
	return 1
}

// ask gives what a backend of the case answers to a call, like "POST /check"; arg is what m:calls() shows and what a
// function of the mock gets. A call that nothing answers ends the case.
func (k *fakes) ask(kind, name, call string, arg lua.LValue) (lua.LValue, error) {
	m := k.mocks[kind+" "+name]
	if m == nil {
		return nil, k.unmocked(kind, fmt.Errorf("%s %s was asked %q, and mock.%s does not answer it in this case", kind, name, call, kind))
	}
	best := ""
	var answer lua.LValue
	m.answer.(*lua.LTable).ForEach(func(key, v lua.LValue) {
		if prefix := key.String(); strings.HasPrefix(call, prefix) && (answer == nil || len(prefix) > len(best)) {
			best, answer = prefix, v
		}
	})
	if answer == nil {
		return nil, k.unmocked(kind, fmt.Errorf("mock.%s %s has no answer to %q", kind, name, call))
	}
	value, err := (&mock{answer: answer, calls: m.calls}).call(k.f.calling, arg)
	if err != nil {
		return nil, k.unmocked(kind, fmt.Errorf("mock.%s: %w", kind, err))
	}
	if ud, ok := value.(*lua.LUserData); ok {
		if fail, ok := ud.Value.(failing); ok {
			return nil, fail.failure()
		}
	}
	return value, nil
}

// unmocked ends the case, also if the script handles the failure.
func (k *fakes) unmocked(kind string, err error) error {
	k.f.wrong(err)
	return &module.Failure{Kind: "refused", Err: fmt.Errorf("a test asks no %s", kind)}
}

// failure gives what mock.fail(how) makes a backend fail with.
func (f failing) failure() error {
	kind, rest, _ := strings.Cut(f.how, ": ")
	if kind == "dead" {
		kind = "refused"
	}
	if rest == "" {
		rest = "by mock.fail"
	}
	return &module.Failure{Kind: kind, Err: errors.New(rest)}
}
