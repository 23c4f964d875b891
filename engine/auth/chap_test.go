package auth

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// RFC 2865 s7.2: user flopsy, whose challenge is the Request Authenticator.
func TestCHAP(t *testing.T) {
	response := unhex("16 e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75")
	challenge := unhex("2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2")
	right := []byte("arctangent")
	changed := func(at int) []byte {
		c := append([]byte(nil), response...)
		c[at] ^= 1
		return c
	}
	for _, tc := range []struct {
		name                       string
		response, challenge, clear []byte
		want                       bool
	}{
		{"right", response, challenge, right, true},
		{"wrong password", response, challenge, []byte("arctangens"), false},
		{"no password", response, challenge, nil, false},
		{"wrong challenge", response, challenge[1:], right, false},
		{"no challenge", response, nil, right, false},
		{"other ident", changed(0), challenge, right, false},
		{"other digest", changed(16), challenge, right, false},
		{"short", response[:16], challenge, right, false},
		{"long", append(response[:17:17], 0), challenge, right, false},
		{"empty", nil, challenge, right, false},
	} {
		if got := CHAP(tc.response, tc.challenge, tc.clear); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// What is longer than any attribute is still computed.
func TestCHAPOfLongParts(t *testing.T) {
	long := []byte(strings.Repeat("long", 100))
	sum := md5.Sum(append(append([]byte{7}, long...), long...))
	if !CHAP(append([]byte{7}, sum[:]...), long, long) {
		t.Error("a long password does not fit")
	}
}

func TestClearTextAllocatesNothing(t *testing.T) {
	stored, given := []byte("{clear}arctangent"), []byte("arctangent")
	response := unhex("16 e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75")
	challenge := unhex("2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2")
	for name, step := range map[string]func(){
		"PAP with header": func() { s, _ := Parse("", stored); s.Verify(given) },
		"PAP":             func() { s, _ := Parse("clear", given); s.Verify(given) },
		"CHAP":            func() { CHAP(response, challenge, given) },
	} {
		if n := testing.AllocsPerRun(100, step); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, v := range vectors {
		s, err := Parse("", []byte(v.stored))
		if err != nil {
			b.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimLeft(v.stored, "{$"), "}")
		name, _, _ = strings.Cut(name, "$")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Verify([]byte(v.password))
			}
		})
	}
}

func BenchmarkCHAP(b *testing.B) {
	response, challenge := make([]byte, 17), make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		CHAP(response, challenge, []byte("arctangent"))
	}
}
