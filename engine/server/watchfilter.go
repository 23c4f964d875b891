package server

import (
	"bytes"
	"strings"

	"perilune/engine/radius"
)

// A Filter chooses live requests to watch. Empty fields fit all; all that are set must fit. In texts `*` stands for
// any characters and `?` for one; ASCII case does not count. A MAC fits in every notation.
type Filter struct {
	User      string // User-Name as received or as it stands at the end, or the MAC of the station
	Client    string // the client's name
	Attribute string // name of an attribute of the request
	Value     string // its value as text; "" for any
	Verdict   string // accept, reject, …
	Sample    int    // one of so many that fit; 0 or 1: each
	PerSecond int    // shown at the most; 0: no bound
}

// early reports whether all of the filter can be judged before the request is decided.
func (f *Filter) early() bool { return f.User == "" && f.Attribute == "" && f.Verdict == "" }

// received reports whether the filter has a User that fits the request as received.
func (f *Filter) received(r *Request) bool {
	if f.User == "" || r.Packet.Code == 0 {
		return false
	}
	name, _ := r.Packet.Attributes.Find(radius.TypeUserName)
	calling, _ := r.Packet.Attributes.Find(typeCallingStationID)
	return f.named(name, calling)
}

// named reports whether a name or a station is the filter's user.
func (f *Filter) named(name, calling []byte) bool {
	return wild(f.User, name) || isMAC(f.User) && (bareMAC(f.User) == bareMAC(string(calling)) || bareMAC(f.User) == bareMAC(string(name)))
}

// fits compares a request that is decided.
func (f *Filter) fits(r *Request) bool {
	if !f.fitsClient(r.Client.Name) || f.Verdict != "" && !wild(f.Verdict, []byte(r.Verdict.String())) {
		return false
	}
	if f.User != "" {
		calling, _ := r.Packet.Attributes.Find(typeCallingStationID)
		if !f.named(r.ReceivedUser, calling) && !f.named(r.User(), nil) {
			return false
		}
	}
	if f.Attribute == "" {
		return true
	}
	for i := range r.Attributes.Pairs {
		if f.fitsPair(&r.Attributes.Pairs[i]) {
			return true
		}
	}
	return false
}

func (f *Filter) fitsClient(name string) bool { return f.Client == "" || wild(f.Client, []byte(name)) }

// fitsPair compares one attribute. A secret has no value that could be tried.
func (f *Filter) fitsPair(p *Pair) bool {
	if !strings.EqualFold(p.Attr.Name, f.Attribute) {
		return false
	}
	if f.Value == "" || p.Attr.Secret {
		return f.Value == ""
	}
	text := p.Attr.AppendText(nil, p.Value)
	return wild(f.Value, text) || isMAC(f.Value) && bareMAC(f.Value) == bareMAC(string(text))
}

// fitsRefused compares a packet that never became a request.
func (f *Filter) fitsRefused(k *kept) bool {
	return f.Attribute == "" && f.fitsClient(k.client) && (f.Verdict == "" || wild(f.Verdict, []byte(k.verdict.String()))) &&
		(f.User == "" || f.named(k.user[:k.users], k.calling[:k.calls]))
}

// isMAC reports whether a text is the address of a station, with or without separators.
func isMAC(text string) bool {
	bare := bareMAC(text)
	return len(bare) == 12 && strings.Trim(bare, "0123456789abcdef") == ""
}

// wild reports whether a pattern with * and ? fits the whole of a text.
func wild(pattern string, text []byte) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || foldASCII(pattern[p]) == foldASCII(text[t])):
			p, t = p+1, t+1
		case star < 0:
			return false
		default: // only the last star is ever tried again
			mark++
			p, t = star+1, mark
		}
	}
	return bytes.Count([]byte(pattern[p:]), []byte{'*'}) == len(pattern)-p
}

func foldASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
