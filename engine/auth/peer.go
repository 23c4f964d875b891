package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"errors"
)

// An MSCHAPPeer is the other side of MS-CHAP, for clients and tests: it answers a random challenge and knows what
// the server must prove then.
type MSCHAPPeer struct {
	Version   int // 1 or 2
	Challenge []byte
	Response  []byte // of MS-CHAP-Response or MS-CHAP2-Response
	Want      MSCHAPSuccess
}

// errPeerText is of a password without an NT hash.
var errPeerText = errors.New("auth: password is not UTF-8, which MS-CHAP needs")

// NewMSCHAPPeer answers for a user by a password.
func NewMSCHAPPeer(version int, user, password []byte) (*MSCHAPPeer, error) {
	nt, ok := NTHash(password)
	if !ok {
		return nil, errPeerText
	}
	random := make([]byte, 1+2*msChap2ChallengeLen)
	rand.Read(random)
	ident, challenge, peer := random[0], random[1:1+msChap2ChallengeLen], random[1+msChap2ChallengeLen:]
	if version == 1 {
		challenge = challenge[:msChapChallengeLen]
		p := &MSCHAPPeer{Version: 1, Challenge: challenge, Response: MSCHAPResponse(ident, challenge, nt)}
		p.Want, _ = MSCHAP(p.Response, challenge, nt)
		return p, nil
	}
	p := &MSCHAPPeer{Version: 2, Challenge: challenge, Response: MSCHAPv2Response(ident, challenge, peer, user, nt)}
	p.Want, _ = MSCHAPv2(p.Response, challenge, user, nt)
	return p, nil
}

// Proved reports whether a value of MS-CHAP2-Success, ident and string, proves that the server knows the password
// (RFC 2759 s8.8). What follows the 40 digits is a message for people.
func (p *MSCHAPPeer) Proved(value []byte) bool {
	if len(value) < 1+len(p.Want.Success) || p.Version != 2 {
		return false
	}
	same := subtle.ConstantTimeCompare(bytes.ToUpper(value[1:1+len(p.Want.Success)]), []byte(p.Want.Success))
	return value[0] == p.Response[0] && same == 1
}
