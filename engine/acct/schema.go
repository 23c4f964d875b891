package acct

import (
	"fmt"
	"strings"
)

// schemaVersion is the version of our columns. A store of a newer one is refused: an older program would
// write rows that lack what the newer relies on.
const schemaVersion = 1

// A newerError refuses a database of a newer release.
type newerError struct{ version int }

// Error implements error.
func (e *newerError) Error() string {
	return fmt.Sprintf("the database has schema %d, this program knows %d; expected an older one, or a newer program", e.version, schemaVersion)
}

// A column of radacct. The first are FreeRADIUS 3.2's, in its order and with its names, so that tools and
// dashboards made for it work; ours stand behind them.
type column struct {
	name, sqlite, postgres string
}

const textNull, text = "text", "text NOT NULL DEFAULT ''"

// radacct lists the columns behind radacctid. Session.put and scanSession follow its order.
var radacct = [...]column{
	{"acctsessionid", "varchar(64) NOT NULL default ''", "text NOT NULL"},
	{"acctuniqueid", "varchar(32) NOT NULL default ''", "text NOT NULL UNIQUE"},
	{"username", "varchar(64) NOT NULL default ''", "text"},
	{"realm", "varchar(64) default ''", "text"},
	{"nasipaddress", "varchar(45) NOT NULL default ''", "inet NOT NULL"},
	{"nasportid", "varchar(32) default NULL", "text"},
	{"nasporttype", "varchar(32) default NULL", "text"},
	{"acctstarttime", "datetime NULL default NULL", "timestamp with time zone"},
	{"acctupdatetime", "datetime NULL default NULL", "timestamp with time zone"},
	{"acctstoptime", "datetime NULL default NULL", "timestamp with time zone"},
	{"acctinterval", "int(12) default NULL", "bigint"},
	{"acctsessiontime", "int(12) default NULL", "bigint"},
	{"acctauthentic", "varchar(32) default NULL", "text"},
	{"connectinfo_start", "varchar(128) default NULL", "text"},
	{"connectinfo_stop", "varchar(128) default NULL", "text"},
	{"acctinputoctets", "bigint(20) default NULL", "bigint"},
	{"acctoutputoctets", "bigint(20) default NULL", "bigint"},
	{"calledstationid", "varchar(50) NOT NULL default ''", "text"},
	{"callingstationid", "varchar(50) NOT NULL default ''", "text"},
	{"acctterminatecause", "varchar(32) NOT NULL default ''", "text"},
	{"servicetype", "varchar(32) default NULL", "text"},
	{"framedprotocol", "varchar(32) default NULL", "text"},
	{"framedipaddress", "varchar(15) NOT NULL default ''", "inet"},
	{"framedipv6address", "varchar(45) NOT NULL default ''", "inet"},
	{"framedipv6prefix", "varchar(45) NOT NULL default ''", "inet"},
	{"framedinterfaceid", "varchar(44) NOT NULL default ''", "text"},
	{"delegatedipv6prefix", "varchar(45) NOT NULL default ''", "inet"},
	{"class", "varchar(64) default NULL", "text"},
	// Ours.
	{"account", "text default NULL", textNull}, // canonical user where it is not username
	{"client", "text NOT NULL default ''", text},
	{"nasidentifier", "text NOT NULL default ''", text},
	{"nasipv4", "text NOT NULL default ''", text}, // NAS-IP-Address as told; nasipaddress may be the source's
	{"nasipv6", "text NOT NULL default ''", text},
	{"multisessionid", "text NOT NULL default ''", text},
	{"acctinputpackets", "bigint NOT NULL default 0", "bigint NOT NULL DEFAULT 0"},
	{"acctoutputpackets", "bigint NOT NULL default 0", "bigint NOT NULL DEFAULT 0"},
	{"heard", "bigint NOT NULL default 0", "bigint NOT NULL DEFAULT 0"}, // arrival of the newest packet, our clock
	{"marks", "int NOT NULL default 0", "int NOT NULL DEFAULT 0"},
}

