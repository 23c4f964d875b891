package policytest

import (
	"errors"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/raddb"
	"perilune/policy/sandbox"
)

// A mock stands for a backend in one case. answer is a value, a function of the call, or what mock.fail gave.
type mock struct {
	answer lua.LValue
	calls  *lua.LTable
	at     raddb.Pos
	what   string // "mock.http otp", for people
	shared bool   // made by test.setup, so not for each case
	looked bool   // the case has asked for its calls
}

// A failing is what mock.fail gives: how a backend fails.
type failing struct{ how string }

// failures are the words of mock.fail; what some of them tell besides follows a colon, as in "status: 503".
var failures = []string{"timeout", "dead", "refused", "busy", "breaker", "status"}

// mockFail is mock.fail(how).
func mockFail(_ *file, l *lua.LState) int {
	how := sandbox.CheckString(l, 1)
	if word, _, _ := strings.Cut(how, ":"); !slices.Contains(failures, word) {
		sandbox.RaiseMisuse(l, `mock.fail: got %q%s; expected "timeout", "refused", "busy", "breaker", "dead" or "status: 503"`,
			how, raddb.DidYouMean(word, slices.Values(failures)))
	}
	l.Push(&lua.LUserData{Value: failing{how}, Env: l.G.Global})
	return 1
}

// newMock makes a mock and pushes its Lua value, which has calls.
func (f *file) newMock(l *lua.LState, what string, answer lua.LValue) *mock {
	m := &mock{answer: answer, calls: l.NewTable(), at: f.whereabouts(l), what: what, shared: f.settingUp}
	f.mocked = append(f.mocked, m)
	l.Push(&lua.LUserData{Value: m, Metatable: f.mocks})
	return m
}

// mockCalls is m:calls().
func mockCalls(_ *file, l *lua.LState) int {
	ud, _ := l.Get(1).(*lua.LUserData)
	if ud == nil {
		ud = &lua.LUserData{}
	}
	m, ok := ud.Value.(*mock)
	if !ok {
		sandbox.RaiseMisuse(l, "m:calls() is written with a colon")
	}
	m.looked = true
	list := l.NewTable()
	for i := 1; i <= m.calls.Len(); i++ {
		list.Append(m.calls.RawGetInt(i))
	}
	l.Push(list)
	return 1
}

// call notes a call and gives the answer to it.
func (m *mock) call(l *lua.LState, arg lua.LValue) (lua.LValue, error) {
	m.calls.Append(arg)
	return answerOf(l, m.answer, arg)
}

// answerOf gives an answer, or what the function that it is gives for a call.
func answerOf(l *lua.LState, answer, arg lua.LValue) (lua.LValue, error) {
	fn, ok := answer.(*lua.LFunction)
	if !ok {
		return answer, nil
	}
	top := l.GetTop()
	l.Push(fn)
	l.Push(arg)
	if err := l.PCall(1, 1, nil); err != nil {
		l.SetTop(top)
		return nil, errors.New(raised(err))
	}
	value := l.Get(-1)
	l.SetTop(top)
	return value, nil
}

// unused warns of mocks that the case has made for itself, which nobody has asked. Rows of test.each share theirs.
func (f *file) unused(c testCase) {
	if c.row != nil {
		return
	}
	for _, m := range f.mocked {
		if m.calls.Len() == 0 && !m.shared && !m.looked {
			f.warnings.Warnf(m.at, "test %q: %s is never asked", c.name, m.what)
		}
	}
}
