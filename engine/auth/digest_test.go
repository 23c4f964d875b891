package auth

import (
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"testing"
)

// TestSaltedForms reads a salted hash in every form that users files have it in: base64, hexadecimal digits,
// and the octets themselves (SSHA-Password := 0x…).
func TestSaltedForms(t *testing.T) {
	salt := []byte{1, 2, 3, 4}
	short, long := sha1.Sum(append([]byte("hello"), salt...)), sha512.Sum512(append([]byte("hello"), salt...))
	for header, sum := range map[string][]byte{"{ssha}": short[:], "{ssha512}": long[:]} {
		raw := append(sum, salt...)
		for name, form := range map[string]string{
			"base64": base64.StdEncoding.EncodeToString(raw), "hex": hex.EncodeToString(raw), "octets": string(raw),
		} {
			s, err := Parse("", []byte(header+form))
			if err != nil || !s.Verify([]byte("hello")) || s.Verify([]byte("other")) {
				t.Errorf("%s as %s: %v", header, name, err)
			}
		}
	}
	for _, bad := range []string{"{ssha}", "{ssha}\x01\x02", "{ssha}this is text, not a hash of it"} {
		if _, err := Parse("", []byte(bad)); !errors.Is(err, ErrEncoded) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
