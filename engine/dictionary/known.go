package dictionary

import (
	"reflect"
	"strings"
)

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

// fill looks every field up under its name: that of an attribute without its hyphens.
func (k *Known) fill(all []*Attribute) {
	byField := make(map[string]*Attribute, len(all))
	for _, a := range all {
		if a.Vendor == nil && a.Parent == nil {
			byField[fold(strings.ReplaceAll(a.Name, "-", ""))] = a
		}
	}
	fields := reflect.ValueOf(k).Elem()
	for i := range fields.NumField() {
		if a := byField[fold(fields.Type().Field(i).Name)]; a != nil {
			fields.Field(i).Set(reflect.ValueOf(a))
		}
	}
}
