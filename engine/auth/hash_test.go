package auth

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// What Hash gives is what Parse reads, with a salt of its own each time.
func TestHash(t *testing.T) {
	for _, scheme := range []string{"argon2id", "bcrypt", "sha512crypt", "sha256crypt", "ssha512", "ssha256", "ssha", "nt"} {
		one, err := Hash(scheme, []byte("grüße"))
		if err != nil {
			t.Errorf("%s: %v", scheme, err)
			continue
		}
		s, err := Parse("", one)
		if err != nil || !s.Verify([]byte("grüße")) || s.Verify([]byte("gruesse")) {
			t.Errorf("%s: %s, %v", scheme, one, err)
		}
		if two, _ := Hash(scheme, []byte("grüße")); bytes.Equal(one, two) != (scheme == "nt") {
			t.Errorf("%s: %s twice", scheme, one)
		}
	}
}

func TestHashErrors(t *testing.T) {
	for _, tc := range []struct {
		scheme, password string
		want             error
	}{
		{"rot13", "x", ErrHashScheme},
		{"bcrypt", strings.Repeat("x", 73), ErrHashLen},
		{"ssha", strings.Repeat("x", 513), ErrHashLen},
		{"nt", "gr\xfc\xdfe", ErrHashText},
	} {
		if got, err := Hash(tc.scheme, []byte(tc.password)); !errors.Is(err, tc.want) || got != nil {
			t.Errorf("%s: %s, %v", tc.scheme, got, err)
		}
	}
}
