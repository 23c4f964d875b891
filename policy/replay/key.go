package replay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"

	"perilune/engine/server"
)

// A Key seals the answers of backends in a record: rows and replies may hold passwords, and nobody can tell which
// octets of them. It is made from the key of State, which never leaves the server's state directory; elsewhere a record
// is read without them. All methods may be called on nil: there is no key.
type Key struct {
	aead cipher.AEAD
	mac  []byte
}

// OpenKey reads the key of a server from its file of the key of State.
func OpenKey(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text))
	if len(fields) == 0 {
		return nil, os.ErrInvalid
	}
	octets, err := hex.DecodeString(fields[0])
	if err != nil {
		return nil, err
	}
	return NewKey(octets)
}

// NewKey makes a key from octets that are secret.
func NewKey(octets []byte) (*Key, error) {
	seal := sha256.Sum256(append([]byte("Record seal"), octets...))
	mac := sha256.Sum256(append([]byte("Record call"), octets...))
	block, err := aes.NewCipher(seal[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Key{aead, mac[:]}, err
}

// A sealedCall is a call of a backend in a record.
type sealedCall struct {
	Of     string `json:"of"`
	Ask    string `json:"ask,omitempty"`
	Fail   string `json:"fail,omitempty"`
	Sealed string `json:"sealed,omitempty"`
}

// seal makes the call of a record. The name of what is asked may have an address in it, and so a secret.
func (k *Key) seal(c *server.BackendCall, secrets []string) sealedCall {
	s := sealedCall{Of: blanked(c.Of, secrets), Fail: c.Fail}
	if k == nil {
		return s
	}
	s.Ask = server.KeyedAsk(k.mac, c.Ask)
	plain, err := json.Marshal(c)
	if err != nil {
		return s
	}
	nonce := make([]byte, k.aead.NonceSize())
	rand.Read(nonce)
	s.Sealed = base64.RawStdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, plain, []byte(s.Ask)))
	return s
}

// open gives the tape of a line. A call that cannot be opened keeps its name alone.
func (k *Key) open(calls []sealedCall) *server.Tape {
	t := &server.Tape{}
	for _, s := range calls {
		c := server.BackendCall{Of: s.Of}
		if k != nil {
			k.unseal(&s, &c)
		}
		t.Note(c)
	}
	return t
}

func (k *Key) unseal(s *sealedCall, c *server.BackendCall) {
	octets, err := base64.RawStdEncoding.DecodeString(s.Sealed)
	n := k.aead.NonceSize()
	if err != nil || len(octets) < n {
		return
	}
	plain, err := k.aead.Open(nil, octets[:n], octets[n:], []byte(s.Ask))
	if err != nil {
		return
	}
	var opened server.BackendCall
	if json.Unmarshal(plain, &opened) == nil && hmac.Equal([]byte(server.KeyedAsk(k.mac, opened.Ask)), []byte(s.Ask)) {
		*c = opened
	}
}
