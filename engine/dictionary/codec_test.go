package dictionary

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"perilune/engine/raddb"
	"perilune/engine/radius"
)

// demo is a vendor's dictionary with one attribute of each unusual kind.
const demo = `
$INCLUDE dictionary.shipped
VENDOR Demo 65005
VENDOR DemoMAX 24757 format=1,1,c
VENDOR DemoWide 429 format=4,0
ATTRIBUTE Demo-Secret 1 string Demo encrypt=2
ATTRIBUTE Demo-QoS 2 tlv Demo
ATTRIBUTE Demo-Map 3 struct Demo
ATTRIBUTE Demo-Servers 4 ipaddr Demo array
ATTRIBUTE Demo-Ascend 5 string Demo encrypt=3
ATTRIBUTE Demo-Key 6 octets[24] Demo encrypt=1
ATTRIBUTE Demo-Date 7 date Demo
ATTRIBUTE Demo-Signed 8 signed Demo
ATTRIBUTE Demo-Byte 9 byte Demo
ATTRIBUTE Demo-Short 10 short Demo
ATTRIBUTE Demo-Long 11 integer64 Demo
ATTRIBUTE Demo-Ether 12 ether Demo
ATTRIBUTE Demo-Either 13 combo-ip Demo
ATTRIBUTE Demo-Filter 14 abinary Demo
ATTRIBUTE Demo-Deep 15 tlv Demo
ATTRIBUTE Demo-Inner 15.1 tlv Demo
ATTRIBUTE Demo-Innermost 15.1.1 tlv Demo
ATTRIBUTE Demo-Leaf 15.1.1.1 string Demo
ATTRIBUTE Demo-Other-Leaf 15.1.1.2 integer Demo
ATTRIBUTE Demo-List 15.2 integer Demo array
ATTRIBUTE Demo-Text 2 string DemoMAX
ATTRIBUTE Demo-Wide 0x9000 integer DemoWide
BEGIN-VENDOR Demo format=Extended-Vendor-Specific-5
ATTRIBUTE Demo-Extended 1 string
END-VENDOR Demo
`

// demoDictionary loads the shipped dictionary, demo, and fields declared as scripts do.
func demoDictionary(t testing.TB) *Dictionary {
	t.Helper()
	d := sample(t, strings.Replace(demo, "$INCLUDE dictionary.shipped", "$INCLUDE "+shippedPath(t), 1))
	field := func(parent, name string, number uint32, typ Type) {
		p := d.Attribute(parent)
		if _, err := d.AddAttribute(Attribute{Name: name, Number: number, Parent: p, Vendor: p.Vendor, Type: typ}, raddb.Pos{}); err != nil {
			t.Error(err)
		}
	}
	field("Demo-QoS", "Down", 1, TypeInteger)
	field("Demo-QoS", "Up", 2, TypeInteger)
	field("Demo-Map", "Slot", 1, TypeByte)
	field("Demo-Map", "Port", 2, TypeShort)
	field("Demo-Map", "Name", 3, TypeString)
	d.Freeze()
	return d
}

func shippedPath(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir + "/../../raddb/dictionary"
}

// testSession has the secret of RFC 2865 s7.1, and gives its authenticator.
func testSession() (*radius.Session, *radius.Authenticator) {
	var s radius.Session
	s.Use(radius.NewSecret("xyzzy5461"))
	return &s, &radius.Authenticator{0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57, 0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a}
}

func testSalter() Salter {
	n := uint16(0x8000)
	return func() uint16 { n++; return n }
}

type golden struct {
	kind  string
	wire  string
	pairs []string
}

func readGolden(t *testing.T, name string) (blocks []golden) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "\n\n") {
		var g golden
		for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
			switch {
			case strings.HasPrefix(line, "#") || line == "":
			case g.kind == "":
				g.kind, g.wire, _ = strings.Cut(line, " ")
				g.wire = strings.ReplaceAll(g.wire, " ", "")
			default:
				g.pairs = append(g.pairs, line)
			}
		}
		if g.kind != "" {
			blocks = append(blocks, g)
		}
	}
	return blocks
}

func TestCodecGolden(t *testing.T) {
	d := demoDictionary(t)
	for _, g := range readGolden(t, "testdata/codec.txt") {
		if g.kind != "encode" {
			checkDecode(t, d, g)
		}
		if g.kind != "decode" {
			checkEncode(t, d, g)
		}
	}
}

