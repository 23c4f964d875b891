package server

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"perilune/engine/acct"
	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/radius"
)

// A sought is what a CoA- or Disconnect-Request says of the session that it is for, as sessions keep it.
type sought struct {
	filter     acct.Filter
	equal      []func(*acct.Session) bool // further conditions
	nas        []func(*acct.Session) bool // those that identify the NAS
	identified bool
	certain    bool // by more than NAS-Port, which a session may lack
}

// seek reads the attributes. cause is not 0 if one of them has not the form of its type.
func (r *Request) seek() (s *sought, cause uint32) {
	s = new(sought)
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		t, ok := rfcType(p.Attr)
		if !ok || len(p.Value) == 0 {
			continue
		}
		if n := wireLength(t); n != 0 && len(p.Value) != n {
			return s, causeInvalidValue
		}
		s.identified = s.identified || identifySession.has(t)
		s.certain = s.certain || identifySession.has(t) && t != typeNASPort
		s.take(t, p)
	}
	s.takeOperatorNAS(r)
	return s, 0
}

// wireLength gives how long the values of a type are, 0 if that is not fixed.
func wireLength(t uint32) int {
	switch t {
	case uint32(radius.TypeNASIPAddress), typeNASPort, typeServiceType, typeFramedAddress, typeEventTimestamp:
		return 4
	case typeNASIPv6Address, typeFramedIPv6:
		return 16
	case typeFramedInterface:
		return 8
	}
	return 0
}

// take makes a condition of one attribute.
func (s *sought) take(t uint32, p *Pair) {
	text := acct.Text(p.Attr.AppendText(nil, p.Value))
	equal := func(field func(*acct.Session) string) {
		s.equal = append(s.equal, func(o *acct.Session) bool { return field(o) == text })
	}
	switch t {
	case uint32(radius.TypeUserName):
		s.filter.User = acct.Text(p.Value)
	case typeSessionID:
		s.filter.ID = acct.Text(p.Value)
	case typeCallingStation:
		s.filter.Calling = acct.Text(p.Value)
	case typeCalledStation:
		equal(func(o *acct.Session) string { return o.CalledStationID })
	case typeMultiSession:
		equal(func(o *acct.Session) string { return o.MultiSessionID })
	case typeNASPort:
		s.port(strconv.FormatUint(uint64(binary.BigEndian.Uint32(p.Value)), 10), true)
	case typeNASPortID:
		s.port(text, false)
	case typeFramedAddress:
		equal(func(o *acct.Session) string { return o.FramedAddress })
	case typeFramedIPv6:
		equal(func(o *acct.Session) string { return o.FramedIPv6Address })
	case typeFramedIPv6Prefix:
		equal(func(o *acct.Session) string { return o.FramedIPv6Prefix })
	case typeFramedInterface:
		equal(func(o *acct.Session) string { return o.FramedInterfaceID })
	default:
		s.takeNAS(t, p)
	}
}

// port compares the port. A session has one of NAS-Port-Id and NAS-Port, the former if its NAS sends it: a
// NAS-Port says nothing where the session's is a name or it has none, but that alone finds no session.
func (s *sought) port(text string, number bool) {
	s.equal = append(s.equal, func(o *acct.Session) bool {
		if _, err := strconv.ParseUint(o.Port, 10, 32); number && err != nil {
			return s.certain
		}
		return o.Port == text
	})
}

// takeNAS makes a condition of an attribute that identifies the NAS.
func (s *sought) takeNAS(t uint32, p *Pair) {
	switch t {
	case uint32(radius.TypeNASIPAddress), typeNASIPv6Address:
		addr, _ := netip.AddrFromSlice(p.Value)
		text := addr.String()
		s.nas = append(s.nas, func(o *acct.Session) bool {
			return o.NASAddress == text || o.NASIPAddress == text || o.NASIPv6Address == text
		})
	case uint32(radius.TypeNASIdentifier):
		name := acct.Text(p.Value)
		s.nas = append(s.nas, func(o *acct.Session) bool { return o.NASIdentifier == name })
	}
}

// takeOperatorNAS reads Operator-NAS-Identifier, by which a network tells its NASes apart towards others (RFC 8559
// s3.4): a client's name, or what the NAS calls itself.
func (s *sought) takeOperatorNAS(r *Request) {
	value, ok := r.first(r.Generation.prepare().operatorNAS)
	if !ok {
		return
	}
	name := acct.Text(value)
	s.nas = append(s.nas, func(o *acct.Session) bool {
		return o.Client == name || o.NASIdentifier != "" && o.NASIdentifier == name
	})
}

// first gives the first value of an attribute, which may be nil or a field.
func (r *Request) first(a *dictionary.Attribute) ([]byte, bool) {
	if a == nil {
		return nil, false
	}
	return r.Attributes.Get(a.AnyTag(), 0)
}

// session finds the session that a request is for. cause is not 0 if there is not exactly one.
func (c *Core) session(r *Request) (found *acct.Session, cause uint32) {
	s, cause := r.seek()
	switch {
	case cause != 0:
		return nil, cause
	case !s.identified:
		return nil, causeMissingAttribute
	case c.sessions == nil:
		return nil, causeNoSession
	}
	if r.Client.Dynamic == nas.RightOwn { // it does not learn which others there are, nor search for them
		s.filter.Client = r.Client.Name
	}
	// The table may be large, and much of it meet a vague request: no more is copied than tells one from several.
	anywhere, here := 0, 0
	list := c.sessions.SelectIf(s.filter, func(o *acct.Session) bool {
		if !meets(o, s.equal) {
			return false
		}
		anywhere++
		if !meets(o, s.nas) {
			return false
		}
		here++
		return here == 1
	})
	switch {
	case anywhere == 0:
		return nil, causeNoSession
	case here == 0:
		return nil, causeMismatch
	case here > 1:
		return nil, causeSeveralSessions
	}
	return &list[0], 0
}

func meets(o *acct.Session, conditions []func(*acct.Session) bool) bool {
	for _, holds := range conditions {
		if !holds(o) {
			return false
		}
	}
	return true
}

// owns reports whether a session is the client's own. A line of the clients file may stand for a whole network: of its NASes
// each has those that came from its address.
func (r *Request) owns(s *acct.Session) bool {
	return s.Client == r.Client.Name && (r.Client.Prefix.IsSingleIP() || s.NASAddress == r.Source.Addr().WithZone("").String())
}

// entitled reports whether the client may change the session (RFC 5176 s6.1): with realm it must be a home server
// of the user's realm, to which an Access-Request of the user would go.
func (r *Request) entitled(s *acct.Session) bool {
	switch r.Client.Dynamic {
	case nas.RightAll:
		return true
	case nas.RightOwn:
		return s != nil && r.owns(s)
	case nas.RightNone:
		return false
	}
	if r.Generation.Realms == nil {
		return false
	}
	name := s.Realm
	if name == "" {
		name = strings.ToLower(s.UserName[strings.LastIndexByte(s.UserName, '@')+1:])
		if !strings.Contains(s.UserName, "@") {
			name = ""
		}
	}
	realm := r.Generation.Realms.Lookup(name)
	if realm == nil {
		return false
	}
	for i := range realm.Servers {
		server := &realm.Servers[i]
		if from := r.Source.Addr(); server.Auth.Addr() == from || server.Acct.Addr() == from {
			return true
		}
	}
	return false
}
