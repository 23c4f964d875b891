package dictionary

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// in gives a zone to the tests of dates, which mean local time.
func setZone(t *testing.T, zone *time.Location) {
	old := time.Local
	time.Local = zone
	t.Cleanup(func() { time.Local = old })
}

// Each text is read to the octets, and the octets are shown as the last column.
func TestParseText(t *testing.T) {
	setZone(t, time.FixedZone("CET", 3600))
	d := demoDictionary(t)
	tests := []struct{ name, text, wire, shown string }{
		{"User-Name", "0x41", "30783431", "0x41"},
		{"User-Name", "", "", ""},
		{"Class", "0x0102", "0102", "0x0102"},
		{"Class", "plain", "706c61696e", "0x706c61696e"},
		{"Class", "0x", "", "0x"},
		{"NAS-Port", "7", "00000007", "7"},
		{"NAS-Port", "0x10", "00000010", "16"},
		{"NAS-Port", "4294967295", "ffffffff", "4294967295"},
		{"Service-Type", "Framed-User", "00000002", "Framed-User"},
		{"Service-Type", "FRAMED", "00000002", "Framed-User"},
		{"Service-Type", "99", "00000063", "99"},
		{"Acct-Status-Type", "alive", "00000003", "Interim-Update"},
		{"Demo-Byte", "255", "ff", "255"},
		{"Demo-Short", "65535", "ffff", "65535"},
		{"Demo-Long", "18446744073709551615", "ffffffffffffffff", "18446744073709551615"},
		{"Demo-Signed", "-1", "ffffffff", "-1"},
		{"Demo-Signed", "2147483647", "7fffffff", "2147483647"},
		{"Demo-Date", "0", "00000000", "1970-01-01T00:00:00Z"},
		{"Demo-Date", "2026-01-05T09:00:00Z", "695b7d90", "2026-01-05T09:00:00Z"},
		{"Demo-Date", "2026-01-05T09:00:00+02:00", "695b6170", "2026-01-05T07:00:00Z"},
		{"Demo-Date", "2026-01-05 10:00:00", "695b7d90", "2026-01-05T09:00:00Z"},
		{"Demo-Date", "Jan 05 2026", "695af0f0", "2026-01-04T23:00:00Z"},
		{"Demo-Date", "january 5, 2026 10:00", "695b7d90", "2026-01-05T09:00:00Z"},
		{"Demo-Date", "5 Jan 2026", "695af0f0", "2026-01-04T23:00:00Z"},
		{"Framed-IP-Address", "192.0.2.1", "c0000201", "192.0.2.1"},
		{"Framed-IP-Address", "0xc0000201", "c0000201", "192.0.2.1"},
		{"NAS-IPv6-Address", "2001:DB8:0:0:0:0:0:1", "20010db8000000000000000000000001", "2001:db8::1"},
		{"NAS-IPv6-Address", "::ffff:192.0.2.1", "00000000000000000000ffffc0000201", "::ffff:192.0.2.1"},
		{"Demo-Either", "192.0.2.1", "c0000201", "192.0.2.1"},
		{"Demo-Either", "2001:db8::1", "20010db8000000000000000000000001", "2001:db8::1"},
		{"Framed-IPv6-Prefix", "2001:db8::ffff/33", "002120010db800", "2001:db8::/33"},
		{"Framed-IPv6-Prefix", "::/0", "0000", "::/0"},
		{"Framed-IPv6-Prefix", "2001:db8::1", "008020010db8000000000000000000000001", "2001:db8::1/128"},
		{"PMIP6-Home-IPv4-HoA", "192.0.2.77/24", "0018c0000200", "192.0.2.0/24"},
		{"Framed-Interface-Id", "1:2:ff:1000", "0001000200ff1000", "1:2:ff:1000"},
		{"Demo-Ether", "00:00:5E:00:53:01", "00005e005301", "00:00:5e:00:53:01"},
		{"Demo-Ether", "0000.5e00.5301", "00005e005301", "00:00:5e:00:53:01"},
		{"Demo-Ether", "00-00-5e-00-53-01", "00005e005301", "00:00:5e:00:53:01"},
		{"Demo-Filter", "0x0100", "0100", "0x0100"},
		{"Demo-QoS", "0x010600000001", "010600000001", "0x010600000001"},
	}
	for _, tt := range tests {
		a := d.Attribute(tt.name)
		got, err := a.ParseText([]byte("x"), tt.text)
		if err != nil || hex.EncodeToString(got) != "78"+tt.wire {
			t.Errorf("%s %q: %x, %v; want %s", tt.name, tt.text, got, err, tt.wire)
			continue
		}
		if shown := string(a.AppendText(nil, got[1:])); shown != tt.shown {
			t.Errorf("%s %q is shown as %q, want %q", tt.name, tt.text, shown, tt.shown)
		}
	}
}

