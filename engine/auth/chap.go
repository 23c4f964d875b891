package auth

import (
	"crypto/md5"
	"crypto/subtle"
)

// chapLen is the octets of CHAP-Password: ident and digest (RFC 2865 s5.3).
const chapLen = 1 + md5.Size

// CHAP verifies CHAP-Password (ident and 16 octets) with its challenge against clear text, RFC 2865 s2.2.
// Wrong lengths are false, an empty challenge too. The challenge is CHAP-Challenge, or the Request
// Authenticator if the packet has none.
func CHAP(response, challenge, clear []byte) bool {
	if len(response) != chapLen || len(challenge) == 0 {
		return false
	}
	var room [512]byte // ident, password and challenge of at most 253 octets each
	in := append(room[:0], response[0])
	in = append(in, clear...)
	in = append(in, challenge...)
	sum := md5.Sum(in)
	return subtle.ConstantTimeCompare(sum[:], response[1:]) == 1
}
