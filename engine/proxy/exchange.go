package proxy

import (
	"net/netip"
	"sync/atomic"
	"time"

	"perilune/engine/radius"
)

// An Exchange is one request on its way to a home server and back. It is made to be embedded in what serves a
// request (a server's desk) and used again for the next one: its buffers stay, and forwarding allocates
// nothing. It must not be copied.
//
// A server uses it so. When the way of a request ends in forwarding, the request is parked as one that waits
// for its accounting record is: it takes a place of the admission, its desk parts from the role (which files
// the mark against retransmissions), and only then comes Forward, with the role's Sender, whose Flush stands
// beside the sending of the batch's replies. From Forward on, if it gives Pending, the Exchange and all that
// Encode reads belong to the Forwarder, until Done is called: once, on a goroutine of the Forwarder, which
// serves others too and must not be lent to what may wait. So Done goes on with the request itself if only
// native steps are left, and starts a goroutine where handlers wait (post_proxy, done). Done may call Forward
// again (another realm). Any other Outcome of Forward is final at once: Done is not called, the Exchange is
// the caller's, and the parked request goes on to its answer.
//
// The mark of a parked request keeps the Exchange and its Serial, so that the role can hand a retransmission of
// the NAS to Repeat without looking at the desk.
type Exchange struct {
	// What is asked; filled in before each Forward, by the caller.

	Code     radius.Code
	Realm    *Realm         // of the configuration that Configure had, or one given to Bind
	Received *radius.Packet // as the client sent it; nil if no client did. Read by Forward and Encode
	Source   netip.Addr     // the client's; a home server with this address is not asked. Invalid: no client
	Serial   uint64         // the caller's number of the request, for Repeat
	Deadline time.Time      // nothing is sent after it; zero, or more than 30 s from now: 30 s (RFC 5080 s2.2.1)
	Direct   bool           // to a NAS, which serves the request itself: no Proxy-State of ours, as many refuse one
	Sticky   uint64         // hash of client and Calling-Station-Id: same server of a balanced pool; 0: any
	// Encode appends the attributes to dst in wire form, with the client's own Proxy-States in order (RFC 2865
	// s5.33). An Access-Request has Message-Authenticator already; other requests get one if Encode appends an
	// empty one (RFC 5176 s3.4: it may be there). What must be hidden is hidden with s and auth, which is
	// zero in accounting. It is called anew for each server, since secrets differ; also on a goroutine of the
	// Forwarder. dst is given back with an error.
	Encode func(dst []byte, s *radius.Session, auth *radius.Authenticator) ([]byte, error)
	Done   func(*Exchange) // not called if Forward itself gives the outcome

	// What came of it; valid in Done and until the next Forward.

	Outcome  Outcome
	Reply    radius.Packet  // Answered: verified, in memory of the Exchange, without our Proxy-State
	Signed   bool           // the reply had a right Message-Authenticator
	Server   string         // that was asked last, as the realms file writes it; "" if none was
	Address  netip.AddrPort // of it
	Attempts int            // packets sent, to all servers together
	Took     time.Duration  // from Forward on
	Err      error          // Unsendable: of Encode

	flight
}

// An Outcome says how an exchange ended.
type Outcome uint8

// The outcomes.
const (
	Pending    Outcome = iota // under way: Done will be called
	Answered                  // a valid reply came
	Timeout                   // sent, and nobody answered in time
	AllDead                   // no home server of the realm is alive: nothing was sent
	Full                      // no room: of the realm (inflight), of its servers, or in all
	Looped                    // it has been here, or came from where it would go
	Unsendable                // Encode failed, or the packet would be longer than 4096 octets
	Closed                    // the Forwarder is closed
)

var outcomeNames = [...]string{"pending", "reply", "timeout", "dead", "full", "loop", "unsendable", "closed"}

// String gives the word for logs and scripts.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown"
}

// flight is the part of an Exchange that belongs to the Forwarder. While the exchange has an identifier its
// home's mutex protects it; in between it belongs to the goroutine that moves it on.
type flight struct {
	home   atomic.Pointer[home] // whose identifier it has; nil: none
	route  *route
	pool   *pool // of the route, for the code
	socket *socket
	id     byte

	next, prev *Exchange // timers of the home
	due        int64     // these are nanoseconds of the Forwarder's life
	began      int64     // Forward
	sent       int64     // the first time to this server
	limit      int64     // Deadline
	wait       int64     // for an answer to the try at hand

	tried   uint64 // servers of the pool that were asked
	state   uint64 // hash of the State that the client sent; 0: none
	tries   int    // at this server
	trial   bool   // a live request in place of a probe: one try
	silent  bool   // this server's silence was counted
	move    bool   // the NAS has asked often enough: next server
	looping bool   // a server was passed over because the request came from it
	bound   bool   // a conversation goes on: no other server can answer
	probe   bool   // Status-Server of our own

	auth    radius.Authenticator
	mark    mark
	out     []byte // the packet as sent
	reply   []byte
	session radius.Session
}

// begin makes the flight ready for a new request; buffers and session stay.
func (x *Exchange) begin(f *Forwarder, now int64) {
	x.Outcome, x.Reply, x.Signed, x.Err = Pending, radius.Packet{}, false, nil
	x.Server, x.Address, x.Attempts, x.Took = "", netip.AddrPort{}, 0, 0
	x.socket, x.tried, x.looping, x.bound, x.began = nil, 0, false, false, now
	x.limit = now + int64(maxDuration)
	if !x.Deadline.IsZero() {
		x.limit = min(x.limit, int64(x.Deadline.Sub(f.born)))
	}
	x.state = 0
	if x.Received == nil {
		return
	}
	if state, ok := x.Received.Attributes.Find(radius.TypeState); ok {
		x.state = f.hash(state)
	}
}
