package radius

import (
	"crypto/md5"
	"encoding/binary"
)

// Longest clear values of the ways to hide one, in octets. The callers check; what is longer is cut.
const (
	MaxPasswordLen = 128 // RFC 2865 s5.2
	MaxSaltedLen   = 239 // RFC 2868 s3.5: fifteen blocks, less the octet of the length
	MaxAscendLen   = 16
)

// HidePassword appends User-Password hidden as RFC 2865 s5.2 says, or with OneDigest.
func (s *Session) HidePassword(dst, password []byte, request *Authenticator) []byte {
	from := len(dst)
	dst = append(dst, password[:min(len(password), MaxPasswordLen)]...)
	dst = pad(dst, from, md5.Size)
	if s.OneDigest {
		repeat(dst[from:], s.mask(request[:]))
	} else {
		s.hide(dst[from:], request[:])
	}
	return dst
}

// RevealPassword appends the clear password, trailing NULs removed. The hidden value must have 16 to 128
// octets, a multiple of 16, otherwise ErrPasswordLength.
func (s *Session) RevealPassword(dst, hidden []byte, request *Authenticator) ([]byte, error) {
	if len(hidden) < md5.Size || len(hidden) > MaxPasswordLen || len(hidden)%md5.Size != 0 {
		return dst, ErrPasswordLength
	}
	from := len(dst)
	dst = append(dst, hidden...)
	if s.OneDigest {
		repeat(dst[from:], s.firstMask(request))
	} else {
		s.reveal(dst[from:], s.firstMask(request))
	}
	return trimNULs(dst, from), nil
}

// repeat lays the first block's digest over all blocks (OneDigest).
func repeat(blocks []byte, mask [md5.Size]byte) {
	for ; len(blocks) > 0; blocks = blocks[md5.Size:] {
		overlayBlock(blocks, &mask)
	}
}

// HideSalted appends salt and the hidden value as RFC 2868 s3.5 says (without the tag octet). The high bit
// of salt must be set and the salt unique in its packet.
func (s *Session) HideSalted(dst []byte, salt uint16, value []byte, request *Authenticator) []byte {
	value = value[:min(len(value), MaxSaltedLen)]
	dst = append(dst, byte(salt>>8), byte(salt))
	from := len(dst)
	dst = append(dst, byte(len(value)))
	dst = append(dst, value...)
	dst = pad(dst, from, md5.Size)
	seed := saltedSeed(request, dst[from-2:from])
	s.hide(dst[from:], seed[:])
	return dst
}

// RevealSalted appends the clear value of a salted one (salt first, no tag octet). A value that is not
// whole blocks, or whose hidden length is more than it holds, is ErrSaltedLength: most often the secret
// is wrong.
func (s *Session) RevealSalted(dst, hidden []byte, request *Authenticator) ([]byte, error) {
	if len(hidden) < 2+md5.Size || (len(hidden)-2)%md5.Size != 0 {
		return dst, ErrSaltedLength
	}
	from := len(dst)
	seed := saltedSeed(request, hidden[:2])
	dst = append(dst, hidden[2:]...)
	block := dst[from:]
	s.reveal(block, s.mask(seed[:]))
	n := int(block[0])
	if n >= len(block) {
		clear(block)
		return dst[:from], ErrSaltedLength
	}
	copy(block, block[1:1+n])
	return dst[:from+n], nil
}

// HideAscend appends the value hidden by Ascend's method (FreeRADIUS encrypt=3): one block, the digest of
// authenticator and secret laid over the value.
func (s *Session) HideAscend(dst, value []byte, request *Authenticator) []byte {
	from := len(dst)
	dst = append(dst, value[:min(len(value), MaxAscendLen)]...)
	dst = pad(dst, from, md5.Size)
	s.overlayAscend(dst[from:], request)
	return dst
}

// RevealAscend appends the clear value of one hidden by Ascend's method, trailing NULs removed. Octets
// beyond the first block are ignored.
func (s *Session) RevealAscend(dst, hidden []byte, request *Authenticator) []byte {
	from := len(dst)
	dst = append(dst, hidden[:min(len(hidden), MaxAscendLen)]...)
	s.overlayAscend(dst[from:], request)
	return trimNULs(dst, from)
}

func (s *Session) overlayAscend(block []byte, request *Authenticator) {
	in := s.input(len(request) + s.secret.Len())
	copy(in, request[:])
	copy(in[len(request):], s.secret.octets)
	overlay(block, md5.Sum(in))
}

// hide turns clear blocks into hidden ones in place: each is laid over with the digest of the secret and
// the hidden block before it, the first with that of secret and seed.
func (s *Session) hide(blocks, seed []byte) {
	for len(blocks) > 0 {
		mask := s.mask(seed)
		overlayBlock(blocks, &mask)
		seed, blocks = blocks[:md5.Size], blocks[md5.Size:]
	}
}

// reveal undoes hide, from the last block to the first: the mask of each but the first needs the hidden one before it.
func (s *Session) reveal(blocks []byte, mask [md5.Size]byte) {
	for at := len(blocks) - md5.Size; at >= md5.Size; at -= md5.Size {
		next := s.mask(blocks[at-md5.Size : at])
		overlayBlock(blocks[at:], &next)
	}
	overlayBlock(blocks, &mask)
}

// mask is MD5 over secret and seed.
func (s *Session) mask(seed []byte) [md5.Size]byte {
	in := s.input(s.secret.Len() + len(seed))
	n := copy(in, s.secret.octets)
	copy(in[n:], seed)
	return md5.Sum(in)
}

// overlay XORs at most one block.
func overlay(block []byte, mask [md5.Size]byte) {
	for i := range block {
		block[i] ^= mask[i]
	}
}

// overlayBlock does so with a whole block, the first of blocks.
func overlayBlock(blocks []byte, mask *[md5.Size]byte) {
	to, order := (*[md5.Size]byte)(blocks), binary.NativeEndian
	order.PutUint64(to[:8], order.Uint64(to[:8])^order.Uint64(mask[:8]))
	order.PutUint64(to[8:], order.Uint64(to[8:])^order.Uint64(mask[8:]))
}

// saltedSeed is the first seed of RFC 2868 s3.5: authenticator and salt.
func saltedSeed(request *Authenticator, salt []byte) (seed [len(Authenticator{}) + 2]byte) {
	copy(seed[:], request[:])
	copy(seed[len(request):], salt)
	return seed
}

// pad fills dst with NULs from from on to whole blocks, and to one at least.
func pad(dst []byte, from, block int) []byte {
	for n := len(dst) - from; n == 0 || n%block != 0; n++ {
		dst = append(dst, 0)
	}
	return dst
}

// trimNULs cuts trailing NULs, but none before from.
func trimNULs(dst []byte, from int) []byte {
	n := len(dst)
	for n > from && dst[n-1] == 0 {
		n--
	}
	return dst[:n]
}
