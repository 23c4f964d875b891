package policytest

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/proxy"
	"perilune/engine/raddb"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy/sandbox"
)

// mockPool is mock.pool(name, answer): the home servers of a realm, or of a line of the realms file.
func (f *file) mockPool(l *lua.LState) int {
	name, answer := sandbox.CheckString(l, 1), l.Get(2)
	f.running(l, "mock.pool")
	key, err := f.poolKey(name)
	if err != nil {
		sandbox.RaiseMisuse(l, "mock.pool: %s", err)
	}
	if _, isFunction := answer.(*lua.LFunction); !isFunction {
		if _, err := f.homeAnswer(answer, radius.CodeAccessRequest); err != nil {
			sandbox.RaiseMisuse(l, "mock.pool: %s", err)
		}
	}
	f.pools[key] = f.newMock(l, "mock.pool "+name, answer)
	return 1
}

// poolKey gives the line of the realms file that has the name, or the realm in lower case if it is one of
// DEFAULT's; an error if nothing is sent on by that name.
func (f *file) poolKey(name string) (string, error) {
	realms := f.gen.Realms
	if realms == nil || realms.Len() == 0 {
		return "", errors.New("the realms file has no lines, so nothing is sent on")
	}
	line, key := realms.Line(name), strings.ToLower(name)
	if line != nil {
		key = line.Name
	} else if line = realms.Default; line == nil {
		return "", fmt.Errorf("the realms file has no line %q%s", name, raddb.DidYouMean(name, realmNames(realms)))
	}
	if line.Local {
		return "", fmt.Errorf("%s is LOCAL in the realms file", line.Name)
	}
	return key, nil
}

func realmNames(realms *proxy.Realms) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, r := range realms.All() {
			if !yield(r.Name) {
				return
			}
		}
	}
}

// home answers what a case's requests are sent on with.
func (f *file) home(q *server.HomeQuestion) server.HomeAnswer {
	m := f.pools[q.Line.Name]
	if own := f.pools[q.Realm]; own != nil && q.Line.Name == proxy.DefaultRealm {
		m = own
	}
	if m == nil {
		f.wrong(fmt.Errorf("the request was sent on to %s, which mock.pool does not answer in this case", q.Line.Name))
		return server.HomeAnswer{Dead: true}
	}
	value, err := m.call(f.calling, f.forwarded(q))
	var a server.HomeAnswer
	if err == nil {
		a, err = f.homeAnswer(value, q.Code)
	}
	if err != nil {
		f.wrong(fmt.Errorf("mock.pool %s: %w", q.Line.Name, err))
		return server.HomeAnswer{Dead: true}
	}
	return a
}

// wrong ends the case, also if it catches what send raises.
func (f *file) wrong(err error) {
	if f.astray == nil {
		f.astray = err
	}
}

// forwarded gives the packet as a home server has it: an attribute list, its code, and where it went.
func (f *file) forwarded(q *server.HomeQuestion) lua.LValue {
	return f.bench.List(&q.Attributes, func(name string) lua.LValue {
		switch name {
		case "code":
			return lua.LString(q.Code.String())
		case "pool":
			return lua.LString(q.Line.Name)
		case "server":
			return lua.LString(q.Server)
		}
		return nil
	})
}

// homeAnswer reads what a mock gives: a verdict as the reply, or how it fails.
func (f *file) homeAnswer(v lua.LValue, code radius.Code) (server.HomeAnswer, error) {
	if ud, ok := v.(*lua.LUserData); ok {
		if fail, ok := ud.Value.(failing); ok {
			return server.HomeAnswer{Dead: fail.how == "dead"}, nil
		}
	}
	out := f.bench.Verdict(v)
	if out == nil {
		return server.HomeAnswer{}, fmt.Errorf("got a %s, expected accept{}, reject{}, challenge{}, drop{} or mock.fail", v.Type())
	}
	a := server.HomeAnswer{Code: replyCode(out.Kind, code)}
	if a.Code == 0 && out.Kind != server.Drop && out.Kind != server.Discard {
		return a, fmt.Errorf("%s{} is no answer to %s", out.Kind, code)
	}
	for i := range out.Attributes {
		at := &out.Attributes[i]
		if at.Append {
			a.Attributes.Add(at.Ref, at.Value)
		} else {
			a.Attributes.Set(at.Ref, at.Value)
		}
	}
	return a, nil
}

// replyCode gives the code of a home server's verdict, 0 for none.
func replyCode(k server.Kind, request radius.Code) radius.Code {
	switch {
	case request == radius.CodeAccountingRequest && k == server.Accept:
		return radius.CodeAccountingResponse
	case request != radius.CodeAccessRequest:
		return 0
	case k == server.Accept:
		return radius.CodeAccessAccept
	case k == server.Reject:
		return radius.CodeAccessReject
	case k == server.Challenge:
		return radius.CodeAccessChallenge
	}
	return 0
}
