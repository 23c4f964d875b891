package dictionary

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const extendedText = `$INCLUDE SHIPPED
VENDOR One 1
ATTRIBUTE Test-Text 241.1 string
ATTRIBUTE Test-Pair 241.2 tlv
ATTRIBUTE Test-Octets 241.2.1 octets
ATTRIBUTE Test-Short 241.2.2 short
ATTRIBUTE Test-Inner 241.2.3 tlv
ATTRIBUTE Test-Inner-Octets 241.2.3.1 octets
ATTRIBUTE Test-Inner-Text 241.2.3.2 string
ATTRIBUTE Test-1 242.1 tlv
ATTRIBUTE Test-2 242.1.1 tlv
ATTRIBUTE Test-3 242.1.1.2 tlv
ATTRIBUTE Test-4 242.1.1.2.3 tlv
ATTRIBUTE Test-5 242.1.1.2.3.4 tlv
ATTRIBUTE Test-Leaf 242.1.1.2.3.4.5 octets
ATTRIBUTE Test-Long 245.4 octets
ATTRIBUTE Test-Long-Text 245.1 string
ATTRIBUTE Test-Long-Pair 245.5 tlv
ATTRIBUTE Test-Long-Field 245.5.1 octets
BEGIN-VENDOR One format=Extended-Vendor-Specific-1
ATTRIBUTE One-Text 4 string
ATTRIBUTE One-Pair 5 tlv
BEGIN-TLV One-Pair
ATTRIBUTE One-Field 3 string
END-TLV One-Pair
END-VENDOR One
BEGIN-VENDOR One format=Extended-Vendor-Specific-5
ATTRIBUTE One-Long 6 octets
ATTRIBUTE One-Long-Pair 7 tlv
BEGIN-TLV One-Long-Pair
ATTRIBUTE One-Long-Field 1 octets
END-TLV One-Long-Pair
END-VENDOR One
`

// The examples of RFC 6929 s9.2 with names and types, each way. aa*15 stands for fifteen octets.
func TestExtendedExamples(t *testing.T) {
	d := sample(t, strings.Replace(extendedText, "SHIPPED", shippedPath(t), 1))
	tests := []struct{ wire, want string }{
		{"f1 06 01 62 6f 62", `Test-Text = "bob"`},
		{"f1 07 02 01 04 23 45", "Test-Octets = 0x2345"},
		{"f1 0b 02 01 04 23 45 02 04 67 89", "Test-Octets = 0x2345, Test-Short = 26505"},
		{"f1 0d 02 01 04 23 45 03 06 01 04 ab cd", "Test-Octets = 0x2345, Test-Inner-Octets = 0xabcd"},
		{"f1 12 02 01 04 23 45 03 0b 01 04 ab cd 02 05 66 6f 6f",
			`Test-Octets = 0x2345, Test-Inner-Octets = 0xabcd, Test-Inner-Text = "foo"`},
		{"f2 0f 01 01 0c 02 0a 03 08 04 06 05 04 cd ef", "Test-Leaf = 0xcdef"},
		{"f1 0c 1a 00 00 00 01 04 74 65 73 74", `One-Text = "test"`},
		{"f1 0e 1a 00 00 00 01 05 03 06 74 65 73 74", `One-Field = "test"`},
		{"f5 06 01 00 74 65", `Test-Long-Text = "te"`},
		{"f5 ff 04 80 aa*251 f5 13 04 00 aa*15", "Test-Long = 0x" + strings.Repeat("aa", 266)},
		{"f5 ff 04 80 aa*251 f5 ff 04 80 aa*251 f5 05 04 00 bb", "Test-Long = 0x" + strings.Repeat("aa", 502) + "bb"},
		{"f5 ff 1a 80 00 00 00 01 06 aa*246 f5 13 1a 00 aa*15", "One-Long = 0x" + strings.Repeat("aa", 261)},
		// a TLV that goes over the bound of a fragment, header and all
		{"f5 ff 05 80 01 fa aa*248 01 f5 08 05 00 05 bb bb bb",
			"Test-Long-Field = 0x" + strings.Repeat("aa", 248) + ", Test-Long-Field = 0xbbbbbb"},
		{"f5 ff 1a 80 00 00 00 01 07 01 f2 aa*240 01 05 bb bb f5 05 1a 00 bb",
			"One-Long-Field = 0x" + strings.Repeat("aa", 240) + ", One-Long-Field = 0xbbbbbb"},
	}
	for _, tt := range tests {
		wire := unhex(t, tt.wire)
		var l List
		if err := d.Decode(&l, wire, nil, nil); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{tt.want}, listText(&l)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.wire, diff)
			continue
		}
		if back := encodeAll(t, &l); !bytes.Equal(back, wire) {
			t.Errorf("%s is sent as %x", tt.wire, back)
		}
	}
}

// unhex reads octets; aa*15 repeats one.
func unhex(t *testing.T, text string) (wire []byte) {
	for _, word := range strings.Fields(text) {
		digits, times, repeated := strings.Cut(word, "*")
		n := 1
		if repeated {
			if _, err := fmt.Sscan(times, &n); err != nil {
				t.Fatal(err)
			}
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		wire = append(wire, bytes.Repeat(b, n)...)
	}
	return wire
}
