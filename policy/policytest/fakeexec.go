package policytest

import (
	"context"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy"
	"perilune/policy/module"
)

// Exec implements module.Backends.
func (k *fakes) Exec() module.Exec { return fakeExec{k} }

// A fakeExec is what mock.exec answers.
type fakeExec struct{ *fakes }

// Run implements module.Exec.
func (x fakeExec) Run(_ context.Context, q *module.ExecRequest) (*module.ExecResult, error) {
	call := strings.Join(q.Args, " ")
	answer, err := x.ask("exec", "", call, x.shown(q))
	if err != nil {
		return nil, err
	}
	r, err := execResult(answer)
	if err != nil {
		return nil, x.unmocked("exec", fmt.Errorf("mock.exec: %s: %w", call, err))
	}
	return r, nil
}

// shown gives a run as m:calls() and functions of a mock see it.
func (x fakeExec) shown(q *module.ExecRequest) lua.LValue {
	l := x.f.calling
	t, args := l.NewTable(), l.NewTable()
	for _, a := range q.Args[1:] {
		args.Append(lua.LString(a))
	}
	t.RawSetString("path", lua.LString(q.Args[0]))
	t.RawSetString("args", args)
	if q.Stdin != nil {
		t.RawSetString("stdin", lua.LString(q.Stdin))
	}
	return t
}

// execResult reads {status=, stdout=, stderr=}.
func execResult(v lua.LValue) (*module.ExecResult, error) {
	r := &module.ExecResult{}
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("got a %s, expected {status=0, stdout=\"…\"} or mock.fail", v.Type())
	}
	return r, policy.Each(t, func(k, v lua.LValue) error {
		text, isText := v.(lua.LString)
		switch key := k.String(); key {
		case "status":
			n, ok := v.(lua.LNumber)
			if !ok || n < 0 || n > 255 || n != lua.LNumber(int(n)) {
				return fmt.Errorf("status is %v, expected 0 to 255", v)
			}
			r.Status = int(n)
			return nil
		case "stdout":
			r.Stdout = []byte(text)
		case "stderr":
			r.Stderr = []byte(text)
		default:
			return fmt.Errorf("no field %q; expected status, stdout or stderr", key)
		}
		if !isText {
			return fmt.Errorf("%s is a %s, expected text", k, v.Type())
		}
		return nil
	})
}
