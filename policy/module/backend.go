package module

import (
	"context"
	"errors"
	"net"

	lua "github.com/yuin/gopher-lua"

	"perilune/policy/sandbox"
)

// Backends opens what stands behind the handles of http, sql, ldap, kv, window and exec. Scripts open handles while
// they load, once in each state: the same name with the same options gives the same thing. A name that the
// configuration does not have is an error with the nearest one. All is safe for use by many goroutines.
type Backends interface {
	// HTTP opens [backend.http.NAME], or what o describes where name is "".
	HTTP(name string, o *HTTPOptions) (HTTP, error)
	// SQL opens [backend.sql.NAME].
	SQL(name string) (SQL, error)
	// LDAP opens [backend.ldap.NAME].
	LDAP(name string) (LDAP, error)
	// KV opens a table; [backend.kv.NAME] says where it is kept, the process's memory without one.
	KV(name string, o KVOptions) (KV, error)
	// Window opens a sliding window of counts.
	Window(name string, o WindowOptions) (Window, error)
	// Exec runs the programs that [backend] programs lists.
	Exec() Exec
	// Metric opens a counter or a gauge.
	Metric(o MetricOptions) (Metric, error)
}

// A Failure is how a backend fails. Its text is what try_ functions give beside nil.
type Failure struct {
	Kind string // timeout, refused, busy, breaker or status
	Err  error

	// Answered says that the backend is well and has said no, as to a row whose key is taken: that is no reason to send the
	// NAS to another server, so that without try_ it raises as a fault does (on_error).
	Answered bool
}

// Error gives "timeout: …".
func (f *Failure) Error() string { return f.Kind + ": " + f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// AsFailure gives err as a Failure: one that it is already, else timeout or refused by its nature.
func AsFailure(err error) *Failure {
	var f *Failure
	var timeout net.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ErrBusy):
		return &Failure{Kind: "busy", Err: errors.New("too many requests are waiting")}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return &Failure{Kind: "timeout", Err: errors.New("no answer in the time that the handler has")}
	}
	return &Failure{Kind: "refused", Err: err}
}

// Misuse is an error of the script that only the backend can see, like a statement with too few arguments: it raises
// also from a try_ function.
type Misuse struct{ Err error }

// Error gives the cause's text.
func (m *Misuse) Error() string { return m.Err.Error() }

// A waiting function asks a backend. A nil value and no error: not found. It raises misuse itself, before it blocks.
type waiting func(l *lua.LState) (lua.LValue, error)

// waits gives a function that asks a backend, and its try_ form. of is the kind of value that both are methods of, ""
// for the module itself; signature is without the name: "(path [, options])".
func waits(in, of, name, signature, doc string, call waiting) []Function {
	return tried(in, of, name, signature, doc, func(name string) waiting { return told(in, name, call) })
}

// tried gives a function and its try_ form; call gives what each of both names does.
func tried(in, of, name, signature, doc string, call func(name string) waiting) []Function {
	owner := in + "."
	if of != "" {
		owner = of + ":"
	}
	form := func(name, doc string, try bool) Function {
		return Function{Module: in, Of: of, Name: name, Signature: owner + name + signature, Doc: doc, Waits: true, call: answering(in, try, call(name))}
	}
	return []Function{form(name, doc, false), form("try_"+name, name+" that gives nil and why instead of failing.", true)}
}

// answering gives what scripts call.
func answering(in string, try bool, call waiting) lua.LGFunction {
	return func(l *lua.LState) int {
		v, err := call(l)
		if err != nil {
			return gaveUp(l, in, err, try)
		}
		return pushed(l, v)
	}
}

// gaveUp raises a failure of a backend; with try, it gives nil and why.
func gaveUp(l *lua.LState, in string, err error, try bool) int {
	misused(l, in, err)
	f := AsFailure(err)
	switch {
	case try:
		return failed(l, f.Error())
	case f.Answered:
		sandbox.RaiseMisuse(l, "%s: %v", in, f)
	}
	sandbox.RaiseBackend(l, "%s: %v", in, f)
	return 0
}

// misused raises err if the script is to blame.
func misused(l *lua.LState, in string, err error) {
	var m *Misuse
	if errors.As(err, &m) {
		sandbox.RaiseMisuse(l, "%s: %v", in, m)
	}
}

// block runs work where nobody waits for it: the loop is given away, and the context ends with the handler.
func block[T any](l *lua.LState, work func(context.Context) (T, error)) (v T, err error) {
	s := sandbox.Of(l)
	if err := From(l).wait(); err != nil {
		return v, err
	}
	defer s.Waited()
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if d := s.Deadline(); !d.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, d)
	}
	defer cancel()
	if e := From(l); e.Context != nil {
		ctx = e.Context(ctx)
	}
	return work(ctx)
}

// backends gives what the module asks; what is opened is opened while scripts load.
func backends(l *lua.LState, what string) Backends {
	e := From(l)
	if e.Loading != nil && !e.Loading() {
		sandbox.RaiseMisuse(l, "%s: handles are opened while scripts load, not in a handler", what)
	}
	if e.Backends == nil {
		sandbox.RaiseMisuse(l, "%s: there are no backends here", what)
	}
	return e.Backends
}

// opened pushes a handle, or raises why there is none.
func opened(l *lua.LState, what string, handle any, meta *lua.LTable, err error) int {
	if err != nil {
		sandbox.RaiseMisuse(l, "%s: %v", what, err)
	}
	return pushed(l, &lua.LUserData{Value: handle, Metatable: meta})
}

// optionsOf reads the table of options that argument n must be. take gives an error for a value that it cannot
// take, unknownOption for a key that it does not know.
func optionsOf(l *lua.LState, n int, what string, take func(key string, v lua.LValue) error) {
	t := sandbox.CheckTable(l, n)
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		key, ok := k.(lua.LString)
		if !ok {
			sandbox.RaiseMisuse(l, "%s: the key %v is no option", what, k)
		}
		if err := take(string(key), v); err != nil {
			sandbox.RaiseMisuse(l, "%s: %v", what, err)
		}
	}
}
