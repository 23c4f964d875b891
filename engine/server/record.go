package server

import (
	"strconv"
	"time"
	"unicode/utf8"

	"perilune/engine/dictionary"
)

// appendRecord appends the accounting record of a request: one JSON object, without the end of line. All
// attributes keep their order; secrets are blanked.
func (r *Request) appendRecord(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = r.Arrival.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","id":`...)
	b = strconv.AppendUint(b, r.Serial, 10)
	b = appendField(b, "client", r.Client.Name)
	b = append(b, `,"source":"`...)
	b = r.Source.AppendTo(b)
	b = append(b, '"')
	b = r.appendNAS(b)
	b = append(b, `,"attributes":[`...)
	for i := range r.Attributes.Pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPair(b, &r.Attributes.Pairs[i])
	}
	b = append(b, ']')
	if r.way.class != nil {
		b = r.way.class.appendTo(b)
	}
	return append(b, '}')
}

// appendNAS names the NAS as it names itself: NAS-Identifier, or an address. It is no proof of anything.
func (r *Request) appendNAS(b []byte) []byte {
	k := &r.Generation.Dictionary.Known
	for _, a := range [...]*dictionary.Attribute{k.NASIdentifier, k.NASIPAddress, k.NASIPv6Address} {
		if v, ok := r.Attributes.First(a); ok {
			b = append(b, `,"nas":"`...)
			start := len(b)
			b = a.AppendText(b, v)
			return append(quoteTail(b, start), '"')
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":"`...)
	start := len(b)
	b = append(b, value...)
	return append(quoteTail(b, start), '"')
}

// appendPair appends ["Name","value"]; a tag stands after the name.
func appendPair(b []byte, p *Pair) []byte {
	b = append(b, `["`...)
	b = append(b, p.Attr.Name...)
	if p.Tag != 0 {
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(p.Tag), 10)
	}
	b = append(b, `","`...)
	start := len(b)
	if p.Attr.Secret {
		b = append(b, "***"...)
	} else {
		b = p.Attr.AppendText(b, p.Value)
	}
	return append(quoteTail(b, start), `"]`...)
}

// quoteTail makes what stands in b from start on fit for a JSON string. Text that is not UTF-8 (old NASes
// send Latin-1) becomes 0x and hexadecimal digits: no octet is lost.
func quoteTail(b []byte, start int) []byte {
	tail := b[start:]
	plain := true
	for _, c := range tail {
		plain = plain && c >= 0x20 && c < 0x7f && c != '"' && c != '\\'
	}
	if plain {
		return b
	}
	text := string(tail)
	b = b[:start]
	if !utf8.ValidString(text) {
		return appendHex(b, text)
	}
	const digits = "0123456789abcdef"
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

func appendHex(b []byte, text string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, "0x"...)
	for i := range len(text) {
		b = append(b, digits[text[i]>>4], digits[text[i]&15])
	}
	return b
}
