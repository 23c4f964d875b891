package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"perilune/engine/dictionary"
	"perilune/engine/radius"
)

// maxDecode bounds the digits of -decode: more fit into no packet of any transport.
const maxDecode = 2 * 65535

// explainOctets says what octets mean.
func (x *dictRun) explainOctets(text string) error {
	b, err := hexOctets(text)
	if err != nil {
		return err
	}
	base := 0
	if isPacket(b) {
		x.packet(b)
		b, base = b[radius.HeaderLen:binary.BigEndian.Uint16(b[2:4])], radius.HeaderLen
	}
	parts := x.d.Explain(b)
	for i := range parts {
		parts[i].At += base
		x.part(&parts[i])
	}
	return nil
}

// hexOctets reads octets in hex as tools print them: with 0x, blanks, colons, dashes or line ends.
func hexOctets(text string) ([]byte, error) {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == ':' || r == '-' || r == ',' {
			return -1
		}
		return r
	}, text)
	digits = strings.TrimPrefix(strings.TrimPrefix(digits, "0x"), "0X")
	if len(digits) > maxDecode {
		return nil, fmt.Errorf("%d hexadecimal digits; expected %d at most", len(digits), maxDecode)
	}
	b, err := hex.DecodeString(digits)
	var odd hex.InvalidByteError
	switch {
	case errors.As(err, &odd):
		return nil, fmt.Errorf("-decode: %q is no hexadecimal digit", rune(odd))
	case err != nil:
		return nil, errors.New("-decode: the number of hexadecimal digits is odd; the last octet is not whole")
	}
	return b, nil
}

// isPacket reports whether octets are a whole packet: a code that is known and a length that is theirs.
func isPacket(b []byte) bool {
	if len(b) < radius.HeaderLen || !radius.Code(b[0]).Known() {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:4]))
	return n >= radius.HeaderLen && n <= len(b) && radius.Attributes(b[radius.HeaderLen:n]).Valid()
}

func (x *dictRun) packet(b []byte) {
	n := binary.BigEndian.Uint16(b[2:4])
	if x.asJSON {
		json.NewEncoder(x.s.out).Encode(map[string]any{"code": radius.Code(b[0]).String(), "id": b[1], "length": n, "authenticator": hex.EncodeToString(b[4:20])})
		return
	}
	fmt.Fprintf(x.s.out, "%v id %d, %d octets, authenticator 0x%x\n", radius.Code(b[0]), b[1], n, b[4:20])
	if extra := len(b) - int(n); extra > 0 {
		fmt.Fprintf(x.s.out, "(%d octets behind the packet are padding)\n", extra)
	}
}

func (x *dictRun) part(p *dictionary.Part) {
	if x.asJSON {
		json.NewEncoder(x.s.out).Encode(struct {
			*dictionary.Part
			Hex string `json:"octets"`
		}{p, hex.EncodeToString(p.Octets)})
		return
	}
	name := p.Name
	if p.Tag != 0 {
		name = fmt.Sprintf("%s:%d", name, p.Tag)
	}
	if p.Text != "" {
		name += " = " + p.Text
	}
	about := strings.Trim(strings.TrimPrefix(p.Number, "Attr-")+" "+p.Type, " ")
	if p.Note != "" {
		about = strings.TrimPrefix(about+"; "+p.Note, "; ")
	}
	fmt.Fprintf(x.s.out, "%5d  %s%s  (%s)\n", p.At, strings.Repeat("  ", p.Depth), name, about)
}

// encodePairs gives the octets of pairs, one attribute a line.
func (x *dictRun) encodePairs() error {
	for _, text := range x.encode {
		p, err := x.d.ParsePair(text)
		if err != nil {
			return err
		}
		b, err := dictionary.Encode(nil, &p, nil, nil, nil)
		switch {
		case err != nil:
			return err
		case p.Attr.Internal:
			return fmt.Errorf("%s is internal; it is never on the wire", p.Attr.Name)
		case x.asJSON:
			json.NewEncoder(x.s.out).Encode(map[string]string{"pair": string(p.AppendText(nil, false)), "hex": hex.EncodeToString(b)})
		default:
			fmt.Fprintf(x.s.out, "%x\n", b)
		}
	}
	return nil
}
