package server

import (
	"fmt"

	"perilune/engine/dictionary"
	"perilune/engine/proxy"
	"perilune/engine/radius"
)

// A HomeQuestion is a request as a home server of an Offline receives it.
type HomeQuestion struct {
	Line       *proxy.Realm // of the realms file
	Realm      string       // of the user, in lower case; "" if none
	Server     string       // that is asked, as the realms file writes it
	Code       radius.Code
	Attributes dictionary.List // as on the wire, what was hidden in clear text
}

// A HomeAnswer is what the home server of an Offline does.
type HomeAnswer struct {
	Code       radius.Code     // of its reply; 0: none comes
	Attributes dictionary.List // of the reply; what is hidden on the wire in clear text
	Dead       bool            // no home server of the realm is alive: nothing was sent
}

// leave takes a request to the home server: a packet is really made, read, answered, verified and read again.
// Without a Home all home servers are dead.
func (o *Offline) leave(r *Request, x *proxy.Exchange) {
	if o.Home == nil {
		r.Trace.Step("no home server is asked here; it goes on as if all were dead")
		x.Outcome = proxy.AllDead
		return
	}
	if o.alone == nil {
		o.alone = proxy.NewAlone(o.core.now)
	}
	var failed error
	o.alone.Exchange(x, func(server *proxy.Server, request []byte, s *radius.Session) (answer proxy.HomeAnswer) {
		answer, failed = o.atHome(r, x, server, request, s)
		return answer
	})
	if failed != nil {
		x.Outcome, x.Err = proxy.Unsendable, failed
	}
}

// atHome reads a request as its home server does, asks Home, and makes the reply.
func (o *Offline) atHome(r *Request, x *proxy.Exchange, server *proxy.Server, request []byte, s *radius.Session) (proxy.HomeAnswer, error) {
	if _, err := s.VerifyRequest(request); err != nil {
		return proxy.HomeAnswer{}, err
	}
	p, err := radius.Parse(request)
	if err != nil {
		return proxy.HomeAnswer{}, err
	}
	q := &HomeQuestion{Line: x.Realm, Realm: r.Realm, Server: server.Name, Code: p.Code}
	if err := r.Generation.Dictionary.Decode(&q.Attributes, p.Attributes, s, &p.Authenticator); err != nil {
		return proxy.HomeAnswer{}, err
	}
	a := o.Home(q)
	if a.Dead || a.Code == 0 {
		return proxy.HomeAnswer{Dead: a.Dead}, nil
	}
	if !a.Code.Answers(p.Code) {
		return proxy.HomeAnswer{}, fmt.Errorf("server: a home server cannot answer %s with %s", p.Code, a.Code)
	}
	reply, err := a.packet(&p, s)
	return proxy.HomeAnswer{Packet: reply}, err
}

// packet makes the signed reply: Message-Authenticator first, then the attributes, then the request's
// Proxy-States in order (RFC 2865 s5.33).
func (a *HomeAnswer) packet(request *radius.Packet, s *radius.Session) ([]byte, error) {
	p := radius.Packet{Code: a.Code, Identifier: request.Identifier}
	attrs := radius.AppendAttribute(nil, radius.TypeMessageAuthenticator, make([]byte, messageAuthenticatorLen))
	salt := uint16(0x8000)
	nextSalt := func() uint16 { salt++; return salt }
	for i := range a.Attributes.Pairs {
		var err error
		if attrs, err = dictionary.Encode(attrs, &a.Attributes.Pairs[i], s, &request.Authenticator, nextSalt); err != nil {
			return nil, err
		}
	}
	for t, value := range request.Attributes.All() {
		if t == radius.TypeProxyState {
			attrs = radius.AppendAttribute(attrs, t, value)
		}
	}
	p.Attributes = attrs
	out, err := p.AppendTo(nil)
	if err != nil {
		return nil, err
	}
	s.SignReply(out, &request.Authenticator)
	return out, nil
}