func TestParseTextErrors(t *testing.T) {
	d := demoDictionary(t)
	tests := []struct{ name, text, want string }{
		{"Service-Type", "Framed-Usr", `Service-Type is "Framed-Usr"; expected a number or the name of a value; did you mean "Framed-User"?`},
		{"NAS-Port", "x", `NAS-Port is "x"; expected a number`},
		{"NAS-Port", "4294967296", `NAS-Port is "4294967296"; expected a number from 0 to 4294967295`},
		{"NAS-Port", "99999999999999999999", `NAS-Port is "99999999999999999999"; expected a number from 0 to 4294967295`},
		{"NAS-Port", "-1", `NAS-Port is "-1"; expected a number`},
		{"Demo-Byte", "256", `Demo-Byte is "256"; expected a number from 0 to 255`},
		{"Demo-Short", "65536", `Demo-Short is "65536"; expected a number from 0 to 65535`},
		{"Demo-Long", "18446744073709551616", `Demo-Long is "18446744073709551616"; expected a number from 0 to 18446744073709551615`},
		{"Demo-Signed", "2147483648", `Demo-Signed is "2147483648"; expected a number from -2147483648 to 2147483647`},
		{"Demo-Date", "soon", `Demo-Date is "soon"; expected a date as "2026-01-05T09:00:00Z", "Jan 05 2026" or seconds since 1970`},
		{"Demo-Date", "1969-01-01", `Demo-Date is "1969-01-01"; expected a date from 1970 to 2106`},
		{"Framed-IP-Address", "192.0.2.256", `Framed-IP-Address is "192.0.2.256"; expected an IPv4 address`},
		{"Framed-IP-Address", "::1", `Framed-IP-Address is "::1"; expected an IPv4 address`},
		{"Framed-IP-Address", "0xc00002", `Framed-IP-Address is "0xc00002"; expected 4 octets`},
		{"NAS-IPv6-Address", "192.0.2.1", `NAS-IPv6-Address is "192.0.2.1"; expected an IPv6 address`},
		{"NAS-IPv6-Address", "fe80::1%eth0", `NAS-IPv6-Address is "fe80::1%eth0"; expected an IPv6 address`},
		{"Demo-Either", "here", `Demo-Either is "here"; expected an address`},
		{"Demo-Either", "0x01", `Demo-Either is "0x01"; expected 4 or 16 octets`},
		{"Framed-IPv6-Prefix", "2001:db8::/129", `Framed-IPv6-Prefix is "2001:db8::/129"; expected an IPv6 prefix as 2001:db8::/32`},
		{"Framed-IPv6-Prefix", "192.0.2.0/24", `Framed-IPv6-Prefix is "192.0.2.0/24"; expected an IPv6 prefix as 2001:db8::/32`},
		{"Framed-IPv6-Prefix", "0x0081", `Framed-IPv6-Prefix is "0x0081"; expected octets of a value of type ipv6prefix`},
		{"PMIP6-Home-IPv4-HoA", "::/0", `PMIP6-Home-IPv4-HoA is "::/0"; expected an IPv4 prefix as 192.0.2.0/24`},
		{"Framed-Interface-Id", "1:2:3", `Framed-Interface-Id is "1:2:3"; expected an interface identifier as 0:0:0:1`},
		{"Framed-Interface-Id", "1:2:3:10000", `Framed-Interface-Id is "1:2:3:10000"; expected an interface identifier as 0:0:0:1`},
		{"Demo-Ether", "00:00:5e:00:53", `Demo-Ether is "00:00:5e:00:53"; expected a MAC as 00:00:5e:00:53:01`},
		{"Class", "0x123", `Class is "0x123"; expected an even number of hexadecimal digits after 0x`},
		{"MS-CHAP2-Response", "0x12", `MS-CHAP2-Response is [secret]; expected 50 octets`},
		{"MS-CHAP2-Response", "short", `MS-CHAP2-Response is [secret]; expected 50 octets`},
		{"Demo-QoS", "Down=1", `Demo-QoS is "Down=1"; expected 0x and hexadecimal digits`},
		{"Demo-QoS", "0x0105", `Demo-QoS is "0x0105"; expected whole TLVs`},
	}
	for _, tt := range tests {
		got, err := d.Attribute(tt.name).ParseText([]byte("x"), tt.text)
		if diff := cmp.Diff(tt.want, errText(err)); diff != "" || string(got) != "x" {
			t.Errorf("%q (-want +got)\n%s", got, diff)
		}
	}
}

