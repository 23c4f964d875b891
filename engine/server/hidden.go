package server

import (
	"bytes"

	"perilune/engine/dictionary"
)

// Hidden reports whether values of an attribute are never written down: credentials, what is hidden on the wire, and
// what carries somebody's conversation (State, Class, EAP).
func Hidden(d *dictionary.Dictionary, a *dictionary.Attribute) bool {
	if a.Secret || a.Encrypt != dictionary.EncryptNone {
		return true
	}
	k := &d.Known
	switch a {
	case k.UserPassword, k.CHAPPassword, k.State, k.Class, k.EAPMessage:
		return true
	}
	if a.Vendor != nil && a.Vendor.ID == vendorMicrosoft && a.Parent == nil {
		switch a.Number {
		case 1, 2, 3, 4, 5, 6, 12, 16, 17, 25, 26, 27: // RFC 2548: responses, errors, new passwords, keys, successes
			return true
		}
	}
	for _, f := range a.Children() {
		if Hidden(d, f) {
			return true
		}
	}
	return false
}

// filler stands for octets that are not known any more.
const filler = "\x01(not recorded)\x01"

// Filler gives n octets in the place of a value that was not written down.
func Filler(n int) []byte {
	return bytes.Repeat([]byte(filler), n/len(filler)+1)[:n]
}

// isFiller reports whether a value is one that Filler has made.
func isFiller(value []byte) bool {
	return len(value) >= minSecret && bytes.HasPrefix([]byte(filler), value[:min(len(value), len(filler))])
}

// Reads tells that a script reads a value of the request. One that was not written down makes what follows worthless.
func (r *Request) Reads(a *dictionary.Attribute, value []byte) {
	if k := r.way.recorded; k != nil && !k.Real && isFiller(value) {
		k.Missed("the value of " + a.Name)
	}
}

// ReadsAnswer tells that a handler gets the answer to a challenge, which it need not look at: one that was compared as
// a password is known well enough.
func (r *Request) ReadsAnswer(a *dictionary.Attribute, value []byte) {
	if k := r.way.recorded; k != nil && k.Password == Unchecked {
		r.Reads(a, value)
	}
}

// HiddenValues gives the values of the request that are never written down, as they stand now.
func (r *Request) HiddenValues() (values []string) {
	for i := range r.Attributes.Pairs {
		p := &r.Attributes.Pairs[i]
		if len(p.Value) >= minSecret && Hidden(r.Generation.Dictionary, p.Attr) {
			values = append(values, string(p.Value))
		}
	}
	return values
}
