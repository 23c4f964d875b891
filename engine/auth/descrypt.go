package auth

import (
	"encoding/binary"
	"math/bits"
)

// crypt(3)'s oldest forms: DES, 25 times over zeros, with a salt that exchanges bits of its expansion; and
// BSDi's, whose count and salt are longer and which takes passwords of any length. The tables are those of
// FIPS 46-3.

// Lengths of the forms, in characters.
const (
	desSaltLen  = 2
	bsdiSetting = 9 // "_", four of count, four of salt
	bsdiLen     = bsdiSetting + 11
	desRounds   = 25
	maxBSDi     = 1 << 20 // rounds
)

// crypt64 is the alphabet of crypt(3).
const crypt64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// desIP, desFP, desPC1 and desPC2 name for each bit of the result the bit of the source, from 1, as the
// standard does.
var (
	desIP = [64]byte{
		58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
		57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
	}
	desFP = [64]byte{
		40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21, 61, 29,
		36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
	}
	desPC1 = [56]byte{
		57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
		63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
	}
	desPC2 = [48]byte{
		14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
		41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
	}
	desP = [32]byte{
		16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
	}
	desShifts = [16]int{1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1}
)

// desS are the eight S-boxes: four rows of sixteen each, a hexadecimal digit for a value.
var desS = [8][4]string{
	{"e4d12fb83a6c5907", "0f74e2d1a6cb9538", "41e8d62bfc973a50", "fc8249175b3ea06d"},
	{"f18e6b34972dc05a", "3d47f28ec01a69b5", "0e7ba4d158c6932f", "d8a13f42b67c05e9"},
	{"a09e63f51dc7b428", "d709346a285ecbf1", "d6498f30b12c5ae7", "1ad069874fe3b52c"},
	{"7de3069a1285bc4f", "d8b56f03472c1ae9", "a690cb7df13e5284", "3f06a1d8945bc72e"},
	{"2c417ab6853fd0e9", "eb2c47d150fa3986", "421bad78f9c5630e", "b8c71e2d6f09a453"},
	{"c1af92680d34e75b", "af427c9561de0b38", "9ef528c3704a1db6", "432c95fabe17608d"},
	{"4b2ef08d3c975a61", "d0b7491ae35c2f86", "14bdc37eaf680592", "6bd814a7950fe23c"},
	{"d2846fb1a93e50c7", "1fd8a374c56b0e92", "7b419ce206adf358", "21e74a8dfc90356b"},
}

// desSP are the S-boxes with the permutation P behind them.
var desSP = makeDESSP()

