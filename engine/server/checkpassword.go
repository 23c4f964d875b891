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

// CheckPassword compares the request's PAP, CHAP or MS-CHAP credential with stored; MS-CHAP's success and keys
// join the reply. ok is false if the request has none of them. A costly hash is computed by Hash, whose errors it gives.
func (r *Request) CheckPassword(stored auth.Stored) (right, ok bool, err error) {
	right, ok, err = r.checkPassword(*r.decoy(&stored))
	if ok && err == nil {
		r.compared(right)
	}
	r.way.guess.wrong = r.way.guess.wrong || ok && !right && err == nil
	return right, ok, err
}

func (r *Request) checkPassword(stored auth.Stored) (right, ok bool, err error) {
	known := &r.Generation.Dictionary.Known
	if response, chap := r.Attributes.First(known.CHAPPassword); chap {
		clear, plain := stored.Clear()
		right, remembered := r.remembered(&stored)
		if !remembered {
			right = auth.CHAP(response, r.chapChallenge(&r.Attributes, known.CHAPChallenge), clear)
		}
		return right && plain, true, nil
	}
	given, pap := r.Attributes.First(known.UserPassword)
	if m, is := r.msCredential(); is && !pap {
		right, _ = r.verifyMSCHAP(&m, stored)
		return right, true, nil
	}
	if right, known := r.remembered(&stored); pap && known {
		return right, true, nil
	}
	if !pap || !stored.Costly() {
		return pap && stored.Verify(given), pap, nil
	}
	right, err = r.verifyCostly(stored, given)
	return right, true, err
}

// verifyCostly is apart from its callers, since what it hands to another thread is allocated.
func (r *Request) verifyCostly(stored auth.Stored, given []byte) (right bool, err error) {
	began := time.Now()
	err = r.Hash(func() { right = stored.Verify(given) })
	if err == nil && r.way.throttle != nil {
		r.way.throttle.hashes.add(time.Since(began))
	}
	return right, err
}
