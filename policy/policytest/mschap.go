package policytest

import (
	"errors"
	"fmt"
	"strings"

	"perilune/engine/auth"
	"perilune/engine/dictionary"
)

// Attributes of RFC 2548.
const (
	vendorMicrosoft = 311
	msCHAPResponse  = 1
	msCHAPChallenge = 11
	msCHAP2Response = 25
)

var errNoMicrosoft = errors.New("method: the dictionary lacks Microsoft's MS-CHAP attributes; include dictionary.d/microsoft")

// microsoft answers a challenge with the password, as a peer of that version of MS-CHAP.
func (x *exchange) microsoft(d *dictionary.Dictionary, version int, number uint32) error {
	user, _ := x.question.Attributes.First(d.Known.UserName)
	p, err := auth.NewMSCHAPPeer(version, user, []byte(x.password))
	if err != nil {
		return fmt.Errorf("password: %s", strings.TrimPrefix(err.Error(), "auth: "))
	}
	challenge, response := d.VendorAttribute(vendorMicrosoft, msCHAPChallenge), d.VendorAttribute(vendorMicrosoft, number)
	if challenge == nil || response == nil {
		return errNoMicrosoft
	}
	x.question.Attributes.Add(challenge.AnyTag(), p.Challenge)
	x.question.Attributes.Add(response.AnyTag(), p.Response)
	return nil
}

// isCredential tells what the next round does not repeat.
func isCredential(d *dictionary.Dictionary, a *dictionary.Attribute) bool {
	if a == d.Known.UserPassword || a == d.Known.CHAPPassword {
		return true
	}
	return a.Vendor != nil && a.Vendor.ID == vendorMicrosoft && (a.Number == msCHAPResponse || a.Number == msCHAPChallenge || a.Number == msCHAP2Response)
}
