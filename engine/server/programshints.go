package server

// hintPrograms runs the Exec-Program-Wait that the hints handlers have put into control. What they print joins the
// request by additivity, whatever their exit status (GNU Radius). It is true if the request is decided: there was
// no time or room for a program, and what it would have said may matter.
func (c *Core) hintPrograms(r *Request) bool {
	for _, cmd := range r.commands(&r.Control, r.Generation.prepare().orders.wait) {
		if c.dry && cmd.err == nil {
			r.wouldRun(cmd)
			continue
		}
		e := c.execute(r, cmd)
		c.tell(r, cmd, &e)
		if why := e.drops(); why != ReasonNone {
			r.refuse(Drop, why)
			return true
		}
		if e.err != nil {
			continue
		}
		said := &r.way.scratch
		said.Reset()
		c.readOutput(r, cmd, e.output, said)
		r.mergeOutput(said, &r.Attributes, "request")
	}
	return false
}
