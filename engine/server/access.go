package server

import (
	"encoding/binary"
	"fmt"
	"log/slog"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// access is the way of an Access-Request: decide, then the `reply` phase, then encode.
func (c *Core) access(r *Request) {
	if !c.identify(r) {
		return
	}
	c.takeState(r)
	if r.Verdict == 0 && !c.before(r) {
		c.local(r)
	}
	if r.pending != waitNothing {
		return
	}
	c.settle(r)
	c.closeAccess(r)
}

// closeAccess makes the answer to an Access-Request that is decided.
func (c *Core) closeAccess(r *Request) {
	if r.answers() && c.late(r) {
		r.refuse(Drop, ReasonExpired)
	}
	r.countGuess()
	if r.answers() {
		c.replyPhase(r)
	}
	c.settleFleet(r)
	if r.answers() {
		c.encodeAccess(r)
	}
	r.unbook()
	if r.way.ticket.held && r.way.ticket.fleet == nil {
		c.tries.settle(r.way.ticket.serial, r.Verdict)
	}
	c.tellNoise(r)
	c.tellKeyless(r)
	r.conceal()
	if r.Verdict == Challenge && r.way.home == 0 && c.silence.challenged(r.Client.Name) {
		c.warn(r, "no challenge was ever answered: the client may take challenges for a failure and turn to its next server")
	}
}

// answers reports whether the verdict so far is one that is sent.
func (r *Request) answers() bool { return r.Verdict != Discard && r.Verdict != Drop }

// settle takes an accept through what limits it and what depends on it, whoever gave it.
func (c *Core) settle(r *Request) {
	if r.Verdict == Accept {
		c.restrict(r)
	}
	if r.Verdict == Accept {
		c.replaceName(r)
		c.computeValues(r)
	}
	if r.Verdict == Accept {
		r.copyAddress()
		c.execWait(r)
	}
	if r.Verdict == Accept {
		r.dropForCallback()
		r.capSession()
		c.warnOfExpiry(r)
	}
}

// before runs the phases that all requests take: hints, the name check, huntgroups, answer, route. true
// means that the request is decided.
func (c *Core) before(r *Request) bool {
	if c.phase(PhaseHints, r) {
		return true
	}
	if r.way.asked {
		if c.hintPrograms(r) {
			return true
		}
		r.renamed()
	}
	c.detailAuth(r)
	if c.badName(r) {
		return true
	}
	if c.phase(PhaseHuntgroups, r) {
		return true
	}
	if r.Round != nil {
		c.localRealm(r)
	}
	if c.answer(r) || r.way.settled {
		return r.Verdict != 0
	}
	return c.route(r)
}

// phase runs a phase and applies its verdict. true means that the request is decided.
func (c *Core) phase(p Phase, r *Request) bool {
	v := c.run(p, r)
	if v == nil {
		return false
	}
	c.apply(r, v)
	return r.Verdict != 0
}

// answer is the phase of that name: a State of ours goes to its handler in place of authorize, users file
// and authentication.
func (c *Core) answer(r *Request) bool {
	if r.way.bad {
		c.reject(r, ReasonState)
		return true
	}
	if r.Round == nil {
		return false
	}
	if r.Generation.Policy == nil {
		c.reject(r, ReasonChallengeGone)
		return true
	}
	r.way.asked, r.way.guess.asked = true, true
	r.Trace.Enter(PhaseAnswer.String())
	v, found := r.runner().Answer(r)
	if !found || v == nil {
		c.reject(r, ReasonChallengeGone)
		return true
	}
	c.apply(r, c.permit(PhaseAnswer, r, v))
	return r.Verdict != 0
}

// route asks where the request goes: the handlers, then the realms file.
func (c *Core) route(r *Request) bool {
	r.Trace.Enter(PhaseRoute.String())
	return c.phase(PhaseRoute, r) || c.forwards(r) || c.undecidable(r)
}

// undecidable refuses what cannot be answered here.
func (c *Core) undecidable(r *Request) bool {
	// RFC 2865 s5.24: State comes back unmodified. One that is not ours belongs to somebody else, who is not
	// asked here. EAP keeps its conversations by State and looks itself.
	if r.seen.state && r.Round == nil && r.Method != "eap" {
		c.reject(r, ReasonState)
		return true
	}
	return c.authorizeOnly(r)
}

// authorizeOnly refuses Service-Type Authorize-Only without State (RFC 5080 s2.1.1).
func (c *Core) authorizeOnly(r *Request) bool {
	const authorizeOnly = 17
	v, ok := r.Attributes.First(r.Generation.Dictionary.Known.ServiceType)
	if !ok || len(v) != 4 || binary.BigEndian.Uint32(v) != authorizeOnly || r.seen.state {
		return false
	}
	c.reject(r, ReasonAuthorizeOnly)
	return true
}

// local decides a request that is answered here: authorize, users file, authenticate.
func (c *Core) local(r *Request) {
	if !r.way.settled && c.phase(PhaseAuthorize, r) {
		if r.Verdict == Accept { // without any native look at a password: shown and counted apart
			r.Cause = ReasonHookAccept
			r.Notes = append(r.Notes, Note{"auth", "hook"})
		}
		return
	}
	known := c.match(r)
	r.copyAuthData()
	if r.Verdict != 0 {
		return
	}
	if r.way.settled {
		c.settledByHook(r)
		return
	}
	c.authenticate(r, known)
}

// match asks the users file. It reports whether the user is known: there, or because a handler has given a
// password or an Auth-Type, as may a BEGIN entry; what else that gives makes nobody known.
func (c *Core) match(r *Request) bool {
	t := r.Generation.Users
	if t == nil {
		return r.Generation.prepare().supplies(&r.Control)
	}
	before := len(r.Reply.Pairs)
	q := &r.way.query
	q.Name, q.Request, q.Control, q.Reply = r.User(), &r.Attributes, &r.Control, &r.Reply
	q.Host, q.Now, q.Watch = (*host)(r), r.Arrival, nil
	var watch *ruleWatch
	if r.Trace != nil {
		watch = r.watchRules()
		q.Watch = watch
	}
	t.Match(q)
	if watch != nil {
		watch.ended()
	}
	r.keepMessages(before)
	c.tellExpansions(r, q)
	if r.way.decided != nil {
		c.apply(r, c.permit(PhaseAuthorize, r, r.way.decided))
	} else if q.Err != nil {
		c.reject(r, ReasonEncode)
	}
	return q.Found || r.Generation.prepare().supplies(&r.Control)
}

// tellExpansions logs the texts of a matched rule that could not be made: the pair is missing, or the whole
// request fails.
func (c *Core) tellExpansions(r *Request, q *users.Query) {
	for i := range q.Dropped {
		d := &q.Dropped[i]
		c.warn(r, "a value of a users entry could not be made and is left out",
			slog.String("rule", fmt.Sprintf("%s:%d", d.Rule.File, d.Rule.Line)), slog.String("attribute", d.Attr.Name), slog.String("why", d.Why))
	}
	if q.Err != nil {
		c.warn(r, "a value of a users entry has no room; the request is rejected", slog.String("rule", r.Rule()), slog.String("why", q.Err.Error()))
	}
}

// keepMessages remembers the Reply-Messages of the matched rules, which stay in a reject.
func (r *Request) keepMessages(from int) {
	message := r.Generation.Dictionary.Known.ReplyMessage
	for i := min(from, len(r.Reply.Pairs)); i < len(r.Reply.Pairs); i++ {
		if p := &r.Reply.Pairs[i]; p.Attr == message && p.Tag != users.Deferred {
			r.way.messages.Add(message.AnyTag(), p.Value)
		}
	}
}

// settledByHook ends the way of a request whose identity a handler or a home server has proved: passwords
// and Auth-Types of the users file count nothing, but a blocked user stays blocked.
func (c *Core) settledByHook(r *Request) {
	n := r.Generation.prepare()
	for i := range r.Control.Pairs {
		p := &r.Control.Pairs[i]
		if p.Attr != n.authType {
			continue
		}
		switch n.auth(p.Value) {
		case authReject:
			c.reject(r, ReasonDenied)
			return
		case authIgnore:
			r.refuse(Discard, ReasonIgnored)
			return
		}
	}
	c.accept(r)
}

// accept lets in: so far. EAP has no success without its own rounds (RFC 3579 s2.6.3).
func (c *Core) accept(r *Request) {
	if r.seen.eap {
		c.reject(r, ReasonMethod)
		return
	}
	r.Verdict = Accept
}

// host answers for the policy what a users rule asks in the middle of a match.
type host Request

// Huntgroup implements users.Host.
func (h *host) Huntgroup(ref int) users.Truth {
	r := (*Request)(h)
	r.way.asked = true
	if r.way.decided != nil {
		return users.Unknown
	}
	truth, v := r.runner().Huntgroup(ref, r)
	r.way.decided = v
	return truth
}

// Rewrite implements users.Host.
func (h *host) Rewrite(ref int) bool {
	r := (*Request)(h)
	r.way.asked = true
	if r.way.decided == nil {
		r.way.decided = r.runner().Rewrite(ref, r)
	}
	return r.way.decided == nil
}

// computeValues puts the results of `=` values in their places, now that the password was good.
func (c *Core) computeValues(r *Request) {
	if !deferred(&r.Reply) {
		return
	}
	dst := &r.way.scratch
	dst.Reset()
	for i := range r.Reply.Pairs {
		p := r.Reply.Pairs[i]
		if p.Tag != users.Deferred {
			dst.Add(dictionary.Ref{Attr: p.Attr, Tag: int8(p.Tag)}, p.Value)
			continue
		}
		r.way.asked = true
		value, ok, v := r.runner().Evaluate(int(binary.BigEndian.Uint32(p.Value)), r, &p)
		if v != nil {
			c.apply(r, c.permit(PhaseAuthorize, r, v))
			return
		}
		if ok {
			dst.Add(dictionary.Ref{Attr: p.Attr, Tag: deferredTag(&p)}, value)
		}
	}
	r.swapReply()
}

// deferredTag gives the tag that the pair shall get: the octet behind the ref, if there is one.
func deferredTag(p *Pair) int8 {
	if len(p.Value) > 4 {
		return int8(p.Value[4])
	}
	return dictionary.AnyTag
}

func deferred(l *dictionary.List) bool {
	for i := range l.Pairs {
		if l.Pairs[i].Tag == users.Deferred {
			return true
		}
	}
	return false
}

// swapReply makes the list built in scratch the reply. It must not share values with the old one, whose
// memory is the next scratch.
func (r *Request) swapReply() { r.Reply, r.way.scratch = r.way.scratch, r.Reply }

// replyPhase runs the `reply` handlers, which only make the answer stricter.
func (c *Core) replyPhase(r *Request) {
	v := c.run(PhaseReply, r)
	if v != nil {
		c.apply(r, v)
	}
	if r.answers() && c.late(r) {
		r.refuse(Drop, ReasonExpired)
	}
}

// replyCode gives the code of the answer to an Access-Request.
func (k Kind) replyCode() radius.Code {
	switch k {
	case Accept:
		return radius.CodeAccessAccept
	case Challenge:
		return radius.CodeAccessChallenge
	}
	return radius.CodeAccessReject
}
