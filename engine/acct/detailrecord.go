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
// The first line is in local time; s keeps it for further records of the same second, and serves one goroutine at a time;
// nil: it is not kept. name is User-Name as received, first of all; if it is nil, User-Name stands
// where the pairs have it. Passwords and internal attributes are left out. Octets that do not print are \ooo.
func AppendDetail(dst []byte, s *DetailStamp, at time.Time, name []byte, pairs []dictionary.Pair, a Authenticity) []byte {
	return appendDetail(dst, s.of(at), name, pairs, a, false)
}

// AppendOldDetail is AppendDetail with the names that GNU Radius had: NAS-Port-Id for number 5, NAS-Port-Id-String for
// 87, Alive for an interim update, and octets without 0x. A backslash stands for itself.
func AppendOldDetail(dst []byte, s *DetailStamp, at time.Time, name []byte, pairs []dictionary.Pair, a Authenticity) []byte {
	return appendDetail(dst, s.of(at), name, pairs, a, true)
}

// A DetailStamp is how detail records tell of a second. The zero one is ready.
type DetailStamp struct {
	second     int64
	zone       *time.Location // nil: there is nothing yet
	head, tail []byte         // the line of the time, and of the timestamp
}

// of gives the stamp of a time.
func (s *DetailStamp) of(at time.Time) *DetailStamp {
	if s == nil {
		s = new(DetailStamp)
	}
	if second, zone := at.Unix(), at.Location(); s.second != second || s.zone != zone {
		s.second, s.zone = second, zone
		s.head = append(at.AppendFormat(s.head[:0], "Mon Jan _2 15:04:05 2006"), '\n')
		s.tail = strconv.AppendInt(append(s.tail[:0], "\tTimestamp = "...), second, 10)
	}
	return s
}

func appendDetail(dst []byte, stamp *DetailStamp, name []byte, pairs []dictionary.Pair, a Authenticity, old bool) []byte {
	dst = append(dst, stamp.head...)
	if name != nil {
		dst = append(append(dst, "\tUser-Name = "...), name...)
		if start := len(dst) - len(name); !printable(name, old) {
			dst = appendEscaped(dst[:start], name, old)
		}
		dst = append(dst, '\n')
	}
	for i := range pairs {
		p := &pairs[i]
		if p.Attr.Secret || p.Attr.Internal && !p.Attr.Detail || name != nil && number(p.Attr) == numUserName {
			continue
		}
		dst = append(append(append(dst, '\t'), attributeName(p.Attr, old)...), " = "...)
		start := len(dst)
		switch {
		case old && number(p.Attr) == numStatusType && string(p.Value) == "\x00\x00\x00\x03":
			dst = append(dst, "Alive"...)
		case old && p.Attr.Type == dictionary.TypeOctets:
			dst = append(dst, p.Value...)
		default:
			dst = p.Attr.AppendTyped(dst, p.Value)
		}
		if !printable(dst[start:], old) {
			dst = appendEscaped(dst[:start], dst[start:], old)
		}
		dst = append(dst, '\n')
	}
	dst = append(dst, stamp.tail...)
	if a != AuthenticatorUnsaid {
		dst = append(append(dst, "\n\tRequest-Authenticator = "...), a.String()...)
	}
	return append(dst, "\n\n"...)
}

// attributeName gives the name of an attribute, its old one if that is asked for.
func attributeName(a *dictionary.Attribute, old bool) string {
	if old {
		switch number(a) {
		case numNASPort:
			return "NAS-Port-Id"
		case numNASPortID:
			return "NAS-Port-Id-String"
		}
	}
	return a.Name
}

// printable reports text that stands as it is in a record; a backslash does if it is bare.
func printable(text []byte, bare bool) bool {
	for _, c := range text {
		if c < 0x20 || c >= 0x7f || c == '\\' && !bare {
			return false
		}
	}
	return true
}

// appendEscaped appends text with octets that do not print as \ooo, and a backslash as \\ unless it is bare. text
// may be the end of dst's own memory.
func appendEscaped(dst, text []byte, bare bool) []byte {
	for _, c := range []byte(string(text)) {
		switch {
		case c == '\\' && !bare:
			dst = append(dst, `\\`...)
		case c < 0x20 || c >= 0x7f:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
