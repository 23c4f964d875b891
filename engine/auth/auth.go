package auth

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
)

// A Stored is a password as it is kept: in clear or hashed. Made by Parse or Dummy; the zero Stored fits
// nothing. It shares the memory of the text that it was parsed from, which must not change.
type Stored struct {
	scheme Scheme
	cost   int    // Cost.Rounds
	text   []byte // SchemeClear: the password; bcrypt: the whole form; yescrypt: the form less its hash
	sum    []byte // the hash, decoded for digests, in crypt's base64 for crypt forms
	salt   []byte
	memory uint32 // Cost.Memory
	lanes  uint8  // Cost.Lanes
	dummy  bool   // made by Dummy: fits nothing, whatever the comparison says
}

// maxGiven bounds the octets of a given password, because the time of a hash grows with them. RFC 2865
// s5.2 has 128 at most.
const maxGiven = 512

// Parse reads a stored password. scheme is "" to take the header or crypt prefix that it carries ({SSHA}…,
// {clear}…, $6$…), clear text if it has none; "clear" for clear text whatever it looks like; "crypt" for
// crypt(3) forms ($1$ $5$ $6$ $2a$ $2b$ $2y$ $y$, DES, BSDi's "_") and those of its look ($argon2id$ $argon2i$
// $pbkdf2…$); "pbkdf2" for FreeRADIUS's PBKDF2-Password; "nt" for an NT hash, 16 octets or 32 hexadecimal digits.
// It allocates nothing for clear text. Nothing fits empty clear text, unless {clear} says that it is meant.
// Errors say what is wrong without the text (unknown scheme, malformed, costs above the limit) and are the
// sentinels of errors.go.
func Parse(scheme string, stored []byte) (Stored, error) {
	switch scheme {
	case "":
		return parseMarked(stored)
	case "clear":
		return parseClear(stored), nil
	case "crypt":
		return parseCrypt(stored)
	case "pbkdf2":
		return parsePBKDF2(stored)
	case "nt":
		return parseDigest(SchemeNT, stored)
	}
	return Stored{}, ErrScheme
}

// parseClear reads a password in clear. An empty one is more likely a field that a backend left empty than a
// password, and so fits nothing; {clear} alone says that empty is meant.
func parseClear(text []byte) Stored {
	if len(text) == 0 {
		return Dummy(Cost{})
	}
	return Stored{scheme: SchemeClear, text: text}
}

// Clear gives the clear text, for CHAP and MS-CHAP; false if the password is hashed. That of a Dummy is
// random.
func (s Stored) Clear() ([]byte, bool) { return s.text, s.scheme == SchemeClear }

// NTHash gives the NT hash for MS-CHAP: the stored one, or that of the clear text. ok is false for other
// schemes, and for clear text that is not UTF-8.
func (s Stored) NTHash() (sum [16]byte, ok bool) {
	switch s.scheme {
	case SchemeNT:
		return [16]byte(s.sum), true
	case SchemeClear:
		return NTHash(s.text)
	}
	return sum, false
}

// Verify compares a PAP password in constant time. An empty given password fits only what is stored as {clear}
// with nothing behind it.
// One of more than 512 octets fits nothing.
func (s *Stored) Verify(given []byte) bool {
	if len(given) == 0 {
		return s.scheme == SchemeClear && len(s.text) == 0 && !s.dummy
	}
	if len(given) > maxGiven {
		return false
	}
	return s.fits(given) && !s.dummy
}

func (s *Stored) fits(given []byte) bool {
	switch s.scheme {
	case schemeNone:
		return false
	case SchemeClear:
		return same(given, s.text)
	}
	if s.scheme < SchemeMD5 {
		return s.fitsCrypt(given)
	}
	return s.fitsDigest(given)
}

// same compares two passwords; the time tells neither where they differ nor, up to one User-Password's
// length, how long the stored one is.
func same(given, stored []byte) bool {
	var x, y [128]byte
	if len(given) > len(x) || len(stored) > len(y) {
		return subtle.ConstantTimeCompare(given, stored) == 1
	}
	copy(x[:], given)
	copy(y[:], stored)
	length := subtle.ConstantTimeEq(int32(len(given)), int32(len(stored)))
	// Eight octets at a time, for ConstantTimeCompare takes ten times as long. What stored has beyond given makes the
	// lengths differ.
	var differ uint64
	for i := 0; i < len(given); i += 8 {
		differ |= binary.NativeEndian.Uint64(x[i:]) ^ binary.NativeEndian.Uint64(y[i:])
	}
	return subtle.ConstantTimeEq(int32(differ>>32|differ&0xffffffff), 0)&length == 1
}

// parseMarked reads a password that says itself what it is.
func parseMarked(stored []byte) (Stored, error) {
	if name, rest, ok := header(stored); ok {
		return parseHeader(name, rest)
	}
	if cryptPrefix(stored) {
		return parseCrypt(stored)
	}
	if django(stored) {
		return parsePBKDF2(stored)
	}
	if s, ok := parseWrapped(stored); ok {
		return s, nil
	}
	return parseClear(stored), nil
}

// parseWrapped reads a password with a header that was encoded in base64 as a whole, as directories give it. Text
// that only looks so is clear text.
func parseWrapped(stored []byte) (Stored, bool) {
	if len(stored) < 8 || stored[0] != 'e' { // base64 of a brace begins with e
		return Stored{}, false
	}
	text, ok := decode64(stored)
	if !ok {
		return Stored{}, false
	}
	name, rest, ok := header(text)
	if !ok {
		return Stored{}, false
	}
	s, err := parseHeader(name, rest)
	return s, err == nil
}

// header splits "{name}rest". Something else in braces than letters, digits and hyphens is no header.
func header(stored []byte) (name, rest []byte, ok bool) {
	if len(stored) == 0 || stored[0] != '{' {
		return nil, nil, false
	}
	end := bytes.IndexByte(stored, '}')
	if end < 2 || !isName(stored[1:end]) {
		return nil, nil, false
	}
	return stored[1:end], stored[end+1:], true
}

// cryptPrefix reports whether the text begins like "$id$".
func cryptPrefix(stored []byte) bool {
	if len(stored) == 0 || stored[0] != '$' {
		return false
	}
	end := bytes.IndexByte(stored[1:], '$')
	return end > 0 && isName(stored[1:1+end])
}

func isName(name []byte) bool {
	for _, c := range name {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && c != '-' && c != '_' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
