package server

import (
	"context"
	"log/slog"
	"time"

	"perilune/engine/nas"
	"perilune/engine/radius"
)

// seen is what one walk over a packet's attributes finds for the rules below.
type seen struct {
	authenticators int // Message-Authenticator
	badLength      bool
	password       int // octets of User-Password
	hasPassword    bool
	chap           bool
	eap            bool
	state          bool
	proxyState     bool
	named          bool   // NAS-IP-Address, NAS-Identifier or NAS-IPv6-Address (RFC 3162 s2.1)
	microsoft      bool   // a Vendor-Specific of vendor 311: MS-CHAP is a credential too
	user           []byte // the first User-Name; nil if there is none
	calling        []byte // the first Calling-Station-Id; likewise
}

const (
	messageAuthenticatorLen = 16
	vendorMicrosoft         = 311
	typeNASIPv6Address      = 95
)

// look walks over the attributes; s is zero.
func (s *seen) look(attrs radius.Attributes) {
	for i := 0; i+2 <= len(attrs); {
		n := i + int(attrs[i+1])
		if n < i+2 || n > len(attrs) { // Parse lets none pass
			return
		}
		t, v := radius.Type(attrs[i]), attrs[i+2:n:n]
		i = n
		switch t {
		case radius.TypeUserName:
			if s.user == nil {
				s.user = v
			}
		case typeCallingStationID:
			if s.calling == nil {
				s.calling = v
			}
		case radius.TypeMessageAuthenticator:
			s.authenticators++
			s.badLength = s.badLength || len(v) != messageAuthenticatorLen
		case radius.TypeUserPassword:
			s.hasPassword, s.password = true, len(v)
		case radius.TypeCHAPPassword:
			s.chap = true
		case radius.TypeEAPMessage:
			s.eap = true
		case radius.TypeState:
			s.state = true
		case radius.TypeProxyState:
			s.proxyState = true
		case radius.TypeNASIPAddress, radius.TypeNASIdentifier, typeNASIPv6Address:
			s.named = true
		case radius.TypeVendorSpecific:
			s.microsoft = s.microsoft || len(v) > 4 && v[0] == 0 && v[1] == 0 && int(v[2])<<8|int(v[3]) == vendorMicrosoft
		}
	}
}

// receive takes a datagram through steps 2 to 5 of the way: client, header, parse, authenticity. Zero lets
// the request go on; every other reason is a discard. The caller has called reset and set Source, Local,
// Transport, Listener, Arrival, Serial and Generation. datagram is used until the request is over.
func (c *Core) receive(r *Request, datagram []byte) Reason {
	why := c.check(r, datagram)
	if why != ReasonNone {
		k := r.refused(why, datagram)
		c.recent.refused(&k)
		c.showRefused(&k)
	}
	return why
}

func (c *Core) check(r *Request, datagram []byte) Reason {
	// RFC 2865 s3: a packet from a client without a shared secret is silently discarded.
	if r.Client == nil {
		r.Client = r.Generation.Clients.Lookup(r.Source.Addr())
	}
	if r.Client == nil {
		return ReasonUnknownClient
	}
	return c.checkFrom(r, datagram)
}

// checkFrom does the same for a packet whose client is known.
func (c *Core) checkFrom(r *Request, datagram []byte) Reason {
	if len(datagram) >= radius.HeaderLen {
		if why := codeOnListener(radius.Code(datagram[0]), r.Listener, r.Generation.Settings.AnyCodeAnyPort); why != 0 {
			return why
		}
	}
	packet, err := radius.Parse(datagram)
	if err != nil {
		r.broken = err
		return ReasonMalformed
	}
	r.Packet = packet
	r.seen.look(packet.Attributes)
	r.datagram = datagram[:radius.HeaderLen+len(packet.Attributes)]
	r.Deadline = r.Arrival.Add(r.patience())
	if why := r.form(); why != ReasonNone {
		return why
	}
	if why := c.verify(r); why != ReasonNone {
		return why
	}
	return c.protect(r)
}

// defaultDeadline is how long a NAS waits as a rule; later answers are thrown away there.
const defaultDeadline = 5 * time.Second

func (r *Request) patience() time.Duration {
	d := r.Generation.Settings.AccessDeadline
	if r.Packet.Code == radius.CodeAccountingRequest {
		d = r.Generation.Settings.AcctDeadline
	}
	if d <= 0 {
		return defaultDeadline
	}
	return d
}

// codeOnListener says whether a request of the code may arrive at a listener. Replies and unknown codes may
// at none (RFC 2865 s3).
func codeOnListener(code radius.Code, listener string, anyPort bool) Reason {
	home := ""
	switch code {
	case radius.CodeAccessRequest:
		home = "auth"
	case radius.CodeAccountingRequest:
		home = "acct"
	case radius.CodeCoARequest, radius.CodeDisconnectRequest:
		home = "coa"
	case radius.CodeStatusServer:
		if listener != "coa" {
			return ReasonNone
		}
		return ReasonWrongPort
	default:
		return ReasonUnknownCode
	}
	if home == listener || anyPort && home != "coa" && listener != "coa" {
		return ReasonNone
	}
	return ReasonWrongPort
}

// form checks what the attributes say about themselves, before any secret is used.
func (r *Request) form() Reason {
	s := &r.seen
	if s.authenticators > 1 || s.badLength { // RFC 3579 s3.2
		return ReasonBadMessageAuthenticator
	}
	if r.Packet.Code != radius.CodeAccessRequest {
		return ReasonNone
	}
	if s.hasPassword && s.chap { // RFC 2865 s4.1: MUST NOT contain both
		return ReasonTwoPasswords
	}
	if s.hasPassword && (s.password < 16 || s.password > 128 || s.password%16 != 0) { // RFC 2865 s5.2
		return ReasonPasswordLength
	}
	return ReasonNone
}

