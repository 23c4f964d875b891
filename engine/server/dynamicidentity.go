package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/radius"
)

// The types of attributes that identify NAS and session (RFC 5176 s3), and others of such requests.
const (
	typeNASPort          = 5
	typeServiceType      = 6
	typeFramedAddress    = 8
	typeCalledStation    = 30
	typeCallingStation   = 31
	typeSessionID        = 44
	typeMultiSession     = 50
	typeEventTimestamp   = 55
	typeNASPortID        = 87
	typeFramedInterface  = 96
	typeFramedIPv6Prefix = 97
	typeFramedIPv6       = 168
)

// authorizeOnly is the Service-Type that asks the NAS to come back with an Access-Request (RFC 5176 s3.2).
const authorizeOnly = 17

// errOnlyIdentity: RFC 5176 s3, a Disconnect-Request with more must be refused.
var errOnlyIdentity = errors.New("a Disconnect-Request says only which session and why")

// compose makes the list of a question. client is the NAS, nil for home servers.
func (x *dynamic) compose(q *DynamicQuestion, client *nas.Client) error {
	if q.received != nil {
		x.pass(q, client)
		return nil
	}
	d := x.generation.Dictionary
	if err := x.own(q); err != nil {
		return err
	}
	var named dictionary.List
	if x.session != nil {
		set := nas.Identification(1<<16 - 1)
		if client != nil {
			set = client.Identification()
		}
		identify(&named, d, x.session, set)
	}
	list := &x.pairs
	for i := range named.Pairs {
		if p := &named.Pairs[i]; list.Count(p.Attr.AnyTag()) == 0 {
			list.AddShared(*p)
		}
	}
	if known, _ := identifies(list, d); !known {
		return errors.New("nothing says which session is meant")
	}
	if stamp := d.ByNumber(typeEventTimestamp); list.Count(stamp.AnyTag()) == 0 { // RFC 5176 s6.3
		list.Add(stamp.AnyTag(), binary.BigEndian.AppendUint32(nil, uint32(x.core.now().Unix())))
	}
	return nil
}

// own takes the attributes of the question, and refuses what a NAS would have to refuse.
func (x *dynamic) own(q *DynamicQuestion) error {
	if q.Attributes == nil {
		return nil
	}
	q.Attributes.CopyTo(&x.pairs)
	d := x.generation.Dictionary
	if a := unsupported(&x.pairs, q.Code); a != nil {
		if q.Code == radius.CodeDisconnectRequest {
			return fmt.Errorf("%s: %w", a.Name, errOnlyIdentity)
		}
		return fmt.Errorf("%s does not belong into a %v", a.Name, q.Code)
	}
	service, ok := x.pairs.First(d.ByNumber(typeServiceType))
	if state := d.Known.State; ok && uint32Of(service) == authorizeOnly && state != nil && x.pairs.Count(state.AnyTag()) == 0 {
		return x.addState(q, state) // RFC 5176 s3.3
	}
	return nil
}

// authorizeOnlyAnswer names the handler of the Access-Request that the NAS sends after Authorize-Only.
const authorizeOnlyAnswer = "authorize-only"

// addState adds a State of ours, so that the Access-Request with which the NAS comes back is known again: the
// answer handler of that name gets it.
func (x *dynamic) addState(q *DynamicQuestion, state *dictionary.Attribute) error {
	client := q.Client
	if client == nil {
		client, _, _ = x.generation.nasOf(q)
	}
	r := Request{Peer: Peer{Client: client}}
	if client == nil || x.session == nil {
		return errors.New("Authorize-Only needs a session, or a State of its own (RFC 5176 s3.3)")
	}
	r.ReceivedUser = []byte(x.session.UserName)
	sealed, err := x.core.seal.append(nil, &r, authorizeOnlyAnswer, nil, x.core.now().Add(stateExpiry))
	if err == nil {
		x.pairs.Add(state.AnyTag(), sealed)
	}
	return err
}

// identify adds what names a session to its NAS, as the NAS has sent it.
func identify(l *dictionary.List, d *dictionary.Dictionary, s *acct.Session, set nas.Identification) {
	add := func(member nas.Identification, t byte, value []byte) {
		if set&member != 0 && len(value) > 0 {
			l.Add(d.ByNumber(t).AnyTag(), value)
		}
	}
	add(nas.IdentifyNAS, byte(radius.TypeNASIPAddress), octetsOf(s.NASIPAddress))
	add(nas.IdentifyNAS, typeNASIPv6Address, octetsOf(s.NASIPv6Address))
	add(nas.IdentifyNAS, byte(radius.TypeNASIdentifier), []byte(s.NASIdentifier))
	add(nas.IdentifyUser, byte(radius.TypeUserName), []byte(s.UserName))
	if port, err := strconv.ParseUint(s.Port, 10, 32); err == nil {
		add(nas.IdentifyPort, typeNASPort, binary.BigEndian.AppendUint32(nil, uint32(port)))
	} else {
		add(nas.IdentifyPort, typeNASPortID, []byte(s.Port))
	}
	add(nas.IdentifyAddress, typeFramedAddress, octetsOf(s.FramedAddress))
	add(nas.IdentifyAddress, typeFramedIPv6, octetsOf(s.FramedIPv6Address))
	if value, err := d.ByNumber(typeFramedIPv6Prefix).ParseText(nil, s.FramedIPv6Prefix); err == nil {
		add(nas.IdentifyAddress, typeFramedIPv6Prefix, value)
	}
	add(nas.IdentifyCalled, typeCalledStation, []byte(s.CalledStationID))
	add(nas.IdentifyStation, typeCallingStation, []byte(s.CallingStationID))
	add(nas.IdentifySession, typeSessionID, []byte(s.SessionID))
	add(nas.IdentifyMultiSession, typeMultiSession, []byte(s.MultiSessionID))
}