func checkDecode(t *testing.T, d *Dictionary, g golden) {
	wire, err := hex.DecodeString(g.wire)
	if err != nil {
		t.Fatalf("%s: %v", g.wire, err)
	}
	var l List
	s, request := testSession()
	if err := d.Decode(&l, wire, s, request); err != nil {
		t.Errorf("%s: %v", g.wire, err)
	}
	if diff := cmp.Diff(g.pairs, listText(&l)); diff != "" {
		t.Errorf("decode %s (-want +got)\n%s", g.wire, diff)
	}
	if g.kind != "both" {
		return
	}
	if got := hex.EncodeToString(encodeAll(t, &l)); got != g.wire {
		t.Errorf("encoded again %s, want %s", got, g.wire)
	}
}

func listText(l *List) []string {
	var texts []string
	for i := range l.Pairs {
		texts = append(texts, string(l.Pairs[i].AppendText(nil, false)))
	}
	return texts
}

func encodeAll(t testing.TB, l *List) []byte {
	s, request := testSession()
	salt := testSalter()
	var wire []byte
	for i := range l.Pairs {
		var err error
		if wire, err = Encode(wire, &l.Pairs[i], s, request, salt); err != nil {
			t.Errorf("%s: %v", l.Pairs[i].Attr.Name, err)
		}
	}
	return wire
}

