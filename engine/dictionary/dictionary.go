package dictionary

import (
	"iter"

	"perilune/engine/raddb"
)

// A Dictionary knows the attributes of one generation. After Freeze it may be read from any goroutine.
type Dictionary struct {
	Known Known // the attributes that native code asks for
}

// Known are attributes that native code uses: all are in every dictionary, because Load begins with the
// internal ones that the program carries. Fields are named as the attribute without hyphens.
type Known struct {
	UserName, UserPassword, CHAPPassword, CHAPChallenge   *Attribute
	NASIPAddress, NASIPv6Address, NASIdentifier, NASPort  *Attribute
	ServiceType, FramedProtocol, FramedIPAddress          *Attribute
	ReplyMessage, State, Class, VendorSpecific            *Attribute
	SessionTimeout, IdleTimeout, TerminationAction        *Attribute
	CalledStationID, CallingStationID, ProxyState         *Attribute
	AcctStatusType, AcctDelayTime, AcctSessionID          *Attribute
	AcctInputOctets, AcctOutputOctets                     *Attribute
	AcctInputGigawords, AcctOutputGigawords               *Attribute
	EventTimestamp, EAPMessage, MessageAuthenticator      *Attribute
	Prompt, ErrorCause, ChargeableUserIdentity            *Attribute
	TunnelType, TunnelMediumType, TunnelPrivateGroupID    *Attribute
	AuthType, CleartextPassword, CryptPassword            *Attribute // internal from here on
	PasswordWithHeader, NTPassword, HuntgroupName         *Attribute
	RewriteFunction, FallThrough, SimultaneousUse         *Attribute
	Expiration, LoginTime, MatchProfile, Hint, Group      *Attribute
	Prefix, Suffix, StripUserName, ReplaceUserName        *Attribute
	OrigUserName, AcctType, Realm, ResponsePacketType     *Attribute
	PacketType, ClientShortname, PacketSrcIPAddress, Menu *Attribute
}

// Load reads the dictionary file name of the tree with all that it includes, on top of the internal
// attributes that the program carries. All errors are collected in errs; the Dictionary is usable for
// further checking even if there are some.
func Load(tree *raddb.Tree, name string, errs *raddb.List) *Dictionary { panic("dictionary.Load") }

// Freeze ends the building: names are resolved, numbers assigned. Nothing may be added later.
func (d *Dictionary) Freeze() { panic("dictionary.Freeze") }

// Attribute looks a name up without case: dictionary names, aliases, and the forms Attr-26.9.1,
// Vendor-9-Attr-1, Attr-241.7, Attr-200, which give an attribute of octets if the dictionary lacks the
// number. nil if there is none.
func (d *Dictionary) Attribute(name string) *Attribute { panic("dictionary.Attribute") }

// Resolve looks up a name with an optional tag or field: "Tunnel-Type:1", "Acme-QoS.Down". The error says
// what is wrong and names the nearest attribute.
func (d *Dictionary) Resolve(name string) (Ref, error) { panic("dictionary.Resolve") }

// ByNumber gives the attribute of a number of RFC 2865's space; one of octets if none is declared.
func (d *Dictionary) ByNumber(n byte) *Attribute { panic("dictionary.ByNumber") }

// Vendor looks a vendor up by number, nil if unknown.
func (d *Dictionary) Vendor(id uint32) *Vendor { panic("dictionary.Vendor") }

// VendorAttribute gives the attribute of a vendor, nil if unknown.
func (d *Dictionary) VendorAttribute(vendor, number uint32) *Attribute {
	panic("dictionary.VendorAttribute")
}

// Attributes gives all in order of Index. The slice must not be changed.
func (d *Dictionary) Attributes() []*Attribute { panic("dictionary.Attributes") }

// Names gives all attribute names, for "did you mean".
func (d *Dictionary) Names() iter.Seq[string] { panic("dictionary.Names") }

// AddVendor declares a vendor before Freeze; the error names the place of a clash.
func (d *Dictionary) AddVendor(v Vendor, at raddb.Pos) error { panic("dictionary.AddVendor") }

// AddAttribute declares an attribute before Freeze: Name, Number, Vendor, Parent, Type and flags of a are
// taken. One without number and vendor is internal. The error names the place of a clash.
func (d *Dictionary) AddAttribute(a Attribute, at raddb.Pos) (*Attribute, error) {
	panic("dictionary.AddAttribute")
}

// AddValue names a value of an attribute before Freeze.
func (d *Dictionary) AddValue(a *Attribute, name string, n uint64, at raddb.Pos) error {
	panic("dictionary.AddValue")
}
