package radius

// Verified says what VerifyRequest and VerifyReply found proved.
type Verified struct {
	MessageAuthenticator bool // present and right
}

// VerifyRequest checks a received request: Message-Authenticator if present (any code; RFC 3579 s3.2, 5997
// s3, 5176 s3.4), and the Request Authenticator of Accounting-, CoA- and Disconnect-Requests (RFC 2866 s3,
// 5176 s2.3). raw is the packet's octets exactly to its Length and is not changed. Errors are the sentinels
// of errors.go, or a *ParseError if raw is not a packet. With ErrBadAuthenticator, which is found last,
// Verified holds too: a Message-Authenticator may have been right.
func (s *Session) VerifyRequest(raw []byte) (Verified, error) {
	at, err := locate(raw)
	switch {
	case err != nil:
		return Verified{}, err
	case !Code(raw[0]).IsRequest():
		return Verified{}, ErrNotRequest
	case s.secret.Len() == 0:
		return Verified{}, ErrNoSecret
	case Code(raw[0]).ownAuthenticator():
		return s.verifyOwn(raw, at)
	}
	if own, known := s.aheadOwn(raw); known && at == 0 {
		if !equal(own, raw[4:HeaderLen]) {
			return Verified{}, ErrBadAuthenticator
		}
		return Verified{}, nil
	}
	j := s.join(raw, nil)
	right := equal(j.digest(), raw[4:HeaderLen])
	// RFC 5176 s3.4: the authenticator is taken as zeros here too.
	if at != 0 && !equal(s.messageAuthenticator(j, at), raw[at+2:at+messageAuthenticatorLen]) {
		return Verified{}, ErrBadMessageAuthenticator
	}
	if !right {
		return Verified{at != 0}, ErrBadAuthenticator
	}
	return Verified{at != 0}, nil
}

// verifyOwn checks a request whose authenticator is random: only Message-Authenticator proves something.
func (s *Session) verifyOwn(raw []byte, at int) (Verified, error) {
	if at == 0 {
		return Verified{}, nil
	}
	mac, known := s.aheadMAC(raw, at)
	if !known {
		mac = s.messageAuthenticator(s.join(raw, (*Authenticator)(raw[4:HeaderLen])), at)
	}
	if !equal(mac, raw[at+2:at+messageAuthenticatorLen]) {
		return Verified{}, ErrBadMessageAuthenticator
	}
	return Verified{true}, nil
}

// VerifyReply checks a reply against the request's authenticator: Response Authenticator, and
// Message-Authenticator if present. Where FreeRADIUS 3.2 computes that over zeros (answers to accounting,
// CoA and Disconnect) both forms are right. raw is the packet's octets exactly to its Length and is not
// changed. Errors are as those of VerifyRequest. That the code fits the request is the caller's to ask of
// Code.Answers, and that the identifier does.
func (s *Session) VerifyReply(raw []byte, request *Authenticator) (Verified, error) {
	at, err := locate(raw)
	switch {
	case err != nil:
		return Verified{}, err
	case !Code(raw[0]).IsReply():
		return Verified{}, ErrNotReply
	case s.secret.Len() == 0:
		return Verified{}, ErrNoSecret
	}
	j := s.join(raw, request)
	if !equal(j.digest(), raw[4:HeaderLen]) {
		return Verified{}, ErrBadAuthenticator
	}
	if at == 0 {
		return Verified{}, nil
	}
	got := raw[at+2 : at+messageAuthenticatorLen]
	if equal(s.messageAuthenticator(j, at), got) {
		return Verified{true}, nil
	}
	if code := Code(raw[0]); code.isDynamicReply() || code == CodeAccountingResponse {
		clear(j.packet[4:HeaderLen])
		if equal(s.messageAuthenticator(j, at), got) {
			return Verified{true}, nil
		}
	}
	return Verified{}, ErrBadMessageAuthenticator
}
