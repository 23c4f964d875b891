package server

import (
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/program"
)

// failureTrigger runs the Auth-Failure-Trigger of the matched rules after a wrong or missing password. Nobody waits
// for it, so that it does not tell by its time whether there is one. A throttled request starts none.
func (c *Core) failureTrigger(r *Request, why Reason) {
	switch why {
	case ReasonPassword, ReasonNoPassword, ReasonMethod:
		if r.mayRun() && !r.way.guess.throttled {
			c.aside(r, &r.Reply, r.Generation.prepare().orders.trigger)
		}
	}
}

// execAfter runs the Exec-Program of an accept that was sent.
func (c *Core) execAfter(r *Request) {
	if r.way.runsAfter && r.Verdict == Accept && len(r.out) > 0 {
		c.aside(r, &r.Reply, r.Generation.prepare().orders.after)
	}
}

// aside runs what a list orders under an attribute; nobody waits.
func (c *Core) aside(r *Request, l *dictionary.List, a *dictionary.Attribute) {
	for _, cmd := range r.commands(l, a) {
		switch set := r.Generation.programs(); {
		case cmd.err != nil:
			c.warn(r, a.Name+" is not run: "+cmd.err.Error())
		case c.dry:
			r.wouldRun(cmd)
		case set.settings.Trouble != nil:
			c.warn(r, a.Name+" is not run: "+set.settings.Trouble.Error())
		case cmd.filter != nil:
			c.askAside(r, cmd, set)
		default:
			c.runAside(r, cmd, set)
		}
	}
}

func (c *Core) runAside(r *Request, cmd *command, set *Programs) {
	path := cmd.name
	ok := c.programs.RunAside(r.job(cmd, set), set.settings.Timeout, func(res program.Result, err error) {
		c.endedAside(path, &ending{status: res.Exit, took: res.Took, err: err})
	})
	c.startedAside(r, cmd, ok)
}

func (c *Core) askAside(r *Request, cmd *command, set *Programs) {
	service := cmd.filter.auth
	if service == nil {
		c.warn(r, "the filter "+cmd.name+" has no part in authentication")
		return
	}
	name := cmd.name
	ok := c.programs.AskAside(set.filter(c.programs, service.spec), r.filterLine(service), set.settings.Timeout, func(status int, err error) {
		c.endedAside(name, &ending{status: status, err: err})
	})
	c.startedAside(r, cmd, ok)
}

// startedAside tells whether there was room.
func (c *Core) startedAside(r *Request, cmd *command, ok bool) {
	if !ok {
		c.warn(r, "program "+cmd.name+" is not run: too many wait already")
	}
	if r.Trace != nil && ok {
		r.Trace.Step("program " + cmd.text + ": started, and not waited for")
	}
}

// endedAside logs a failure, once a minute for each text.
func (c *Core) endedAside(name string, e *ending) {
	if e.err == nil && e.status == 0 {
		return
	}
	text := "program " + name + ", which nobody waits for: " + e.String()
	if c.seldom.allow("", text, c.now()) {
		c.log.Warn(text, "took", e.took.Round(time.Millisecond).String())
	}
}
