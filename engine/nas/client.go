package nas

import (
	"net/netip"
	"time"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// A Mode is the setting of a BlastRADIUS protection. The zero Mode is "as the server's setting says".
type Mode uint8

// The modes of require-message-authenticator and limit-proxy-state.
const (
	Inherit Mode = iota
	No
	Yes
	Auto // a ratchet: learnt per source address
)

// ParseMode reads "no", "yes" or "auto".
func ParseMode(text string) (Mode, bool) {
	switch text {
	case "no":
		return No, true
	case "yes":
		return Yes, true
	case "auto":
		return Auto, true
	}
	return Inherit, false
}

// String gives the mode as files spell it.
func (m Mode) String() string {
	return [...]string{"inherit", "no", "yes", "auto"}[m&3]
}

// A Client is one source prefix of the clients file. It is not changed after Load. A line whose host name
// has several addresses, and DEFAULT, make several clients of one name.
//
// What each request needs stands first, in two lines of the processor's cache: one of a hundred thousand clients is not
// in the cache when it asks.
type Client struct {
	Secret  radius.Secret
	Name    string // the prefix's text if the line names none
	Require Mode   // require-message-authenticator=
	Limit   Mode   // limit-proxy-state=

	Identify Identification // coa-identify=: what names a session to the NAS; 0: as type= says
	Dynamic  Right          // dynamic-authorization=: whose sessions the client may change and end

	NoReplyMessageAuthenticator bool  // no-reply-ma: this NAS chokes on Message-Authenticator in replies
	Proxy                       bool  // proxy: may send Proxy-State without Message-Authenticator
	ZeroAcctAuthenticator       bool  // zero-acct-authenticator: ancient NAS, accepted with a warning
	AllowNoCredential           bool  // no-credential: Access-Requests without credential and M-A are answered
	RejectVSA                   bool  // reject-vsa: Vendor-Specific attributes stay in Access-Reject
	NoThrottle                  bool  // throttle=no: wrong credentials are not counted
	BrokenPassword              bool  // broken-pass: hides each block of a long User-Password with the first block's digest
	CompareAuth                 uint8 // compare-auth-flag=, 1 to 9; NoFlag: none; 0: as compare-attribute-flag says
	CompareAcct                 uint8 // compare-acct-flag=; likewise
	Compare                     uint8 // compare-attribute-flag=; 0: as the server says

	DuplicateKeep time.Duration // dup=: how long answers are kept, 1 s to 5 m; 0: the server's setting
	Names         *Charset      // username-chars=; nil: the server's setting
	MaxInflight   int           // max-inflight=: requests in work at once; 0: the server's setting

	Index  int    // dense from 0, stable within one Table
	Type   string // type=, "" if none
	Prefix netip.Prefix
	Zone   string // of a link-local address that names one
	Vars   map[string]string
	At     raddb.Pos

	Second    radius.Secret  // secret2=, for rotation; empty if none
	Until     time.Time      // until=: Second is refused from then on; zero: no end
	CoA       netip.AddrPort // coa=: where CoA- and Disconnect-Requests go; zero address: the NAS's own; zero port: PortDynamic
	CoASecret radius.Secret  // coa-secret=: signs them; empty: Secret does

	_ [8]byte // to a multiple of 64 octets, so that each of a chunk begins a line
}

// NoFlag is the number of a PROPERTY flag that no attribute has.
const NoFlag = 10

// CompareFlag gives the PROPERTY flag for extended comparison: the client's own for the kind of request, else
// its flag for all kinds, else the server's; 0 for none.
func (c *Client) CompareFlag(kind, server uint8) uint8 {
	if kind == 0 {
		kind = c.Compare
	}
	switch kind {
	case 0:
		return server
	case NoFlag:
		return 0
	}
	return kind
}

// A Charset is a set of octets that user names may consist of.
type Charset struct{ bits [4]uint64 }

// NewCharset gives the set of ASCII letters, digits and the octets of others.
func NewCharset(others string) *Charset {
	s := &Charset{}
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + others) {
		s.bits[c>>6] |= 1 << (c & 63)
	}
	return s
}

// Allows reports whether name consists of octets of the set.
func (s *Charset) Allows(name []byte) bool {
	for _, c := range name {
		if s.bits[c>>6]&(1<<(c&63)) == 0 {
			return false
		}
	}
	return true
}
