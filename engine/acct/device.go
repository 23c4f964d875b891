package acct

import (
	"net/netip"
	"unicode/utf8"

	"perilune/engine/dictionary"
)

// DeviceOf gives the device of a request by the same rules as the device of the session that its accounting makes,
// so that the two compare. Without attributes that name the NAS it is where the packet came from.
func DeviceOf(client string, source netip.AddrPort, pairs []dictionary.Pair) Device {
	d := Device{
		Client: client, NAS: attributeText(pairs, numNASIPAddress), Port: attributeText(pairs, numNASPortID),
		Calling: attributeText(pairs, numCallingStationID), Multi: attributeText(pairs, numMultiSessionID),
	}
	if d.NAS == "" {
		d.NAS = attributeText(pairs, numNASIPv6Address)
	}
	if d.NAS == "" && source.IsValid() {
		d.NAS = source.Addr().WithZone("").String()
	}
	if d.Port == "" {
		d.Port = attributeText(pairs, numNASPort)
	}
	return d
}

// attributeText gives the first value of an RFC attribute as a record keeps it.
func attributeText(pairs []dictionary.Pair, n uint32) string {
	for i := range pairs {
		if p := &pairs[i]; number(p.Attr) == n {
			return Text(p.Attr.AppendText(nil, p.Value))
		}
	}
	return ""
}

// Text gives text as sessions keep it: what is not UTF-8 is 0x and hexadecimal digits, NUL is \0, and more than
// 1000 octets are cut off. Names are compared in this form.
func Text(b []byte) string {
	if utf8.Valid(b) {
		return stored(string(b))
	}
	return stored(string(appendHex(make([]byte, 0, 2+2*len(b)), string(b))))
}

// A tally counts by name.
type tally map[string]int

func (t tally) add(name string, n int) {
	if t[name] += n; t[name] == 0 {
		delete(t, name)
	}
}

// sum adds up the realms that count for a claim's quota.
func (t tally) sum(c *Claim) (n int) {
	if c.Shares == nil {
		return t[c.Realm]
	}
	for name, count := range t {
		if c.Shares(name) {
			n += count
		}
	}
	return n
}
