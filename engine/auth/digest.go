package auth

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// parseHeader reads what follows a header such as {SSHA}; case does not count. They are those of LDAP
// directories (RFC 2307 s5.3) and of FreeRADIUS's Password-With-Header.
func parseHeader(name, rest []byte) (Stored, error) {
	switch strings.ToLower(string(name)) {
	case "clear", "cleartext", "plain":
		return Stored{scheme: SchemeClear, text: rest}, nil
	case "crypt", "argon2", "argon2id", "argon2i", "bcrypt", "blf-crypt", "md5-crypt", "sha256-crypt", "sha512-crypt", "des-crypt":
		return parseCrypt(rest)
	case "x-pbkdf2":
		return parsePBKDF2(rest)
	case "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512":
		return parseLDAPPBKDF2(strings.ToLower(string(name)), rest)
	case "md5", "base64_md5":
		return parseDigest(SchemeMD5, rest)
	case "smd5":
		return parseSaltedDigest(SchemeMD5, rest)
	case "sha":
		return parseDigest(SchemeSHA1, rest)
	case "ssha":
		return parseSaltedDigest(SchemeSHA1, rest)
	case "nt", "nthash", "x-nthash":
		return parseDigest(SchemeNT, rest)
	}
	return parseSHA2(strings.ToLower(string(name)), rest)
}

// sha2 are the schemes of SHA-2 by their bits.
var sha2 = map[string]Scheme{"224": SchemeSHA224, "256": SchemeSHA256, "384": SchemeSHA384, "512": SchemeSHA512}

// sha3Schemes are those of SHA-3.
var sha3Schemes = map[string]Scheme{"224": SchemeSHA3x224, "256": SchemeSHA3x256, "384": SchemeSHA3x384, "512": SchemeSHA3x512}

// parseSHA2 reads what follows {SHA256}, {SSHA256} and their like. {SHA2} leaves the bits to the hash's length.
// {SHA3-256} and {SSHA3-256} are read as well.
func parseSHA2(name string, rest []byte) (Stored, error) {
	if scheme := sha2[strings.TrimPrefix(name, "ssha")]; scheme != schemeNone {
		return parseSaltedDigest(scheme, rest)
	}
	if scheme := sha2[strings.TrimPrefix(name, "sha")]; scheme != schemeNone {
		return parseDigest(scheme, rest)
	}
	if scheme := sha3Schemes[strings.TrimPrefix(name, "ssha3-")]; scheme != schemeNone {
		return parseSaltedDigest(scheme, rest)
	}
	if scheme := sha3Schemes[strings.TrimPrefix(name, "sha3-")]; scheme != schemeNone {
		return parseDigest(scheme, rest)
	}
	if name != "sha2" {
		return Stored{}, ErrHeader
	}
	for _, scheme := range [...]Scheme{SchemeSHA224, SchemeSHA256, SchemeSHA384, SchemeSHA512} { // shortest first: 64 octets are hexadecimal
		if s, err := parseDigest(scheme, rest); err == nil {
			return s, nil
		}
	}
	return Stored{}, ErrEncoded
}

// sumLen gives the octets of a digest scheme's hash.
func (s Scheme) sumLen() int {
	switch s {
	case SchemeMD5, SchemeNT:
		return md5.Size
	case SchemeSHA1:
		return sha1.Size
	case SchemeSHA224, SchemeSHA3x224:
		return sha256.Size224
	case SchemeSHA256, SchemeSHA3x256:
		return sha256.Size
	case SchemeSHA384, SchemeSHA3x384:
		return sha512.Size384
	}
	return sha512.Size
}

// parseDigest reads a hash without salt, as it is or encoded.
func parseDigest(scheme Scheme, text []byte) (Stored, error) {
	if len(text) == scheme.sumLen() {
		return Stored{scheme: scheme, sum: text}, nil
	}
	all, ok := decode(text, scheme.sumLen())
	if !ok || len(all) != scheme.sumLen() {
		return Stored{}, ErrEncoded
	}
	return Stored{scheme: scheme, sum: all}, nil
}

// parseSaltedDigest reads a hash with its salt behind it, encoded or, where no text looks so, as it is.
func parseSaltedDigest(scheme Scheme, text []byte) (Stored, error) {
	n := scheme.sumLen()
	all, ok := decode(text, n+1)
	if !ok && bytes.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		all, ok = text, true
	}
	if !ok || len(all) <= n {
		return Stored{}, ErrEncoded
	}
	return Stored{scheme: scheme, sum: all[:n], salt: all[n:]}, nil
}

// decode reads hexadecimal, if all of the text is and it is long enough for size octets, otherwise base64
// with or without padding.
func decode(text []byte, size int) ([]byte, bool) {
	if len(text) >= 2*size {
		out := make([]byte, hex.DecodedLen(len(text)))
		if _, err := hex.Decode(out, text); err == nil {
			return out, true
		}
	}
	text = bytes.TrimRight(text, "=")
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	n, err := base64.RawStdEncoding.Decode(out, text)
	return out[:n], err == nil
}

// fitsDigest computes the digest of the given password and salt and compares.
func (s Stored) fitsDigest(given []byte) bool {
	if s.scheme == SchemeNT {
		sum, ok := NTHash(given)
		return ok && subtle.ConstantTimeCompare(sum[:], s.sum) == 1
	}
	var room [maxGiven + 64]byte
	in := append(append(room[:0], given...), s.salt...)
	return subtle.ConstantTimeCompare(s.scheme.digest(in), s.sum) == 1
}

// digest computes the plain digest of a scheme.
func (s Scheme) digest(in []byte) []byte {
	switch s {
	case SchemeMD5:
		sum := md5.Sum(in)
		return sum[:]
	case SchemeSHA1:
		sum := sha1.Sum(in)
		return sum[:]
	case SchemeSHA224:
		sum := sha256.Sum224(in)
		return sum[:]
	case SchemeSHA256:
		sum := sha256.Sum256(in)
		return sum[:]
	case SchemeSHA384:
		sum := sha512.Sum384(in)
		return sum[:]
	}
	if s >= SchemeSHA3x224 {
		return s.sha3(in)
	}
	sum := sha512.Sum512(in)
	return sum[:]
}

func (s Scheme) sha3(in []byte) []byte {
	switch s {
	case SchemeSHA3x224:
		sum := sha3.Sum224(in)
		return sum[:]
	case SchemeSHA3x256:
		sum := sha3.Sum256(in)
		return sum[:]
	case SchemeSHA3x384:
		sum := sha3.Sum384(in)
		return sum[:]
	}
	sum := sha3.Sum512(in)
	return sum[:]
}