// verify checks Message-Authenticator and Request Authenticator with the client's secrets. The secret that
// fits signs the reply. An Access-Request without Message-Authenticator fits every secret: the first is used.
func (c *Core) verify(r *Request) Reason {
	r.Session.Use(r.Client.Secret)
	r.Session.LookAhead(r.ahead)
	r.Session.OneDigest = r.Client.BrokenPassword
	found, err := r.Session.VerifyRequest(r.datagram)
	if err != nil && r.Client.Second.Len() > 0 && (r.Client.Until.IsZero() || r.Arrival.Before(r.Client.Until)) {
		r.Session.Use(r.Client.Second)
		if found, err = r.Session.VerifyRequest(r.datagram); err == nil {
			r.way.second = true
			c.warn(r, "client still uses its old secret (secret2=)")
		}
	}
	switch {
	case err == nil:
		r.way.verified = found.MessageAuthenticator
		return ReasonNone
	case err == radius.ErrBadMessageAuthenticator:
		return ReasonBadMessageAuthenticator
	case r.Client.ZeroAcctAuthenticator && r.oldAccounting():
		r.Session.Use(r.Client.Secret)
		c.warn(r, "accounting with an all-zero authenticator accepted: anyone can forge it (zero-acct-authenticator)")
		return ReasonNone
	}
	return ReasonBadAuthenticator
}

// oldAccounting reports an Accounting-Request as NASes from before RFC 2866 send it.
func (r *Request) oldAccounting() bool {
	return r.Packet.Code == radius.CodeAccountingRequest && r.Packet.Authenticator == radius.Authenticator{} &&
		r.seen.authenticators == 0
}

// protect applies the rules that need Message-Authenticator, and teaches the ratchet.
func (c *Core) protect(r *Request) Reason {
	switch r.Packet.Code {
	case radius.CodeStatusServer:
		if !r.way.verified && !r.Generation.Settings.PlainStatus { // RFC 5997 s3
			return ReasonNoMessageAuthenticator
		}
		return ReasonNone
	case radius.CodeAccessRequest:
	default:
		return ReasonNone
	}
	if r.way.verified {
		if !r.seen.eap && r.way.recorded == nil && (r.mode(r.Client.Require, r.Generation.Settings.RequireMessageAuthenticator) == nas.Auto ||
			r.mode(r.Client.Limit, r.Generation.Settings.LimitProxyState) == nas.Auto) {
			c.teach(r)
		}
		return ReasonNone
	}
	if r.seen.eap { // RFC 3579 s3.1
		return ReasonNoMessageAuthenticator
	}
	return c.unsigned(r)
}

// unsigned decides about an Access-Request without Message-Authenticator.
func (c *Core) unsigned(r *Request) Reason {
	set := &r.Generation.Settings
	switch r.mode(r.Client.Require, set.RequireMessageAuthenticator) {
	case nas.Yes:
		return ReasonNoMessageAuthenticator
	case nas.Auto:
		if c.learnt(r) {
			return ReasonNoMessageAuthenticator
		}
	}
	if r.seen.proxyState && !r.Client.Proxy {
		switch r.mode(r.Client.Limit, set.LimitProxyState) {
		case nas.Yes:
			return ReasonProxyState
		case nas.Auto:
			if c.learnt(r) {
				return ReasonProxyState
			}
		}
	}
	credential := r.seen.hasPassword || r.seen.chap || r.seen.microsoft
	if !credential && !set.NoCredential && !r.Client.AllowNoCredential { // RFC 3579 s3.3 note 1
		return ReasonNoCredential
	}
	return ReasonNone
}

// mode gives what counts for the client: its own setting, the server's, or auto.
func (r *Request) mode(own, server nas.Mode) nas.Mode {
	if own != nas.Inherit {
		return own
	}
	if server != nas.Inherit {
		return server
	}
	return nas.Auto
}

// teach lets the ratchet learn from a verified packet; nearly always the address is known already.
func (c *Core) teach(r *Request) {
	if c.ratchet.knows(r.Source.Addr(), r.Arrival) {
		return
	}
	id, _ := r.Packet.Attributes.Find(radius.TypeNASIdentifier)
	if c.ratchet.learn(r.Source.Addr(), string(id), r.Client.Name, r.Arrival) {
		c.log.Info("Message-Authenticator is required from now on", "source", r.Source.Addr().String(),
			"client", r.Client.Name, "nas_identifier", string(id))
	}
}

// learnt reports whether the address must sign. A NATed address that shows both kinds is warned about once.
func (c *Core) learnt(r *Request) bool {
	entry := c.ratchet.find(r.Source.Addr())
	if entry == nil {
		return false
	}
	if entry.warned.CompareAndSwap(false, true) {
		id, _ := r.Packet.Attributes.Find(radius.TypeNASIdentifier)
		c.log.LogAttrs(context.Background(), slog.LevelWarn, "address sends requests with and without Message-Authenticator; the latter are discarded",
			slog.String("source", r.Source.Addr().String()), slog.String("client", r.Client.Name),
			slog.String("signed_by", entry.identifier), slog.String("unsigned_by", string(id)),
			slog.String("undo", "perilune status -forget "+r.Source.Addr().String()))
	}
	return true
}
