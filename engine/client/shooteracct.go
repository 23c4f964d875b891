package client

import (
	"encoding/binary"
	"encoding/hex"

	"perilune/engine/radius"
)

// Attributes of accounting (RFC 2866 s5).
const (
	typeAcctDelayTime      radius.Type = 41
	typeAcctInputOctets    radius.Type = 42
	typeAcctOutputOctets   radius.Type = 43
	typeAcctSessionID      radius.Type = 44
	typeAcctAuthentic      radius.Type = 45
	typeAcctSessionTime    radius.Type = 46
	typeAcctTerminateCause radius.Type = 49
)

// Values of Acct-Status-Type (RFC 2866 s5.1; Interim-Update: RFC 2869 s2.1).
const (
	statusStart   = 1
	statusStop    = 2
	statusInterim = 3
)

// session is an accounting session that an identifier's requests tell of, one after the other: so no record
// can overtake another one of its session.
type session struct {
	status byte // of the last record; 0: none yet
	user   int32
	number uint32
}

// sessions numbers those of one shooter.
type sessions struct {
	nonce [4]byte // so that no other run has the same Acct-Session-Id
	next  uint32
}

// advance goes to the next record: Start, Interim-Update, Stop, then the Start of another session, which may be
// another client's.
func (c *composer) advance(at *slot) {
	s := &at.session
	switch s.status {
	case statusStart:
		s.status = statusInterim
	case statusInterim:
		s.status = statusStop
	default:
		s.status, s.user, s.number = statusStart, int32(c.nextUser()), c.sessions.next
		c.sessions.next++
		at.from = c.nextSource()
	}
}

// account appends the next Accounting-Request of an identifier's session. Its authenticator is computed when
// it is signed, over zeros (RFC 2866 s3).
func (c *composer) account(dst []byte, id byte, at *slot) []byte {
	s := &at.session
	c.advance(at)
	dst = c.appendName(c.begin(dst, radius.CodeAccountingRequest, id), int(s.user))
	dst = appendInteger(dst, radius.TypeAcctStatusType, uint32(s.status))
	dst = c.appendSessionID(dst, s.number)
	dst = c.appendNAS(dst, at.from, id)
	dst = appendInteger(dst, typeFramedIPAddress, 10<<24|s.number&0xffffff)
	dst = appendInteger(dst, typeAcctAuthentic, 1) // RADIUS (RFC 2866 s5.6)
	dst = appendInteger(dst, typeAcctDelayTime, 0)
	if s.status == statusStart {
		return dst
	}
	return s.appendUse(dst)
}

// appendUse tells of five minutes at the Interim-Update and of ten at the Stop.
func (s *session) appendUse(dst []byte) []byte {
	minutes := uint32(5)
	if s.status == statusStop {
		minutes = 10
	}
	dst = appendInteger(dst, typeAcctSessionTime, minutes*60)
	dst = appendInteger(dst, typeAcctInputOctets, minutes*(100_000+s.number%1000))
	dst = appendInteger(dst, typeAcctOutputOctets, minutes*(1_000_000+s.number%1000))
	if s.status == statusStop {
		dst = appendInteger(dst, typeAcctTerminateCause, 1) // User-Request (RFC 2866 s5.10)
	}
	return dst
}

// appendSessionID appends 16 hexadecimal digits.
func (c *composer) appendSessionID(dst []byte, number uint32) []byte {
	var id [8]byte
	copy(id[:], c.sessions.nonce[:])
	binary.BigEndian.PutUint32(id[4:], number)
	return hex.AppendEncode(append(dst, byte(typeAcctSessionID), 2+16), id[:])
}
