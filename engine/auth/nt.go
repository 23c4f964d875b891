package auth

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	//lint:ignore SA1019 the NT hash is MD4 of the password (RFC 2759 s8.3); nothing else is made with it
	"golang.org/x/crypto/md4"
)

// NTHash is MD4 over the password in UTF-16LE (RFC 2759 s8.3), with surrogates where they are needed. ok is
// false if the password is not UTF-8.
func NTHash(password []byte) (sum [md4.Size]byte, ok bool) {
	var room [2 * maxGiven]byte
	wide := room[:0]
	for len(password) > 0 {
		r, n := utf8.DecodeRune(password)
		if r == utf8.RuneError && n == 1 {
			return sum, false
		}
		password = password[n:]
		wide = appendUTF16(wide, r)
	}
	return md4Sum(wide), true
}

func appendUTF16(dst []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(high))
		r = low
	}
	return binary.LittleEndian.AppendUint16(dst, uint16(r))
}