// octetsOf gives the octets of an address in text; nil if it is none.
func octetsOf(text string) []byte {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return nil
	}
	return addr.AsSlice()
}

// What may stand in requests (RFC 5176 s3 and s3.6, 8559 s3). Message-Authenticator, Proxy-State and vendors'
// attributes may be in all of them.
var (
	identifyNAS     = types(4, 32, 95)
	identifySession = types(1, 5, 8, 30, 31, 44, 50, 87, 89, 96, 97, 123, 168)
	// Beside these: Reply-Message, Class, Acct-Terminate-Cause, Event-Timestamp, Operator-Name, the first extended type.
	inDisconnect = types(1, 4, 5, 8, 18, 25, 26, 30, 31, 32, 33, 44, 49, 50, 55, 80, 87, 89, 95, 96, 97, 123, 126, 168, 241)
	// Credentials, what only replies and accounting have, and EAP's conversation.
	notInChange = types(2, 3, 35, 36, 40, 41, 42, 43, 45, 46, 47, 48, 51, 52, 53, 60, 70, 76, 101)
	// Authorize-Only: State, Service-Type and what identifies.
	inAuthorizeOnly = types(1, 4, 5, 6, 8, 24, 26, 30, 31, 32, 33, 44, 50, 55, 80, 87, 89, 95, 96, 97, 123, 126, 168, 241)
)

// rfcType gives the type of an attribute, of the outermost one for what is inside another; false for a vendor's and an
// internal one.
func rfcType(a *dictionary.Attribute) (uint32, bool) {
	for a.Parent != nil {
		a = a.Parent
	}
	return a.Number, a.Vendor == nil && !a.Internal && a.Number < 256
}

// unsupported gives the first attribute that a request of the code may not carry, nil if there is none.
func unsupported(l *dictionary.List, code radius.Code) *dictionary.Attribute {
	allowed := func(t uint32) bool { return !notInChange.has(t) }
	if code == radius.CodeDisconnectRequest {
		allowed = inDisconnect.has
	} else if onlyAuthorize(l) {
		allowed = inAuthorizeOnly.has
	}
	for i := range l.Pairs {
		if t, ok := rfcType(l.Pairs[i].Attr); ok && !allowed(t) {
			return l.Pairs[i].Attr
		}
	}
	return nil
}

func onlyAuthorize(l *dictionary.List) bool {
	for i := range l.Pairs {
		if t, ok := rfcType(l.Pairs[i].Attr); ok && t == typeServiceType && uint32Of(l.Pairs[i].Value) == authorizeOnly {
			return true
		}
	}
	return false
}

// identifies reports whether a list says which session is meant, and whether it names a NAS.
func identifies(l *dictionary.List, d *dictionary.Dictionary) (session, nas bool) {
	for i := range l.Pairs {
		p := &l.Pairs[i]
		t, ok := rfcType(p.Attr)
		session = session || ok && identifySession.has(t) && len(p.Value) > 0
		nas = nas || ok && identifyNAS.has(t) && len(p.Value) > 0
	}
	return session, nas
}

// Described gives the session that a request is about, as far as it tells itself: of the user, the device and the
// NAS. It is no session of the table, and has no begin.
func (r *Request) Described() acct.Session {
	text := func(t byte) string {
		p := Pair{Attr: r.Generation.Dictionary.ByNumber(t)}
		value, ok := r.Attributes.First(p.Attr)
		if !ok {
			return ""
		}
		return acct.Text(p.Attr.AppendText(nil, value))
	}
	d := r.device()
	return acct.Session{
		User: acct.Text(r.account()), UserName: acct.Text(r.ReceivedUser), Realm: r.Realm, Client: r.Client.Name,
		NASAddress: d.NAS, Port: d.Port, CallingStationID: d.Calling, MultiSessionID: d.Multi,
		SessionID: text(typeSessionID), CalledStationID: text(typeCalledStation), NASIdentifier: text(byte(radius.TypeNASIdentifier)),
		NASIPAddress: text(byte(radius.TypeNASIPAddress)), NASIPv6Address: text(typeNASIPv6Address),
		FramedAddress: text(typeFramedAddress), FramedIPv6Address: text(typeFramedIPv6), FramedIPv6Prefix: text(typeFramedIPv6Prefix),
	}
}
