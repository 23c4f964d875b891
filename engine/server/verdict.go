package server

import (
	"bytes"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/users"
)

// A Kind is what a verdict decides.
type Kind uint8

// The kinds. Discard is no reply by rule; Drop is no reply for want of a backend or of room.
const (
	Accept Kind = iota + 1
	Authenticated
	Reject
	Challenge
	Proxy
	HandleLocally
	Discard
	Drop
)

// String gives the name as Lua and the log spell it.
func (k Kind) String() string {
	return [...]string{"", "accept", "authenticated", "reject", "challenge", "proxy", "handle_locally", "discard", "drop"}[k]
}

// An Assignment is one attribute of a verdict: it replaces what the reply holds under that name. Append
// keeps what is there (later items of an interleaved list of the same name).
type Assignment struct {
	Ref    dictionary.Ref
	Value  []byte
	Append bool
}

// A Verdict ends its phase. It is immutable and may be returned for many requests. nil is no opinion.
type Verdict struct {
	Kind       Kind
	Reason     string // for log and trace, never sent
	Attributes []Assignment

	Delay    time.Duration // reject: instead of the configured delay, if HasDelay
	HasDelay bool

	Next    string        // challenge (and accept): the answer handler of the next round
	State   []byte        // plain data of the script, encoded by the policy; sealed by the server
	Timeout time.Duration // of the sealed State
	Echo    bool          // Prompt = Echo

	NoRecord   bool   // accounting: answer without the recorders
	ErrorCause uint32 // CoA NAK
	Realm      string // proxy: found as the realm of a user name is; "" if Pool or Client says where to
	Pool       string // proxy: a line of the realms file by its name
	Client     string // proxy in coa: the NAS to send to, by its name in the clients file
	Strip      int8   // proxy, handle_locally: 0 as the realm says, 1 yes, -1 no

	Hook   string // the handler that decided: file:line, or its name
	Failed bool   // made by on_error or on_timeout, not returned by a script
}

// apply makes a verdict of the policy count. Authenticated and HandleLocally leave the request undecided.
func (c *Core) apply(r *Request, v *Verdict) {
	if v.Hook != "" {
		r.Hook = v.Hook
	}
	r.Trace.verdict(v)
	switch v.Kind {
	case Accept:
		r.assign(v)
		c.accept(r)
		c.continued(r, v)
	case Authenticated:
		r.assign(v)
		r.way.settled = true
	case Reject:
		r.Reply.Reset()
		r.assign(v)
		r.ruled(v, Reject)
		r.hold(v)
	case Challenge:
		c.challenge(r, v)
	case Proxy, HandleLocally:
		r.way.routed = v
	case Discard, Drop:
		r.ruled(v, v.Kind)
	}
}

// assign puts the attributes of a verdict into the reply, in the order written.
func (r *Request) assign(v *Verdict) {
	for i := range v.Attributes {
		a := &v.Attributes[i]
		if a.Append {
			r.Reply.Add(a.Ref, a.Value)
		} else {
			r.Reply.Set(a.Ref, a.Value)
		}
	}
}

// ruled sets what a verdict of a script leaves in log and counters.
func (r *Request) ruled(v *Verdict, k Kind) {
	r.Verdict, r.Reason = k, v.Reason
	switch {
	case v.Failed:
		r.Cause = ReasonHookFailed
	case k == Drop:
		r.Cause = ReasonBackend
	default:
		r.Cause = ReasonHook
	}
	if v.Reason == "" {
		r.Reason = r.Cause.String()
	} else if known := reasonNamed(v.Reason); known != ReasonNone {
		r.Cause = known
	}
}

// hold sets how long a reject waits.
func (r *Request) hold(v *Verdict) {
	r.Delay = r.Generation.Settings.RejectDelay
	if v != nil && v.HasDelay {
		r.Delay = v.Delay
	}
}

// challenge asks for another round. Its list is emptied first, like a reject's.
func (c *Core) challenge(r *Request, v *Verdict) {
	r.Reply.Reset()
	r.assign(v)
	if prompt := r.Generation.Dictionary.Known.Prompt; v.Echo && prompt != nil { // RFC 2869 s5.10
		r.Reply.Set(prompt.AnyTag(), []byte{0, 0, 0, 1})
	}
	r.Verdict, r.Reason = Challenge, v.Reason
	c.continued(r, v)
}

// continued seals the State of a verdict that names a next round. What does not fit is the hook's failure.
func (c *Core) continued(r *Request, v *Verdict) {
	if v.Next == "" || r.Verdict != Accept && r.Verdict != Challenge {
		return
	}
	if err := c.sealState(r, v); err != nil {
		c.warn(r, err.Error())
		r.Reply.Reset()
		r.refuse(Reject, ReasonHookFailed)
		r.hold(nil)
	}
}

// strip takes the realm, the part after the last `@`, off the name.
func (r *Request) strip() {
	name := r.User()
	at := bytes.LastIndexByte(name, '@')
	if at <= 0 {
		return
	}
	r.Attributes.Set(r.Generation.Dictionary.Known.UserName.AnyTag(), name[:at])
	r.renamed()
}

// reject refuses natively. Its list is built anew from the Reply-Messages of the matched rule and the text
// for the reason: what handlers and rules added for the accept must not leak. Under a rule of the GNU dialect
// they stay only if the rule itself rejects, as there; so nothing tells a wrong password from an unknown name.
func (c *Core) reject(r *Request, why Reason) {
	r.refuse(Reject, why)
	r.hold(nil)
	c.failureTrigger(r, why)
	if !why.restricts() {
		r.Reply.Reset() // a text may name what an accept would have said, but not to those without the password
	}
	text := r.expand(r.Generation.Settings.Texts.of(why, r.way.limit))
	r.Reply.Reset()
	message := r.Generation.Dictionary.Known.ReplyMessage.AnyTag()
	if why == ReasonDenied || r.ruleDialect() != users.GNU {
		for i := range r.way.messages.Pairs {
			r.Reply.Add(message, r.way.messages.Pairs[i].Value)
		}
	}
	r.say(text)
}

func (r *Request) ruleDialect() users.Dialect {
	if rules := r.way.query.Rules; len(rules) > 0 {
		return rules[len(rules)-1].Dialect
	}
	return users.Infer
}
