package server

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A DynamicQuestion is a CoA- or Disconnect-Request that a NAS is to get (RFC 5176). What it holds is copied, or
// only read until Dynamic is back.
type DynamicQuestion struct {
	Code radius.Code // CoA-Request or Disconnect-Request
	// Session is whose session it is: it finds the NAS, and identifies the session there. nil: Attributes do the
	// latter, and Client the former.
	Session    *acct.Session
	Client     *nas.Client      // the NAS, instead of the session's
	Realm      *proxy.Realm     // home servers that are to pass it on, instead of a NAS; their port is 3799
	Attributes *dictionary.List // what is to change; of an identifying one it replaces the session's; nil: none
	Timeout    time.Duration    // in all; 0: 10 s, and 30 s at most (RFC 5080 s2.2.1)

	received *radius.Packet // it is passed on: Attributes are all that it has
	source   netip.AddrPort // from there
}

// A DynamicAnswer is what became of a DynamicQuestion. It is the receiver's.
type DynamicAnswer struct {
	Code       radius.Code    // of the answer; 0: there was none
	ErrorCause uint32         // of a NAK; 0: it has none
	Client     string         // the NAS's name in the clients file
	Address    netip.AddrPort // that was asked
	Attempts   int            // packets sent
	Took       time.Duration
	Attributes dictionary.List // of the answer
	Err        error           // why there was no answer, for people; nil if there was one
	outcome    proxy.Outcome
}

// OK reports an ACK.
func (a *DynamicAnswer) OK() bool {
	return a.Code == radius.CodeCoAACK || a.Code == radius.CodeDisconnectACK
}

// Result gives one word: ack, nak, timeout or unreachable.
func (a *DynamicAnswer) Result() string {
	switch {
	case a.OK():
		return "ack"
	case a.Code != 0:
		return "nak"
	case a.outcome == proxy.Timeout && a.Attempts > 0:
		return "timeout"
	}
	return "unreachable"
}

// String gives the answer for people: its code with the Error-Cause, or why there is none.
func (a *DynamicAnswer) String() string {
	switch {
	case a.Code == 0 && a.Err != nil:
		return a.Err.Error()
	case a.ErrorCause != 0:
		return fmt.Sprintf("%v, %s (%d)", a.Code, ErrorCauseName(a.ErrorCause), a.ErrorCause)
	}
	return a.Code.String()
}

// Dynamic sends a CoA- or Disconnect-Request to a NAS and calls done once: on this goroutine if nothing could be
// sent, else on one of the forwarder's, which must not be kept waiting. After the ACK of a Disconnect the session's
// Stop is awaited; without one its row is closed as Admin-Reset.
func (c *Core) Dynamic(g *Generation, q *DynamicQuestion, done func(DynamicAnswer)) {
	x := &dynamic{core: c, generation: g, done: done}
	realm, err := x.prepare(q)
	if err == nil && c.standIn != nil {
		c.standIn(x, q)
		done(x.answer)
		return
	}
	if err == nil && c.forwarder == nil {
		err = errors.New("nothing can be sent from here")
	}
	if err != nil {
		x.answer.Err = err
		done(x.answer)
		return
	}
	x.Realm, x.Code, x.Received = realm, q.Code, q.received
	x.Deadline = time.Now().Add(q.patience()) // the forwarder has this clock
	x.Encode, x.Done = x.encode, x.finished
	if q.received != nil && c.forwarder.Circles(realm, q.source) {
		x.Outcome = proxy.Looped
		x.finished(&x.Exchange)
		return
	}
	if c.forwarder.Forward(&x.Exchange) != proxy.Pending { // else it is the forwarder's
		x.finished(&x.Exchange)
	}
}

// dynamicPatience is how long a NAS has for its answer, with all repetitions.
const dynamicPatience = 10 * time.Second

func (q *DynamicQuestion) patience() time.Duration {
	if q.Timeout <= 0 {
		return dynamicPatience
	}
	return q.Timeout
}

// A dynamic is one CoA- or Disconnect-Request on its way.
type dynamic struct {
	proxy.Exchange
	core       *Core
	generation *Generation
	done       func(DynamicAnswer)
	answer     DynamicAnswer
	session    *acct.Session   // a copy; nil: none
	pairs      dictionary.List // as they are sent
	plain      bool            // without Message-Authenticator
	salts      uint16
}

