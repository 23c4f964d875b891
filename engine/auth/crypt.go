package auth

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"strconv"

	"github.com/go-crypt/x/crypt"
	"golang.org/x/crypto/bcrypt"
)

// Lengths of crypt(3)'s forms, in characters.
const (
	desLen       = 13
	bcryptLen    = 60
	md5SumLen    = 22
	md5SaltLen   = 8
	sha256SumLen = 43
	sha512SumLen = 86
	shaSaltLen   = 16
)

// parseCrypt reads the forms of crypt(3), and later ones of the same look, by their prefix.
func parseCrypt(stored []byte) (Stored, error) {
	id, rest, ok := bytes.Cut(bytes.TrimPrefix(stored, []byte("$")), []byte("$"))
	switch {
	case len(stored) > 0 && stored[0] == '_':
		return parseBSDi(stored)
	case !ok || stored[0] != '$':
		return parseDES(stored)
	}
	switch string(id) {
	case "argon2id":
		return parseArgon(SchemeArgon2id, rest)
	case "argon2i":
		return parseArgon(SchemeArgon2i, rest)
	case "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512":
		return parsePBKDF2(stored)
	case "1":
		return parseSalted(Stored{scheme: SchemeMD5Crypt}, rest, md5SaltLen, md5SumLen)
	case "5":
		return parseSHACrypt(Stored{scheme: SchemeSHA256Crypt}, rest, sha256SumLen)
	case "6":
		return parseSHACrypt(Stored{scheme: SchemeSHA512Crypt}, rest, sha512SumLen)
	case "2a", "2b", "2y":
		return parseBcrypt(stored)
	case "y":
		return parseYescrypt(stored, rest)
	}
	return Stored{}, ErrCrypt
}

// parseSHACrypt reads "[rounds=N$]salt$hash".
func parseSHACrypt(s Stored, rest []byte, sumLen int) (Stored, error) {
	s.cost = defaultRounds
	if after, ok := bytes.CutPrefix(rest, []byte("rounds=")); ok {
		digits, after, _ := bytes.Cut(after, []byte("$"))
		n, err := strconv.ParseUint(string(digits), 10, 64)
		if err != nil && len(digits) == 0 || !isDigits(digits) {
			return Stored{}, ErrForm
		}
		if err != nil || n < minRounds || n > maxRounds {
			return Stored{}, ErrCost
		}
		s.cost, rest = int(n), after
	}
	return parseSalted(s, rest, shaSaltLen, sumLen)
}

// parseSalted reads "salt$hash".
func parseSalted(s Stored, rest []byte, saltLen, sumLen int) (Stored, error) {
	salt, sum, ok := bytes.Cut(rest, []byte("$"))
	if !ok || len(salt) > saltLen || len(sum) != sumLen || !isCrypt64(sum) {
		return Stored{}, ErrForm
	}
	s.salt, s.sum = salt, sum
	return s, nil
}

// parseBcrypt checks "$2b$NN$" and 53 characters.
func parseBcrypt(stored []byte) (Stored, error) {
	if len(stored) != bcryptLen || stored[6] != '$' || !isDigits(stored[4:6]) || !isCrypt64(stored[7:]) {
		return Stored{}, ErrForm
	}
	cost := int(stored[4]-'0')*10 + int(stored[5]-'0')
	if cost < minBcryptCost || cost > maxBcryptCost {
		return Stored{}, ErrCost
	}
	return Stored{scheme: SchemeBcrypt, cost: cost, text: stored}, nil
}

// bcryptDummy gives a form of the cost with some salt and hash.
func bcryptDummy(cost int) []byte {
	text := append([]byte("$2b$"), byte('0'+cost/10), byte('0'+cost%10), '$')
	return append(text, bytes.Repeat([]byte("."), bcryptLen-len(text))...)
}

// fitsCrypt computes the hash of the given password and compares.
func (s Stored) fitsCrypt(given []byte) bool {
	var sum []byte
	switch s.scheme {
	case SchemeBcrypt:
		return bcrypt.CompareHashAndPassword(s.text, given) == nil
	case SchemeMD5Crypt:
		sum = crypt.KeyMD5Crypt(given, s.salt)
	case SchemeYescrypt:
		sum = keyYescrypt(given, s.text)
	case SchemeDES:
		sum = keyDES(given, s.salt)
	case SchemeBSDi:
		sum = keyBSDi(given, s.salt)
	case SchemeArgon2i, SchemeArgon2id:
		sum = s.keyArgon(given)
	case SchemePBKDF2SHA1, SchemePBKDF2SHA256, SchemePBKDF2SHA512:
		sum = s.keyPBKDF2(given)
	case SchemeSHA256Crypt:
		sum = crypt.KeySHACrypt(sha256.New, given, s.salt, s.cost)
	case SchemeSHA512Crypt:
		sum = crypt.KeySHACrypt(sha512.New, given, s.salt, s.cost)
	}
	return subtle.ConstantTimeCompare(sum, s.sum) == 1
}

// isCrypt64 reports whether all are of crypt's alphabet, A-Z a-z 0-9 . and /.
func isCrypt64(text []byte) bool {
	for _, c := range text {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '.' || c > '9') {
			return false
		}
	}
	return true
}

func isDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
