package radius

import (
	"crypto/md5"
	"encoding/binary"
)

//go:generate go run md5lanes_gen.go

const (
	lanes    = 8     // how many messages md5Block takes at once
	laneRoom = 512   // octets of the longest message, its padding with it
	padding  = 1 + 8 // octets at least: RFC 1321 s3.1 and s3.2
)

// A lane is one message among those whose blocks md5Block takes together.
type lane struct {
	job   *job // nil: none
	stage stage
	here  int            // of the block at hand in buf
	end   int            // of the message and its padding
	buf   [laneRoom]byte // these
}

// pad ends a message of n octets in buf that goes on after others (RFC 1321 s3.1 and s3.2).
func (l *lane) pad(n, after int) {
	l.here, l.end = 0, (n+padding+md5.BlockSize-1)&^(md5.BlockSize-1)
	clear(l.buf[n:l.end])
	l.buf[n] = 0x80
	binary.LittleEndian.PutUint64(l.buf[l.end-8:], uint64(n+after)*8)
}

// An octuple is the state of eight digests.
type octuple struct {
	state [4][lanes]uint32
	next  [lanes]*byte // the blocks to come
}

// start sets a lane's state to MD5's first (RFC 1321 s3.3).
func (o *octuple) start(i int) {
	o.state[0][i], o.state[1][i], o.state[2][i], o.state[3][i] = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
}

// resume sets a lane's state to one of crypto/md5's, which keeps it in big-endian words.
func (o *octuple) resume(i int, from *[md5.Size]byte) {
	for n := range o.state {
		o.state[n][i] = binary.BigEndian.Uint32(from[4*n:])
	}
}

// digest writes the digest that a lane has come to.
func (o *octuple) digest(i int, to []byte) {
	_ = to[md5.Size-1]
	for n := range o.state {
		binary.LittleEndian.PutUint32(to[4*n:], o.state[n][i])
	}
}
