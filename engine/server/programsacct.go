package server

// external runs the Acct-Ext-Program of an accounting request, which hints have put into the request or into
// control. The record is durable already: a program that fails takes away the answer, so that the NAS tries again,
// and never the record. It is false if the request is decided.
func (c *Core) external(r *Request) bool {
	a := r.Generation.prepare().orders.acct
	for _, cmd := range append(r.commands(&r.Attributes, a), r.commands(&r.Control, a)...) {
		if c.dry && cmd.err == nil {
			r.wouldRun(cmd)
			continue
		}
		e := c.execute(r, cmd)
		c.tell(r, cmd, &e)
		switch why := e.drops(); {
		case why != ReasonNone:
			r.refuse(Drop, why)
			return false
		case e.err != nil || e.status != 0:
			r.refuse(Drop, ReasonProgram)
			return false
		}
	}
	return true
}

// runsExternal reports whether an accounting request orders programs. Only a script can have put them there.
func (r *Request) runsExternal() bool {
	if !r.way.asked {
		return false
	}
	a := r.Generation.prepare().orders.acct
	if a == nil {
		return false
	}
	_, request := r.Attributes.First(a)
	_, control := r.Control.First(a)
	return request || control
}
