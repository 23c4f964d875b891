package server

import "perilune/engine/proxy"

// wait hands a parked request to the recorder or the forwarder. The request belongs to that from here on.
func (c *Core) wait(r *Request, s *proxy.Sender) {
	switch r.pending {
	case waitRecord:
		c.record(r)
	case waitHome:
		c.forward(r, s)
	}
}

// resume goes on with a request once what it waited for has come. It may have to wait again: for another home
// server, or, accounting that a home server has answered, for its record.
func (c *Core) resume(r *Request) {
	waited := r.pending
	r.pending = waitNothing
	switch waited {
	case waitRecord:
		c.finishAccounting(r)
	case waitHome:
		c.returned(r)
	}
	if r.pending == waitNothing {
		c.conclude(r)
	}
}

// blocks reports whether what is left of a request may wait.
func (c *Core) blocks(r *Request) bool {
	p := r.Generation.Policy
	return r.way.external || p != nil && (r.pending == waitHome || p.Has(PhaseDone))
}

func (c *Core) sender() *proxy.Sender { return nil }

func (c *Core) repeat(x *proxy.Exchange, serial uint64) {}

// forwards decides after route whether the request goes to a home server: true means that it waits for one, or
// is decided.
func (c *Core) forwards(r *Request) bool { return false }

func (c *Core) forward(r *Request, s *proxy.Sender) { r.resume() }

// returned goes on with a request that a home server has answered, or that none did.
func (c *Core) returned(r *Request) {}
