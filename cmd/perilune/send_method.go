package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"perilune/engine/auth"
	"perilune/engine/client"
	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// sendMethods are the values of -method; "" takes the attributes as they are.
var sendMethods = []string{"", "pap", "chap", "mschap", "mschapv2"}

// vendorMicrosoft has MS-CHAP's attributes (RFC 2548), here by their numbers.
const vendorMicrosoft = 311

const (
	msCHAPResponse  = 1
	msCHAPChallenge = 11
	msCHAPKeys      = 12
	msMPPESendKey   = 16
	msMPPERecvKey   = 17
	msCHAP2Response = 25
	msCHAP2Success  = 26
)

func isMicrosoft(a *dictionary.Attribute, numbers ...uint32) bool {
	return a.Vendor != nil && a.Vendor.ID == vendorMicrosoft && slices.Contains(numbers, a.Number)
}

// isMPPEKey tells attributes whose value is the key of a session: it is never shown.
func isMPPEKey(a *dictionary.Attribute) bool {
	return isMicrosoft(a, msCHAPKeys, msMPPESendKey, msMPPERecvKey)
}

func deleteMicrosoft(l *dictionary.List) {
	kept := l.Pairs[:0]
	for _, p := range l.Pairs {
		if !isMicrosoft(p.Attr, msCHAPResponse, msCHAPChallenge, msCHAP2Response) {
			kept = append(kept, p)
		}
	}
	l.Pairs = kept
}

// applyMethod makes of User-Password, or of CHAP-Password in clear, what -method asks for.
func (x *sender) applyMethod() error {
	if x.method == "" || x.code != radius.CodeAccessRequest {
		return nil
	}
	known := &x.client.Dictionary.Known
	password, ok := x.pairs.First(known.UserPassword)
	if !ok {
		password, ok = x.chap, x.chap != nil
	}
	if !ok {
		return wrongUsage("-method %s needs a password; expected User-Password=TEXT", x.method)
	}
	password = bytes.Clone(password)
	x.pairs.Delete(known.UserPassword.AnyTag())
	x.chap = nil
	switch x.method {
	case "pap":
		x.pairs.Add(known.UserPassword.AnyTag(), password)
	case "chap":
		x.chap = password
	case "mschap":
		return x.respond(1, msCHAPResponse, password)
	case "mschapv2":
		return x.respond(2, msCHAP2Response, password)
	}
	return nil
}

// respond answers a challenge of our own as a peer of MS-CHAP.
func (x *sender) respond(version int, number uint32, password []byte) error {
	d := x.client.Dictionary
	challenge, response := d.VendorAttribute(vendorMicrosoft, msCHAPChallenge), d.VendorAttribute(vendorMicrosoft, number)
	if challenge == nil || response == nil {
		return errors.New("the dictionary lacks Microsoft's MS-CHAP attributes; include dictionary.d/microsoft")
	}
	user, _ := x.pairs.First(d.Known.UserName)
	peer, err := auth.NewMSCHAPPeer(version, user, password)
	if err != nil {
		return wrongUsage("%s", strings.TrimPrefix(err.Error(), "auth: "))
	}
	x.peer = peer
	x.pairs.Add(challenge.AnyTag(), peer.Challenge)
	x.pairs.Add(response.AnyTag(), peer.Response)
	return nil
}

// A proof is what the server has shown of MS-CHAP: each is "right", "wrong" or "missing".
type proof struct {
	Success string `json:"success,omitempty"` // version 2: the server knows the password, too
	Keys    string `json:"keys"`
}

// proof verifies an accept. Keys may be missing: a server gives them only to clients that it trusts with them.
func (x *sender) proof(r *client.Reply) *proof {
	p := &proof{Keys: x.keys(r)}
	if x.peer.Version == 2 {
		p.Success = "missing"
		if value, ok := firstMicrosoft(r, msCHAP2Success); ok {
			p.Success = rightOr(x.peer.Proved(value))
		}
	}
	return p
}

// keys compares the keys of the session with our own.
func (x *sender) keys(r *client.Reply) string {
	want := &x.peer.Want
	if x.peer.Version == 1 {
		keys, ok := firstMicrosoft(r, msCHAPKeys)
		if !ok {
			return "missing"
		}
		return rightOr(bytes.Equal(keys, want.Keys[:]))
	}
	send, ok := firstMicrosoft(r, msMPPESendKey)
	receive, both := firstMicrosoft(r, msMPPERecvKey)
	if !ok && !both {
		return "missing"
	}
	return rightOr(bytes.Equal(send, want.Send[:]) && bytes.Equal(receive, want.Receive[:]))
}

func rightOr(right bool) string {
	if right {
		return "right"
	}
	return "wrong"
}

func firstMicrosoft(r *client.Reply, number uint32) ([]byte, bool) {
	for i := range r.Attributes.Pairs {
		if p := &r.Attributes.Pairs[i]; isMicrosoft(p.Attr, number) {
			return p.Value, true
		}
	}
	return nil, false
}

// right reports whether nothing that the server owes is wrong.
func (p *proof) right() bool {
	return (p.Success == "" || p.Success == "right") && p.Keys != "wrong"
}

// lines tell the proof to people.
func (p *proof) lines() (lines []string) {
	if p.Success != "" {
		lines = append(lines, "MS-CHAP2-Success is "+p.Success)
	}
	return append(lines, "MPPE keys are "+p.Keys)
}
