package proxy

import (
	"errors"
	"time"

	"perilune/engine/radius"
)

// Alone takes exchanges to home servers that are a function of this process: a request is made and an answer
// verified as by a Forwarder, without sockets, timers and health. It is for the tests of policies. It serves one
// goroutine at a time.
type Alone struct {
	forwarder *Forwarder
	sender    *Sender
	id        byte
}

// A HomeAnswer is what a home server of Alone does with a request.
type HomeAnswer struct {
	Packet []byte // signed; nil: nothing comes
	Dead   bool   // no home server of the realm is alive: nothing was sent, Packet is not looked at
}

// NewAlone gives an Alone with its own clock (nil: time.Now).
func NewAlone(now func() time.Time) *Alone {
	f := newForwarder(ForwarderOptions{Now: now})
	return &Alone{forwarder: f, sender: f.NewSender()}
}

// errForeign is what an answer without our Proxy-State, or with a code that answers something else, gets.
var errForeign = errors.New("proxy: the answer's code or its last Proxy-State is not that of an answer to this request")

// Exchange asks the first home server of the realm that the exchange's code goes to. It gives the outcome, never
// Pending, and does not call Done. home gets the packet as it would arrive, and a session with the secret.
func (a *Alone) Exchange(x *Exchange, home func(server *Server, request []byte, s *radius.Session) HomeAnswer) Outcome {
	x.begin(a.forwarder, a.forwarder.now())
	x.Outcome = a.exchange(x, home)
	x.Took = time.Duration(a.forwarder.now() - x.began)
	return x.Outcome
}

func (a *Alone) exchange(x *Exchange, ask func(*Server, []byte, *radius.Session) HomeAnswer) Outcome {
	if x.Received != nil && a.forwarder.marks.loops(x.Received.Attributes) {
		return Looped
	}
	server, at := x.server()
	if server == nil {
		return AllDead
	}
	if x.Err = x.encode(&home{identity: at}, a.sender); x.Err != nil {
		return Unsendable
	}
	a.id++
	x.id = a.id
	x.sign()
	var session radius.Session
	session.Use(at.secret)
	answer := ask(server, append([]byte(nil), x.out...), &session)
	if answer.Dead {
		return AllDead
	}
	x.Server, x.Address, x.Attempts = server.Name, at.address, 1
	if answer.Packet == nil {
		last := &x.Realm.Servers[len(x.Realm.Servers)-1]
		x.Server, x.Attempts = last.Name, len(x.Realm.Servers)*max(x.Realm.Retries, 1)
		return Timeout
	}
	if x.Err = x.take(answer.Packet); x.Err != nil {
		return Timeout
	}
	return Answered
}

// server gives the first home server that takes requests of the code; nil if the realm has none.
func (x *Exchange) server() (*Server, identity) {
	kind, ok := kindOf(x.Code)
	if x.Realm == nil || !ok {
		return nil, identity{}
	}
	for i := range x.Realm.Servers {
		s := &x.Realm.Servers[i]
		address := s.Auth
		switch kind {
		case KindAcct:
			address = s.Acct
		case KindDynamic:
			address = s.Dynamic
		}
		if address.IsValid() {
			return s, identity{address, kind, s.Secret}
		}
	}
	return nil, identity{}
}

// take verifies an answer as the reader of a socket does and makes it the exchange's.
func (x *Exchange) take(raw []byte) error {
	p, err := radius.Parse(raw)
	if err != nil {
		return err
	}
	x.reply = append(x.reply[:0], raw[:p.Len()]...)
	v, err := x.session.VerifyReply(x.reply, &x.auth)
	if err != nil {
		return err
	}
	if p.Identifier != x.id || !p.Code.Answers(x.Code) || !x.Direct && !marked(p.Attributes, &x.mark) {
		return errForeign
	}
	x.Reply, x.Signed = p, v.MessageAuthenticator
	x.Reply.Attributes = x.reply[radius.HeaderLen:]
	if !x.Direct {
		x.Reply.Attributes = unmark(x.Reply.Attributes)
	}
	return nil
}
