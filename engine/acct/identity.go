package acct

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// An Identity is the set of fields that tell one session from another.
type Identity uint16

// The fields. Acct-Session-Id belongs to every identity but those WithoutSessionID.
const (
	ByClient Identity = 1 << iota
	ByNASIdentifier
	ByNASAddress // NAS-IPv6-Address and NAS-IP-Address
	ByMultiSession
	ByUser // not by default, as the next three: they change within a session
	ByPort
	ByCallingStation
	BySource // the address the packet came from, without the port

	// WithoutSessionID makes the port of a NAS the session, as GNU Radius had it: a Start on a busy port ends what was
	// there, a Stop ends it whatever its Acct-Session-Id, and events without a port belong to no session. It is
	// used with ByPort and ByNASAddress.
	WithoutSessionID

	// DefaultIdentity suits NASes as the RFCs describe them. Sites behind NAT share 192.168.1.1, so the client
	// is part of it.
	DefaultIdentity = ByClient | ByNASIdentifier | ByNASAddress | ByMultiSession
)

// A Key is the identity of a session as a number: the first octets of a digest over its fields.
type Key [12]byte

// identityWords are the fields as settings spell them.
var identityWords = map[string]Identity{
	"client": ByClient, "nas-identifier": ByNASIdentifier, "nas-address": ByNASAddress, "multi-session-id": ByMultiSession,
	"user": ByUser, "port": ByPort, "calling-station-id": ByCallingStation, "source": BySource, "session-id": 0,
}

// ParseIdentity makes an Identity of words: client, nas-identifier, nas-address, session-id, multi-session-id, user,
// port, calling-station-id, source. Other words count for nothing.
func ParseIdentity(words []string) Identity {
	set := WithoutSessionID
	for _, w := range words {
		if w == "session-id" {
			set &^= WithoutSessionID
		}
		set |= identityWords[w]
	}
	return set
}

// Identify gives the key of an event; false if it lacks an Acct-Session-Id and so belongs to no session.
func (set Identity) Identify(e *Event) (Key, bool) {
	if set == 0 {
		set = DefaultIdentity
	}
	id, address := e.SessionID, e.NASAddress
	if set&WithoutSessionID != 0 {
		id = e.Port()
		if address == "" {
			address = e.Address()
		}
	}
	if id == "" || e.Apart {
		return Key{}, false
	}
	var room [512]byte
	b := appendPart(room[:0], id)
	for _, part := range [...]struct {
		bit  Identity
		text string
	}{
		{ByClient, e.Client}, {ByNASIdentifier, e.NASIdentifier}, {ByNASAddress, address}, {ByNASAddress, e.NASIPv6Address},
		{ByMultiSession, e.MultiSessionID}, {ByUser, e.Account()}, {ByPort, e.Port()}, {ByCallingStation, e.CallingStationID},
	} {
		if set&part.bit != 0 {
			b = appendPart(b, part.text)
		}
	}
	if set&BySource != 0 {
		b = appendPart(b, e.Source.Addr().String())
	}
	sum := sha256.Sum256(b)
	return Key(sum[:12]), true
}

// appendPart appends text so that no two lists of parts look alike.
func appendPart(b []byte, text string) []byte {
	return append(append(strconv.AppendUint(b, uint64(len(text)), 10), ':'), text...)
}

// Unique gives acctuniqueid: 24 hexadecimal digits of the key and 8 of the epoch, which counts the sessions that
// had this key. So all rows of one key stand together in the index, the newest last.
func (k Key) Unique(epoch uint32) string {
	var b [32]byte
	hex.Encode(b[:24], k[:])
	hex.Encode(b[24:], []byte{byte(epoch >> 24), byte(epoch >> 16), byte(epoch >> 8), byte(epoch)})
	return string(b[:])
}

// ParseUnique reads what Unique wrote.
func ParseUnique(text string) (k Key, epoch uint32, ok bool) {
	var b [16]byte
	if len(text) != 32 {
		return k, 0, false
	}
	if _, err := hex.Decode(b[:], []byte(text)); err != nil {
		return k, 0, false
	}
	return Key(b[:12]), uint32(b[12])<<24 | uint32(b[13])<<16 | uint32(b[14])<<8 | uint32(b[15]), true
}
