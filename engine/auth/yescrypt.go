package auth

import (
	"bytes"

	"github.com/go-crypt/x/yescrypt"
)

// Bounds of yescrypt. Blocks are N times r; one takes 128 octets of memory.
const (
	yescryptSumLen    = 43
	minYescryptLog    = 10
	maxYescryptLog    = 18
	maxYescryptR      = 32
	minYescryptBlocks = 1 << minYescryptLog
	maxYescryptBlocks = 1 << 19 // 64 MiB, four times what Linux distributions use
)

// parseYescrypt reads "params$salt$hash" behind "$y$". Only the usual flags "j" are known, which is what
// libxcrypt writes.
func parseYescrypt(stored, rest []byte) (Stored, error) {
	params, rest, _ := bytes.Cut(rest, []byte("$"))
	salt, sum, ok := bytes.Cut(rest, []byte("$"))
	if !ok || len(sum) != yescryptSumLen || !isCrypt64(params) || !isCrypt64(salt) || !isCrypt64(sum) {
		return Stored{}, ErrForm
	}
	_, log, r, err := yescrypt.DecodeSetting(params)
	if err != nil || yescrypt.Decode64(salt) == nil {
		return Stored{}, ErrForm
	}
	if log < minYescryptLog || log > maxYescryptLog || r > maxYescryptR || r<<log > maxYescryptBlocks {
		return Stored{}, ErrCost
	}
	setting := stored[:len(stored)-yescryptSumLen-1]
	return Stored{scheme: SchemeYescrypt, cost: r << log, text: setting, sum: sum}, nil
}

// keyYescrypt computes the hash of the given password in crypt's base64; nil if the setting is not one.
func keyYescrypt(given, setting []byte) []byte {
	form, err := yescrypt.Hash(given, setting)
	if err != nil {
		return nil
	}
	return form[bytes.LastIndexByte(form, '$')+1:]
}

// yescryptDummy gives a setting of about that many blocks.
func yescryptDummy(blocks int) []byte {
	log := minYescryptLog
	for blocks>>log > maxYescryptR {
		log++
	}
	setting := append([]byte("$y$"), yescrypt.EncodeSetting(0, log, blocks>>log)...)
	return append(setting, "$perilunedummysa."...)
}