// ownColumns is the place of the first column that FreeRADIUS does not have.
const ownColumns = 28

// names gives the columns' names, joined.
func columnNames() string {
	var b strings.Builder
	for i := range radacct {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(radacct[i].name)
	}
	return b.String()
}

// A writer takes the values of a row, column by column. A time and a number of 0, and an empty text, may be NULL.
type writer interface {
	text(v string)
	textOrNull(v string)
	address(v string) // an address or prefix of the wire; what is none is '' or NULL
	number(v int64)
	time(v int64)
}

// write gives the values of radacct's columns.
func (s *Session) write(w writer) {
	w.text(s.SessionID)
	w.text(s.Unique())
	w.text(s.UserName)
	w.text(s.Realm)
	w.address(s.NASAddress)
	w.textOrNull(s.Port)
	w.textOrNull(s.PortType)
	w.time(s.Begin)
	w.time(s.Updated)
	w.time(s.End)
	w.number(s.Interval)
	w.number(s.Seconds)
	w.textOrNull(s.Authentic)
	w.text(s.ConnectStart)
	w.text(s.ConnectStop)
	w.number(int64(s.Input))
	w.number(int64(s.Output))
	w.text(s.CalledStationID)
	w.text(s.CallingStationID)
	w.text(s.TerminateCause)
	w.textOrNull(s.ServiceType)
	w.textOrNull(s.FramedProtocol)
	w.address(s.FramedAddress)
	w.address(s.FramedIPv6Address)
	w.address(s.FramedIPv6Prefix)
	w.text(s.FramedInterfaceID)
	w.address(s.DelegatedIPv6Prefix)
	w.textOrNull(s.Class)
	s.writeOwn(w)
}

func (s *Session) writeOwn(w writer) {
	if s.User == s.UserName {
		w.textOrNull("")
	} else {
		w.textOrNull(s.User)
	}
	w.text(s.Client)
	w.text(s.NASIdentifier)
	w.text(s.NASIPAddress)
	w.text(s.NASIPv6Address)
	w.text(s.MultiSessionID)
	w.number(int64(s.InputPackets))
	w.number(int64(s.OutputPackets))
	w.number(s.Heard)
	w.number(int64(s.Marks))
}

// A reader gives the values of a row, column by column; NULL is 0 and the empty text.
type reader interface {
	text() string
	number() int64
	time() int64
}

// read takes radacctid and the values of radacct's columns.
func (s *Session) read(r reader) {
	s.Row = r.number()
	s.SessionID = r.text()
	s.Key, s.Epoch, _ = ParseUnique(r.text())
	s.UserName, s.Realm, s.NASAddress = r.text(), r.text(), r.text()
	s.Port, s.PortType = r.text(), r.text()
	s.Begin, s.Updated, s.End = r.time(), r.time(), r.time()
	s.Interval, s.Seconds = r.number(), r.number()
	s.Authentic, s.ConnectStart, s.ConnectStop = r.text(), r.text(), r.text()
	s.Input, s.Output = uint64(r.number()), uint64(r.number())
	s.CalledStationID, s.CallingStationID, s.TerminateCause = r.text(), r.text(), r.text()
	s.ServiceType, s.FramedProtocol = r.text(), r.text()
	s.FramedAddress, s.FramedIPv6Address, s.FramedIPv6Prefix = r.text(), r.text(), r.text()
	s.FramedInterfaceID, s.DelegatedIPv6Prefix, s.Class = r.text(), r.text(), r.text()
	if s.User = r.text(); s.User == "" {
		s.User = s.UserName
	}
	s.Client, s.NASIdentifier = r.text(), r.text()
	s.NASIPAddress, s.NASIPv6Address, s.MultiSessionID = r.text(), r.text(), r.text()
	s.InputPackets, s.OutputPackets = uint64(r.number()), uint64(r.number())
	s.Heard, s.Marks = r.number(), Marks(r.number())
	s.own()
}
