package server

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"perilune/engine/dictionary"
)

// A sample is a value of a vendor's attribute that no dictionary knows.
type sample struct {
	attr  *dictionary.Attribute
	value []byte
}

const (
	maxSamples  = 16
	sampleBytes = 253
)

// sampleAll remembers what no dictionary knows of a list that was received.
func (t *Trace) sampleAll(l *dictionary.List) {
	for i := range l.Pairs {
		if l.Pairs[i].Attr.Index < 0 {
			t.sample(&l.Pairs[i])
		}
	}
}

// sample remembers an attribute by its first value.
func (t *Trace) sample(p *Pair) {
	a := p.Attr
	if a.Vendor == nil || a.Parent != nil || len(t.samples) >= maxSamples || len(p.Value) > sampleBytes {
		return
	}
	for _, s := range t.samples {
		if s.attr.Vendor.ID == a.Vendor.ID && s.attr.Number == a.Number {
			return
		}
	}
	t.samples = append(t.samples, sample{a, slices.Clone(p.Value)})
}

// An Unknown is what a script may begin with where a vendor's attributes are in no dictionary.
type Unknown struct {
	Vendor     uint32             `json:"vendor"` // its number
	Name       string             `json:"name"`
	Known      bool               `json:"known"` // the vendor is in the dictionary, the attributes are not
	Attributes []UnknownAttribute `json:"attributes"`
}

// An UnknownAttribute is an attribute with its octets, and a declaration by what they look like.
type UnknownAttribute struct {
	Number  uint32 `json:"number"`
	Hex     string `json:"hex"`
	Snippet string `json:"snippet"`
}

// unknown gives what no dictionary knows, by vendors, with texts that begin a script.
func (t *Trace) unknown() (list []Unknown) {
	for _, s := range t.samples {
		if slices.ContainsFunc(t.secrets.values, func(secret string) bool { return bytes.Contains(s.value, []byte(secret)) }) {
			continue
		}
		v := s.attr.Vendor
		i := slices.IndexFunc(list, func(u Unknown) bool { return u.Vendor == v.ID })
		if i < 0 {
			known := v.Name != "Vendor-"+strconv.FormatUint(uint64(v.ID), 10)
			i, list = len(list), append(list, Unknown{Vendor: v.ID, Name: v.Name, Known: known})
		}
		list[i].Attributes = append(list[i].Attributes, list[i].attribute(&s))
	}
	return list
}

func (u *Unknown) attribute(s *sample) UnknownAttribute {
	number := s.attr.Number
	name := fmt.Sprintf("%s-%d", u.Name, number)
	return UnknownAttribute{number, fmt.Sprintf("%x", s.value),
		fmt.Sprintf("attribute{vendor=%q, name=%q, id=%d, %s}", u.Name, name, number, looksLike(name, s.value, 1))}
}

// looksLike gives the type that octets look like, as attribute{} takes it.
func looksLike(name string, v []byte, depth int) string {
	typed := func(t string) string { return fmt.Sprintf("type=%q", t) }
	switch {
	case len(v) > 0 && readable(v):
		return typed("string")
	case len(v) == 4 && v[0] == 0:
		return typed("integer")
	case len(v) == 4:
		return typed("ipaddr")
	}
	if fields := fieldsOf(name, v, depth); fields != "" {
		return fmt.Sprintf("type=%q, fields={%s}", "tlv", fields)
	}
	switch len(v) {
	case 1:
		return typed("byte")
	case 2:
		return typed("short")
	case 6:
		return typed("ether")
	case 8:
		return typed("integer64")
	case 16:
		return typed("ipv6addr")
	}
	return typed("octets")
}

func readable(v []byte) bool {
	return utf8.Valid(v) && !strings.ContainsFunc(string(v), func(c rune) bool { return !unicode.IsPrint(c) })
}

// fieldsOf takes octets for type, length and value, one behind the other; "" if they are not. TLVs nest three deep.
func fieldsOf(name string, v []byte, depth int) string {
	var fields []string
	var seen [256]bool
	for len(v) > 0 {
		if depth > 3 || len(v) < 3 || v[0] == 0 || v[1] < 3 || int(v[1]) > len(v) {
			return ""
		}
		id, value := v[0], v[2:v[1]]
		if v = v[len(value)+2:]; seen[id] {
			continue
		}
		seen[id] = true
		field := fmt.Sprintf("Field-%d", id)
		fields = append(fields, fmt.Sprintf("{id=%d, name=%q, %s}", id, field, looksLike(field, value, depth+1)))
	}
	return strings.Join(fields, ", ")
}

// meaning tells in words what octets may be, for people who look for a type.
func meaning(octets string) string {
	v, _ := hex.DecodeString(octets) // an UnknownAttribute's own
	switch {
	case len(v) > 0 && readable(v):
		return " = " + cut(dictionary.Quote(string(v)), 40)
	case len(v) == 4:
		return fmt.Sprintf(" = %d or %d.%d.%d.%d", binary.BigEndian.Uint32(v), v[0], v[1], v[2], v[3])
	}
	return ""
}

// unknown writes the lines of Lua, each attribute behind its octets.
func (s *screen) unknown(u *Unknown) {
	if u.Known {
		s.line(0, fmt.Sprintf("no dictionary has these attributes of %s; a script can begin with", u.Name))
	} else {
		s.line(0, fmt.Sprintf("no dictionary has the vendor %d; a script can begin with", u.Vendor))
		s.line(2, fmt.Sprintf("vendor{name=%q, id=%d}", u.Name, u.Vendor))
	}
	for _, a := range u.Attributes {
		s.comment("-- 0x"+cut(a.Hex, 40), meaning(a.Hex))
		s.line(2, a.Snippet)
	}
}

// comment writes octets and what they mean, on two lines if they need them: both begin as a comment of Lua does.
func (s *screen) comment(octets, meaning string) {
	if utf8.RuneCountInString(octets+meaning) > screenWidth-2 {
		s.line(2, octets)
		octets = "--"
	}
	s.line(2, octets+meaning)
}
