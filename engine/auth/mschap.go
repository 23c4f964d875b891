package auth

import (
	"bytes"
	"crypto/des"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	//lint:ignore SA1019 the NT hash is MD4 of the password (RFC 2759 s8.3); nothing else is made with it
	"golang.org/x/crypto/md4"
)

// Lengths of Microsoft's attributes, in octets: MS-CHAP-Response and MS-CHAP2-Response begin with ident and
// flags (RFC 2548 s2.1.3, s2.3.2).
const (
	msChapLen           = 50
	msChapChallengeLen  = 8
	msChap2ChallengeLen = 16
	ntResponseAt        = 26
)

// Constants of RFC 2759 s8.7 and RFC 3079 s3.4, hashed into answers and keys.
const (
	magicSigning = "Magic server to client signing constant"
	magicPad     = "Pad to make it do more than one iteration"
	magicMaster  = "This is the MPPE Master Key"
	magicReceive = "On the client side, this is the send key; on the server side, it is the receive key."
	magicSend    = "On the client side, this is the receive key; on the server side, it is the send key."
)

// MSCHAPSuccess is what a right MS-CHAP response earns. The keys go only to clients whose packets are
// authenticated.
type MSCHAPSuccess struct {
	Success string   // of MS-CHAP2-Success, behind the ident: "S=" and 40 digits; empty for version 1
	Send    [16]byte // MS-MPPE-Send-Key, version 2
	Receive [16]byte // MS-MPPE-Recv-Key, version 2
	Keys    [24]byte // MS-CHAP-MPPE-Keys, version 1: the LM part is zero
}

// MSCHAP verifies MS-CHAP-Response with its challenge against an NT hash (RFC 2433, RFC 2548 s2.1.3). A
// response that has only the LM part is false: LM hashes are not kept. Wrong lengths are false.
func MSCHAP(response, challenge []byte, ntHash [16]byte) (MSCHAPSuccess, bool) {
	const useNT = 1 // RFC 2548 s2.1.3, Flags: the NT response is preferred
	if len(response) != msChapLen || len(challenge) != msChapChallengeLen || response[1]&useNT == 0 {
		return MSCHAPSuccess{}, false
	}
	want := challengeResponse(challenge, ntHash)
	if subtle.ConstantTimeCompare(want[:], response[ntResponseAt:]) != 1 {
		return MSCHAPSuccess{}, false
	}
	var s MSCHAPSuccess
	sum := md4Sum(ntHash[:])
	copy(s.Keys[8:], sum[:])
	return s, true
}

// MSCHAPv2 verifies MS-CHAP2-Response with its challenge against an NT hash (RFC 2759 s8, RFC 2548 s2.3.2).
// user is User-Name as the peer knows it; a domain before a backslash does not count. Wrong lengths are
// false.
func MSCHAPv2(response, challenge, user []byte, ntHash [16]byte) (MSCHAPSuccess, bool) {
	if len(response) != msChapLen || len(challenge) != msChap2ChallengeLen {
		return MSCHAPSuccess{}, false
	}
	peer, nt := response[2:18], response[ntResponseAt:]
	short := challengeHash(peer, challenge, user)
	want := challengeResponse(short[:], ntHash)
	if subtle.ConstantTimeCompare(want[:], nt) != 1 {
		return MSCHAPSuccess{}, false
	}
	hashHash := md4Sum(ntHash[:])
	s := MSCHAPSuccess{Success: authenticatorResponse(hashHash, nt, short)}
	s.Send, s.Receive = mppeKeys(hashHash, nt)
	return s, true
}

// MSCHAPResponse makes MS-CHAP-Response as a peer does: the NT response alone (RFC 2433 s5, RFC 2548 s2.1.3). The
// challenge has 8 octets.
func MSCHAPResponse(ident byte, challenge []byte, ntHash [16]byte) []byte {
	const useNT = 1
	nt := challengeResponse(challenge, ntHash)
	return append(append([]byte{ident, useNT}, make([]byte, ntResponseAt-2)...), nt[:]...)
}

