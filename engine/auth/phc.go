package auth

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"golang.org/x/crypto/argon2"
)

// Bounds of Argon2. Memory is in KiB, and is taken for the time of one Verify: the server computes a bounded
// number at once.
const (
	maxArgonMemory = 128 << 10 // 128 MiB, twice what RFC 9106 s4 recommends for small machines
	maxArgonWork   = 1 << 20   // memory times passes: about a second
	maxArgonLanes  = 16
	maxSaltLen     = 64
	minArgonSum    = 12
	maxSumLen      = 64
)

// parseArgon reads "v=19$m=65536,t=3,p=4$salt$hash" behind "$argon2id$" or "$argon2i$" (the PHC string format).
func parseArgon(scheme Scheme, rest []byte) (Stored, error) {
	f := bytes.Split(rest, []byte("$"))
	if len(f) != 4 || string(f[0]) != "v=19" {
		return Stored{}, ErrForm
	}
	n, ok := argonNumbers(f[1])
	salt, okSalt := decode64(f[2])
	sum, okSum := decode64(f[3])
	if !ok || !okSalt || !okSum || len(salt) == 0 || len(salt) > maxSaltLen || len(sum) < minArgonSum || len(sum) > maxSumLen {
		return Stored{}, ErrForm
	}
	c := Cost{Scheme: scheme, Memory: n[0], Rounds: n[1], Lanes: n[2]}
	if c.Rounds < 1 || c.Lanes < 1 || c.Lanes > maxArgonLanes || c.Memory < 8*c.Lanes || c.Memory > maxArgonMemory || c.Memory*c.Rounds > maxArgonWork {
		return Stored{}, ErrCost
	}
	return Stored{scheme: scheme, cost: c.Rounds, memory: uint32(c.Memory), lanes: uint8(c.Lanes), salt: salt, sum: sum}, nil
}

// argonNumbers reads "m=65536,t=3,p=4", in that order as the format demands.
func argonNumbers(text []byte) (n [3]int, ok bool) {
	f := bytes.Split(text, []byte(","))
	if len(f) != len(n) {
		return n, false
	}
	for i, name := range [...]string{"m=", "t=", "p="} {
		digits, found := bytes.CutPrefix(f[i], []byte(name))
		v, err := strconv.ParseUint(string(digits), 10, 31)
		if !found || err != nil {
			return n, false
		}
		n[i] = int(v)
	}
	return n, true
}

// keyArgon computes the hash of the given password.
func (s Stored) keyArgon(given []byte) []byte {
	if s.scheme == SchemeArgon2i {
		return argon2.Key(given, s.salt, uint32(s.cost), s.memory, s.lanes, uint32(len(s.sum)))
	}
	return argon2.IDKey(given, s.salt, uint32(s.cost), s.memory, s.lanes, uint32(len(s.sum)))
}

// decode64 reads base64 in the forms that password files have: the standard alphabet or the one with . and no
// plus, with padding or without.
func decode64(text []byte) ([]byte, bool) {
	text = bytes.ReplaceAll(bytes.TrimRight(text, "="), []byte("."), []byte("+"))
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(text)))
	n, err := base64.RawStdEncoding.Decode(out, text)
	return out[:n], err == nil
}
