package dictionary

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The octets of the first block are those that radclient makes of the same words.
func TestFilters(t *testing.T) {
	d := demoDictionary(t)
	a := d.Attribute("Demo-Filter")
	tests := []struct{ text, wire, shown string }{
		{"ip in forward", "0101010000000000000000000000000000000000000000000000000000000000", "ip in forward 0"},
		{"ip out drop", "0100000000000000000000000000000000000000000000000000000000000000", "ip out drop 0"},
		{"ip in forward srcip 10.1.2.3/24", "010101000a010203000000001800000000000000000000000000000000000000", "ip in forward srcip 10.1.2.3/24 0"},
		{"ip in drop dstip 10.1.2.3", "01000100000000000a0102030008000000000000000000000000000000000000", "ip in drop dstip 10.1.2.3/8 0"},
		{"ip in drop srcip 172.16.1.1 dstip 192.0.2.1", "01000100ac100101c00002011018000000000000000000000000000000000000", "ip in drop srcip 172.16.1.1/16 dstip 192.0.2.1/24 0"},
		{"ip in drop srcip 224.0.0.1/0", "01000100e0000001000000002000000000000000000000000000000000000000", "ip in drop srcip 224.0.0.1/32 0"},
		{"ip in drop srcip 10.1.2.3/8 dstip 192.0.2.1/32 tcp dstport = 80 srcport > 1023 est",
			"010001000a010203c00002010820060103ff0050030200000000000000000000",
			"ip in drop srcip 10.1.2.3/8 dstip 192.0.2.1/32 tcp srcport > 1023 dstport = 80 est"},
		{" IP  IN DROP 17 dstport = domain", "0100010000000000000000000000110000000035000200000000000000000000", "ip in drop udp dstport = 53"},
		{"ip in drop ospf", "0100010000000000000000000000590000000000000000000000000000000000", "ip in drop ospf"},
		{"ip in drop 99 srcport != 25", "0100010000000000000000000000630000190000040000000000000000000000", "ip in drop 99 srcport != 25"},
		{"generic in drop 14 ffffffffffff 0123456789ab == more", "00000100000e00060001ffffffffffff0123456789ab00000000000000000000", "generic in drop 14 ffffffffffff 0123456789ab == more"},

		// FreeRADIUS takes six octets of mask alone, and forgets the !=
		{"generic out forward 0 ffff 0800 !=", "00010000000000020000ffff0000000008000000000001000000000000000000", "generic out forward 0 ffff 0800 !="},
		// no words: octets
		{"0x0102", "0102", "0x0102"},
		{"0x0201010000000000000000000000000000000000000000000000000000000000", "0201010000000000000000000000000000000000000000000000000000000000", "0x0201010000000000000000000000000000000000000000000000000000000000"},
		{"0x0101010100000000000000000000000000000000000000000000000000000000", "0101010100000000000000000000000000000000000000000000000000000000", "0x0101010100000000000000000000000000000000000000000000000000000000"},
	}
	for _, tt := range tests {
		wire, err := a.ParseText(nil, tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		}
		got := [2]string{hex.EncodeToString(wire), string(a.AppendText(nil, wire))}
		if diff := cmp.Diff([2]string{tt.wire, tt.shown}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.text, diff)
		}
		back, err := a.ParseText(nil, got[1])
		if err != nil || hex.EncodeToString(back) != tt.wire {
			t.Errorf("%s is read back as %x, %v", got[1], back, err)
		}
	}
	for _, bad := range []string{
		"", "ip", "ip drop", "ip in", "foo in drop", "ip in drop tcp dstport 80", "ip in drop dstport >= 5", "ip in drop tcp dstport = 70000",
		"ip in drop tcp dstport = nosuch", "ip in drop dstip 300.1.1.1", "ip in drop dstip 10.0.0.1/33", "ip in drop dstip ::1", "ip in drop gre",
		"ip in drop tcp tcp", "ip in drop srcip", "ip in drop srcport =", "ip in drop est est", "ip in drop 256", "ip up drop",
		"generic in drop 14 ffff", "generic in drop 14 ffff 01", "generic in drop x ffff 0102", "generic in drop 14 fff 012",
		"generic in drop 14 ffffffffffffff 01020304050607", "generic in drop 14 ff 01 = more", "ipx in forward",
	} {
		if wire, err := a.ParseText(nil, bad); err == nil {
			t.Errorf("%q is read as %x", bad, wire)
		}
	}
}

// What a filter shows must give the same octets back.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("\x01\x01\x01\x00\x0a\x01\x02\x03\x00\x00\x00\x00\x18"), "ip in drop tcp dstport = 80 est")
	f.Add([]byte("\x00\x00\x01\x00\x00\x0e\x00\x02\x00\x01\xff\xff"), "generic in drop 14 ffff 0102 != more")
	a := &Attribute{Name: "Filter", Type: TypeABinary}
	f.Fuzz(func(t *testing.T, value []byte, text string) {
		padded := append(value, make([]byte, filterLen)...)[:filterLen]
		for _, v := range [][]byte{value, padded} {
			shown := a.AppendText(nil, v)
			if back, err := a.ParseText(nil, string(shown)); err != nil || string(back) != string(v) {
				t.Fatalf("%x is shown as %s and read back as %x, %v", v, shown, back, err)
			}
		}
		wire, err := a.ParseText(nil, text)
		if err != nil {
			return
		}
		shown := a.AppendText(nil, wire)
		if back, err := a.ParseText(nil, string(shown)); err != nil || string(back) != string(wire) {
			t.Fatalf("%q is %x, shown as %s and read back as %x, %v", text, wire, shown, back, err)
		}
	})
}