// MSCHAPv2Response makes MS-CHAP2-Response as a peer does (RFC 2759 s4, RFC 2548 s2.3.2). challenge and peer, the
// peer's own challenge, have 16 octets each.
func MSCHAPv2Response(ident byte, challenge, peer, user []byte, ntHash [16]byte) []byte {
	short := challengeHash(peer, challenge, user)
	nt := challengeResponse(short[:], ntHash)
	response := append([]byte{ident, 0}, peer...)
	response = append(response, make([]byte, 8)...) // reserved
	return append(response, nt[:]...)
}

// challengeHash is RFC 2759 s8.2.
func challengeHash(peer, challenge, user []byte) (short [8]byte) {
	if i := bytes.LastIndexByte(user, '\\'); i >= 0 {
		user = user[i+1:]
	}
	sum := sha1Sum(peer, challenge, user)
	return [8]byte(sum[:8])
}

// challengeResponse is RFC 2759 s8.5: DES under three keys of seven octets each.
func challengeResponse(challenge []byte, ntHash [16]byte) (response [24]byte) {
	var keys [21]byte
	copy(keys[:], ntHash[:])
	for i := range 3 {
		block, err := des.NewCipher(desKey([7]byte(keys[7*i : 7*i+7])))
		if err != nil {
			panic("auth: a DES key of 8 octets was refused: " + err.Error())
		}
		block.Encrypt(response[8*i:], challenge)
	}
	return response
}

// desKey spreads 56 bits over eight octets; the lowest bits would be parity and do not count.
func desKey(k [7]byte) []byte {
	return []byte{
		k[0],
		k[0]<<7 | k[1]>>1,
		k[1]<<6 | k[2]>>2,
		k[2]<<5 | k[3]>>3,
		k[3]<<4 | k[4]>>4,
		k[4]<<3 | k[5]>>5,
		k[5]<<2 | k[6]>>6,
		k[6] << 1,
	}
}

// authenticatorResponse is RFC 2759 s8.7: it proves to the peer that the server knows the hash too.
func authenticatorResponse(hashHash [16]byte, ntResponse []byte, short [8]byte) string {
	sum := sha1Sum(hashHash[:], ntResponse, []byte(magicSigning))
	sum = sha1Sum(sum[:], short[:], []byte(magicPad))
	return "S=" + strings.ToUpper(hex.EncodeToString(sum[:]))
}

// mppeKeys is RFC 3079 s3.4 for 128 bits, seen from the server.
func mppeKeys(hashHash [16]byte, ntResponse []byte) (send, receive [16]byte) {
	master := sha1Sum(hashHash[:], ntResponse, []byte(magicMaster))
	return startKey(master[:16], magicSend), startKey(master[:16], magicReceive)
}

// startKey is GetAsymmetricStartKey of RFC 3079 s3.4.
func startKey(master []byte, magic string) [16]byte {
	pad1, pad2 := make([]byte, 40), bytes.Repeat([]byte{0xf2}, 40)
	sum := sha1Sum(master, pad1, []byte(magic), pad2)
	return [16]byte(sum[:16])
}

func sha1Sum(parts ...[]byte) (sum [sha1.Size]byte) {
	h := sha1.New()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

func md4Sum(in []byte) (sum [md4.Size]byte) {
	h := md4.New()
	h.Write(in)
	h.Sum(sum[:0])
	return sum
}

// MSCHAPError gives the text of MS-CHAP-Error behind the ident (RFC 2759 s6): code 691 for a wrong password
// or an unknown user, 648 for an expired password, 647 for a disabled account. A retry is not offered (R=0).
// challenge is one that was never used, 16 octets for version 2 and 8 for version 1.
func MSCHAPError(code string, challenge []byte, message string) string {
	c := strings.ToUpper(hex.EncodeToString(challenge))
	if len(challenge) != msChap2ChallengeLen { // RFC 2433 s6: there is no message
		return "E=" + code + " R=0 C=" + c + " V=2"
	}
	return "E=" + code + " R=0 C=" + c + " V=3 M=" + message
}
