package server

import (
	"fmt"
	"strings"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A Login asks the home servers of a realm whether a password is right.
type Login struct {
	Pool           string // a line of the realms file by its name
	User, Password string
	Timeout        time.Duration // in all; 0: 10 s
}

// A LoginAnswer is what they said.
type LoginAnswer struct {
	Code    radius.Code // Access-Accept, -Reject or -Challenge; 0: there was no answer
	Message string      // its Reply-Messages, joined
	Err     error       // why there was none
	Late    bool        // because none came in time
}

// maxPassword is the longest password that User-Password can hold (RFC 2865 s5.2).
const maxPassword = 128

// Login sends an Access-Request of our own and calls done once; see Dynamic.
func (c *Core) Login(g *Generation, q *Login, done func(LoginAnswer)) {
	x := &homeLogin{core: c, generation: g, password: []byte(q.Password), done: done}
	realm, err := x.prepare(q)
	if err != nil {
		done(LoginAnswer{Err: err})
		return
	}
	patience := q.Timeout
	if patience <= 0 {
		patience = dynamicPatience
	}
	x.Realm, x.Code, x.Deadline = realm, radius.CodeAccessRequest, time.Now().Add(patience)
	x.Encode, x.Done = x.encode, x.finished
	if c.forwarder.Forward(&x.Exchange) != proxy.Pending { // else it is the forwarder's
		x.finished(&x.Exchange)
	}
}

// A homeLogin is one such request on its way.
type homeLogin struct {
	proxy.Exchange
	core       *Core
	generation *Generation
	pairs      dictionary.List
	password   []byte
	done       func(LoginAnswer)
}

// nasIdentifier is what we call ourselves where a request is our own (RFC 2865 s4.1 wants one name of the NAS).
const nasIdentifier = "perilune"

func (x *homeLogin) prepare(q *Login) (*proxy.Realm, error) {
	d := x.generation.Dictionary
	for _, f := range []struct {
		t     byte
		value string
	}{{byte(radius.TypeUserName), q.User}, {byte(radius.TypeNASIdentifier), nasIdentifier}} {
		x.pairs.Add(d.ByNumber(f.t).AnyTag(), []byte(f.value))
	}
	switch {
	case q.User == "" || len(q.User) > radius.MaxValueLen:
		return nil, fmt.Errorf("a user name has 1 to %d octets", radius.MaxValueLen)
	case len(q.Password) > maxPassword:
		return nil, fmt.Errorf("the password is longer than %d octets", maxPassword)
	case x.core.forwarder == nil || x.generation.Realms == nil:
		return nil, fmt.Errorf("there are no home servers")
	}
	line := x.generation.Realms.Line(q.Pool)
	if line == nil || len(line.Servers) == 0 {
		return nil, fmt.Errorf("the realms file has no home servers %s", q.Pool)
	}
	return line, nil
}

func (x *homeLogin) encode(b []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error) {
	b, err := encodePairs(b, x.pairs.Pairs, s, auth, nil)
	if err != nil {
		return b, err
	}
	return radius.AppendAttribute(b, radius.TypeUserPassword, s.HidePassword(nil, x.password, auth)), nil
}

func (x *homeLogin) finished(*proxy.Exchange) {
	switch x.Outcome {
	case proxy.Answered:
		x.done(LoginAnswer{Code: x.Reply.Code, Message: x.message()})
	case proxy.Timeout:
		x.done(LoginAnswer{Late: true, Err: fmt.Errorf("%s has not answered", x.Server)})
	default:
		x.done(LoginAnswer{Err: fmt.Errorf("%v", x.Outcome)})
	}
}

func (x *homeLogin) message() string {
	const typeReplyMessage = 18
	var b strings.Builder
	for t, v := range x.Reply.Attributes.All() {
		if t == typeReplyMessage {
			b.Write(v)
		}
	}
	return b.String()
}
