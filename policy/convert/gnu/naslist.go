package gnu

import (
	"net/netip"
	"strings"

	"perilune/engine/nas"
	"perilune/engine/raddb"
)

// A station is one line of the old naslist.
type station struct {
	host   string       // as written
	prefix netip.Prefix // of addresses; not valid for a host name
	all    bool         // DEFAULT
	name   string       // its short name
	kind   string       // true, false, or one of nastypes
	args   []argument
	at     raddb.Pos
}

// An argument is one of the flags and values behind a NAS type.
type argument struct{ name, value string }

// arg gives what an argument is set to: 1 for a bare flag, 0 for no and the flag, def if it is not there.
func (n *station) arg(name, def string) string {
	for _, a := range n.args {
		if a.name == name {
			return a.value
		}
	}
	return def
}

// A stationType is one line of the old nastypes.
type stationType struct {
	name, method string
	args         []argument
	at           raddb.Pos
}

// A stationList is the old naslist.
type stationList struct {
	list   []*station
	prefix prefixTable[*station]
	host   map[string]*station
	all    *station // DEFAULT; nil if there is none
}

// add appends a line. The first of two for the same addresses counts.
func (l *stationList) add(n *station) {
	if l.host == nil {
		l.host, l.prefix = map[string]*station{}, prefixTable[*station]{}
	}
	l.list = append(l.list, n)
	l.prefix.add(n.prefix, n)
	if n.all && l.all == nil {
		l.all = n
	}
	if l.host[n.host] == nil {
		l.host[n.host] = n
	}
}

// find gives the station that an address belongs to: the most specific one, DEFAULT if there is none.
func (l *stationList) find(p netip.Prefix) *station {
	if n, ok := l.prefix.longest(p); ok {
		return n
	}
	return l.all
}

// named gives the station of a host name, DEFAULT if there is none.
func (l *stationList) named(host string) *station {
	if n := l.host[host]; n != nil {
		return n
	}
	return l.all
}

// readNaslist reads the old naslist.
func (s *source) readNaslist() (list stationList) {
	for _, f := range s.lines("naslist") {
		if len(f.words) < 2 {
			s.report.Lookf(f.at, "NAS %q has no short name; left out", f.words[0])
			continue
		}
		n := &station{host: f.words[0], name: f.words[1], kind: "true", at: f.at}
		if len(f.words) > 2 {
			n.kind, n.args = f.words[2], arguments(f.words[3:])
		}
		if n.host == "DEFAULT" {
			n.all = true
		} else if p, problem := oldPrefix(n.host); problem == "" {
			n.prefix = p
		} else if !nas.IsHostName(n.host) {
			s.report.Lookf(f.at, "NAS %q: %s; left out", n.host, problem)
			continue
		}
		list.add(n)
	}
	return list
}

// readNastypes reads the old nastypes.
func (s *source) readNastypes() (list []stationType) {
	for _, f := range s.lines("nastypes") {
		if len(f.words) < 2 {
			s.report.Lookf(f.at, "NAS type %q has no method; left out", f.words[0])
			continue
		}
		list = append(list, stationType{f.words[0], f.words[1], arguments(f.words[2:]), f.at})
	}
	return list
}

// arguments reads name=value,flag,noflag of all words.
func arguments(words []string) (list []argument) {
	for _, w := range strings.Split(strings.Join(words, ","), ",") {
		name, value, given := strings.Cut(w, "=")
		switch bare, no := strings.CutPrefix(name, "no"); {
		case name == "":
			continue
		case given:
		case no && len(bare) > 0 && len(name) > 2:
			name, value = bare, "0"
		default:
			value = "1"
		}
		list = append(list, argument{name, value})
	}
	return list
}