func TestParsePair(t *testing.T) {
	d := demoDictionary(t)
	tests := []struct{ text, want string }{
		{`User-Name=bob`, `User-Name = "bob"`},
		{`user-name := "b o\"b"`, `User-Name = "b o\"b"`},
		{`User-Name = 'a\b'`, `User-Name = "a\\b"`},
		{`User-Name="\101\n\t\r"`, `User-Name = "A\n\t\r"`},
		{`Cisco-AVPair += "a=b"`, `Cisco-AVPair = "a=b"`},
		{`Cisco-AVPair=a=b`, `Cisco-AVPair = "a=b"`},
		{`NAS-Port == 7`, `NAS-Port = 7`},
		{`Tunnel-Type:1=VLAN`, `Tunnel-Type:1 = VLAN`},
		{`Tunnel-Type:1:=VLAN`, `Tunnel-Type:1 = VLAN`},
		{`Demo-QoS.Up=5`, `Demo-QoS.Up = 5`},
		{`Demo-Leaf=x`, `Demo-Leaf = "x"`},
		{`Attr-26.64999.3 = 0x01`, `Attr-26.64999.3 = 0x01`},
		{`User-Name`, `error: "User-Name" is no attribute; expected Name=value`},
		{`=x`, `error: "=x" is no attribute; expected Name=value`},
		{``, `error: "" is no attribute; expected Name=value`},
		{`User-Name bob`, `error: User-Name is not followed by =; expected Name=value`},
		{`User-Name="bob`, `error: a quoted value is not closed; expected another "`},
		{`User-Name="bob"x`, `error: text follows the closing quote`},
		{`Usr-Name=x`, `error: unknown attribute "Usr-Name"; did you mean "User-Name"?`},
		{`NAS-Port=x`, `error: NAS-Port is "x"; expected a number`},
		{`Demo-Leaf=` + strings.Repeat("x", 254), `error: Demo-Leaf is "` + strings.Repeat("x", 254) + `"; expected a value that has room in Demo-Deep`},
	}
	for _, tt := range tests {
		p, err := d.ParsePair(tt.text)
		got := ""
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = string(p.AppendText(nil, false))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.text, diff)
		}
	}
}

// Every value of every type is shown in a form that is read back to the same value.
func TestTextRoundTrip(t *testing.T) {
	d := demoDictionary(t)
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(d.Attributes()).Draw(t, "attribute")
		size := a.size()
		value := rapid.SliceOfN(rapid.Byte(), size, max(size, 30)).Draw(t, "value")
		if size > 0 {
			value = value[:size]
		}
		if a.Tagged || !a.Fits(value) || a.Type.isSpace() || a.Concat || len(a.children) > 0 || a.IsField() {
			t.Skip("no value of its own text")
		}
		p := Pair{Attr: a, Value: value}
		text := string(p.AppendText(nil, false))
		back, err := d.ParsePair(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if order, ok := a.Compare(value, back.Value); order != 0 || !ok {
			t.Fatalf("%s is read back as %x, not %x", text, back.Value, value)
		}
	})
}

