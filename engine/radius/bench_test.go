package radius

import (
	"strings"
	"testing"
)

// nemo is RFC 2865 s7.1's request with a Message-Authenticator, signed.
func nemo(s *Session) []byte {
	raw := packet(CodeAccessRequest, asked, true, octets(
		"01 06 6e 65 6d 6f 02 12 0d be 70 8d 93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03"))
	s.SignRequest(raw)
	return raw
}

func accept() []byte {
	return packet(CodeAccessAccept, Authenticator{}, true, octets("06 06 00 00 00 01 0f 06 00 00 00 00 0e 06 c0 a8 01 03"))
}

// steps are the work of the hot path on one packet each.
func steps() map[string]func() {
	s := session("xyzzy5461")
	long := session(strings.Repeat("long", 20))
	request, reply := nemo(s), accept()
	requestOfLong := nemo(long)
	p, _ := Parse(request)
	hidden, _ := p.Attributes.Find(TypeUserPassword)
	salted := s.HideSalted(nil, 0x8001, []byte("tunnel password"), &asked)
	out := make([]byte, 0, MaxPacketLen)
	vsa := octets("01 05 61 3d 62 01 05 63 3d 64")
	return map[string]func(){
		"Parse":                func() { Parse(request) },
		"AppendTo":             func() { out, _ = p.AppendTo(out[:0]) },
		"Find":                 func() { p.Attributes.Find(TypeNASIPAddress) },
		"VerifyRequest":        func() { s.VerifyRequest(request) },
		"VerifyRequest/rekey":  func() { s.Use(s.secret); s.VerifyRequest(request) },
		"VerifyRequest/long":   func() { long.Use(long.secret); long.VerifyRequest(requestOfLong) },
		"SignReply":            func() { s.SignReply(reply, &asked) },
		"RevealPassword":       func() { out, _ = s.RevealPassword(out[:0], hidden, &asked) },
		"HidePassword":         func() { out = s.HidePassword(out[:0], []byte("arctangent"), &asked) },
		"RevealSalted":         func() { out, _ = s.RevealSalted(out[:0], salted, &asked) },
		"HideSalted":           func() { out = s.HideSalted(out[:0], 0x8001, []byte("tunnel password"), &asked) },
		"HideAscend":           func() { out = s.HideAscend(out[:0], []byte("secret"), &asked) },
		"VSAFormat.All":        func() { walkVSA(vsa) },
		"AppendVSA":            func() { out, _ = DefaultVSAFormat.AppendVSA(out[:0], 9, 1, vsa) },
		"AppendEVS":            func() { out, _ = AppendEVS(out[:0], TypeLongExtended1, 9, 1, request) },
		"Attributes.All":       func() { walk(p.Attributes) },
		"VerifyReply/Response": func() { s.VerifyReply(reply, &asked) },
	}
}

func walk(attrs Attributes) (n int) {
	for _, value := range attrs.All() {
		n += len(value)
	}
	return n
}

func walkVSA(data []byte) (n int) {
	for sub := range DefaultVSAFormat.All(data) {
		n += len(sub.Value)
	}
	return n
}

// TestHotPathAllocatesNothing in steady state: that is, from the second packet on.
func TestHotPathAllocatesNothing(t *testing.T) {
	for name, step := range steps() {
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPacket(b *testing.B) {
	for name, step := range steps() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
