package policytest

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// A mock stands for a backend in one case. answer is a value, a function of the call, or what mock.fail gave.
type mock struct {
	answer lua.LValue
	calls  *lua.LTable
}

// A failing is what mock.fail gives: how a backend fails.
type failing struct{ how string }

// failures are the words of mock.fail; "status: 503" and its like are of http.
var failures = []string{"timeout", "dead", "refused", "breaker"}

// mockTable makes the global mock.
func (f *file) mockTable(l *lua.LState) *lua.LTable {
	return l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
		"pool": f.mockPool, "coa": f.mockCoA, "fail": mockFail,
		"http": f.mockBackend("http"), "sql": f.mockBackend("sql"), "ldap": f.mockBackend("ldap"), "exec": f.mockBackend("exec"),
	})
}

// mockFail is mock.fail(how).
func mockFail(l *lua.LState) int {
	how := sandbox.CheckString(l, 1)
	for _, known := range failures {
		if how == known {
			l.Push(&lua.LUserData{Value: failing{how}, Env: l.G.Global})
			return 1
		}
	}
	sandbox.RaiseMisuse(l, `mock.fail: got %q, expected "timeout" or "dead"`, how)
	return 0
}

// newMock makes a mock and its Lua value, which has calls.
func newMock(l *lua.LState, answer lua.LValue) (*mock, *lua.LTable) {
	m := &mock{answer: answer, calls: l.NewTable()}
	value := l.NewTable()
	value.RawSetString("calls", l.NewFunction(func(l *lua.LState) int {
		list := l.NewTable()
		for i := 1; i <= m.calls.Len(); i++ {
			list.Append(m.calls.RawGetInt(i))
		}
		l.Push(list)
		return 1
	}))
	return m, value
}

// call notes a call and gives the answer to it.
func (m *mock) call(l *lua.LState, arg lua.LValue) (lua.LValue, error) {
	m.calls.Append(arg)
	fn, ok := m.answer.(*lua.LFunction)
	if !ok {
		return m.answer, nil
	}
	top := l.GetTop()
	l.Push(fn)
	l.Push(arg)
	if err := l.PCall(1, 1, nil); err != nil {
		l.SetTop(top)
		return nil, errors.New(raised(err))
	}
	answer := l.Get(-1)
	l.SetTop(top)
	return answer, nil
}
