package nas

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"perilune/engine/raddb"
)

// PortDynamic is where NASes take CoA- and Disconnect-Requests (RFC 5176 s2.1).
const PortDynamic = 3799

// An Identification is a set of attributes that tell a NAS which session a CoA- or Disconnect-Request is for
// (RFC 5176 s3). A NAS may refuse a request with one that it does not know, so the set is a matter of its make.
type Identification uint16

// The members of an Identification.
const (
	IdentifyUser         Identification = 1 << iota // User-Name
	IdentifySession                                 // Acct-Session-Id
	IdentifyMultiSession                            // Acct-Multi-Session-Id
	IdentifyPort                                    // NAS-Port or NAS-Port-Id
	IdentifyAddress                                 // Framed-IP-Address, or those of IPv6
	IdentifyStation                                 // Calling-Station-Id
	IdentifyCalled                                  // Called-Station-Id
	IdentifyNAS                                     // NAS-IP-Address, NAS-IPv6-Address, NAS-Identifier
)

// identifyDefault is for NASes of unknown make: what accounting tells of a session, as the NAS sent it.
const identifyDefault = IdentifyUser | IdentifySession | IdentifyPort | IdentifyAddress | IdentifyStation | IdentifyNAS

// identifyWords are the words of coa-identify=.
var identifyWords = [...]string{"user", "session", "multi-session", "port", "address", "station", "called", "nas"}

// identifyByType narrows the set for makes that are known to refuse, or not to find, more.
var identifyByType = map[string]Identification{
	"hostapd":  IdentifyUser | IdentifySession | IdentifyStation | IdentifyNAS, // others: NAK 401
	"openwrt":  IdentifyUser | IdentifySession | IdentifyStation | IdentifyNAS, // which is hostapd
	"unifi":    IdentifyUser | IdentifySession | IdentifyStation | IdentifyNAS, // likewise
	"cisco":    IdentifySession | IdentifyStation | IdentifyNAS,
	"aruba":    IdentifyUser | IdentifyStation | IdentifyNAS,
	"mikrotik": IdentifyUser | IdentifySession | IdentifyAddress | IdentifyNAS,
	"juniper":  IdentifyUser | IdentifySession | IdentifyNAS,
}

// Identification gives the set for the client: its own, its type's (without case), or that for all.
func (c *Client) Identification() Identification {
	if c.Identify != 0 {
		return c.Identify
	}
	if set, ok := identifyByType[strings.ToLower(c.Type)]; ok {
		return set
	}
	return identifyDefault
}

// DynamicAddress gives where the client takes CoA- and Disconnect-Requests. nas is the address that the NAS has
// told of itself, invalid if none: it counts where the client is a network, and lies in it. ok is false if
// nothing names one address.
func (c *Client) DynamicAddress(nas netip.Addr) (to netip.AddrPort, ok bool) {
	port := uint16(PortDynamic)
	if c.CoA.Port() != 0 {
		port = c.CoA.Port()
	}
	switch nas = nas.Unmap(); {
	case c.CoA.Addr().IsValid():
		return c.CoA, true
	case c.Prefix.IsSingleIP():
		return netip.AddrPortFrom(c.Prefix.Addr().WithZone(c.Zone), port), true
	case nas.IsValid() && c.Prefix.Contains(nas) && !nas.IsUnspecified():
		return netip.AddrPortFrom(nas, port), true
	}
	return netip.AddrPort{}, false
}

// A Right says whose sessions a client may change and end (RFC 5176 s6.1).
type Right uint8

// The values of dynamic-authorization=.
const (
	RightOwn   Right = iota // those that it has itself told of: what a NAS may do without us, too
	RightRealm              // those of users of a realm that has the client as a home server
	RightAll                // anybody's
	RightNone               // nobody's
)

// setCoA takes RFC 5176's port if there is none; a port alone stands for the NAS's own address.
func setCoA(c *Client, v value) string {
	if port, ok := strings.CutPrefix(v.text, ":"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return "a port from 1 to 65535 behind the colon"
		}
		c.CoA = netip.AddrPortFrom(netip.Addr{}, uint16(n))
		return ""
	}
	if a, err := netip.ParseAddr(v.text); err == nil {
		c.CoA = netip.AddrPortFrom(a.Unmap(), PortDynamic)
		return ""
	}
	ap, err := netip.ParseAddrPort(v.text)
	if err != nil || ap.Port() == 0 {
		return "address, address:port or :port"
	}
	c.CoA = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	return ""
}

func setIdentify(c *Client, v value) string {
	for word := range strings.SplitSeq(v.text, ",") {
		i := slices.Index(identifyWords[:], word)
		if i < 0 {
			return "words parted by commas out of " + strings.Join(identifyWords[:], ", ") + raddb.DidYouMean(word, slices.Values(identifyWords[:]))
		}
		c.Identify |= 1 << i
	}
	return ""
}

func setRight(c *Client, v value) string {
	switch {
	case !v.given || v.text == "yes":
		c.Dynamic = RightAll
	case v.text == "realm":
		c.Dynamic = RightRealm
	case v.text == "own":
		c.Dynamic = RightOwn
	case v.text == "no":
		c.Dynamic = RightNone
	default:
		return "yes, no, own or realm"
	}
	return ""
}
