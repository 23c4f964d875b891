package policytest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/config"
	"perilune/engine/raddb"
	"perilune/policy"
	"perilune/policy/backend"
	"perilune/policy/module"
	"perilune/policy/sandbox"
)

// fakes stands for the backends of a case: what mock.http and its like answer, and tables and windows that are the
// case's own. Handles of it live as long as the states that opened them; reset empties what is behind them. It
// implements policy.Backends.
type fakes struct {
	f *file // whose case runs
	*backend.Lease
	mocks map[string]*mock               // by kind, a space and the name
	names map[string]map[string]struct{} // that scripts have opened, by kind
}

// newFakes makes the backends of cases, on their clock.
func newFakes(c *clock, kv KV) *fakes {
	settings := backend.Settings{Backend: config.Backend{KV: kv}, Memory: true}
	return &fakes{
		Lease: backend.New(c.now, nil).Lease(settings), mocks: map[string]*mock{},
		names: map[string]map[string]struct{}{"http": {}, "sql": {}, "ldap": {}},
	}
}

// reset forgets what a case has left.
func (k *fakes) reset() {
	clear(k.mocks)
	k.Reset()
}

// noting gives the fakes to scripts, and remembers what they open.
type noting struct{ *fakes }

// after gives the fakes to test files. What they open beside the scripts has the options of the scripts, which therefore
// run first.
type after struct {
	noting
	view *policy.Program
}

// KV implements module.Backends.
func (a after) KV(name string, o module.KVOptions) (module.KV, error) {
	a.view.Release(a.view.Acquire())
	return a.noting.KV(name, o)
}

// Window implements module.Backends.
func (a after) Window(name string, o module.WindowOptions) (module.Window, error) {
	a.view.Release(a.view.Acquire())
	return a.noting.Window(name, o)
}

// HTTP implements module.Backends.
func (n noting) HTTP(name string, o *module.HTTPOptions) (module.HTTP, error) {
	if name == "" && o != nil {
		n.names["http"][o.Base] = struct{}{}
	} else {
		n.names["http"][name] = struct{}{}
	}
	return n.fakes.HTTP(name, o)
}

// SQL implements module.Backends.
func (n noting) SQL(name string) (module.SQL, error) {
	n.names["sql"][name] = struct{}{}
	return n.fakes.SQL(name)
}

// LDAP implements module.Backends.
func (n noting) LDAP(name string) (module.LDAP, error) {
	n.names["ldap"][name] = struct{}{}
	return n.fakes.LDAP(name)
}

// mockBackend is mock.http(name){[call]=answer, …}: a call is answered by the longest key that it begins with.
// mock.http(name, answers) is the same.
func (f *file) mockBackend(l *lua.LState, kind string) int {
	f.running(l, "mock."+kind)
	name := ""
	if kind != "exec" {
		name = sandbox.CheckString(l, 1)
		f.isOpened(l, kind, name)
		l.Remove(1)
	}
	if l.GetTop() > 0 {
		return f.answers(l, kind, name)
	}
	l.Push(l.NewFunction(func(l *lua.LState) int { return f.answers(l, kind, name) }))
	return 1
}

// isOpened raises if no script has opened what a test answers for.
func (f *file) isOpened(l *lua.LState, kind, name string) {
	f.view.Release(f.view.Acquire()) // one state at least has run the scripts
	known := f.fakes.names[kind]
	if _, ok := known[name]; !ok {
		sandbox.RaiseMisuse(l, "mock.%s: no script opens %s %q%s", kind, kind, name, raddb.DidYouMean(name, maps.Keys(known)))
	}
}

// answers takes the table of answers.
func (f *file) answers(l *lua.LState, kind, name string) int {
	table := sandbox.CheckTable(l, 1)
	for k, _ := table.Next(lua.LNil); k != lua.LNil; k, _ = table.Next(k) {
		if k.Type() != lua.LTString {
			sandbox.RaiseMisuse(l, "mock.%s: the key %v is no text; it is how a call begins", kind, k)
		}
	}
	f.fakes.mocks[kind+" "+name] = f.newMock(l, strings.TrimSpace("mock."+kind+" "+name), table)
	return 1
}

// ask gives what a backend of the case answers to a call, like "POST /check"; arg is what m:calls() shows and what a
// function of the mock gets. A call that nothing answers ends the case.
func (k *fakes) ask(kind, name, call string, arg lua.LValue) (lua.LValue, error) {
	m := k.mocks[kind+" "+name]
	if m == nil {
		return nil, k.unmocked(kind, fmt.Errorf("%s was asked %q, and mock.%s does not answer it in this case", strings.TrimSpace(kind+" "+name), call, kind))
	}
	m.calls.Append(arg)
	answer, ok := m.longest(call)
	if !ok {
		return nil, k.unmocked(kind, fmt.Errorf("%s has no answer to %q; it has those to %s", m.what, call, m.keys()))
	}
	value, err := answerOf(k.f.calling, answer, arg)
	if err != nil {
		return nil, k.unmocked(kind, fmt.Errorf("%s: %w", m.what, err))
	}
	if ud, ok := value.(*lua.LUserData); ok {
		if fail, ok := ud.Value.(failing); ok {
			return nil, fail.failure()
		}
	}
	return value, nil
}

// longest gives the answer of the longest key that a call begins with.
func (m *mock) longest(call string) (answer lua.LValue, ok bool) {
	best := -1
	table := m.answer.(*lua.LTable)
	for k, v := table.Next(lua.LNil); k != lua.LNil; k, v = table.Next(k) {
		if key := k.String(); strings.HasPrefix(call, key) && len(key) > best {
			best, answer = len(key), v
		}
	}
	return answer, best >= 0
}

// keys lists what a mock answers, for errors.
func (m *mock) keys() string {
	var keys []string
	table := m.answer.(*lua.LTable)
	for k, _ := table.Next(lua.LNil); k != lua.LNil; k, _ = table.Next(k) {
		keys = append(keys, fmt.Sprintf("%q", k.String()))
	}
	slices.Sort(keys)
	return listed(keys)
}

// unmocked ends the case, also if the script handles the failure.
func (k *fakes) unmocked(kind string, err error) error {
	k.f.wrong(err)
	return &module.Failure{Kind: "refused", Err: fmt.Errorf("a test asks no %s", kind)}
}

// failure gives what mock.fail(how) makes a backend fail with.
func (f failing) failure() error {
	kind, rest, _ := strings.Cut(f.how, ":")
	rest = strings.TrimSpace(rest)
	if kind == "dead" {
		kind = "refused"
	}
	if rest == "" {
		rest = "by mock.fail"
	}
	return &module.Failure{Kind: kind, Err: errors.New(rest)}
}
