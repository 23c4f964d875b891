package dictionary

import (
	"testing"

	"perilune/engine/radius"
)

// accessRequest gives the attributes of a usual Access-Request of a switch or access point.
func accessRequest(t testing.TB, d *Dictionary) radius.Attributes {
	l := listOf(t, d,
		`User-Name = "someone@example.net"`, `User-Password = "hello"`, `NAS-IP-Address = 192.0.2.1`, `NAS-Port = 7`,
		`NAS-Port-Type = Ethernet`, `Service-Type = Framed-User`, `Framed-Protocol = PPP`,
		`Called-Station-Id = "00-00-5E-00-53-01:net"`, `Calling-Station-Id = "00-00-5E-00-53-02"`, `NAS-Identifier = "sw-17"`,
		`NAS-Port-Id = "ge-0/0/7"`, `Cisco-AVPair = "audit-session-id=0A0000"`, `Attr-26.64999.1 = 0x01`, `Tunnel-Type:1 = VLAN`)
	return encodeAll(t, l)
}

func BenchmarkDecode(b *testing.B) {
	d := demoDictionary(b)
	wire := accessRequest(b, d)
	s, request := testSession()
	var l List
	b.ReportAllocs()
	for b.Loop() {
		l.Reset()
		if err := d.Decode(&l, wire, s, request); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeReply(b *testing.B) {
	d := demoDictionary(b)
	l := listOf(b, d, `Tunnel-Type:1 = VLAN`, `Tunnel-Medium-Type:1 = IEEE-802`, `Tunnel-Private-Group-Id:1 = "20"`, `Session-Timeout = 3600`)
	s, request := testSession()
	buf := make([]byte, 0, radius.MaxPacketLen)
	b.ReportAllocs()
	for b.Loop() {
		out := buf
		for i := range l.Pairs {
			out, _ = Encode(out, &l.Pairs[i], s, request, nil)
		}
	}
}

func BenchmarkFirst(b *testing.B) {
	d := demoDictionary(b)
	var l List
	s, request := testSession()
	_ = d.Decode(&l, accessRequest(b, d), s, request)
	b.ReportAllocs()
	for b.Loop() {
		l.First(d.Known.NASPort)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		shipped(b)
	}
}

// The way of a packet allocates nothing.
func TestNoAllocation(t *testing.T) {
	d := demoDictionary(t)
	wire := accessRequest(t, d)
	s, request := testSession()
	salt := testSalter()
	var l List
	buf := make([]byte, 0, radius.MaxPacketLen)
	send := ref(t, d, "MS-MPPE-Send-Key")
	name, someone := ref(t, d, "User-Name"), []byte("someone")
	run := func() {
		l.Reset()
		_ = d.Decode(&l, wire, s, request)
		l.Add(send, buf[:16:16])
		l.Set(name, someone)
		out := buf
		for i := range l.Pairs {
			out, _ = Encode(out, &l.Pairs[i], s, request, salt)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("decoding and encoding a request allocates %v times", n)
	}
}