func TestUint(t *testing.T) {
	d := demoDictionary(t)
	tests := []struct {
		name string
		n    uint64
		ok   bool
	}{
		{"Demo-Byte", 255, true}, {"Demo-Byte", 256, false},
		{"Demo-Short", 65535, true}, {"Demo-Short", 65536, false},
		{"NAS-Port", 1<<32 - 1, true}, {"NAS-Port", 1 << 32, false},
		{"Demo-Long", 1<<64 - 1, true},
		{"Demo-Signed", 1<<64 - 5, true}, {"Demo-Signed", 1 << 31, false}, {"Demo-Signed", 7, true},
		{"Demo-Date", 5, true}, {"Framed-IP-Address", 0xc0000201, true},
		{"User-Name", 1, false}, {"NAS-IPv6-Address", 1, false},
	}
	for _, tt := range tests {
		a := d.Attribute(tt.name)
		value, ok := a.AppendUint(nil, tt.n)
		if ok != tt.ok {
			t.Errorf("%s %d: ok %v", tt.name, tt.n, ok)
		}
		if n, back := a.Uint(value); ok && (!back || n != tt.n) {
			t.Errorf("%s %d comes back as %d, %v", tt.name, tt.n, n, back)
		}
		if _, back := a.Uint(append(value, 0)); back {
			t.Errorf("%s: a value that is too long is a number", tt.name)
		}
	}
}

func TestCompare(t *testing.T) {
	d := demoDictionary(t)
	tests := []struct {
		name, x, y string
		order      int
		ok         bool
	}{
		{"NAS-Port", "00000001", "ffffffff", -1, true},
		{"Demo-Signed", "00000001", "ffffffff", 1, true},
		{"Framed-IP-Address", "c0000201", "0a000001", 1, true},
		{"User-Name", "61", "6162", -1, true},
		{"User-Name", "", "", 0, true},
		{"NAS-Port", "0001", "00000001", 0, false},
		{"NAS-Port", "0001", "0001", 0, true},
		{"Framed-IPv6-Prefix", "002020010db8", "002020010db8ffff", 0, true},
		{"Framed-IPv6-Prefix", "002020010db8", "002120010db800", 0, false},
		{"Framed-IPv6-Prefix", "002020010db8", "002020010db9", 0, false},
		{"Demo-Either", "c0000201", "20010db8000000000000000000000001", 0, false},
		{"Demo-QoS", "010600000001", "010600000001", 0, true},
		{"Demo-QoS", "010600000001", "010600000002", 0, false},
	}
	for _, tt := range tests {
		x, _ := hex.DecodeString(tt.x)
		y, _ := hex.DecodeString(tt.y)
		order, ok := d.Attribute(tt.name).Compare(x, y)
		if ok != tt.ok || ok && order != tt.order {
			t.Errorf("%s %s %s: %d, %v; want %d, %v", tt.name, tt.x, tt.y, order, ok, tt.order, tt.ok)
		}
	}
}

func TestSecretNamesNoText(t *testing.T) {
	d := demoDictionary(t)
	for _, name := range []string{"User-Password", "CHAP-Password", "Cleartext-Password", "NT-Password", "Tunnel-Password", "MS-MPPE-Send-Key", "Demo-Secret", "MS-CHAP-Response"} {
		if !d.Attribute(name).Secret {
			t.Errorf("%s is not secret", name)
		}
	}
	for _, name := range []string{"User-Name", "Password-Retry", "Password-Location", "State"} {
		if d.Attribute(name).Secret {
			t.Errorf("%s is secret", name)
		}
	}
}
