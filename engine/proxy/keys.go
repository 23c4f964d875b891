package proxy

import "perilune/engine/radius"

// Keys gives what the hidden attributes of the reply are revealed with: the session with the home server's secret,
// and the authenticator of the request that was answered. They are the Exchange's and valid as long as Reply.
func (x *Exchange) Keys() (*radius.Session, *radius.Authenticator) { return &x.session, &x.auth }
