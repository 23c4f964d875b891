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

// A Client is one line of the clients file. It is not changed after Load.
type Client struct {
	Index  int // dense from 0, stable within one Table
	Prefix netip.Prefix
	Name   string // the prefix's text if the line names none
	Type   string // type=, "" if none
	Vars   map[string]string
	At     raddb.Pos

	Secret  radius.Secret
	Second  radius.Secret // secret2=, for rotation; empty if none
	Until   time.Time     // until=: Second is refused from then on; zero: no end
	CoA     netip.AddrPort
	Require Mode // require-message-authenticator=
	Limit   Mode // limit-proxy-state=

	NoReplyMessageAuthenticator bool // no-reply-ma: this NAS chokes on Message-Authenticator in replies
	Proxy                       bool // proxy: may send Proxy-State without Message-Authenticator
	ZeroAcctAuthenticator       bool // zero-acct-authenticator: ancient NAS, accepted with a warning
	AllowNoCredential           bool // no-credential: Access-Requests without credential and M-A are answered
	RejectVSA                   bool // reject-vsa: Vendor-Specific attributes stay in Access-Reject
	MaxInflight                 int  // max-inflight=: requests in work at once; 0: the server's setting
}