func makeDESSP() (sp [8][64]uint32) {
	for box := range sp {
		for in := range sp[box] {
			row, col := in>>4&2|in&1, in>>1&15
			out := uint64(hexDigit(desS[box][row][col])) << (28 - 4*box)
			sp[box][in] = uint32(permute(out, 32, desP[:]))
		}
	}
	return sp
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// permute picks bits of an input that is width bits long.
func permute(in uint64, width int, table []byte) (out uint64) {
	for _, from := range table {
		out = out<<1 | in>>(width-int(from))&1
	}
	return out
}

// A desCrypt is a key schedule: 48 bits for each round, in two halves.
type desCrypt [16][2]uint32

func newDESCrypt(key uint64) (k desCrypt) {
	both := permute(key, 64, desPC1[:])
	c, d := uint32(both>>28), uint32(both&(1<<28-1))
	for i, n := range desShifts {
		c, d = rotate28(c, n), rotate28(d, n)
		sub := permute(uint64(c)<<28|uint64(d), 56, desPC2[:])
		k[i] = [2]uint32{uint32(sub >> 24), uint32(sub & (1<<24 - 1))}
	}
	return k
}

func rotate28(v uint32, n int) uint32 { return (v<<n | v>>(28-n)) & (1<<28 - 1) }

// run encrypts a block rounds times, with initial and final permutation around all of them. mask has the bits
// of the expansion that the salt exchanges.
func (k *desCrypt) run(block uint64, mask uint32, rounds int) uint64 {
	block = permute(block, 64, desIP[:])
	l, r := uint32(block>>32), uint32(block)
	for range rounds {
		for i := range k {
			l, r = r, l^feistel(r, &k[i], mask)
		}
		l, r = r, l
	}
	return permute(uint64(l)<<32|uint64(r), 64, desFP[:])
}

// feistel is the function of one round: expansion, salt, key, S-boxes and P.
func feistel(r uint32, key *[2]uint32, mask uint32) uint32 {
	var half [2]uint32
	for i := range 8 {
		half[i>>2] = half[i>>2]<<6 | bits.RotateLeft32(r, 4*i+5)&63
	}
	swap := (half[0] ^ half[1]) & mask
	a, b := half[0]^swap^key[0], half[1]^swap^key[1]
	return desSP[0][a>>18] | desSP[1][a>>12&63] | desSP[2][a>>6&63] | desSP[3][a&63] |
		desSP[4][b>>18] | desSP[5][b>>12&63] | desSP[6][b>>6&63] | desSP[7][b&63]
}

// saltMask turns the salt around: its lowest bit stands for the first bit of the expansion.
func saltMask(salt uint32) uint32 { return bits.Reverse32(salt) >> 8 }

// keyDES gives the 11 characters behind the salt. Only eight characters of the password count.
func keyDES(given, salt []byte) []byte {
	k := newDESCrypt(desBlock(given))
	return encodeDES(k.run(0, saltMask(number64(salt)), desRounds))
}

// keyBSDi gives the 11 characters behind the setting. Further eight characters are mixed into the key.
func keyBSDi(given, setting []byte) []byte {
	key := desBlock(given)
	for len(given) > 8 {
		given = given[8:]
		k := newDESCrypt(key)
		key = k.run(key, 0, 1) ^ desBlock(given)
	}
	k := newDESCrypt(key)
	return encodeDES(k.run(0, saltMask(number64(setting[5:9])), int(number64(setting[1:5]))))
}

// desBlock makes a key of the first eight characters: seven bits of each.
func desBlock(given []byte) uint64 {
	var key [8]byte
	for i := range min(len(given), len(key)) {
		key[i] = given[i] << 1
	}
	return binary.BigEndian.Uint64(key[:])
}

// number64 reads a number of crypt's digits, the lowest first.
func number64(digits []byte) (n uint32) {
	for i, c := range digits {
		n |= uint32(digit64(c)) << (6 * i)
	}
	return n
}

// digit64 gives the value of a character of crypt's alphabet.
func digit64(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 38
	case c >= 'A':
		return c - 'A' + 12
	}
	return c - '.'
}

// encodeDES writes 64 bits in eleven characters, the highest first.
func encodeDES(block uint64) []byte {
	out := make([]byte, 0, 11)
	for shift := 58; shift >= -2; shift -= 6 {
		if shift < 0 {
			out = append(out, crypt64[block<<2&63])
		} else {
			out = append(out, crypt64[block>>shift&63])
		}
	}
	return out
}

// parseDES reads the 13 characters of the oldest form.
func parseDES(stored []byte) (Stored, error) {
	if len(stored) != desLen || !isCrypt64(stored) {
		return Stored{}, ErrCrypt
	}
	return Stored{scheme: SchemeDES, salt: stored[:desSaltLen], sum: stored[desSaltLen:]}, nil
}

// parseBSDi reads "_CCCCSSSS" and eleven characters.
func parseBSDi(stored []byte) (Stored, error) {
	if len(stored) != bsdiLen || !isCrypt64(stored[1:]) {
		return Stored{}, ErrForm
	}
	rounds := int(number64(stored[1:5]))
	if rounds == 0 || rounds > maxBSDi {
		return Stored{}, ErrCost
	}
	return Stored{scheme: SchemeBSDi, cost: rounds, salt: stored[:bsdiSetting], sum: stored[bsdiSetting:]}, nil
}

// bsdiDummy gives a setting of that many rounds.
func bsdiDummy(rounds int) []byte {
	setting := []byte("_")
	for i := range 4 {
		setting = append(setting, crypt64[rounds>>(6*i)&63])
	}
	return append(setting, "peri"...)
}
