package radius

import (
	"bytes"
	"testing"
)

// FuzzParse: any octets are a packet or an error; a packet can be walked, encodes to the octets it came
// from, and survives verification unchanged.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"",
		"01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d 93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03",
		"0c da 00 26 8a 54 f4 68 6f b3 94 c5 28 66 e3 02 18 5d 06 23 50 12 5a 66 5e 2e 1e 84 11 f3 e2 43 82 20 97 c8 4f a3",
		"04 08 00 2c 00*16 28 06 00 00 00 01 50 12 00*16",
		"2c 08 00 26 00*16 50 12 00*16",
		"01 02 00 16 00*16 1a 00",
		"01 02 00 1c 00*16 01 03 62 1a 07 00 00 00",
	} {
		f.Add(octets(text))
	}
	s := session("xyzzy5461")
	f.Fuzz(func(t *testing.T, datagram []byte) {
		before := bytes.Clone(datagram)
		p, err := Parse(datagram)
		s.VerifyRequest(datagram)
		s.VerifyReply(datagram, &Authenticator{})
		if !bytes.Equal(before, datagram) {
			t.Fatal("the datagram was changed")
		}
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without text")
			}
			return
		}
		n := 0
		for _, value := range p.Attributes.All() {
			n += 2 + len(value)
		}
		if n != len(p.Attributes) {
			t.Fatalf("walked %d of %d octets", n, len(p.Attributes))
		}
		raw, err := p.AppendTo(nil)
		if err != nil || !bytes.Equal(raw, datagram[:len(raw)]) {
			t.Fatalf("encoded to % x, %v", raw, err)
		}
		s.VerifyRequest(raw)
		s.VerifyReply(raw, &p.Authenticator)
		s.SignRequest(raw)
		s.SignReply(raw, &p.Authenticator)
	})
}

// FuzzVSA: every format walks any octets, to the end exactly if they are valid.
func FuzzVSA(f *testing.F) {
	f.Add(uint8(1), uint8(1), false, octets("01 05 61 3d 62 01 05 63 3d 64"))
	f.Add(uint8(2), uint8(2), false, octets("00 01 00 06 68 69"))
	f.Add(uint8(4), uint8(0), false, octets("00 00 90 03 00 00 00 01"))
	f.Add(uint8(1), uint8(1), true, octets("01 06 80 01 02 03"))
	f.Add(uint8(255), uint8(255), true, make([]byte, 600))
	f.Fuzz(func(t *testing.T, typeLen, lenLen uint8, continuation bool, data []byte) {
		format := VSAFormat{typeLen, lenLen, continuation}
		n := 0
		for sub := range format.All(data) {
			n += format.HeaderLen() + len(sub.Value)
		}
		if whole := n == len(data) && n > 0; whole != format.Valid(data) {
			t.Fatalf("walked %d of %d octets, valid %v", n, len(data), format.Valid(data))
		}
		attrs := AppendAttribute(nil, TypeVendorSpecific, data[:min(len(data), MaxValueLen)])
		format.JoinVSA(nil, attrs)
		format.JoinVSA(nil, data)
		if out, err := format.AppendVSA(nil, 9, 1, data); err == nil && !Attributes(out).Valid() {
			t.Fatalf("appended % x", out)
		}
	})
}

// FuzzExtended: any attributes are joined or refused, and what is joined encodes to the same value.
func FuzzExtended(f *testing.F) {
	f.Add(octets("f1 06 01 62 6f 62"))
	f.Add(octets("f5 ff 04 80 aa*251 f5 13 04 00 aa*15"))
	f.Add(octets("f5 06 04 80 aa aa f5 06 05 00 aa aa"))
	f.Add(octets("f1 0c 1a 00 00 00 01 04 74 65 73 74"))
	f.Fuzz(func(t *testing.T, data []byte) {
		attrs := Attributes(data)
		joined, rest, ok := JoinExtended(nil, attrs)
		if !ok {
			if len(joined) > 0 || len(rest) != len(attrs) {
				t.Fatal("refused and yet changed")
			}
			return
		}
		SplitEVS(joined)
		if len(joined) > MaxPacketLen {
			return
		}
		out, err := AppendExtended(nil, Type(data[0]), data[2], joined)
		if err != nil {
			t.Fatal(err)
		}
		again, left, ok := JoinExtended(nil, out)
		if !ok || len(left) > 0 || !bytes.Equal(again, joined) {
			t.Fatalf("% x became % x", joined, again)
		}
	})
}

// FuzzTLV: any octets walk, and valid ones come back from being appended again.
func FuzzTLV(f *testing.F) {
	f.Add(octets("01 04 23 45 03 0b 01 04 ab cd 02 05 66 6f 6f"))
	f.Add(octets("01 0c 02 0a 03 08 04 06 05 04 cd ef"))
	f.Add(octets("01 00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out []byte
		for number, value := range TLVs(data).All() {
			out = AppendAttribute(out, Type(number), value)
		}
		if !bytes.HasPrefix(data, out) {
			t.Fatalf("% x became % x", data, out)
		}
		if whole := len(out) == len(data) && len(out) > 0; whole != TLVs(data).Valid() {
			t.Fatalf("walked %d of %d octets", len(out), len(data))
		}
	})
}

// FuzzReveal: hidden values of any octets reveal to something no longer, or are refused.
func FuzzReveal(f *testing.F) {
	f.Add(octets("0d be 70 8d 93 d4 13 ce 31 96 e4 3f 78 2a 0a ee"), []byte("xyzzy5461"))
	f.Add(octets("80 01 00*16"), []byte("s3cret"))
	f.Add([]byte{}, []byte{})
	var request Authenticator
	f.Fuzz(func(t *testing.T, hidden, secret []byte) {
		s := new(Session)
		s.Use(NewSecret(secret))
		if clear, err := s.RevealPassword(nil, hidden, &request); err == nil {
			if again := s.HidePassword(nil, clear, &request); !bytes.HasPrefix(hidden, again[:len(again)-16]) {
				t.Fatalf("% x hides as % x", clear, again)
			}
		}
		if clear, err := s.RevealSalted(nil, hidden, &request); err == nil && len(clear) > len(hidden)-3 {
			t.Fatalf("%d octets revealed from %d", len(clear), len(hidden))
		}
		if clear := s.RevealAscend(nil, hidden, &request); len(clear) > min(len(hidden), 16) {
			t.Fatalf("%d octets revealed from %d", len(clear), len(hidden))
		}
	})
}
