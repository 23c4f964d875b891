package auth

import (
	"strings"
	"testing"
)

// TestDESCrypt: what glibc's and libxcrypt's crypt(3) make of passwords, by DES and by BSDi's form.
func TestDESCrypt(t *testing.T) {
	for _, v := range []struct{ password, stored string }{
		{"hello", "abl0JrMf6tlhw"},
		{"Hello world, this is long", "zZq.NeTMwMr6A"},
		{"p\u00e4ssw\u00f6", "9axzsc4sX/77g"},
		{"hamlet", "XyBVrfbPNjnOs"},
		{"hello", "_J9..rasmG1gANnusqQA"},
		{"a longer password than eight octets", "_K1..crsm10.sQTdhmcc"},
		{"hell", "_/...zzzz4aQtbq1P84Y"},
		{"12345678", "_J9..perlgXiEQ0sLgWI"},
	} {
		s, err := Parse("crypt", []byte(v.stored))
		if err != nil || !s.Verify([]byte(v.password)) {
			t.Errorf("%s does not fit %q: %v", v.stored, v.password, err)
		}
		if s.Verify([]byte(strings.ToUpper(v.password[:1]) + v.password[1:] + "x")[1:]) {
			t.Errorf("%s fits another password", v.stored)
		}
	}
}

// TestDESCryptForgets: DES looks at eight characters, BSDi's form at all.
func TestDESCryptForgets(t *testing.T) {
	des, _ := Parse("crypt", []byte("zZq.NeTMwMr6A"))
	bsdi, _ := Parse("crypt", []byte("_K1..crsm10.sQTdhmcc"))
	if !des.Verify([]byte("Hello wo")) || !des.Verify([]byte("Hello wonder")) || des.Verify([]byte("Hello w")) {
		t.Error("DES does not look at exactly eight characters")
	}
	if bsdi.Verify([]byte("a longer")) || bsdi.Verify([]byte("a longer password than eight octet")) {
		t.Error("BSDi's form does not look at all characters")
	}
}

// TestBareDES: without a scheme 13 characters are a password in clear, as they always were.
func TestBareDES(t *testing.T) {
	s, err := Parse("", []byte("abl0JrMf6tlhw"))
	if _, clear := s.Clear(); err != nil || !clear {
		t.Errorf("%v, clear %v", err, clear)
	}
}
