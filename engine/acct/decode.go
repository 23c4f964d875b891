package acct

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The RFC numbers of the attributes that sessions are made of.
const (
	numUserName            = 1
	numNASIPAddress        = 4
	numNASPort             = 5
	numServiceType         = 6
	numFramedProtocol      = 7
	numFramedIPAddress     = 8
	numClass               = 25
	numCalledStationID     = 30
	numCallingStationID    = 31
	numNASIdentifier       = 32
	numStatusType          = 40
	numDelayTime           = 41
	numInputOctets         = 42
	numOutputOctets        = 43
	numSessionID           = 44
	numAuthentic           = 45
	numSessionTime         = 46
	numInputPackets        = 47
	numOutputPackets       = 48
	numTerminateCause      = 49
	numMultiSessionID      = 50
	numInputGigawords      = 52
	numOutputGigawords     = 53
	numEventTimestamp      = 55
	numNASPortType         = 61
	numConnectInfo         = 77
	numNASPortID           = 87
	numNASIPv6Address      = 95
	numFramedInterfaceID   = 96
	numFramedIPv6Prefix    = 97
	numDelegatedIPv6Prefix = 123
	numFramedIPv6Address   = 168
)

// ErrRecord says that a line is no record.
var ErrRecord = errors.New("acct: this line is no accounting record")

// Parse reads a line that AppendRecord or AppendClose wrote, maybe numbered by the Journal. Fields that it does
// not know are skipped, values that do not fit their field are left out of it (but stand in Attributes): one
// malformed number never costs the record. e is overwritten; its strings share line's memory.
func (e *Event) Parse(line string) error {
	*e = Event{}
	p := parser{text: line}
	var types string
	if !p.take('{') {
		return ErrRecord
	}
	for !p.take('}') {
		key, ok := p.quoted()
		if !ok || !p.take(':') || !e.field(&p, key, &types) {
			return ErrRecord
		}
		p.take(',')
	}
	if p.at != len(line) || e.Arrival.IsZero() {
		return ErrRecord
	}
	return e.attributes(types)
}

// field reads one member of the record.
func (e *Event) field(p *parser, key string, types *string) bool {
	raw, ok := p.value()
	if !ok {
		return false
	}
	switch key {
	case "seq":
		e.Seq, _ = strconv.ParseUint(raw, 10, 64)
	case "time":
		e.Arrival, _ = time.Parse(time.RFC3339Nano, unquote(raw))
	case "id":
		e.ID, _ = strconv.ParseUint(raw, 10, 64)
	case "client":
		e.Client = stored(unquote(raw))
	case "source":
		e.Source, _ = netip.ParseAddrPort(unquote(raw))
	case "nas":
		e.NAS = stored(unquote(raw))
	case "user":
		e.User = stored(unquote(raw))
	case "realm":
		e.Realm = stored(unquote(raw))
	case "received":
		e.UserName = stored(unquote(raw))
	case "apart":
		e.Apart = raw == "true"
	case "status":
		e.Status = Status(number32(raw))
	case "stamp":
		e.Stamp = int64(number32(raw))
	case "unique":
		e.Unique = unquote(raw)
	case "types":
		*types = raw
	case "attributes":
		e.Attributes = raw
	}
	return true
}

// attributes fills the fields that come from attributes.
func (e *Event) attributes(types string) error {
	if e.Attributes == "" {
		return nil
	}
	numbers, pairs := parser{text: types}, parser{text: e.Attributes}
	if !numbers.take('[') || !pairs.take('[') {
		return ErrRecord
	}
	for !pairs.take(']') {
		name, value, ok := pairs.pair()
		if !ok || name == "" {
			return ErrRecord
		}
		number, _ := numbers.value()
		numbers.take(',')
		pairs.take(',')
		if number != "0" {
			e.attribute(number32(number), value)
		}
	}
	return nil
}

// attribute keeps one value, as quoted in the record; of several with one number the first counts.
func (e *Event) attribute(number uint32, quoted string) {
	if at := e.text(number); at != nil {
		if *at == "" {
			*at = stored(unquote(quoted))
		}
		return
	}
	e.counter(number, quoted[1:len(quoted)-1])
}

// text gives the field of an attribute that is kept as text.
func (e *Event) text(number uint32) *string {
	switch number {
	case numUserName:
		return &e.UserName
	case numNASIPAddress:
		return &e.NASAddress
	case numNASPort:
		return &e.NASPort
	case numServiceType:
		return &e.ServiceType
	case numFramedProtocol:
		return &e.FramedProtocol
	case numFramedIPAddress:
		return &e.FramedAddress
	case numClass:
		return &e.Class
	case numCalledStationID:
		return &e.CalledStationID
	case numCallingStationID:
		return &e.CallingStationID
	case numNASIdentifier:
		return &e.NASIdentifier
	case numSessionID:
		return &e.SessionID
	case numAuthentic:
		return &e.Authentic
	case numTerminateCause:
		return &e.TerminateCause
	case numMultiSessionID:
		return &e.MultiSessionID
	case numNASPortType:
		return &e.NASPortType
	case numConnectInfo:
		return &e.ConnectInfo
	case numNASPortID:
		return &e.NASPortID
	}
	return e.textIPv6(number)
}

func (e *Event) textIPv6(number uint32) *string {
	switch number {
	case numNASIPv6Address:
		return &e.NASIPv6Address
	case numFramedInterfaceID:
		return &e.FramedInterfaceID
	case numFramedIPv6Prefix:
		return &e.FramedIPv6Prefix
	case numDelegatedIPv6Prefix:
		return &e.DelegatedIPv6Prefix
	case numFramedIPv6Address:
		return &e.FramedIPv6Address
	}
	return nil
}

// counter keeps a number. One that is malformed stands as 0x… in the record and counts as missing.
func (e *Event) counter(number uint32, digits string) {
	v64, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return
	}
	v := uint32(v64)
	switch number {
	case numDelayTime:
		e.Delay, e.has = v, e.has|hasDelay
	case numInputOctets:
		e.Input.Low, e.Input.HasLow = v, true
	case numOutputOctets:
		e.Output.Low, e.Output.HasLow = v, true
	case numInputGigawords:
		e.Input.High, e.Input.HasHigh = v, true
	case numOutputGigawords:
		e.Output.High, e.Output.HasHigh = v, true
	case numSessionTime:
		e.Seconds, e.has = v, e.has|hasSeconds
	case numInputPackets:
		e.InputPackets = v
	case numOutputPackets:
		e.OutputPackets = v
	}
}

// maxText bounds what becomes a column, in octets. It is more than the largest attribute has in hexadecimal digits, and
// less than an index of PostgreSQL can take.
const maxText = 1000

// stored gives text as a column can hold it: without NUL, which PostgreSQL refuses and where SQLite's own functions
// end, and not too long. One strange name must never keep all records behind it out of the database.
func stored(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", `\0`)
	}
	if len(text) <= maxText {
		return text
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func number32(digits string) uint32 {
	v, _ := strconv.ParseUint(digits, 10, 32)
	return uint32(v)
}
