package acct

import (
	"math"
	"net/netip"
	"time"
)

// An Event is one accounting record, read back from its line. Its strings share the memory of that line, which
// lives as long as any of them: what is kept for long is cloned. A field that the request lacked is zero.
type Event struct {
	Seq     uint64    // position in the journal; 0 before it is written there
	Arrival time.Time // UTC
	ID      uint64    // the server's number of the request
	Client  string    // name of the client that sent it
	Source  netip.AddrPort
	NAS     string // as the NAS names itself; no proof of anything
	User    string // canonical user of sessions; empty: UserName
	Realm   string
	Status  Status
	Apart   bool // it makes and changes no session

	// From the attributes.
	UserName       string // as received
	SessionID      string
	MultiSessionID string
	NASIdentifier  string
	NASAddress     string // NAS-IP-Address
	NASIPv6Address string
	NASPort        string // NAS-Port
	NASPortID      string // NAS-Port-Id, text
	NASPortType    string
	Stamp          int64 // Event-Timestamp, seconds since 1970; 0: none
	Delay          uint32
	Seconds        uint32 // Acct-Session-Time
	Input          Octets
	Output         Octets
	InputPackets   uint32
	OutputPackets  uint32
	has            fieldSet

	Authentic, ServiceType, FramedProtocol, TerminateCause string
	CalledStationID, CallingStationID, ConnectInfo, Class  string
	FramedAddress, FramedIPv6Address, FramedIPv6Prefix     string
	FramedInterfaceID, DelegatedIPv6Prefix                 string
	Attributes                                             string // JSON: [["Name","value"],…] in the order of the packet
	Unique                                                 string // of a Close: which session
}

// Octets is a counter as it stands in one packet: 32 bits, and maybe the Gigawords above them
// (RFC 2869 s5.1, s5.2).
type Octets struct {
	Low, High uint32
	HasLow    bool
	HasHigh   bool
}

// Value gives the number: 63 bits of it, which is what databases can hold.
func (o Octets) Value() uint64 { return min(uint64(o.High)<<32|uint64(o.Low), math.MaxInt64) }

// told reports that a counter of 64 bits says no more than the packet.
func (o Octets) told(counter uint64) bool {
	if o.HasHigh {
		return o.Value() == counter
	}
	return uint64(o.Low) == counter&(1<<32-1)
}

// fieldSet marks numbers that were in the packet.
type fieldSet uint8

const (
	hasSeconds fieldSet = 1 << iota
	hasDelay
)

// HasSeconds reports whether the request held an Acct-Session-Time.
func (e *Event) HasSeconds() bool { return e.has&hasSeconds != 0 }

// Account gives the canonical user, by which sessions are counted and found.
func (e *Event) Account() string {
	if e.User != "" {
		return e.User
	}
	return e.UserName
}

// Port names the port: NAS-Port-Id if given, else NAS-Port.
func (e *Event) Port() string {
	if e.NASPortID != "" {
		return e.NASPortID
	}
	return e.NASPort
}

// Address gives the NAS's own address: NAS-IP-Address, NAS-IPv6-Address, or where the packet came from.
func (e *Event) Address() string {
	switch {
	case e.NASAddress != "":
		return e.NASAddress
	case e.NASIPv6Address != "":
		return e.NASIPv6Address
	case e.Source.IsValid():
		return e.Source.Addr().WithZone("").String()
	}
	return ""
}
