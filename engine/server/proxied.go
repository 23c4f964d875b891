package server

import (
	"time"

	"perilune/engine/dictionary"
)

// A Proxied is what became of a request that was sent on to a home server. It is there from post_proxy on.
type Proxied struct {
	Realm    string // as the realms file names it
	Server   string // that was asked last, as the realms file writes it; "" if none was
	Attempts int    // packets sent
	Took     time.Duration
	Result   string          // accept, reject, challenge, response, ack, nak, timeout, dead
	Reply    dictionary.List // all that was received, in clear text
}
