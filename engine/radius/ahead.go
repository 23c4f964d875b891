package radius

import (
	"crypto/md5"
	"fmt"
)

// An Ahead is what a Batch has computed for a request before anybody has verified it: the authenticators that it should
// have, and what is laid over the first block of its User-Password. A Session that was given it computes none of them.
type Ahead struct {
	raw    []byte // the request that it was computed for
	secret Secret // and with what
	at     int    // offset of its Message-Authenticator; 0: not computed
	mac    [md5.Size]byte
	owned  bool // own was computed: the Request Authenticator of accounting
	own    [md5.Size]byte
	masked bool // mask was computed
	mask   [md5.Size]byte
}

// Format implements fmt.Formatter: an Ahead holds a secret, so no verb reaches it.
func (a *Ahead) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// Reset forgets all.
func (a *Ahead) Reset() {
	if a.raw != nil {
		*a = Ahead{}
	}
}

// Request takes an Access-Request or Accounting-Request that nobody has looked at yet. Run fills a with what its
// verification with the secret will need, if it looks like a packet; else a stays empty. Both must stay until Run.
func (b *Batch) Request(raw []byte, secret Secret, a *Ahead) {
	a.Reset()
	a.raw, a.secret = raw, secret
	if Code(raw[0]) == CodeAccountingRequest {
		b.jobs = append(b.jobs, job{first: askedOwn, raw: raw, secret: secret, ahead: a})
		return
	}
	at, password := 0, false
	for i := HeaderLen; i+2 <= len(raw) && raw[i+1] >= 2; i += int(raw[i+1]) {
		switch Type(raw[i]) {
		case TypeMessageAuthenticator:
			if raw[i+1] != messageAuthenticatorLen || i+messageAuthenticatorLen > len(raw) {
				return
			}
			at = i
		case TypeUserPassword:
			password = true
		}
	}
	if at != 0 {
		b.jobs = append(b.jobs, job{first: askedInner, raw: raw, secret: secret, at: at, ahead: a})
	}
	if password {
		b.jobs = append(b.jobs, job{first: askedMask, raw: raw, secret: secret, ahead: a})
	}
}

// LookAhead gives the session what was computed for the packet that it is to verify; nil: nothing. Another secret makes
// it worthless, and Use takes it away.
func (s *Session) LookAhead(a *Ahead) {
	s.ahead = nil
	if a != nil && a.raw != nil && a.secret.octets == s.secret.octets {
		s.ahead = a
	}
}

// aheadMAC gives what the Message-Authenticator at offset at of raw should be, if it is known.
func (s *Session) aheadMAC(raw []byte, at int) (mac [md5.Size]byte, ok bool) {
	if a := s.ahead; a != nil && a.at == at && a.of(raw) {
		return a.mac, true
	}
	return mac, false
}

// aheadOwn gives what the Request Authenticator of raw should be, if it is known.
func (s *Session) aheadOwn(raw []byte) (own [md5.Size]byte, ok bool) {
	if a := s.ahead; a != nil && a.owned && a.of(raw) {
		return a.own, true
	}
	return own, false
}

// of reports whether it was computed for these octets.
func (a *Ahead) of(raw []byte) bool { return len(a.raw) == len(raw) && &a.raw[0] == &raw[0] }

// firstMask gives what is laid over the first block of a User-Password.
func (s *Session) firstMask(request *Authenticator) [md5.Size]byte {
	if a := s.ahead; a != nil && a.masked && Authenticator(a.raw[4:HeaderLen]) == *request {
		return a.mask
	}
	return s.mask(request[:])
}
