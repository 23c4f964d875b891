package dictionary

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"perilune/engine/radius"
)

// tsharkTexts is one value of each type, and how tshark shows it.
var tsharkTexts = map[Type]struct{ text, shown string }{
	TypeString:     {"some text", "some text"},
	TypeOctets:     {"0x0102030405", "0102030405"},
	TypeByte:       {"254", "254"},
	TypeShort:      {"65534", "65534"},
	TypeInteger:    {"16777214", "16777214"},
	TypeInteger64:  {"18446744073709551614", "18446744073709551614"},
	TypeSigned:     {"-2", "-2"},
	TypeDate:       {"1700000000", "Nov 14, 2023 22:13:20.000000000 UTC"},
	TypeIPv4Addr:   {"192.0.2.1", "192.0.2.1"},
	TypeIPv6Addr:   {"2001:db8::1", "2001:db8::1"},
	TypeIPv4Prefix: {"192.0.2.0/24", "192.0.2.0/24"},
	TypeIPv6Prefix: {"2001:db8::/32", "2001:db8::/32"},
	TypeComboIP:    {"192.0.2.1", "192.0.2.1"},
	TypeIfID:       {"1:2:3:4", "0001000200030004"},
	TypeEther:      {"00:00:5e:00:53:01", "00:00:5e:00:53:01"},
}

// tsharkDiffers are attributes that tshark 4.0 knows otherwise: by an older type, or with a dissector of its own.
var tsharkDiffers = map[string]bool{
	"Framed-IPX-Network":              true, // as a number of IPX
	"3GPP2-GMT-Time-Zone-Offset":      true, // unsigned
	"Ruckus-Acct-Ctrs_Output-Packets": true, // as one of octets for the whole TLV
	"Huawei-NAT-Public-Address":       true, // as text, like those that follow
	"Huawei-NAT-Start-Port":           true,
	"Huawei-NAT-End-Port":             true,
	"Huawei-NAT-Port-Forwarding":      true,
}

// tsharkLeaf is the last line of an attribute: its name and value.
var tsharkLeaf = regexp.MustCompile(`(?m)^ +([A-Za-z0-9][A-Za-z0-9_./-]*): (.*)$`)

// The attributes that are shipped, as tshark reads what we write.
func TestTsharkReadsShipped(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("PERILUNE_TOOLS") == "require" {
			t.Fatal("tshark is not installed, and PERILUNE_TOOLS=require")
		}
		t.Skip("tshark is not installed")
	}
	d := shipped(t)
	var values []foreign
	for _, a := range d.Attributes() {
		v, ok := tsharkTexts[a.Type]
		if ok && !a.Internal && d.occupant(a) == a && a.Encrypt == EncryptNone && a.Length == 0 {
			values = append(values, foreign{a.FullName(), v.text})
		}
	}
	frames := tsharkFrames(t, capture(t, d, values))
	if len(frames) != len(values) {
		t.Fatalf("%d frames of %d packets", len(frames), len(values))
	}
	known := 0
	for i, f := range values {
		leaves := tsharkLeaf.FindAllStringSubmatch(frames[i], -1)
		if len(leaves) == 0 || leaves[len(leaves)-1][1] != f.name || tsharkDiffers[f.name] {
			continue // tshark does not know it, or by another name
		}
		known++
		if !tsharkAgrees(d, f, frames[i], leaves[len(leaves)-1][2]) {
			t.Errorf("%s = %s is shown as %s", f.name, f.text, leaves[len(leaves)-1][0])
		}
	}
	t.Logf("tshark knows %d of %d attributes", known, len(values))
	if known < 2000 {
		t.Error("too few are compared")
	}
}

// tsharkFrames gives what tshark says of each packet.
func tsharkFrames(t *testing.T, pcap []byte) []string {
	name := filepath.Join(t.TempDir(), "pcap")
	if err := os.WriteFile(name, pcap, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tshark", "-n", "-r", name, "-O", "radius")
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(out), "\nFrame ")
}

// tsharkAgrees reports whether a value is shown as it is: in words, or as its octets where tshark's dictionary has
// an older type.
func tsharkAgrees(d *Dictionary, f foreign, frame, leaf string) bool {
	p, err := d.ParsePair(f.name + " = " + f.text)
	a := d.Attribute(f.name)
	want := tsharkTexts[a.Type].shown
	value := p.Value
	if a.IsField() {
		value, _ = a.Field(value, 0)
	}
	return err == nil && (strings.Contains(leaf, want) || strings.Contains(frame, "val="+want) ||
		leaf == hex.EncodeToString(value) || leaf == `\001\002\003\004\005`)
}

// capture gives a capture file with an Access-Request for each of the values, as we write it.
func capture(t *testing.T, d *Dictionary, values []foreign) []byte {
	order := binary.LittleEndian
	out := order.AppendUint32(nil, 0xa1b2c3d4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	out = order.AppendUint32(out, 65535)
	out = order.AppendUint32(out, 101) // raw IP
	s := foreignSession()
	for _, f := range values {
		pair, err := d.ParsePair(f.name + " = " + f.text)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		var request radius.Authenticator
		attrs, err := Encode(nil, &pair, s, &request, testSalter())
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		p := radius.Packet{Code: radius.CodeAccessRequest, Attributes: attrs}
		raw, err := p.AppendTo(nil)
		if err != nil {
			t.Error(err)
			continue
		}
		n := 28 + len(raw)
		out = append(out, 0, 0, 0, 0, 0, 0, 0, 0)
		out = order.AppendUint32(order.AppendUint32(out, uint32(n)), uint32(n))
		out = append(out, 0x45, 0, byte(n>>8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		out = append(out, 0xc0, 0, 0x07, 0x14, byte((n-20)>>8), byte(n-20), 0, 0)
		out = append(out, raw...)
	}
	return out
}
