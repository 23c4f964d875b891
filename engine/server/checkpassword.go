package server

import (
	"time"

	"perilune/engine/auth"
)

// ControlPassword gives the first password in Control, as the native way would take it. ok is false if there
// is none; the error says what is wrong with one.
func (r *Request) ControlPassword() (stored auth.Stored, ok bool, err error) {
	return r.Generation.prepare().stored(r, authLocal)
}

// CheckPassword compares the request's PAP or CHAP credential with stored. ok is false if the request has
// neither. A costly hash takes its turn and computes on the caller's goroutine: call Detach first. Without a
// turn before the request's deadline it fits nothing; the request is dropped as expired then.
func (r *Request) CheckPassword(stored auth.Stored) (right, ok bool) {
	known := &r.Generation.Dictionary.Known
	if response, chap := r.Attributes.First(known.CHAPPassword); chap {
		clear, plain := stored.Clear()
		return plain && auth.CHAP(response, r.chapChallenge(known.CHAPChallenge), clear), true
	}
	given, pap := r.Attributes.First(known.UserPassword)
	if pap && stored.Costly() && r.way.hashes != nil {
		if !r.way.hashes.turn(time.Until(r.Deadline)) {
			return false, true
		}
		defer r.way.hashes.leave()
	}
	return pap && stored.Verify(given), pap
}
