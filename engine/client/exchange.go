package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// A Request is what Exchange sends. Values of its attributes are in clear: they are hidden for each server
// with that server's secret. Message-Authenticator is made by Exchange, whatever value the caller gave it;
// CoA- and Disconnect-Requests without Event-Timestamp get one.
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
// a socket of its own for each server, so that more than 256 can be in flight.
type Client struct {
	Dictionary *dictionary.Dictionary
	Servers    []Server
	// RequireMessageAuthenticator refuses replies to Access-Requests and Status-Server without one: the
	// answer to forged replies (BlastRADIUS, CVE-2024-3596), for servers known to send it.
	RequireMessageAuthenticator bool
	// Refused, if not nil, is told of each datagram that came instead of a valid reply. It is called by
	// the goroutines that call Exchange.
	Refused func(server string, err error)
}

// Exchange sends the request to the servers in turn, one try after another, until one gives a valid reply
// or each has had all its tries; the error is then ErrNoReply. What arrives and is not valid does not end a
// try: a stranger's packet must not cost an answer. A request that cannot be built is an error before
// anything is sent. If ctx ends, its error is returned.
func (c *Client) Exchange(ctx context.Context, req *Request) (*Reply, error) {
	x, err := c.begin(req)
	if err != nil {
		return nil, err
	}
	defer x.close()
	tries := 0
	for call := x.turn(); call != nil; call = x.turn() {
		tries++
		reply, err := x.try(ctx, call)
		if reply != nil {
			reply.Tries = tries
			return reply, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		call.last = err
	}
	return nil, x.failure(tries)
}

// exchange is the state of one request on its way.
type exchange struct {
	client *Client
	req    *Request
	once   once
	calls  []call // by server
	next   int    // the server whose turn it is, if it has tries left
}

func (c *Client) begin(req *Request) (*exchange, error) {
	if len(c.Servers) == 0 {
		return nil, ErrNoServers
	}
	x := &exchange{client: c, req: req, once: newOnce(), calls: make([]call, len(c.Servers))}
	for i := range x.calls {
		call, err := &x.calls[i], error(nil)
		call.server = c.Servers[i]
		call.session.Use(call.server.Secret)
		if call.packet, err = req.build(&call.session, x.once); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// turn gives the next server, round robin, that has tries left, and takes one of them; nil if none has.
func (x *exchange) turn() *call {
	for range x.calls {
		c := &x.calls[x.next]
		x.next = (x.next + 1) % len(x.calls)
		if c.tries < c.server.Tries {
			c.tries++
			return c
		}
	}
	return nil
}

// failure tells what each server did last.
func (x *exchange) failure(tries int) error {
	if tries == 0 {
		return fmt.Errorf("%w: no server has a try", ErrNoReply)
	}
	var each []string
	for i := range x.calls {
		if c := &x.calls[i]; c.last != nil {
			each = append(each, fmt.Sprintf("%s: %v", c.server.Address, c.last))
		}
	}
	times := "tries"
	if tries == 1 {
		times = "try"
	}
	return fmt.Errorf("%w after %d %s: %s", ErrNoReply, tries, times, strings.Join(each, "; "))
}

func (x *exchange) close() {
	for i := range x.calls {
		x.calls[i].close()
	}
}
