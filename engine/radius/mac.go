package radius

import (
	"crypto/md5"
	"encoding"
	"hash"
)

// pads are the states of MD5 after the first block of HMAC's inner and outer digest (RFC 2104 s2): all that
// a secret contributes. They are as secret as it is.
type pads struct{ inner, outer [md5.Size]byte }

// padsOf computes the states once, when a secret is made.
func padsOf(secret string) (p pads) {
	if len(secret) > md5.BlockSize {
		sum := md5.Sum([]byte(secret))
		secret = string(sum[:])
	}
	var inner, outer [md5.BlockSize]byte
	copy(inner[:], secret)
	copy(outer[:], secret)
	for i := range inner {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	state := stateAfter(inner[:])
	copy(p.inner[:], state[stateMagic:])
	state = stateAfter(outer[:])
	copy(p.outer[:], state[stateMagic:])
	return p
}

// stateMagic is what stands before the chaining value in the form that crypto/md5 gives its state.
const stateMagic = len("md5\x01")

// stateAfter gives MD5's state after whole blocks.
func stateAfter(blocks []byte) []byte {
	h := md5.New()
	h.Write(blocks)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // crypto/md5 gives none
	}
	return state
}

// mac computes HMAC-MD5 from the states of a secret. It is reused and serves one goroutine at a time.
type mac struct {
	digest hash.Hash
	resume encoding.BinaryUnmarshaler // the same digest
	state  []byte                     // with room for the chaining value of either pad
	result [md5.Size]byte
}

// sum gives HMAC-MD5 over text. The zero Secret is that of the empty key.
func (m *mac) sum(s *Secret, text []byte) [md5.Size]byte {
	if m.digest == nil {
		m.digest = md5.New()
		m.resume = m.digest.(encoding.BinaryUnmarshaler)
		m.state = stateAfter(make([]byte, md5.BlockSize))
	}
	p := s.pads
	if s.octets == "" {
		p = padsOf("")
	}
	m.half(&p.inner, text)
	m.half(&p.outer, m.result[:])
	return m.result
}

func (m *mac) half(pad *[md5.Size]byte, text []byte) {
	copy(m.state[stateMagic:], pad[:])
	if err := m.resume.UnmarshalBinary(m.state); err != nil {
		panic(err) // the state is crypto/md5's own
	}
	m.digest.Write(text)
	m.digest.Sum(m.result[:0])
}
