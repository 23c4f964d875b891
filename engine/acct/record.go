package acct

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"perilune/engine/dictionary"
)

// A Head is what the server knows of an accounting request beside its attributes. Its fields are only read
// while AppendRecord runs.
type Head struct {
	Arrival time.Time
	ID      uint64 // the server's number of the request
	Client  string
	Source  netip.AddrPort
	User    []byte // canonical user of sessions; empty or equal to User-Name: not written
	Realm   string
	// Received is User-Name as received, where a script has changed it since; empty: it stands in the attributes.
	Received []byte
	Apart    bool   // the record makes and changes no session
	More     []byte // further attributes, made by AppendMore; they stand behind those of the request
}

// AppendRecord appends the record of a request for Store.Append: one JSON object, without a line end. All
// attributes keep their order; secrets are blanked. It allocates nothing if dst has room.
//
//	{"time":"2026-01-02T03:04:05.678Z","id":7,"client":"campus","source":"192.0.2.1:1646","nas":"sw-1",
//	 "user":"bob","status":1,"stamp":1767323045,"types":[1,40,44],"attributes":[["User-Name","Bob"],…]}
//
// types holds the RFC attribute numbers of attributes, 0 for all others: what a site's dictionary calls them
// does not matter when the record is read back.
func AppendRecord(dst []byte, h *Head, pairs []dictionary.Pair) []byte {
	dst = append(dst, `{"time":"`...)
	dst = h.Arrival.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","id":`...)
	dst = strconv.AppendUint(dst, h.ID, 10)
	dst = appendField(dst, `,"client":"`, h.Client)
	if h.Source.IsValid() {
		dst = append(dst, `,"source":"`...)
		dst = append(h.Source.AppendTo(dst), '"')
	}
	dst = appendNAS(dst, pairs)
	if len(h.User) > 0 && (len(h.Received) > 0 || string(h.User) != string(value(pairs, numUserName))) {
		dst = appendField(dst, `,"user":"`, h.User)
	}
	if h.Realm != "" {
		dst = appendField(dst, `,"realm":"`, h.Realm)
	}
	if len(h.Received) > 0 {
		dst = appendField(dst, `,"received":"`, h.Received)
	}
	if h.Apart {
		dst = append(dst, `,"apart":true`...)
	}
	dst = appendNumber(dst, `,"status":`, value(pairs, numStatusType))
	dst = appendNumber(dst, `,"stamp":`, value(pairs, numEventTimestamp))
	dst = append(appendTypes(dst, pairs), `,"attributes":`...)
	dst = appendAttributes(dst, pairs, h.More)
	return append(dst, '}')
}

// number gives the RFC number of an attribute, 0 for a vendor's, an internal one and a field.
func number(a *dictionary.Attribute) uint32 {
	if a.Vendor != nil || a.Parent != nil || a.Number > 255 {
		return 0
	}
	return a.Number
}

// value gives the first value of an RFC attribute.
func value(pairs []dictionary.Pair, n uint32) []byte {
	for i := range pairs {
		if number(pairs[i].Attr) == n {
			return pairs[i].Value
		}
	}
	return nil
}

// appendNAS names the NAS as it names itself: NAS-Identifier, or an address. It is no proof of anything.
func appendNAS(dst []byte, pairs []dictionary.Pair) []byte {
	for _, n := range [...]uint32{numNASIdentifier, numNASIPAddress, numNASIPv6Address} {
		for i := range pairs {
			if number(pairs[i].Attr) == n {
				dst = append(dst, `,"nas":"`...)
				start := len(dst)
				dst = pairs[i].Attr.AppendTyped(dst, pairs[i].Value)
				return append(quoteTail(dst, start), '"')
			}
		}
	}
	return dst
}

// appendNumber appends an integer of four octets; one of another length is left out.
func appendNumber(dst []byte, key string, wire []byte) []byte {
	if len(wire) != 4 {
		return dst
	}
	return strconv.AppendUint(append(dst, key...), uint64(binary.BigEndian.Uint32(wire)), 10)
}

func appendTypes(dst []byte, pairs []dictionary.Pair) []byte {
	dst = append(dst, `,"types":[`...)
	for i := range pairs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(number(pairs[i].Attr)), 10)
	}
	return append(dst, ']')
}

func appendAttributes(dst []byte, pairs []dictionary.Pair, more []byte) []byte {
	dst = append(dst, '[')
	for i := range pairs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendPair(dst, &pairs[i])
	}
	if len(pairs) == 0 {
		more = more[min(1, len(more)):] // its comma
	}
	return append(append(dst, more...), ']')
}

// appendPair appends ["Name","value"]; a tag stands after the name.
func appendPair(dst []byte, p *dictionary.Pair) []byte {
	dst = append(dst, `["`...)
	dst = append(dst, p.Attr.Name...)
	if p.Tag != 0 {
		dst = append(dst, ':')
		dst = strconv.AppendUint(dst, uint64(p.Tag), 10)
	}
	dst = append(dst, `","`...)
	start := len(dst)
	if p.Attr.Secret {
		dst = append(dst, "***"...)
	} else {
		dst = p.Attr.AppendTyped(dst, p.Value)
	}
	return append(quoteTail(dst, start), `"]`...)
}

// AppendMore appends `,["Name","text"]` for Head.More. The name must be fit for JSON.
func AppendMore[T string | []byte](dst []byte, name string, text T) []byte {
	dst = append(append(append(dst, `,["`...), name...), `","`...)
	return append(appendField(dst, "", text), ']')
}

// appendField appends a key, ready-made up to the opening quote, and text.
func appendField[T string | []byte](dst []byte, key string, text T) []byte {
	dst = append(dst, key...)
	start := len(dst)
	dst = append(dst, text...)
	return append(quoteTail(dst, start), '"')
}

// quoteTail makes what stands in dst from start on fit for a JSON string. Text that is not UTF-8 (old NASes
// send Latin-1) becomes 0x and hexadecimal digits: no octet is lost.
func quoteTail(dst []byte, start int) []byte {
	plain := true
	for _, c := range dst[start:] {
		plain = plain && c >= 0x20 && c < 0x7f && c != '"' && c != '\\'
	}
	if plain {
		return dst
	}
	text := string(dst[start:])
	dst = dst[:start]
	if !utf8.ValidString(text) {
		return appendHex(dst, text)
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20 || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, text string) []byte {
	dst = append(dst, "0x"...)
	for i := range len(text) {
		dst = append(dst, hexDigits[text[i]>>4], hexDigits[text[i]&15])
	}
	return dst
}

// AppendClose appends a record of our own that closes a session: by zap, by the reaper, after a Disconnect whose
// Stop never came. unique is the session's Unique, cause its Acct-Terminate-Cause, such as Admin-Reset.
func AppendClose(dst []byte, at time.Time, unique, cause string) []byte {
	dst = append(dst, `{"time":"`...)
	dst = at.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","status":`...)
	dst = strconv.AppendUint(dst, uint64(Close), 10)
	dst = appendField(dst, `,"unique":"`, unique)
	dst = appendField(dst, `,"types":[49],"attributes":[["Acct-Terminate-Cause","`, cause)
	return append(dst, "]]}"...)
}
