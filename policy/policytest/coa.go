package policytest

import (
	"fmt"
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/acct"
	"perilune/engine/nas"
	"perilune/engine/radius"
	"perilune/engine/server"
	"perilune/policy"
	"perilune/policy/sandbox"
)

// mockCoA is mock.coa(answer): all NASes, for CoA- and Disconnect-Requests.
func (f *file) mockCoA(l *lua.LState) int {
	f.running(l, "mock.coa")
	answer := l.Get(1)
	if _, isFunction := answer.(*lua.LFunction); !isFunction {
		if _, err := f.nasAnswer(answer, radius.CodeCoARequest); err != nil {
			sandbox.RaiseMisuse(l, "mock.coa: %s", err)
		}
	}
	f.coa = f.newMock(l, "mock.coa", answer)
	return 1
}

// nas answers CoA- and Disconnect-Requests of the case, from radius and those that are passed on.
func (f *file) nas(q *server.NASQuestion) server.NASAnswer {
	if f.coa == nil {
		f.wrong(fmt.Errorf("a %v was sent to %s, and mock.coa answers none in this case", q.Code, q.Client))
		return server.NASAnswer{Dead: true}
	}
	value, err := f.coa.call(f.calling, f.told(q))
	var a server.NASAnswer
	if err == nil {
		a, err = f.nasAnswer(value, q.Code)
	}
	if err != nil {
		f.wrong(fmt.Errorf("mock.coa: %w", err))
		return server.NASAnswer{Dead: true}
	}
	return a
}

// told gives the packet as a NAS has it: an attribute list, its code, and the client's name.
func (f *file) told(q *server.NASQuestion) lua.LValue {
	return f.bench.List(&q.Attributes, func(name string) lua.LValue {
		switch name {
		case "code":
			return lua.LString(q.Code.String())
		case "client", "nas":
			return lua.LString(q.Client)
		}
		return nil
	})
}

// nasAnswer reads what a mock gives: accept{} for ACK, reject{error_cause=} for NAK, drop{} or mock.fail for none; or
// the result that radius.coa gives, {ok=, error_cause=}, or its ok alone.
func (f *file) nasAnswer(v lua.LValue, code radius.Code) (a server.NASAnswer, err error) {
	ack, nak := code+1, code+2
	switch v := v.(type) {
	case lua.LBool:
		a.Code = nak
		if v {
			a.Code = ack
		}
		return a, nil
	case *lua.LTable:
		return f.nasResult(v, ack, nak)
	case *lua.LUserData:
		if fail, ok := v.Value.(failing); ok {
			return server.NASAnswer{Dead: fail.how == "dead"}, nil
		}
	}
	out := f.bench.Verdict(v)
	switch {
	case out == nil:
		return a, fmt.Errorf("got a %s, expected accept{}, reject{error_cause=…}, drop{} or mock.fail", v.Type())
	case out.Kind == server.Accept:
		a.Code = ack
	case out.Kind == server.Reject:
		a.Code, a.ErrorCause = nak, out.ErrorCause
	case out.Kind != server.Drop && out.Kind != server.Discard:
		return a, fmt.Errorf("%s{} is no answer to %v", out.Kind, code)
	}
	for i := range out.Attributes {
		a.Attributes.Add(out.Attributes[i].Ref, out.Attributes[i].Value)
	}
	return a, nil
}

// nasResult reads {ok=, error_cause=}.
func (f *file) nasResult(t *lua.LTable, ack, nak radius.Code) (a server.NASAnswer, err error) {
	a.Code = nak
	err = policy.Each(t, func(k, v lua.LValue) error {
		switch k.String() {
		case "ok":
			if lua.LVAsBool(v) {
				a.Code = ack
			}
			return nil
		case "error_cause":
			octets, err := f.bench.Encode("Error-Cause", v)
			if err == nil && len(octets) == 4 {
				a.ErrorCause = uint32(octets[0])<<24 | uint32(octets[1])<<16 | uint32(octets[2])<<8 | uint32(octets[3])
			}
			return err
		}
		return fmt.Errorf("no field %q; expected ok or error_cause", k.String())
	})
	return a, err
}

// A world is what the module radius asks in a case: the sessions that the case's accounting has made, and mocks.
type world struct{ f *file }

// Sessions implements module.Radius.
func (w world) Sessions(o acct.Filter) []acct.Session { return w.f.offline.Sessions().Select(o) }

// Count implements module.Radius.
func (w world) Count(o acct.Filter) int { return w.f.offline.Sessions().Count(o) }

// Close implements module.Radius.
func (w world) Close(unique string, done func(error)) { w.f.offline.CloseSession(unique, done) }

// Dynamic implements module.Radius.
func (w world) Dynamic(q *server.DynamicQuestion, done func(server.DynamicAnswer)) {
	w.f.offline.Dynamic(w.f.gen, q, done)
}

// Login implements module.Radius.
func (w world) Login(q *server.Login, done func(server.LoginAnswer)) {
	w.f.offline.Login(w.f.gen, q, done)
}

// Client implements module.Radius.
func (w world) Client(addr netip.Addr) *nas.Client {
	if w.f.clients == nil {
		return nil
	}
	return w.f.clients.Lookup(addr)
}
