package radius

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

var asked = Authenticator([]byte("0123456789abcdef"))

func secretGen(t *rapid.T) *Session { return session(rapid.StringN(0, 80, -1).Draw(t, "secret")) }

func TestPasswordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := secretGen(t)
		want := rapid.SliceOfN(rapid.Byte(), 0, MaxPasswordLen).Draw(t, "password")
		hidden := s.HidePassword([]byte("before"), want, &asked)[6:]
		if len(hidden) == 0 || len(hidden)%16 != 0 || len(hidden) > 128 {
			t.Fatalf("hidden in %d octets", len(hidden))
		}
		got, err := s.RevealPassword([]byte("before"), hidden, &asked)
		if err != nil {
			t.Fatal(err)
		}
		if want := append([]byte("before"), bytes.TrimRight(want, "\x00")...); !bytes.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		inPlace, _ := s.RevealPassword(hidden[:0], hidden, &asked)
		if !bytes.Equal(inPlace, got[6:]) {
			t.Fatalf("in place %q, want %q", inPlace, got[6:])
		}
	})
}

func TestSaltedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := secretGen(t)
		want := rapid.SliceOfN(rapid.Byte(), 0, MaxSaltedLen).Draw(t, "value")
		salt := rapid.Uint16().Draw(t, "salt")
		hidden := s.HideSalted(nil, salt, want, &asked)
		if len(hidden) > 250 {
			t.Fatalf("hidden in %d octets", len(hidden))
		}
		got, err := s.RevealSalted([]byte("before"), hidden, &asked)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got[6:], want) {
			t.Fatalf("got %q, want %q", got[6:], want)
		}
		inPlace, err := s.RevealSalted(hidden[:0], hidden, &asked)
		if err != nil || !bytes.Equal(inPlace, want) {
			t.Fatalf("in place %q, %v, want %q", inPlace, err, want)
		}
	})
}

func TestAscendRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := secretGen(t)
		want := rapid.SliceOfN(rapid.Byte(), 0, MaxAscendLen).Draw(t, "value")
		hidden := s.HideAscend(nil, want, &asked)
		if len(hidden) != 16 {
			t.Fatalf("hidden in %d octets", len(hidden))
		}
		if got := s.RevealAscend(nil, hidden, &asked); !bytes.Equal(got, bytes.TrimRight(want, "\x00")) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// xor lays a digest of the parts over a block.
func xor(block string, parts ...string) []byte {
	var in []byte
	for _, p := range parts {
		in = append(in, p...)
	}
	sum := md5.Sum(in)
	out := []byte(block)
	for i := range out {
		out[i] ^= sum[i]
	}
	return out
}

// The blocks computed step by step from the text of the RFCs.
func TestHiddenOctets(t *testing.T) {
	s, ra := session("s3cret"), string(asked[:])
	b1 := xor("password-of-twen", "s3cret", ra)
	b2 := xor("ty\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "s3cret", string(b1))
	got := s.HidePassword(nil, []byte("password-of-twenty"), &asked)
	if want := append(b1, b2...); !bytes.Equal(got, want) {
		t.Errorf("RFC 2865 s5.2: %x, want %x", got, want)
	}
	salted := append([]byte{0x80, 1}, xor("\x03key\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "s3cret", ra, "\x80\x01")...)
	if got := s.HideSalted(nil, 0x8001, []byte("key"), &asked); !bytes.Equal(got, salted) {
		t.Errorf("RFC 2868 s3.5: %x, want %x", got, salted)
	}
	ascend := xor("key\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", ra, "s3cret")
	if got := s.HideAscend(nil, []byte("key"), &asked); !bytes.Equal(got, ascend) {
		t.Errorf("Ascend: %x, want %x", got, ascend)
	}
}

func TestRevealPasswordLengths(t *testing.T) {
	s := session("s3cret")
	for n := range 200 {
		_, err := s.RevealPassword(nil, make([]byte, n), &asked)
		if fits := n >= 16 && n <= 128 && n%16 == 0; errors.Is(err, ErrPasswordLength) == fits {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

func TestRevealSaltedRefuses(t *testing.T) {
	s := session("s3cret")
	hide := func(first byte) []byte { // one block whose clear text begins with first
		hidden := s.HideSalted(nil, 0x8001, nil, &asked)
		hidden[2] ^= first
		return hidden
	}
	for _, tc := range []struct {
		name   string
		hidden []byte
		want   error
	}{
		{"empty", nil, ErrSaltedLength},
		{"salt alone", []byte{0x80, 1}, ErrSaltedLength},
		{"part of a block", make([]byte, 17), ErrSaltedLength},
		{"block and a half", make([]byte, 26), ErrSaltedLength},
		{"length of the whole block", hide(16), ErrSaltedLength},
		{"length 15", hide(15), nil},
	} {
		got, err := s.RevealSalted([]byte("x"), tc.hidden, &asked)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", tc.name, err, tc.want)
		}
		if err != nil && string(got) != "x" {
			t.Errorf("%s: dst changed to %q", tc.name, got)
		}
	}
}

func TestTooLongIsCut(t *testing.T) {
	s, long := session("s3cret"), bytes.Repeat([]byte("a"), 300)
	if n := len(s.HidePassword(nil, long, &asked)); n != 128 {
		t.Errorf("password of 300 octets hidden in %d", n)
	}
	if n := len(s.HideSalted(nil, 0x8000, long, &asked)); n != 242 {
		t.Errorf("salted value of 300 octets hidden in %d", n)
	}
	if n := len(s.HideAscend(nil, long, &asked)); n != 16 {
		t.Errorf("Ascend's value of 300 octets hidden in %d", n)
	}
	if got := s.RevealAscend(nil, s.HideAscend(nil, long, &asked)[:5], &asked); string(got) != "aaaaa" {
		t.Errorf("five octets of Ascend's value reveal as %q", hex.EncodeToString(got))
	}
}

// TestOneDigest reads passwords as Ascend's MAX hid them: all blocks under the digest of secret and
// authenticator. One of a single block is the same in both ways.
func TestOneDigest(t *testing.T) {
	s := session("xyzzy")
	digest := md5.Sum(append([]byte("xyzzy"), asked[:]...))
	for _, want := range []string{"short", "sixteen octets!!", "a password of more than two blocks, hidden so"} {
		hidden := make([]byte, (len(want)+15)/16*16)
		copy(hidden, want)
		for i := range hidden {
			hidden[i] ^= digest[i%16]
		}
		s.OneDigest = true
		got, err := s.RevealPassword(nil, hidden, &asked)
		if err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		if again := s.HidePassword(nil, []byte(want), &asked); !bytes.Equal(again, hidden) {
			t.Errorf("hidden as %x; want %x", again, hidden)
		}
		s.OneDigest = false
		if got, _ := s.RevealPassword(nil, hidden, &asked); (string(got) == want) != (len(want) <= 16) {
			t.Errorf("RFC 2865 reads %q", got)
		}
	}
}
