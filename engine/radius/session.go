package radius

// A Session is the half of a transport that knows the shared secret: it verifies, signs, hides and reveals
// (RFC 2865, 2866, 2868, 3579, 5176 over UDP). Packet never does. RADIUS/1.1 (RFC 9765) will be another
// kind of Session. A Session has scratch memory and serves one goroutine at a time; it is cheap to re-key
// with Use. The zero Session has an empty secret.
type Session struct {
	secret  Secret
	scratch []byte // joined input of a digest; grows once, then reused
}

// Use sets the secret for the packets that follow.
func (s *Session) Use(secret Secret) { s.secret = secret }

// Verified says what VerifyRequest found proved.
type Verified struct {
	MessageAuthenticator bool // present and right
}

// VerifyRequest checks a received request: Message-Authenticator if present (any code; RFC 3579 s3.2, 5997
// s3, 5176 s3.4), and the Request Authenticator of Accounting-, CoA- and Disconnect-Requests (RFC 2866 s3,
// 5176 s2.3). raw is the packet's octets exactly to its Length. Errors are the sentinels of errors.go.
func (s *Session) VerifyRequest(raw []byte) (Verified, error) { panic("radius.VerifyRequest") }

// SignReply completes a reply in place: raw is a whole packet with Length set; a Message-Authenticator
// attribute in it, whatever it holds, is filled in (computed with the request's authenticator), then the
// Response Authenticator (RFC 2865 s3).
func (s *Session) SignReply(raw []byte, request *Authenticator) { panic("radius.SignReply") }

// SignRequest completes a request in place before sending. For Access-Request and Status-Server the
// authenticator must already be random and a Message-Authenticator, if present, is filled in; for
// Accounting, CoA and Disconnect it fills Message-Authenticator first and then the Request Authenticator.
func (s *Session) SignRequest(raw []byte) { panic("radius.SignRequest") }

// VerifyReply checks a reply against the request's authenticator: Response Authenticator, and
// Message-Authenticator if present (for CoA and Disconnect answers computed over the request's
// authenticator or over zeros, as FreeRADIUS 3.2 does).
func (s *Session) VerifyReply(raw []byte, request *Authenticator) (Verified, error) {
	panic("radius.VerifyReply")
}

// HidePassword appends User-Password hidden as RFC 2865 s5.2 says.
func (s *Session) HidePassword(dst, password []byte, request *Authenticator) []byte {
	panic("radius.HidePassword")
}

// RevealPassword appends the clear password, trailing NULs removed. The hidden value must have 16 to 128
// octets, a multiple of 16, otherwise ErrPasswordLength.
func (s *Session) RevealPassword(dst, hidden []byte, request *Authenticator) ([]byte, error) {
	panic("radius.RevealPassword")
}

// HideSalted appends salt and the hidden value as RFC 2868 s3.5 says (without the tag octet). The high bit
// of salt must be set and the salt unique in its packet.
func (s *Session) HideSalted(dst []byte, salt uint16, value []byte, request *Authenticator) []byte {
	panic("radius.HideSalted")
}

// RevealSalted appends the clear value of a salted one (salt first, no tag octet).
func (s *Session) RevealSalted(dst, hidden []byte, request *Authenticator) ([]byte, error) {
	panic("radius.RevealSalted")
}

// HideAscend appends the value hidden by Ascend's method (FreeRADIUS encrypt=3).
func (s *Session) HideAscend(dst, value []byte, request *Authenticator) []byte {
	panic("radius.HideAscend")
}

// RevealAscend appends the clear value of one hidden by Ascend's method.
func (s *Session) RevealAscend(dst, hidden []byte, request *Authenticator) []byte {
	panic("radius.RevealAscend")
}
