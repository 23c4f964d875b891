package auth

import "crypto/rand"

// A Scheme is a way to store passwords.
type Scheme uint8

// The schemes. Those from SchemeMD5Crypt to SchemeYescrypt are crypt(3)'s, those after them plain digests.
const (
	schemeNone Scheme = iota
	SchemeClear
	SchemeMD5Crypt    // $1$
	SchemeSHA256Crypt // $5$
	SchemeSHA512Crypt // $6$
	SchemeBcrypt      // $2a$ $2b$ $2y$
	SchemeYescrypt    // $y$
	SchemeMD5         // {MD5}, {SMD5}
	SchemeSHA1        // {SHA}, {SSHA}
	SchemeSHA224      // {SHA224}, {SSHA224}
	SchemeSHA256      // {SHA256}, {SSHA256}
	SchemeSHA384      // {SHA384}, {SSHA384}
	SchemeSHA512      // {SHA512}, {SSHA512}
	SchemeNT          // {NT}: MD4 of UTF-16LE
)

// Bounds of cost: a password of more would hold a worker for seconds.
const (
	minBcryptCost = 4
	maxBcryptCost = 16
	minRounds     = 1000
	maxRounds     = 1_000_000
	defaultRounds = 5000
)

// A Cost is what verifying a password takes: its scheme, and a number for those that have one. Costs of
// two passwords are compared with ==.
type Cost struct {
	Scheme Scheme
	Rounds int // bcrypt: its cost; SHA-crypt: rounds; yescrypt: blocks of memory; others 0
}

// Cost gives the cost class of the password, to choose a Dummy by.
func (s Stored) Cost() Cost { return Cost{s.scheme, s.cost} }

// Micros estimates the time of one Verify in µs on one core of today. It is good for comparing and for
// choosing a worker, no more.
func (c Cost) Micros() int {
	switch c.Scheme {
	case SchemeMD5Crypt:
		return 200
	case SchemeSHA256Crypt, SchemeSHA512Crypt, SchemeYescrypt:
		return c.Rounds / 2
	case SchemeBcrypt:
		return 50 << min(max(c.Rounds, 0), maxBcryptCost)
	}
	return 0
}

// costly is the time above which Verify belongs on a worker, in µs.
const costly = 50

// Costly reports whether Verify computes for long (more than some 50 µs), so that it belongs on a worker.
func (s Stored) Costly() bool { return s.Cost().Micros() > costly }

// Dummy makes a password of the cost class that nothing fits. An unknown user is verified against it, so
// that the answer takes the same way and time as a wrong password's. Make one for each generation, of the
// greatest cost among its users, and keep it: the clear text of the clear one is random, so that no CHAP
// response fits it either.
func Dummy(c Cost) Stored {
	random := make([]byte, c.Scheme.sumLen())
	rand.Read(random)
	s := Stored{scheme: c.Scheme, cost: c.Rounds, salt: []byte("perilune"), sum: random, dummy: true}
	switch c.Scheme {
	case SchemeClear, schemeNone:
		s.scheme, s.text = SchemeClear, random
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
