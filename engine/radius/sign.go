package radius

// SignReply completes a reply in place: raw is a whole packet with Length set; a Message-Authenticator
// attribute in it, whatever it holds, is filled in (computed with the request's authenticator), then the
// Response Authenticator (RFC 2865 s3). Only the first Message-Authenticator of 18 octets is filled in:
// to send more than one is a mistake of the caller.
func (s *Session) SignReply(raw []byte, request *Authenticator) { s.sign(raw, request) }

// SignRequest completes a request in place before sending. For Access-Request and Status-Server the
// authenticator must already be random and a Message-Authenticator, if present, is filled in; for
// Accounting, CoA and Disconnect it fills Message-Authenticator first and then the Request Authenticator.
func (s *Session) SignRequest(raw []byte) {
	if !Code(raw[0]).ownAuthenticator() {
		s.sign(raw, nil) // RFC 2866 s3, 5176 s2.3 and s3.4: over 16 zeros
		return
	}
	if at := messageAuthenticatorAt(raw); at != 0 {
		mac := s.messageAuthenticator(s.join(raw, (*Authenticator)(raw[4:HeaderLen])), at)
		copy(raw[at+2:], mac[:])
	}
}

// sign fills in Message-Authenticator and then the header's authenticator, both computed with authenticator.
func (s *Session) sign(raw []byte, authenticator *Authenticator) {
	j := s.join(raw, authenticator)
	if at := messageAuthenticatorAt(raw); at != 0 {
		mac := s.messageAuthenticator(j, at)
		copy(raw[at+2:], mac[:])
		copy(j.packet[at+2:], mac[:])
	}
	sum := j.digest()
	copy(raw[4:HeaderLen], sum[:])
}

// messageAuthenticatorAt gives the offset of the attribute to fill in, 0 if there is none. Replies carry it
// first, so that the walk ends at once.
func messageAuthenticatorAt(raw []byte) int {
	attrs := Attributes(raw[HeaderLen:])
	i := attrs.Offset(TypeMessageAuthenticator)
	if i < 0 || attrs[i+1] != messageAuthenticatorLen {
		return 0
	}
	return HeaderLen + i
}
