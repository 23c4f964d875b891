package acct

import "strings"

// A Session is one row of radacct. Times are seconds since 1970, UTC; 0 means none.
type Session struct {
	Row   int64 // radacctid; 0: not in the store yet
	Key   Key
	Epoch uint32 // how many sessions had this key before

	SessionID      string
	MultiSessionID string
	UserName       string // as received in the first packet that had one
	User           string // canonical
	Realm          string
	Client         string
	NASAddress     string // nasipaddress; the source's address if the NAS does not tell
	NASIPAddress   string // as told, to compare with an Accounting-On
	NASIPv6Address string
	NASIdentifier  string
	Port           string // nasportid: NAS-Port-Id, else NAS-Port
	PortType       string

	Begin, Updated, End int64 // of the NAS, as far as its clock is believed; Updated is the newest event's
	Heard               int64 // arrival of the newest packet, by our clock
	Interval            int64 // acctinterval: between the last two updates, seconds; 0: there was one
	Seconds             int64 // Acct-Session-Time
	Input, Output       uint64
	InputPackets        uint64
	OutputPackets       uint64

	Authentic, ConnectStart, ConnectStop   string
	CalledStationID, CallingStationID      string
	TerminateCause, ServiceType            string
	FramedProtocol, FramedAddress          string
	FramedIPv6Address, FramedIPv6Prefix    string
	FramedInterfaceID, DelegatedIPv6Prefix string
	Class                                  string
	Marks                                  Marks

	last             [4]fingerprint // newest event of each status, for repetitions
	described        bool           // columns changed that an Interim or Stop seldom changes
	byUser, byClient int            // places in the indexes of the live table
	live             bool           // in the indexes
	number           uint64         // of the last record that changed it
}

// Marks tell what a row does not say by itself.
type Marks uint8

// The marks.
const (
	MarkGuessed   Marks = 1 << iota // Begin was computed: no Start has come
	MarkClosed                      // closed by us, not by a Stop; a late Stop corrects it
	MarkGigawords                   // the NAS has sent Gigawords
	MarkStamped                     // Begin is an Event-Timestamp that was believed
)

// Open reports whether the session has not ended.
func (s *Session) Open() bool { return s.End == 0 }

// Unique gives acctuniqueid.
func (s *Session) Unique() string { return s.Key.Unique(s.Epoch) }

// Device gives what tells the same user's device from another.
func (s *Session) Device() Device {
	return Device{Client: s.Client, NAS: s.NASAddress, Port: s.Port, Calling: s.CallingStationID, Multi: s.MultiSessionID}
}

// Doubtful reports a session that should have been heard of: nothing for three of its intervals. Without
// interims nobody can know: then it is false for ever. now is in seconds since 1970.
func (s *Session) Doubtful(now int64) bool {
	return s.Open() && s.Interval > 0 && now-s.Heard > 3*max(s.Interval, 60)
}

// text lists all text fields, for cloning.
func (s *Session) text() [26]*string {
	return [...]*string{
		&s.SessionID, &s.MultiSessionID, &s.UserName, &s.User, &s.Realm, &s.Client, &s.NASAddress, &s.NASIPAddress, &s.NASIPv6Address,
		&s.NASIdentifier, &s.Port, &s.PortType, &s.Authentic, &s.ConnectStart, &s.ConnectStop, &s.CalledStationID, &s.CallingStationID,
		&s.TerminateCause, &s.ServiceType, &s.FramedProtocol, &s.FramedAddress, &s.FramedIPv6Address, &s.FramedIPv6Prefix,
		&s.FramedInterfaceID, &s.DelegatedIPv6Prefix, &s.Class,
	}
}

// own moves all text into memory of its own, one piece, so that a session does not keep the lines it came from.
func (s *Session) own() {
	fields := s.text()
	n := 0
	for _, f := range fields {
		n += len(*f)
	}
	var b strings.Builder
	b.Grow(n)
	for _, f := range fields {
		b.WriteString(*f)
	}
	all, at := b.String(), 0
	for _, f := range fields {
		*f, at = all[at:at+len(*f)], at+len(*f)
	}
}
