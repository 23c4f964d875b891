package replay

import (
	"errors"
	"net/netip"

	"perilune/engine/acct"
	"perilune/engine/nas"
	"perilune/engine/server"
	"perilune/policy/backend"
	"perilune/policy/module"
)

// opened notes that scripts keep something from one request to the next.
type opened struct {
	backend.Backends
	state bool
}

// KV implements module.Backends.
func (o *opened) KV(name string, k module.KVOptions) (module.KV, error) {
	t, err := o.Backends.KV(name, k)
	if err == nil && !t.Remote() {
		o.state = true
	}
	return t, err
}

// Window implements module.Backends.
func (o *opened) Window(name string, k module.WindowOptions) (module.Window, error) {
	o.state = true
	return o.Backends.Window(name, k)
}

// world is what the module radius asks: nobody.
type world struct{ w *worker }

var errNobody = errors.New("nobody is asked in a replay")

// Sessions implements policy.Radius.
func (o world) Sessions(acct.Filter) []acct.Session {
	o.w.missed("the sessions of that time")
	return nil
}

// Count implements policy.Radius.
func (o world) Count(acct.Filter) int {
	o.w.missed("the sessions of that time")
	return 0
}

// Close implements policy.Radius.
func (o world) Close(_ string, done func(error)) {
	o.w.missed("the sessions of that time")
	done(errNobody)
}

// Dynamic implements policy.Radius.
func (o world) Dynamic(_ *server.DynamicQuestion, done func(server.DynamicAnswer)) {
	o.w.missed("the answer of a NAS")
	done(server.DynamicAnswer{Err: errNobody})
}

// Login implements policy.Radius.
func (o world) Login(_ *server.Login, done func(server.LoginAnswer)) {
	o.w.missed("the answer of a home server to radius.auth")
	done(server.LoginAnswer{Err: errNobody})
}

// Client implements policy.Radius.
func (o world) Client(a netip.Addr) *nas.Client { return o.w.gen.Clients.Lookup(a) }

// home says again what the home server has said.
func (w *worker) home(q *server.HomeQuestion) server.HomeAnswer {
	h := w.current.Home
	if h == nil || h.Name != q.Line.Name || h.Code != 0 && !h.Code.Answers(q.Code) {
		w.missed("the answer of the home servers of " + q.Line.Name)
		return server.HomeAnswer{Dead: true}
	}
	a := server.HomeAnswer{Code: h.Code, Dead: h.Result == "dead"}
	if err := readPairs(w.gen.Dictionary, &a.Attributes, h.Reply); err != nil {
		w.missed("a home server's " + err.Error())
	}
	if w.current.Asks != "" && h.Result == "challenge" {
		a.Attributes.Add(w.gen.Dictionary.Known.State.AnyTag(), []byte(w.current.Asks))
	}
	return a
}

// nas says again what the NAS has said.
func (w *worker) nas(q *server.NASQuestion) server.NASAnswer {
	n := w.current.NAS
	if n == nil || n.Name != q.Client {
		w.missed("the answer of the NAS " + q.Client)
		return server.NASAnswer{Dead: true}
	}
	a := server.NASAnswer{Code: n.Code, ErrorCause: n.Cause}
	if err := readPairs(w.gen.Dictionary, &a.Attributes, n.Reply); err != nil {
		w.missed("a NAS's " + err.Error())
	}
	return a
}
