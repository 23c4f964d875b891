package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// A Request is what Exchange sends. Values of its attributes are in clear: they are hidden for each server
// with that server's secret.
type Request struct {
	Code       radius.Code
	Attributes dictionary.List
	// CHAP, if not nil, is the clear password that a CHAP-Password is computed from (RFC 2865 s5.3); the
	// challenge is the Request Authenticator, or the CHAP-Challenge among the attributes.
	CHAP []byte
	// NoMessageAuthenticator leaves Message-Authenticator out of an Access-Request, as old NASes do.
	NoMessageAuthenticator bool
}

// A Reply is the valid answer to a Request.
type Reply struct {
	Code       radius.Code
	Identifier byte
	Attributes dictionary.List // in clear; shares no memory with the socket
	Server     string          // host:port that answered
	Tries      int             // how many times the request was sent, to all servers together
	Took       time.Duration   // from the last sending to the answer
	// MessageAuthenticator reports whether the reply carried a right one.
	MessageAuthenticator bool
}

// Errors of Exchange, wrapped with the details.
var (
	ErrNoServers = errors.New("no RADIUS servers are given")
	ErrNoReply   = errors.New("no valid reply")
)

// A Client sends requests to a list of servers. It may be used by many goroutines at once; each exchange has
// a socket of its own, so that more than 256 can be in flight.
type Client struct {
	Dictionary *dictionary.Dictionary
	Servers    []Server
	// Refused, if not nil, is told of each datagram that came instead of a valid reply.
	Refused func(server string, err error)
}

// Exchange sends the request to the servers in turn, one try after another, until one gives a valid reply
// or each has had all its tries. What arrives and is not valid does not end a try: a stranger's packet must
// not cost an answer.
func (c *Client) Exchange(ctx context.Context, req *Request) (*Reply, error) {
	if len(c.Servers) == 0 {
		return nil, ErrNoServers
	}
	x := exchange{client: c, req: req, id: radius.NewIdentifier(), auth: radius.NewAuthenticator(), calls: make([]*call, len(c.Servers))}
	defer x.close()
	tries := make([]int, len(c.Servers))
	total := 0
	for left := true; left; {
		left = false
		for i, s := range c.Servers {
			if tries[i] >= s.Tries {
				continue
			}
			left, tries[i], total = true, tries[i]+1, total+1
			reply, err := x.try(ctx, i)
			if reply != nil {
				reply.Tries = total
				return reply, nil
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			x.last = err
		}
	}
	return nil, fmt.Errorf("%w after %d tries: %w", ErrNoReply, total, x.last)
}

// exchange is the state of one request on its way.
type exchange struct {
	client *Client
	req    *Request
	id     byte
	auth   radius.Authenticator // of Access-Request and Status-Server: the same for all tries
	calls  []*call              // by server; nil until its first try
	last   error
}

// call is one server's socket and signed packet. A retransmission repeats the same octets.
type call struct {
	conn    net.Conn
	session radius.Session
	packet  []byte
}

func (x *exchange) close() {
	for _, c := range x.calls {
		if c != nil {
			c.conn.Close()
		}
	}
}

// try sends once and waits as long as the server's line says.
func (x *exchange) try(ctx context.Context, i int) (*Reply, error) {
	server := x.client.Servers[i]
	if x.calls[i] == nil {
		c, err := x.open(ctx, server)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", server.Address, err)
		}
		x.calls[i] = c
	}
	c := x.calls[i]
	sent := time.Now()
	deadline := sent.Add(server.Timeout)
	c.conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.conn.Write(c.packet); err != nil {
		return nil, fmt.Errorf("%s: %w", server.Address, err)
	}
	reply, err := x.await(c, server)
	if reply != nil {
		reply.Took = time.Since(sent)
	}
	return reply, err
}

func (x *exchange) open(ctx context.Context, s Server) (*call, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", s.Address)
	if err != nil {
		return nil, err
	}
	c := &call{conn: conn}
	c.session.Use(s.Secret)
	if c.packet, err = x.req.build(&c.session, x.id, x.auth); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// await reads until a valid reply or the deadline.
func (x *exchange) await(c *call, s Server) (*Reply, error) {
	var buf [radius.MaxPacketLen + 1]byte
	for {
		n, err := c.conn.Read(buf[:])
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				err = fmt.Errorf("nothing valid within %v", s.Timeout)
			}
			return nil, fmt.Errorf("%s: %w", s.Address, err)
		}
		reply, err := x.check(c, buf[:n])
		if err == nil {
			reply.Server = s.Address
			return reply, nil
		}
		if x.client.Refused != nil {
			x.client.Refused(s.Address, err)
		}
	}
}

// check proves that a datagram answers the request: identifier, code, authenticators.
func (x *exchange) check(c *call, datagram []byte) (*Reply, error) {
	p, err := radius.Parse(datagram)
	if err != nil {
		return nil, err
	}
	if p.Identifier != x.id {
		return nil, fmt.Errorf("reply has identifier %d; expected %d", p.Identifier, x.id)
	}
	if !p.Code.Answers(x.req.Code) {
		return nil, fmt.Errorf("%v does not answer %v", p.Code, x.req.Code)
	}
	var request radius.Authenticator
	copy(request[:], c.packet[4:radius.HeaderLen])
	verified, err := c.session.VerifyReply(datagram[:p.Len()], &request)
	if err != nil {
		return nil, err
	}
	reply := &Reply{Code: p.Code, Identifier: p.Identifier, MessageAuthenticator: verified.MessageAuthenticator}
	var shared dictionary.List
	if err := x.client.Dictionary.Decode(&shared, p.Attributes, &c.session, &request); err != nil {
		return nil, err
	}
	shared.CopyTo(&reply.Attributes)
	return reply, nil
}
