package dictionary

import (
	"fmt"

	"perilune/engine/radius"
)

// Fields of a TLV may be hidden one by one, each with a salt of its own. A list holds them in clear text
// inside their Root's value; they are hidden and revealed when the whole is written and read.

// markHidden tells what lies around a field that it is hidden.
func (a *Attribute) markHidden() {
	if a.Encrypt == EncryptNone {
		return
	}
	for p := a; p.IsField(); p = p.Parent {
		p.Parent.hides = true
	}
}

// hideFields appends a TLV's value with the fields hidden that demand it.
func (a *Attribute) hideFields(dst, value []byte, s *radius.Session, request *radius.Authenticator, salt Salter) ([]byte, error) {
	for number, v := range radius.TLVs(value).All() {
		start := len(dst)
		dst = append(dst, number, 0)
		var err error
		switch c := a.Child(uint32(number)); {
		case c != nil && c.hides:
			dst, err = c.hideFields(dst, v, s, request, salt)
		case c != nil && c.Encrypt != EncryptNone:
			p := Pair{Attr: c, Value: v}
			dst, err = p.hidden(dst, s, request, salt)
		default:
			dst = append(dst, v...)
		}
		if err != nil {
			return nil, err
		}
		if len(dst)-start > maxTLV {
			return nil, fmt.Errorf("%s has %d octets when hidden; expected at most %d", a.FullName(), len(dst)-start, maxTLV)
		}
		dst[start+1] = byte(len(dst) - start)
	}
	return dst, nil
}

// maxTLV bounds a field with its header: the length is one octet.
const maxTLV = 255

// revealFields appends a TLV's value with its hidden fields in clear text. It reports false if one cannot be
// revealed.
func (dec *decoder) revealFields(dst []byte, a *Attribute, value []byte) ([]byte, bool) {
	for number, v := range radius.TLVs(value).All() {
		start, ok := len(dst), true
		dst = append(dst, number, 0)
		switch c := a.Child(uint32(number)); {
		case c != nil && c.hides:
			dst, ok = dec.revealFields(dst, c, v)
		case c != nil && c.Encrypt != EncryptNone:
			dst, ok = dec.clear(dst, c, v)
		default:
			dst = append(dst, v...)
		}
		if !ok || len(dst)-start > maxTLV {
			return dst, false
		}
		dst[start+1] = byte(len(dst) - start)
	}
	return dst, true
}

// clear appends the clear text of one hidden value.
func (dec *decoder) clear(dst []byte, a *Attribute, value []byte) ([]byte, bool) {
	if dec.s == nil || dec.request == nil {
		return dst, false
	}
	var err error
	start := len(dst)
	switch a.Encrypt {
	case EncryptUserPassword:
		if dst, err = dec.s.RevealPassword(dst, value, dec.request); err == nil {
			dst = pad(dst, start, a.size())
		}
	case EncryptSalted:
		dst, err = dec.s.RevealSalted(dst, value, dec.request)
	case EncryptAscend:
		dst = dec.s.RevealAscend(dst, value, dec.request)
	}
	if err != nil {
		dec.fail(a, err)
	}
	return dst, err == nil
}

// pad gives a value of fixed length back the zeros at its end, which hiding takes for padding.
func pad(dst []byte, start, size int) []byte {
	for len(dst) > start && len(dst)-start < size {
		dst = append(dst, 0)
	}
	return dst
}
