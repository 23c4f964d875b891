package dictionary

import (
	"fmt"

	"perilune/engine/radius"
)

// A Salter gives salts for RFC 2868 s3.5: high bit set, unique in one packet.
type Salter func() uint16

// maxLong bounds a value that is split over several attributes, in octets.
const maxLong = radius.MaxPacketLen

// Encode appends pair in wire form to dst, hidden with s where the attribute demands it. Internal
// attributes and empty values append nothing. Concat attributes and extended ones that are too long are
// split; another value over its room is an error that names the attribute, and dst is returned unchanged.
// salt may be nil for a pair that is not salted.
func Encode(dst []byte, p *Pair, s *radius.Session, request *radius.Authenticator, salt Salter) ([]byte, error) {
	if p.Attr.Internal || len(p.Value) == 0 {
		return dst, nil
	}
	if a := p.Attr; a.Bare() && len(p.Value) <= radius.MaxValueLen {
		return radius.AppendAttribute(dst, radius.Type(a.Number), p.Value), nil
	}
	return p.encode(dst, s, request, salt)
}

// encode is Encode of a pair that is not as it stands on the wire.
func (p *Pair) encode(dst []byte, s *radius.Session, request *radius.Authenticator, salt Salter) ([]byte, error) {
	var room [radius.MaxValueLen + 64]byte
	value, err := p.wireValue(room[:0], s, request, salt)
	if err != nil {
		return dst, err
	}
	out, err := p.Attr.wrap(dst, value)
	if err != nil {
		return dst, fmt.Errorf("%s: %w", p.Attr.FullName(), err)
	}
	return out, nil
}

// wireValue gives the value with tag and hidden; scratch is memory for what must be changed.
func (p *Pair) wireValue(scratch []byte, s *radius.Session, request *radius.Authenticator, salt Salter) ([]byte, error) {
	a := p.Attr
	switch {
	case a.Encrypt != EncryptNone:
		return p.hidden(scratch, s, request, salt)
	case a.hides && a.Fits(p.Value):
		return a.hideFields(scratch, p.Value, s, request, salt)
	case a.Tagged:
		return p.tagged(scratch)
	case (a.Type == TypeIPv4Prefix || a.Type == TypeIPv6Prefix) && a.Fits(p.Value):
		return a.appendPrefix(scratch, a.prefix(p.Value)), nil
	}
	return p.Value, nil
}

// tagged puts the tag in its place (RFC 2868 s3.1).
func (p *Pair) tagged(scratch []byte) ([]byte, error) {
	a, first := p.Attr, p.Value[0]
	switch {
	case p.Tag > maxTag:
		return nil, fmt.Errorf("%s has the tag %d; expected at most 31", a.FullName(), p.Tag)
	case a.Type == TypeInteger && len(p.Value) == 4:
		if first != 0 && (p.Tag != 0 || first <= maxTag) {
			return nil, fmt.Errorf("%s has a number over 16777215, which leaves no room for a tag", a.FullName())
		}
		return append(append(scratch, first|p.Tag), p.Value[1:]...), nil
	case p.Tag != 0 || first <= maxTag:
		return append(append(scratch, p.Tag), p.Value...), nil
	}
	return p.Value, nil
}

func (p *Pair) hidden(scratch []byte, s *radius.Session, request *radius.Authenticator, salt Salter) ([]byte, error) {
	a := p.Attr
	if s == nil || request == nil || a.Encrypt == EncryptSalted && salt == nil {
		return nil, fmt.Errorf("%s cannot be hidden without a secret", a.FullName())
	}
	if len(p.Value) > a.Encrypt.room() {
		return nil, fmt.Errorf("%s has %d octets; expected at most %d", a.FullName(), len(p.Value), a.Encrypt.room())
	}
	switch a.Encrypt {
	case EncryptUserPassword:
		return s.HidePassword(scratch, p.Value, request), nil
	case EncryptAscend:
		return s.HideAscend(scratch, p.Value, request), nil
	}
	if a.Tagged { // the tag octet is always there in front of a salt: RFC 2868 s3.5
		scratch = append(scratch, p.Tag)
	}
	return s.HideSalted(scratch, salt(), p.Value, request), nil
}

// room gives the longest clear value that the method hides, in octets.
func (e Encrypt) room() int {
	switch e {
	case EncryptUserPassword:
		return 128 // RFC 2865 s5.2
	case EncryptAscend:
		return 16
	}
	return 239 // 15 blocks of 16 less the octet of length: RFC 2868 s3.5
}

// wrap appends the value with all headers of the attribute.
func (a *Attribute) wrap(dst, value []byte) ([]byte, error) {
	if a.IsField() {
		return dst, fmt.Errorf("a field cannot be sent alone; expected it inside %s", a.Root.FullName())
	}
	switch {
	case a.Parent != nil && a.Parent.Type == TypeEVS:
		return radius.AppendEVS(dst, radius.Type(a.Parent.Parent.Number), a.vendorID(), byte(a.Number), value)
	case a.Parent != nil:
		return radius.AppendExtended(dst, radius.Type(a.Parent.Number), byte(a.Number), value)
	case a.Vendor != nil:
		return a.Vendor.Format.AppendVSA(dst, a.Vendor.ID, a.Number, value)
	case a.Concat && len(value) > radius.MaxValueLen && len(value) <= maxLong:
		return appendSplit(dst, radius.Type(a.Number), value), nil
	case len(value) > radius.MaxValueLen:
		return dst, fmt.Errorf("the value has %d octets; expected at most %d", len(value), radius.MaxValueLen)
	}
	return radius.AppendAttribute(dst, radius.Type(a.Number), value), nil
}

// appendSplit spreads a value over several attributes (RFC 3579 s3.1).
func appendSplit(dst []byte, t radius.Type, value []byte) []byte {
	for len(value) > 0 {
		part := value[:min(len(value), radius.MaxValueLen)]
		dst = radius.AppendAttribute(dst, t, part)
		value = value[len(part):]
	}
	return dst
}
