package acct

import (
	"strconv"
	"time"

	"perilune/engine/dictionary"
)

// Authenticity is what a detail record says of the Request Authenticator.
type Authenticity uint8

// The values of Request-Authenticator in a detail record.
const (
	AuthenticatorNone Authenticity = iota // all zero
	AuthenticatorUnverified
	AuthenticatorVerified
	AuthenticatorUnsaid // no such line: the record is of an Access-Request
)

// String gives the word.
func (a Authenticity) String() string {
	return [...]string{"None", "Unverified", "Verified", ""}[a]
}

// AppendDetail appends a record in the form of GNU Radius's detail files:
//
//	Sat Nov 21 22:00:00 2026
//		User-Name = bob
//		Acct-Status-Type = Start
//		Timestamp = 1795298400
//		Request-Authenticator = Verified
//	(an empty line)
//
// The first line is in local time. name is User-Name as received, first of all; if it is nil, User-Name stands
// where the pairs have it. Passwords and internal attributes are left out. Octets that do not print are \ooo.
func AppendDetail(dst []byte, at time.Time, name []byte, pairs []dictionary.Pair, a Authenticity) []byte {
	dst = append(at.AppendFormat(dst, "Mon Jan _2 15:04:05 2006"), '\n')
	if name != nil {
		dst = append(appendPrintable(append(dst, "\tUser-Name = "...), name), '\n')
	}
	for i := range pairs {
		p := &pairs[i]
		if p.Attr.Secret || p.Attr.Internal && !p.Attr.Detail || name != nil && number(p.Attr) == numUserName {
			continue
		}
		dst = append(append(append(dst, '\t'), p.Attr.Name...), " = "...)
		start := len(dst)
		dst = p.Attr.AppendText(dst, p.Value)
		dst = appendPrintable(dst[:start], dst[start:])
		dst = append(dst, '\n')
	}
	dst = strconv.AppendInt(append(dst, "\tTimestamp = "...), at.Unix(), 10)
	if a != AuthenticatorUnsaid {
		dst = append(append(dst, "\n\tRequest-Authenticator = "...), a.String()...)
	}
	return append(dst, "\n\n"...)
}

// appendPrintable appends text with octets that do not print as \ooo. text may be the end of dst's own memory.
func appendPrintable(dst, text []byte) []byte {
	plain := true
	for _, c := range text {
		plain = plain && c >= 0x20 && c < 0x7f && c != '\\'
	}
	if plain {
		return append(dst, text...)
	}
	for _, c := range []byte(string(text)) {
		switch {
		case c == '\\':
			dst = append(dst, `\\`...)
		case c < 0x20 || c >= 0x7f:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