// prepare finds where the question goes, and makes the attributes.
func (x *dynamic) prepare(q *DynamicQuestion) (*proxy.Realm, error) {
	if q.Code != radius.CodeCoARequest && q.Code != radius.CodeDisconnectRequest {
		return nil, fmt.Errorf("%v is neither a CoA- nor a Disconnect-Request", q.Code)
	}
	if q.Session != nil {
		s := *q.Session
		x.session = &s
	}
	if q.Realm != nil {
		x.answer.Client = q.Realm.Name
		if err := x.compose(q, nil); err != nil {
			return nil, err
		}
		return x.core.targets.realm(x.core.forwarder, x.generation, q.Realm), nil
	}
	client, to, err := x.generation.nasOf(q)
	if err != nil && x.core.standIn != nil && q.Session != nil { // the client of a policy's test stands in no file
		client, err = &nas.Client{Name: q.Session.Client}, nil
	}
	if err != nil {
		return nil, err
	}
	x.Direct, x.plain = true, client.NoReplyMessageAuthenticator
	x.answer.Client, x.answer.Address = client.Name, to
	if err := x.compose(q, client); err != nil {
		return nil, err
	}
	return x.core.targets.nas(x.core.forwarder, x.generation, client, to), nil
}

// encode is the Exchange's: Message-Authenticator first, then the list. Nothing in it changes between the tries,
// Event-Timestamp included (RFC 5176 s6.3).
func (x *dynamic) encode(b []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
	if !x.plain {
		b = radius.AppendAttribute(b, radius.TypeMessageAuthenticator, make([]byte, messageAuthenticatorLen)) // RFC 5176 s3.4
	}
	return encodePairs(b, x.pairs.Pairs, s, auth, x.salt)
}

func encodePairs(b []byte, pairs []Pair, s *radius.Session, auth *radius.Authenticator, salt func() uint16) (_ []byte, err error) {
	for i := range pairs {
		if pairs[i].Attr.Internal {
			continue
		}
		if b, err = dictionary.Encode(b, &pairs[i], s, auth, salt); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (x *dynamic) salt() uint16 {
	x.salts++
	return x.salts | 0x8000
}

// finished is the Exchange's: it makes the answer.
func (x *dynamic) finished(*proxy.Exchange) {
	a := &x.answer
	a.outcome, a.Attempts, a.Took = x.Outcome, x.Attempts, x.Took
	if x.Address.IsValid() {
		a.Address = x.Address
	}
	if x.Outcome == proxy.Answered {
		x.read()
	} else {
		a.Err = x.failure()
	}
	if a.Code == radius.CodeDisconnectACK && x.session != nil && x.session.Begin != 0 {
		x.core.stops.await(x.core, x.generation.Settings.Dynamic.stopWait(), x.session)
	}
	x.done(*a)
}

// read takes the NAS's answer, whose authenticity the forwarder has found good.
func (x *dynamic) read() {
	a, d := &x.answer, x.generation.Dictionary
	var s radius.Session
	if err := d.Decode(&a.Attributes, x.Reply.Attributes, &s, &x.Reply.Authenticator); err != nil {
		a.Attributes.Reset()
	}
	a.Code = x.Reply.Code
	cause, _ := x.Reply.Attributes.Find(radius.TypeErrorCause)
	a.ErrorCause = uint32Of(cause)
}

// failure says why there is no answer.
func (x *dynamic) failure() error {
	who := x.answer.Client
	switch x.Outcome {
	case proxy.Timeout:
		return fmt.Errorf("%s (%v) has not answered %d packets", who, x.answer.Address, x.Attempts)
	case proxy.Unsendable:
		return fmt.Errorf("the request cannot be sent: %w", x.Err)
	case proxy.Full:
		return fmt.Errorf("too many requests are out to %s", who)
	case proxy.Looped:
		return errors.New("the request has been here before")
	case proxy.Closed:
		return errors.New("the server stops")
	}
	return fmt.Errorf("no address of %s can be asked", who)
}