func checkEncode(t *testing.T, d *Dictionary, g golden) {
	for _, text := range g.pairs {
		if strings.Contains(text, ", ") || strings.HasPrefix(text, "Attr-") {
			return // several fields, or a name that the dictionary knows better
		}
		p, err := d.ParsePair(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		l := List{Pairs: []Pair{p}}
		if got := hex.EncodeToString(encodeAll(t, &l)); got != g.wire {
			t.Errorf("encode %s: %s, want %s", text, got, g.wire)
		}
	}
}

// Hidden values come back, under any tag.
func TestHiddenRoundTrip(t *testing.T) {
	d := demoDictionary(t)
	s, request := testSession()
	tests := []string{
		`User-Password = "hello"`, `Tunnel-Password:3 = "tunnel secret"`, `Tunnel-Password = "no tag"`, `Demo-Secret = "salted"`,
		`Demo-Ascend = "ascend"`, `Demo-Key = 0x010203040506070809000102030405060708090000000000`,
		`MS-MPPE-Send-Key = 0x000102030405060708090a0b0c0d0e0f`,
	}
	for _, text := range tests {
		p, err := d.ParsePair(text)
		if err != nil {
			t.Fatal(err)
		}
		wire, err := Encode(nil, &p, s, request, testSalter())
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(wire, p.Value) {
			t.Errorf("%s is not hidden: %x", text, wire)
		}
		var l, blind List
		if err := d.Decode(&l, wire, s, request); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{text}, listText(&l)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if redacted := string(l.Pairs[0].AppendText(nil, true)); !strings.HasSuffix(redacted, `= "[secret]"`) {
			t.Errorf("not blanked: %s", redacted)
		}
		if err := d.Decode(&blind, wire, nil, nil); err != nil || blind.Pairs[0].Attr.Index >= 0 {
			t.Errorf("without a secret %s became %v, %v", text, listText(&blind), err)
		}
		if again := encodeAll(t, &blind); !bytes.Equal(again, wire) {
			t.Errorf("without a secret %x is encoded as %x", wire, again)
		}
	}
}

func TestDecodeBadPassword(t *testing.T) {
	d := demoDictionary(t)
	s, request := testSession()
	var l List
	err := d.Decode(&l, radius.Attributes{2, 5, 1, 2, 3, 1, 3, 'b'}, s, request)
	if err == nil || !strings.HasPrefix(err.Error(), "User-Password: ") {
		t.Errorf("error %v", err)
	}
	want := []string{"Attr-2 = 0x010203", `User-Name = "b"`}
	if diff := cmp.Diff(want, listText(&l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEncodeLong(t *testing.T) {
	d := demoDictionary(t)
	long := bytes.Repeat([]byte("abcdefg"), 100)
	for _, name := range []string{"EAP-Message", "Demo-Extended", "Demo-Text"} {
		var l, back List
		l.Add(Ref{Attr: d.Attribute(name), Tag: AnyTag}, long)
		wire := encodeAll(t, &l)
		if err := d.Decode(&back, wire, nil, nil); err != nil {
			t.Error(err)
		}
		if len(wire) < 700 || len(back.Pairs) != 1 || !bytes.Equal(back.Pairs[0].Value, long) {
			t.Errorf("%s: %d pairs from %d octets", name, len(back.Pairs), len(wire))
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	d := demoDictionary(t)
	long := strings.Repeat("x", 254)
	tests := []struct {
		name, text string
		tag        uint8
		want       string
	}{
		{"User-Name", long, 0, "User-Name: the value has 254 octets; expected at most 253"},
		{"Tunnel-Private-Group-Id", long[1:], 1, "Tunnel-Private-Group-Id: the value has 254 octets; expected at most 253"},
		{"Tunnel-Private-Group-Id", "1", 32, "Tunnel-Private-Group-Id has the tag 32; expected at most 31"},
		{"Tunnel-Type", "16777216", 0, "Tunnel-Type has a number over 16777215, which leaves no room for a tag"},
		{"User-Password", long[:129], 0, "User-Password has 129 octets; expected at most 128"},
		{"Demo-Secret", long[:240], 0, "Demo-Secret has 240 octets; expected at most 239"},
		{"Demo-QoS.Down", "1", 0, "Demo-QoS.Down: a field cannot be sent alone; expected it inside Demo-QoS"},
	}
	s, request := testSession()
	for _, tt := range tests {
		a := d.Attribute(tt.name)
		value, err := a.ParseText(nil, tt.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Encode([]byte("kept"), &Pair{a, value, tt.tag}, s, request, testSalter())
		if err == nil || err.Error() != tt.want || string(got) != "kept" && got != nil {
			t.Errorf("%s: %q, %v; want %s", tt.name, got, err, tt.want)
		}
	}
	if _, err := Encode(nil, &Pair{Attr: d.Known.UserPassword, Value: []byte("x")}, nil, nil, nil); err == nil {
		t.Error("a password is encoded without a secret")
	}
}

// What is decoded and encoded again must decode to the same, whatever the octets are.
func TestCodecRoundTrip(t *testing.T) {
	d := demoDictionary(t)
	rapid.Check(t, func(t *rapid.T) {
		var wire []byte
		for range rapid.IntRange(1, 5).Draw(t, "n") {
			number := rapid.Byte().Draw(t, "number")
			value := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")
			if number == 26 && rapid.Bool().Draw(t, "demo") {
				value = append([]byte{0, 0, 0xfd, 0xed, rapid.Byte().Draw(t, "sub"), byte(len(value) + 2)}, value...)
			}
			wire = radius.AppendAttribute(wire, radius.Type(number), value)
		}
		checkStable(t, d, wire)
	})
}

// checkStable decodes, encodes and decodes again, and wants the same pairs twice.
func checkStable(t rapidOrTest, d *Dictionary, wire []byte) {
	s, request := testSession()
	var first, second List
	_ = d.Decode(&first, wire, s, request)
	var again []byte
	var kept []string
	for i := range first.Pairs {
		p := &first.Pairs[i]
		out, err := Encode(again, p, s, request, testSalter())
		if err != nil {
			t.Fatalf("%s: %v", p.AppendText(nil, false), err)
		}
		text := string(p.AppendText(nil, false))
		if len(p.Value) == 0 || isFragment(text) {
			return // what is left out, or torn, may bring others together that were apart
		}
		kept = append(kept, text)
		again = out
	}
	_ = d.Decode(&second, again, s, request)
	if diff := cmp.Diff(joinFragments(kept), joinFragments(listText(&second))); diff != "" {
		t.Fatalf("%x became %x (-want +got)\n%s", wire, again, diff)
	}
}

// isFragment reports whether a text is of a whole attribute that could not be taken apart.
func isFragment(text string) bool {
	return strings.HasPrefix(text, "Attr-26 ") || strings.HasPrefix(text, "Attr-245 ") || strings.HasPrefix(text, "Attr-246 ")
}

type rapidOrTest interface {
	Fatalf(format string, args ...any)
}

// joinFragments leaves concat values out: between others their fragments may be joined the second time.
func joinFragments(texts []string) (kept []string) {
	for _, text := range texts {
		if !strings.HasPrefix(text, "EAP-Message") && !strings.HasPrefix(text, "PKM-") && !strings.HasPrefix(text, "EAPoL-") {
			kept = append(kept, text)
		}
	}
	return kept
}
