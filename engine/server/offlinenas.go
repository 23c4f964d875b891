package server

import (
	"errors"

	"perilune/engine/dictionary"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A NASQuestion is a CoA- or Disconnect-Request as a NAS of an Offline receives it.
type NASQuestion struct {
	Client     string // the NAS's name in the clients file, or the realm's that is to pass the request on
	Code       radius.Code
	Attributes dictionary.List // in clear text
}

// A NASAnswer is what the NAS of an Offline does.
type NASAnswer struct {
	Code       radius.Code // of its answer; 0: none comes
	ErrorCause uint32      // of a NAK; 0: none
	Attributes dictionary.List
	Dead       bool // nothing can be sent there
}

// errNoNAS: an Offline without a NAS.
var errNoNAS = errors.New("no NAS is asked here")

// tell takes a request to the NAS.
func (o *Offline) tell(x *dynamic, q *DynamicQuestion) {
	a := &x.answer
	if o.NAS == nil {
		a.outcome, a.Err = proxy.AllDead, errNoNAS
		return
	}
	asked := &NASQuestion{Client: a.Client, Code: q.Code}
	x.pairs.CopyTo(&asked.Attributes)
	answer := o.NAS(asked)
	switch {
	case answer.Dead:
		x.Outcome = proxy.AllDead
		a.Err = x.failure()
	case answer.Code == 0:
		x.Outcome, x.Attempts = proxy.Timeout, 1
		a.Err = x.failure()
	default:
		x.Outcome, x.Attempts = proxy.Answered, 1
		a.Code, a.ErrorCause = answer.Code, answer.ErrorCause
		answer.Attributes.CopyTo(&a.Attributes)
		a.addCause(x.generation.Dictionary)
	}
	a.outcome, a.Attempts = x.Outcome, x.Attempts
}

// addCause puts ErrorCause into the attributes.
func (a *DynamicAnswer) addCause(d *dictionary.Dictionary) {
	attr := d.ByNumber(byte(radius.TypeErrorCause))
	if a.ErrorCause != 0 && a.Attributes.Count(attr.AnyTag()) == 0 {
		a.Attributes.Add(attr.AnyTag(), []byte{byte(a.ErrorCause >> 24), byte(a.ErrorCause >> 16), byte(a.ErrorCause >> 8), byte(a.ErrorCause)})
	}
}

// Dynamic is Core.Dynamic with the NAS of the Offline; done is called before it is back.
func (o *Offline) Dynamic(g *Generation, q *DynamicQuestion, done func(DynamicAnswer)) {
	o.core.Dynamic(g, q, done)
}

// Sessions gives the sessions that the Offline's own accounting requests have made.
func (o *Offline) Sessions() Sessions { return o.core.sessions }

// CloseSession is Core.CloseSession.
func (o *Offline) CloseSession(unique string, done func(error)) { o.core.CloseSession(unique, done) }

// Login is Core.Login with the home server of the Offline; done is called before it is back.
func (o *Offline) Login(g *Generation, q *Login, done func(LoginAnswer)) {
	d := g.Dictionary
	if g.Realms == nil || g.Realms.Line(q.Pool) == nil || len(g.Realms.Line(q.Pool).Servers) == 0 {
		done(LoginAnswer{Err: errors.New("the realms file has no home servers " + q.Pool)})
		return
	}
	line := g.Realms.Line(q.Pool)
	asked := &HomeQuestion{Line: line, Server: line.Servers[0].Name, Code: radius.CodeAccessRequest}
	asked.Attributes.Add(d.Known.UserName.AnyTag(), []byte(q.User))
	asked.Attributes.Add(d.Known.UserPassword.AnyTag(), []byte(q.Password))
	if o.Home == nil {
		done(LoginAnswer{Err: errors.New("no home server is asked here")})
		return
	}
	switch a := o.Home(asked); {
	case a.Dead:
		done(LoginAnswer{Err: errors.New("dead")})
	case a.Code == 0:
		done(LoginAnswer{Late: true, Err: errors.New(asked.Server + " has not answered")})
	default:
		message, _ := a.Attributes.First(d.Known.ReplyMessage)
		done(LoginAnswer{Code: a.Code, Message: string(message)})
	}
}
