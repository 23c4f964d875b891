package server

import (
	"perilune/engine/acct"
)

// Sessions is the table of open sessions, which accounting feeds. *acct.Live is one. Its methods are safe for
// use by many goroutines and never wait for a disk.
type Sessions interface {
	// Claim counts a user's logins, and those of his realm, and books a place in one step.
	Claim(acct.Claim) acct.Booking
	// Release frees a place whose Accept is not sent after all.
	Release(user string, d acct.Device)
	// Select gives the open sessions that match, the newest first.
	Select(acct.Filter) []acct.Session
	// Count gives how many match.
	Count(acct.Filter) int
}

// account gives the canonical user: by whom sessions are counted and found. It is User-Name as it stands, after
// hints, the realm's strip and the users file's prefix. It is valid as long as the attribute is.
func (r *Request) account() []byte { return r.User() }

// device gives what tells one login of the user from another.
func (r *Request) device() acct.Device {
	return acct.DeviceOf(r.Client.Name, r.Source, r.Attributes.Pairs)
}
