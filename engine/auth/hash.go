package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"github.com/go-crypt/x/crypt"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// Errors of Hash.
var (
	ErrHashScheme = errors.New(`auth: unknown scheme to hash with; expected "argon2id", "bcrypt", "sha512crypt", "sha256crypt", "ssha512", "ssha256", "ssha" or "nt"`)
	ErrHashLen    = errors.New(`auth: password is too long for the scheme; expected at most 72 octets for bcrypt, 512 for others`)
	ErrHashText   = errors.New(`auth: password is not UTF-8, which an NT hash needs`)
)

// Hash gives a password in the stored form of a scheme: "argon2id" (19 MiB, two passes), "bcrypt" (cost 10),
// "sha512crypt" or "sha256crypt" (5000 rounds), "ssha512", "ssha256", "ssha", or "nt". Salts are random. Parse with
// scheme "" reads it. The first four compute for milliseconds.
func Hash(scheme string, password []byte) ([]byte, error) {
	if len(password) > maxGiven {
		return nil, ErrHashLen
	}
	switch scheme {
	case "argon2id":
		return hashArgon(password), nil
	case "bcrypt":
		form, err := bcrypt.GenerateFromPassword(password, bcrypt.DefaultCost)
		if err != nil {
			return nil, ErrHashLen
		}
		return form, nil
	case "sha512crypt":
		return hashSHACrypt("$6$", sha512.New, password), nil
	case "sha256crypt":
		return hashSHACrypt("$5$", sha256.New, password), nil
	case "ssha512":
		return hashSalted("{ssha512}", SchemeSHA512, password), nil
	case "ssha256":
		return hashSalted("{ssha256}", SchemeSHA256, password), nil
	case "ssha":
		return hashSalted("{ssha}", SchemeSHA1, password), nil
	case "nt":
		return hashNT(password)
	}
	return nil, ErrHashScheme
}

// hashArgon takes the second of the costs that OWASP's password storage cheat sheet recommends as equal.
func hashArgon(password []byte) []byte {
	const memory, passes = 19 << 10, 2
	salt := make([]byte, 16)
	rand.Read(salt)
	sum := argon2.IDKey(password, salt, passes, memory, 1, sha256.Size)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Appendf(nil, "$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, memory, passes, encode(salt), encode(sum))
}

func hashSHACrypt(prefix string, sum func() hash.Hash, password []byte) []byte {
	salt := []byte(rand.Text()[:shaSaltLen])
	form := append(append([]byte(prefix), salt...), '$')
	return append(form, crypt.KeySHACrypt(sum, password, salt, defaultRounds)...)
}

func hashSalted(header string, scheme Scheme, password []byte) []byte {
	salt := make([]byte, 8)
	rand.Read(salt)
	sum := scheme.digest(append(append([]byte(nil), password...), salt...))
	return base64.StdEncoding.AppendEncode([]byte(header), append(sum, salt...))
}

func hashNT(password []byte) ([]byte, error) {
	sum, ok := NTHash(password)
	if !ok {
		return nil, ErrHashText
	}
	return hex.AppendEncode([]byte("{nt}"), sum[:]), nil
}
