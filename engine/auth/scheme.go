package auth

import (
	"crypto/rand"
	"crypto/sha256"
)

// A Scheme is a way to store passwords.
type Scheme uint8

// The schemes. Those from SchemeMD5Crypt to SchemeBSDi are crypt(3)'s, those from SchemeMD5 on plain digests.
const (
	schemeNone Scheme = iota
	SchemeClear
	SchemeMD5Crypt    // $1$
	SchemeSHA256Crypt // $5$
	SchemeSHA512Crypt // $6$
	SchemeBcrypt      // $2a$ $2b$ $2y$
	SchemeYescrypt    // $y$
	SchemeDES         // 13 characters
	SchemeBSDi        // _
	SchemeArgon2i     // $argon2i$
	SchemeArgon2id    // $argon2id$
	SchemePBKDF2SHA1  // $pbkdf2$ and its other forms
	SchemePBKDF2SHA256
	SchemePBKDF2SHA512
	SchemeMD5      // {MD5}, {SMD5}
	SchemeSHA1     // {SHA}, {SSHA}
	SchemeSHA224   // {SHA224}, {SSHA224}
	SchemeSHA256   // {SHA256}, {SSHA256}
	SchemeSHA384   // {SHA384}, {SSHA384}
	SchemeSHA512   // {SHA512}, {SSHA512}
	SchemeSHA3x224 // {SHA3-224}, {SSHA3-224}
	SchemeSHA3x256
	SchemeSHA3x384
	SchemeSHA3x512
	SchemeNT // {NT}: MD4 of UTF-16LE
)

// Bounds of cost: a password of more would hold a worker for seconds.
const (
	minBcryptCost = 4
	maxBcryptCost = 16
	minRounds     = 1000
	maxRounds     = 1_000_000
	defaultRounds = 5000
)

// A Cost is what verifying a password takes: its scheme, and numbers for those that have them. Costs of
// two passwords are compared with ==.
type Cost struct {
	Scheme Scheme
	Rounds int // bcrypt: its cost; SHA-crypt, BSDi, PBKDF2: rounds; yescrypt: blocks of memory; Argon2: passes; others 0
	Memory int // Argon2: KiB
	Lanes  int // Argon2: threads
}

// Cost gives the cost class of the password, to choose a Dummy by.
func (s Stored) Cost() Cost { return Cost{s.scheme, s.cost, int(s.memory), int(s.lanes)} }

// Micros estimates the time of one Verify in µs on one core of today. It is good for comparing and for
// choosing a worker, no more.
func (c Cost) Micros() int {
	switch c.Scheme {
	case SchemeMD5Crypt:
		return 200
	case SchemeDES:
		return 10
	case SchemeSHA256Crypt, SchemeSHA512Crypt, SchemeYescrypt, SchemeBSDi, SchemePBKDF2SHA1, SchemePBKDF2SHA256, SchemePBKDF2SHA512:
		return c.Rounds / 2
	case SchemeArgon2i, SchemeArgon2id:
		return c.Memory * c.Rounds
	case SchemeBcrypt:
		return 50 << min(max(c.Rounds, 0), maxBcryptCost)
	}
	return 0
}

// costly is the time above which Verify belongs on a worker, in µs.
const costly = 50

// Costly reports whether Verify computes for long (more than some 50 µs), so that it belongs on a worker.
func (s *Stored) Costly() bool { return s.scheme > SchemeClear && s.Cost().Micros() > costly }

// Dummy makes a password of the cost class that nothing fits. An unknown user is verified against it, so
// that the answer takes the same way and time as a wrong password's. Make one for each generation, of the
// greatest cost among its users, and keep it: the clear text of the clear one is random, so that no CHAP
// response fits it either.
func Dummy(c Cost) Stored {
	random := make([]byte, c.Scheme.sumLen())
	rand.Read(random)
	s := Stored{scheme: c.Scheme, cost: c.Rounds, salt: []byte("perilune"), sum: random, dummy: true}
	switch c.Scheme {
	case SchemeClear, schemeNone: // UTF-8, so that an NT hash is computed of it, too
		s.scheme, s.text = SchemeClear, []byte(rand.Text())
	case SchemeDES:
		s.salt, s.sum = []byte("pe"), []byte("...........")
	case SchemeBSDi:
		s.cost = min(max(c.Rounds, 1), maxBSDi)
		s.salt, s.sum = bsdiDummy(s.cost), []byte("...........")
	case SchemeArgon2i, SchemeArgon2id:
		s.argonDummy(c)
	case SchemePBKDF2SHA1, SchemePBKDF2SHA256, SchemePBKDF2SHA512:
		s.cost, s.sum = min(max(c.Rounds, minPBKDF2), maxPBKDF2), random[:sha256.Size]
	case SchemeSHA256Crypt, SchemeSHA512Crypt:
		s.cost = min(max(c.Rounds, minRounds), maxRounds)
	case SchemeBcrypt:
		s.cost = min(max(c.Rounds, minBcryptCost), maxBcryptCost)
		s.text = bcryptDummy(s.cost)
	case SchemeYescrypt:
		s.cost = min(max(c.Rounds, minYescryptBlocks), maxYescryptBlocks)
		s.text = yescryptDummy(s.cost)
	}
	return s
}

// argonDummy sets costs within the bounds.
func (s *Stored) argonDummy(c Cost) {
	s.lanes = uint8(min(max(c.Lanes, 1), maxArgonLanes))
	s.memory = uint32(min(max(c.Memory, 8*int(s.lanes)), maxArgonMemory))
	s.cost = min(max(c.Rounds, 1), max(maxArgonWork/int(s.memory), 1))
	s.sum = s.sum[:sha256.Size]
}
