package auth

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"strconv"
	"strings"
)

// Bounds of PBKDF2's rounds.
const (
	minPBKDF2 = 1
	maxPBKDF2 = 2_000_000
	minKeyLen = 10 // octets of the hash
)

// pbkdf2Names are the digests by the names that the forms have for them, in lower case and without signs.
var pbkdf2Names = map[string]Scheme{
	"": SchemePBKDF2SHA1, "sha1": SchemePBKDF2SHA1, "sha256": SchemePBKDF2SHA256, "sha512": SchemePBKDF2SHA512,
	"hmacsha1": SchemePBKDF2SHA1, "hmacsha2+256": SchemePBKDF2SHA256, "hmacsha2+512": SchemePBKDF2SHA512,
}

// parsePBKDF2 reads the forms in use: "$pbkdf2-sha256$29000$salt$hash" (PHC, as passlib and LDAP servers write
// it), "pbkdf2_sha256$870000$salt$hash" (Django, whose salt is text), and "HMACSHA2+256:AAAnEA==:salt:hash"
// (FreeRADIUS, whose rounds are four octets in base64).
func parsePBKDF2(text []byte) (Stored, error) {
	if rest, ok := bytes.CutPrefix(text, []byte("$pbkdf2")); ok {
		name, rest, ok := bytes.Cut(rest, []byte("$"))
		if !ok {
			return Stored{}, ErrForm
		}
		return parseRounds(strings.TrimPrefix(string(name), "-"), rest)
	}
	if rest, ok := bytes.CutPrefix(text, []byte("pbkdf2_")); ok {
		return parseDjango(rest)
	}
	return parseRounds4(text)
}

// parseRounds reads "rounds$salt$hash" in base64, for a digest; so are OpenLDAP's {PBKDF2-SHA256} and the PHC
// form. "i=" may stand before the rounds.
func parseRounds(digest string, text []byte) (Stored, error) {
	f := bytes.Split(text, []byte("$"))
	if len(f) != 3 {
		return Stored{}, ErrForm
	}
	salt, ok := decode64(f[1])
	if !ok {
		return Stored{}, ErrForm
	}
	return newPBKDF2(digest, bytes.TrimPrefix(f[0], []byte("i=")), salt, f[2])
}

// parseLDAPPBKDF2 reads what follows {PBKDF2-SHA256}, with rounds or in the PHC form.
func parseLDAPPBKDF2(name string, rest []byte) (Stored, error) {
	if bytes.HasPrefix(rest, []byte("$")) {
		return parsePBKDF2(rest)
	}
	return parseRounds(strings.TrimPrefix(strings.TrimPrefix(name, "pbkdf2"), "-"), rest)
}

// django reports whether the text begins as Django's form does.
func django(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte("pbkdf2_sha"))
	digits, _, cut := bytes.Cut(rest, []byte("$"))
	return ok && cut && isDigits(digits)
}

func parseDjango(text []byte) (Stored, error) {
	f := bytes.Split(text, []byte("$"))
	if len(f) != 4 {
		return Stored{}, ErrForm
	}
	return newPBKDF2(string(f[0]), f[1], f[2], f[3])
}

func parseRounds4(text []byte) (Stored, error) {
	f := bytes.Split(text, []byte(":"))
	if len(f) != 4 {
		return Stored{}, ErrForm
	}
	rounds, ok := decode64(f[1])
	salt, okSalt := decode64(f[2])
	if !ok || !okSalt || len(rounds) != 4 {
		return Stored{}, ErrForm
	}
	n := strconv.AppendUint(nil, uint64(binary.BigEndian.Uint32(rounds)), 10)
	return newPBKDF2(string(f[0]), n, salt, f[3])
}

func newPBKDF2(digest string, rounds, salt, hash []byte) (Stored, error) {
	scheme, known := pbkdf2Names[strings.ToLower(digest)]
	sum, ok := decode64(hash)
	n, err := strconv.ParseUint(string(rounds), 10, 32)
	switch {
	case !known || !ok || !isDigits(rounds) || len(rounds) == 0 || len(salt) > maxSaltLen || len(sum) < minKeyLen || len(sum) > maxSumLen:
		return Stored{}, ErrForm
	case err != nil || n < minPBKDF2 || n > maxPBKDF2:
		return Stored{}, ErrCost
	}
	return Stored{scheme: scheme, cost: int(n), salt: salt, sum: sum}, nil
}

// pbkdf2Digests are the digests by scheme.
var pbkdf2Digests = map[Scheme]func() hash.Hash{
	SchemePBKDF2SHA1: sha1.New, SchemePBKDF2SHA256: sha256.New, SchemePBKDF2SHA512: sha512.New,
}

// keyPBKDF2 computes the hash of the given password (RFC 8018 s5.2).
func (s Stored) keyPBKDF2(given []byte) []byte {
	key, err := pbkdf2.Key(pbkdf2Digests[s.scheme], string(given), s.salt, s.cost, len(s.sum))
	if err != nil {
		return nil // FIPS mode refuses short salts: nothing fits
	}
	return key
}
