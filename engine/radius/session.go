package radius

import (
	"crypto/md5"
	"crypto/subtle"
	"fmt"
)

// A Session is the half of a transport that knows the shared secret: it verifies, signs, hides and reveals
// (RFC 2865, 2866, 2868, 3579, 5176 over UDP). Packet never does. RADIUS/1.1 (RFC 9765) will be another
// kind of Session. A Session has scratch memory and serves one goroutine at a time; it is cheap to re-key
// with Use. The zero Session has an empty secret: it signs, but it verifies nothing.
//
// The digest of packet and secret is taken with md5.Sum over octets joined in scratch; HMAC goes on from the
// two states that the Secret holds, which saves two of its five blocks. Neither allocates once warm.
type Session struct {
	// OneDigest hides and reveals User-Passwords as Ascend's MAX and its like do: every block of a long one is laid
	// over with the digest of the first. Use leaves it as it is.
	OneDigest bool

	secret  Secret
	scratch []byte // the joined input of a digest; grows once, then reused
	mac     mac
	ahead   *Ahead // what is known of the packet at hand; nil: nothing
}

// Use sets the secret for the packets that follow.
func (s *Session) Use(secret Secret) { s.secret, s.ahead = secret, nil }

// Format implements fmt.Formatter: a Session holds the secret, also in its scratch, so no verb reaches it.
func (s Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// input gives n octets of scratch.
func (s *Session) input(n int) []byte {
	if n > cap(s.scratch) {
		s.scratch = make([]byte, n+n/2)
	}
	return s.scratch[:n]
}

// A joined is a packet copied to scratch with another authenticator, followed by the secret.
type joined struct{ packet, withSecret []byte }

// join copies raw and the secret to scratch; authenticator nil stands for 16 zeros.
func (s *Session) join(raw []byte, authenticator *Authenticator) joined {
	all := s.input(len(raw) + s.secret.Len())
	n := copy(all, raw)
	copy(all[n:], s.secret.octets)
	if authenticator == nil {
		authenticator = &Authenticator{}
	}
	copy(all[4:HeaderLen], authenticator[:])
	return joined{all[:n], all}
}

// digest is MD5 over packet and secret: Request and Response Authenticator (RFC 2865 s3, 2866 s3).
func (j joined) digest() [md5.Size]byte { return md5.Sum(j.withSecret) }

// messageAuthenticator is HMAC-MD5 over the packet in scratch, whose Message-Authenticator at offset at is
// taken as zeros (RFC 3579 s3.2). The value in scratch is left zero.
func (s *Session) messageAuthenticator(j joined, at int) [md5.Size]byte {
	clear(j.packet[at+2 : at+messageAuthenticatorLen])
	return s.mac.sum(&s.secret, j.packet)
}

// equal compares two digests in constant time.
func equal(x [md5.Size]byte, y []byte) bool { return subtle.ConstantTimeCompare(x[:], y) == 1 }

const messageAuthenticatorLen = 2 + md5.Size // RFC 3579 s3.2: the Length field is 18

// locate finds the Message-Authenticator of a whole packet: its offset, 0 if there is none. Its errors are
// those of Parse, and of a packet with one too long or one too many (RFC 3579 s3.2).
func locate(raw []byte) (at int, err error) {
	n, err := length(raw)
	if err != nil {
		return 0, err
	}
	if n != len(raw) {
		return 0, &ParseError{Problem: ProblemLengthEnd, Offset: 2, Found: n, Limit: len(raw)}
	}
	attrs := Attributes(raw[HeaderLen:])
	if err := attrs.check(); err != nil {
		return 0, err
	}
	for i := HeaderLen; i < n; i += int(raw[i+1]) {
		if Type(raw[i]) != TypeMessageAuthenticator {
			continue
		}
		if at != 0 {
			return 0, ErrMessageAuthenticators
		}
		if raw[i+1] != messageAuthenticatorLen {
			return 0, ErrMessageAuthenticatorLen
		}
		at = i
	}
	return at, nil
}
