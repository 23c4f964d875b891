package acct

import "strconv"

// A Status is an Acct-Status-Type (RFC 2866 s5.1).
type Status uint32

// The status types that sessions follow. All others are kept as events only.
const (
	Start         Status = 1
	Stop          Status = 2
	Interim       Status = 3
	AccountingOn  Status = 7
	AccountingOff Status = 8

	// Close is no value of the wire: it marks a record of our own, which closes a session (zap, reaper).
	Close Status = 1 << 31
)

// String gives the name of RFC 2866, or the number.
func (s Status) String() string {
	switch s {
	case Start:
		return "Start"
	case Stop:
		return "Stop"
	case Interim:
		return "Interim-Update"
	case AccountingOn:
		return "Accounting-On"
	case AccountingOff:
		return "Accounting-Off"
	case Close:
		return "Close"
	}
	return strconv.FormatUint(uint64(s), 10)
}

// ofSession reports whether the status tells of one session.
func (s Status) ofSession() bool { return s == Start || s == Stop || s == Interim || s == Close }

// ofNAS reports whether the status tells of all sessions of a NAS.
func (s Status) ofNAS() bool { return s == AccountingOn || s == AccountingOff }
