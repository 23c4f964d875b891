package server

import "perilune/engine/radius"

// accounting is the way of an Accounting-Request: hints, huntgroups, route, accounting, then the recorder.
// The answer waits until the record cannot be lost any more (RFC 2866 s2: no answer to what was not
// recorded).
func (c *Core) accounting(r *Request) {
	if !c.identify(r) {
		return
	}
	for _, p := range [...]Phase{PhaseHints, PhaseHuntgroups, PhaseRoute} {
		if c.accountingPhase(p, r) {
			return
		}
		if p == PhaseHints && r.way.asked {
			if c.hintPrograms(r) {
				return
			}
			r.renamed()
		}
	}
	if c.forwards(r) {
		return
	}
	c.account(r)
}

// account is what follows route, or the answer of the home server: the accounting phase, then the recorders.
func (c *Core) account(r *Request) {
	if c.accountingPhase(PhaseAccounting, r) {
		return
	}
	r.way.external = r.runsExternal()
	switch {
	case c.late(r):
		r.refuse(Drop, ReasonExpired)
	case r.way.noRecord:
		c.finishAccounting(r)
	case c.recorder == nil:
		c.warn(r, "accounting is not answered: there is no place to record it")
		r.refuse(Drop, ReasonRecorder)
	default:
		c.prepareRecords(r)
	}
}

// accountingPhase runs one phase; true means that the request is decided. A reject of hints, huntgroups or
// route ends that phase alone: refusing access must not lose records.
func (c *Core) accountingPhase(p Phase, r *Request) bool {
	v := c.run(p, r)
	if v == nil || v.Kind == Reject && !v.Failed {
		return false
	}
	switch v.Kind {
	case Accept:
		if v.Hook != "" {
			r.Hook = v.Hook
		}
		r.assign(v)
		r.way.noRecord = v.NoRecord
	case Reject: // a failure: accounting knows no reject
		r.ruled(v, Drop)
	default:
		c.apply(r, v)
	}
	return r.Verdict != 0
}

// finishAccounting makes the answer to an accounting request whose record is durable, or none if it is not. It
// waits for Acct-Ext-Program, if there is one.
func (c *Core) finishAccounting(r *Request) {
	switch {
	case r.way.failure != nil:
		r.refuse(Drop, ReasonRecorder)
	case !r.way.external || c.external(r):
		c.stir(r)
		c.answerAccounting(r)
	}
}

func (c *Core) answerAccounting(r *Request) {
	r.Verdict = Accept
	if err := r.encode(radius.CodeAccountingResponse); err != nil {
		c.warn(r, "reply cannot be sent: "+err.Error())
		r.refuse(Drop, ReasonTooLong)
	}
}
