package module

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"perilune/engine/auth"
	"perilune/policy/sandbox"
)

// maxRandom bounds the octets of one crypto.random.
const maxRandom = 1024

func cryptoFunctions() []Function {
	f := func(name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "crypto", Name: name, Signature: signature, Doc: doc, call: call}
	}
	w := func(name, signature, doc string, call lua.LGFunction) Function {
		return Function{Module: "crypto", Name: name, Signature: signature, Doc: doc, call: call, Waits: true}
	}
	return []Function{
		w("verify", "crypto.verify(stored, plain)", "Whether plain is the password stored as clear text, {SSHA}…, $6$… and so on; nil and why if stored is malformed.", cryptoVerify),
		w("hash", "crypto.hash(scheme, plain)", "A password in stored form: argon2id, bcrypt, sha512crypt, sha256crypt, ssha512, ssha256, ssha or nt.", cryptoHash),
		f("sha256", "crypto.sha256(text)", "32 octets; bytes.hex shows them.", digest(sha256.New)),
		f("sha1", "crypto.sha1(text)", "20 octets.", digest(sha1.New)),
		f("md5", "crypto.md5(text)", "16 octets.", digest(md5.New)),
		f("nt_hash", "crypto.nt_hash(text)", "The 16 octets of the NT hash; nil and why if the text is not UTF-8.", cryptoNTHash),
		f("hmac", `crypto.hmac("sha256", key, text)`, "Octets of the HMAC with sha512, sha256, sha1 or md5.", cryptoHMAC),
		f("equal", "crypto.equal(a, b)", "Whether two texts are the same, in a time that does not tell where they differ.", cryptoEqual),
		f("random", "crypto.random(n)", "n random octets, 1 to 1024.", cryptoRandom),
		f("seal", "crypto.seal(key, value)", "Plain data encrypted and authenticated with a key of 16 octets or more.", cryptoSeal),
		f("unseal", "crypto.unseal(key, octets)", "What seal was given; nil and why if the key or the octets are wrong.", cryptoUnseal),
	}
}

// cryptoVerify gives the loop away only for schemes that compute for long.
func cryptoVerify(l *lua.LState) int {
	e := From(l)
	e.mayWait(l, "crypto.verify")
	stored, err := auth.Parse("", []byte(CheckText(l, 1)))
	plain := CheckText(l, 2)
	if err != nil {
		return failed(l, strings.TrimPrefix(err.Error(), "auth: "))
	}
	if !stored.Costly() {
		return pushed(l, lua.LBool(stored.Verify([]byte(plain))))
	}
	right := false
	inTurn(l, e, func() { right = stored.Verify([]byte(plain)) })
	return pushed(l, lua.LBool(right))
}

// inTurn computes a costly hash; that there is no turn for it is a backend's failure.
func inTurn(l *lua.LState, e *Env, work func()) {
	defer sandbox.Of(l).Waited()
	if err := e.hash(work); err != nil {
		sandbox.RaiseBackend(l, "crypto: %v", err)
	}
}

func cryptoHash(l *lua.LState) int {
	e, scheme, plain := From(l), sandbox.CheckString(l, 1), CheckText(l, 2)
	e.mayWait(l, "crypto.hash")
	var stored []byte
	var err error
	inTurn(l, e, func() { stored, err = auth.Hash(scheme, []byte(plain)) })
	switch {
	case errors.Is(err, auth.ErrHashScheme):
		sandbox.RaiseMisuse(l, "crypto.hash: %q, %s", scheme, strings.TrimPrefix(err.Error(), "auth: "))
	case err != nil:
		return failed(l, strings.TrimPrefix(err.Error(), "auth: "))
	}
	return pushedText(l, string(stored))
}

// paid gives argument n, a string or a secret, and takes the price of computing over it.
func paid(l *lua.LState, n int) []byte {
	text := CheckText(l, n)
	sandbox.Charge(l, 1+len(text)/16)
	return []byte(text)
}

func digest(of func() hash.Hash) lua.LGFunction {
	return func(l *lua.LState) int {
		h := of()
		h.Write(paid(l, 1))
		return pushedText(l, string(h.Sum(nil)))
	}
}

func cryptoNTHash(l *lua.LState) int {
	sum, ok := auth.NTHash(paid(l, 1))
	if !ok {
		return failed(l, "the text is not UTF-8")
	}
	return pushedText(l, string(sum[:]))
}

var digests = map[string]func() hash.Hash{"sha512": sha512.New, "sha256": sha256.New, "sha1": sha1.New, "md5": md5.New}

func cryptoHMAC(l *lua.LState) int {
	name := sandbox.CheckString(l, 1)
	of := digests[name]
	if of == nil {
		sandbox.RaiseMisuse(l, "crypto.hmac: %q, expected one of %s", name, strings.Join(slices.Sorted(maps.Keys(digests)), ", "))
	}
	h := hmac.New(of, paid(l, 2))
	h.Write(paid(l, 3))
	return pushedText(l, string(h.Sum(nil)))
}

func cryptoEqual(l *lua.LState) int {
	return pushed(l, lua.LBool(subtle.ConstantTimeCompare(paid(l, 1), paid(l, 2)) == 1))
}

func cryptoRandom(l *lua.LState) int {
	n := sandbox.CheckInt(l, 1)
	if n < 1 || n > maxRandom {
		sandbox.RaiseMisuse(l, "crypto.random: %d octets, expected 1 to %d", n, maxRandom)
	}
	octets := make([]byte, n)
	if _, err := io.ReadFull(From(l).random(), octets); err != nil {
		sandbox.RaiseBackend(l, "crypto.random: %v", err)
	}
	return pushedText(l, string(octets))
}

// minKey is the least length of a key for seal, in octets.
const minKey = 16

// sealer makes AES-256-GCM of a key of any length.
func sealer(l *lua.LState) cipher.AEAD {
	key := paid(l, 1)
	if len(key) < minKey {
		sandbox.RaiseMisuse(l, "a key of %d octets, expected %d or more", len(key), minKey)
	}
	sum := hmac.New(sha256.New, []byte("perilune crypto.seal 1"))
	sum.Write(key)
	block, err := aes.NewCipher(sum.Sum(nil))
	if err != nil {
		sandbox.RaiseMisuse(l, "crypto.seal: %v", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		sandbox.RaiseMisuse(l, "crypto.seal: %v", err)
	}
	return aead
}

func cryptoSeal(l *lua.LState) int {
	aead := sealer(l)
	sandbox.Charge(l, tableSteps)
	plain, err := appendPlain(nil, sandbox.CheckAny(l, 2), 0)
	if err != nil {
		sandbox.RaiseMisuse(l, "crypto.seal: %v", err)
	}
	sandbox.Charge(l, len(plain)/16)
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(From(l).random(), nonce); err != nil {
		sandbox.RaiseBackend(l, "crypto.seal: %v", err)
	}
	return pushedText(l, string(aead.Seal(nonce, nonce, plain, nil)))
}

func cryptoUnseal(l *lua.LState) int {
	aead, sealed := sealer(l), paid(l, 2)
	if len(sealed) < aead.NonceSize() {
		return failed(l, "too short to be sealed")
	}
	n := aead.NonceSize()
	plain, err := aead.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil {
		return failed(l, "altered, or sealed with another key")
	}
	v, _, ok := readPlain(l, plain, 0)
	if !ok {
		return failed(l, "not sealed by this version")
	}
	return pushed(l, v)
}
