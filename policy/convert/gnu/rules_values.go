package gnu

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"perilune/engine/dictionary"
	"perilune/engine/nas"
	"perilune/engine/raddb"
)

// read finds out what the value means, as the old server read it.
func (p *pair) read(rhs bool) {
	text := p.value.text
	if rhs && len(text) > 1 && text[0] == '=' && p.value.kind == isString {
		p.expr = text[1:]
		return
	}
	switch p.attr.Type {
	case dictionary.TypeIPv4Addr, dictionary.TypeComboIP:
		p.readAddress(rhs)
	case dictionary.TypeDate:
		p.readDate()
	case dictionary.TypeByte, dictionary.TypeShort, dictionary.TypeInteger, dictionary.TypeInteger64, dictionary.TypeSigned:
		p.readNumber()
	default:
		p.readText()
	}
}

func (p *pair) readText() {
	switch p.attr.Name {
	case "Exec-Program", "Exec-Program-Wait":
		if p.value.text == "" || !strings.Contains("/|", p.value.text[:1]) {
			p.dropped = "a program's name begins with / or |"
		}
	}
}

// readNumber reads digits as atoi does, what begins with something else as the name of a value. NAS-Port-Id
// may be a list of ranges.
func (p *pair) readNumber() {
	text := p.value.text
	if p.attr.Number == 5 && p.attr.Vendor == nil && strings.ContainsAny(text, "-,") {
		if p.ranges = readRanges(text); p.ranges == nil {
			p.dropped = fmt.Sprintf("%q is no list of ports such as 1-5,9", text)
		}
		return
	}
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		p.num = atoi(text)
		return
	}
	n, ok := p.attr.ValueNumber(text)
	if !ok || !hasName(p.attr, text) {
		p.dropped = fmt.Sprintf("%s has no value %q%s", p.attr.Name, text, raddb.DidYouMean(text, p.attr.ValueNames()))
		return
	}
	p.num = uint32(n)
}

// hasName reports whether an attribute names a value exactly so.
func hasName(a *dictionary.Attribute, name string) bool {
	for n := range a.ValueNames() {
		if n == name {
			return true
		}
	}
	return false
}

// atoi reads the digits at the front, in 32 bits.
func atoi(text string) uint32 {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	if err != nil {
		n = -1 // more than 63 bits
	}
	return uint32(n)
}

// A portRange is one part of a list such as 1-5,9.
type portRange struct{ from, to uint32 }

// readRanges reads a list of ranges; nil if it is none.
func readRanges(text string) (list []portRange) {
	for part := range strings.SplitSeq(text, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			high = low
		}
		from, err := strconv.ParseUint(strings.TrimSpace(low), 10, 32)
		to, err2 := strconv.ParseUint(strings.TrimSpace(high), 10, 32)
		if err != nil || err2 != nil || from > to {
			return nil
		}
		list = append(list, portRange{uint32(from), uint32(to)})
	}
	return list
}

// readAddress reads a dotted quad; with a plus sign at its end it counts on with the port.
func (p *pair) readAddress(rhs bool) {
	text := p.value.text
	if rhs && p.attr.Name == "Framed-IP-Address" {
		text = strings.TrimSuffix(text, "+")
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() {
		p.host = true
		return
	}
	p.num = addressNumber(addr)
}

// maxLookups bounds how many host names are looked up: a name service that is away must not take hours.
const maxLookups = 50

// lookUp gives an address to a host name, as the old server did each time that it read the file.
func (s *source) lookUp(p *pair, rhs bool) {
	if !p.host || s.o.Lookup == nil || !nas.IsHostName(p.value.text) {
		return
	}
	name := p.value.text
	addr, known := s.hosts[name]
	if !known && len(s.hosts) < maxLookups {
		if s.hosts == nil {
			s.hosts = map[string]netip.Addr{}
		}
		if found, ok := s.o.Lookup(name); ok {
			addr = found
		}
		s.hosts[name] = addr
	}
	if !addr.Is4() {
		return
	}
	p.value.text, p.looked, p.host = addr.String(), true, false
	p.readAddress(rhs)
	s.report.Lookf(p.value.at, "%s: the host name %s is written as its address of today, %s; the old server looked it up whenever it read the file", p.name.text, name, addr)
}

// readDate reads `Mon DD CCYY`, month by its first three letters.
func (p *pair) readDate() {
	fields := strings.Fields(strings.ReplaceAll(p.value.text, ",", " "))
	if len(fields) >= 3 && len(fields[0]) >= 3 {
		month := strings.ToUpper(fields[0][:1]) + strings.ToLower(fields[0][1:3])
		if t, err := time.Parse("Jan 2 2006", strings.Join([]string{month, fields[1], fields[2]}, " ")); err == nil {
			p.date = t
			return
		}
	}
	p.badDate = true
}
