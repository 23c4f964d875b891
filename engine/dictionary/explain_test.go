package dictionary_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"perilune/engine/dictionary"
	"perilune/engine/raddb"
)

const explained = `
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string encrypt=1
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Service-Type 6 integer
VALUE Service-Type Framed-User 2
ATTRIBUTE Tunnel-Type 64 integer has_tag
ATTRIBUTE Extended-Attribute-1 241 extended
ATTRIBUTE Frag-Status 241.1 integer
ATTRIBUTE Extended-Attribute-5 245 long-extended
ATTRIBUTE Extended-Vendor-Specific-5 245.26 evs
VENDOR Acme 64999
BEGIN-VENDOR Acme
ATTRIBUTE Acme-QoS 2 tlv
ATTRIBUTE Acme-QoS.Down 2.1 integer
ATTRIBUTE Acme-QoS.In 2.3 tlv
ATTRIBUTE Acme-QoS.In.Leaf 2.3.1 string
END-VENDOR Acme
VENDOR Wide 64998 format=2,1
`

func explainText(d *dictionary.Dictionary, b []byte) string {
	var out strings.Builder
	for _, p := range d.Explain(b) {
		fmt.Fprintf(&out, "%s%d %s %s %q %q", strings.Repeat(" ", p.Depth), p.At, p.Name, p.Number, p.Text, p.Note)
		if p.Tag != 0 {
			fmt.Fprintf(&out, " tag %d", p.Tag)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func explainDictionary(t testing.TB) *dictionary.Dictionary {
	t.Helper()
	var errs raddb.List
	d := dictionary.Load(raddb.OpenFS(fstest.MapFS{"dictionary": {Data: []byte(explained)}}), "dictionary", &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	d.Freeze()
	return d
}

// TestExplain takes octets of each form apart.
func TestExplain(t *testing.T) {
	d := explainDictionary(t)
	for octets, want := range map[string]string{
		"0105626f62":           "0 User-Name Attr-1 \"\\\"bob\\\"\" \"\"\n",
		"060600000002":         "0 Service-Type Attr-6 \"Framed-User\" \"\"\n",
		"0604 0002":            "0 Service-Type Attr-6 \"0x0002\" \"does not fit the type: 2 octets\"\n",
		"40060100000d":         "0 Tunnel-Type Attr-64 \"13\" \"\" tag 1\n",
		"0204abcd":             "0 User-Password Attr-2 \"0xabcd\" \"hidden by the shared secret\"\n",
		"fa03ff":               "0 Attr-250  \"0xff\" \"no dictionary declares this number\"\n",
		"f1070100000001":       "0 Frag-Status Attr-241.1 \"1\" \"\"\n",
		"f10302":               "0 Extended-Attribute-1 Attr-241 \"0x02\" \"cut off: the length does not fit\"\n",
		"0105626f620505":       "0 User-Name Attr-1 \"\\\"bob\\\"\" \"\"\n5 ? \"0x0505\" \"cut off: the length does not fit\"\n",
		"1a05000000":           "0 Vendor-Specific Attr-26 \"0x000000\" \"no vendor: 4 octets of its number are missing\"\n",
		"1a0900001234010358":   "0 Vendor-Specific Attr-26 \"vendor 4660\" \"no dictionary declares this vendor\"\n 6 Attr-26.4660.1  \"0x58\" \"no dictionary declares this number\"\n",
		"1a0900001234010458":   "0 Vendor-Specific Attr-26 \"vendor 4660\" \"no dictionary declares this vendor\"\n 6 ? \"0x010458\" \"not in the vendor's format 1,1\"\n",
		"1a0a0000fde6012c0458": "0 Vendor-Specific Attr-26 \"vendor 64998 Wide\" \"\"\n 6 Attr-26.64998.300  \"0x58\" \"no dictionary declares this number\"\n",
		"1a160000fde7021001060000000503050103780903ff": "0 Vendor-Specific Attr-26 \"vendor 64999 Acme\" \"\"\n 6 Acme-QoS Attr-26.64999.2 \"\" \"\"\n" +
			"  8 Acme-QoS.Down Attr-26.64999.2.1 \"5\" \"\"\n  14 Acme-QoS.In Attr-26.64999.2.3 \"\" \"\"\n   16 Acme-QoS.In.Leaf Attr-26.64999.2.3.1 \"\\\"x\\\"\" \"\"\n" +
			"  19 Attr-26.64999.2.9  \"0xff\" \"no dictionary declares this number\"\n",
		"f50c1a000000fde7070102030405": "0 Attr-245.26.64999.7  \"0x010203\" \"no dictionary declares this number\"\n12 ? \"0x0405\" \"cut off: the length does not fit\"\n",
		"":                             "",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(octets, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(explainText(d, b), " ?  ", " ? ")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", octets, diff)
		}
	}
}

// FuzzExplain: any octets are taken apart without a panic, and each part lies in the whole.
func FuzzExplain(f *testing.F) {
	d := explainDictionary(f)
	for _, s := range []string{"0105626f62", "1a160000fde7021001060000000503050103780903ff", "f50c1a000000fde70701020304", "f5031a", "f503ff80"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range d.Explain(b) {
			if p.At < 0 || p.At > len(b) || p.Name == "" {
				t.Fatalf("%+v of %x", p, b)
			}
		}
	})
}
