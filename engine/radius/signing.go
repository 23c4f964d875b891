package radius

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
)

//go:generate go run md5lanes_gen.go

// lanes is how many messages md5Block takes at once.
const lanes = 8

// A Signing signs the replies of a batch together. The digests of one reply follow each other, but those of several
// replies are computed side by side where the processor can (AVX2): a third of what they cost one by one. It has
// scratch memory, in which secrets stay, and serves one goroutine at a time. The zero Signing is ready.
type Signing struct {
	narrow  bool // one by one, as on other processors
	replies []unsigned
	session Session // of those that are signed alone

	state [4][lanes]uint32
	next  [lanes]*byte // the blocks to come
	lane  [lanes]lane
	begun int // replies that have got a lane
	busy  int // lanes that have one
}

// An unsigned is a reply that waits: a whole packet with the request's authenticator in place of its own.
type unsigned struct {
	raw    []byte
	secret Secret
}

// A stage is which digest of a reply is being computed.
type stage uint8

const (
	stageInner    stage = iota // of HMAC (RFC 2104 s2), for Message-Authenticator
	stageOuter                 //
	stageResponse              // Response Authenticator (RFC 2865 s3)
)

// A lane computes the digests of one reply after another.
type lane struct {
	reply *unsigned // nil: none
	at    int       // of its Message-Authenticator; 0: it has none
	stage stage
	here  int            // of the block at hand in buf
	end   int            // of what is to be digested, padded
	buf   [laneRoom]byte // RFC 1321 s3.1: the message and its padding
}

const (
	laneRoom   = 512   // a longer reply is signed alone
	padding    = 1 + 8 // octets at least: RFC 1321 s3.1 and s3.2
	fewReplies = 3     // from here on lanes are worth their while
)

// Format implements fmt.Formatter: a Signing holds secrets, so no verb reaches it.
func (b *Signing) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// Add takes a reply that is to be signed with the secret of s: a whole packet with Length set, the request's
// authenticator in its header, and zeros in its Message-Authenticator, if it has one. The octets must stay until Sign.
func (b *Signing) Add(raw []byte, s *Session) {
	b.replies = append(b.replies, unsigned{raw, s.secret})
}

// Sign completes all replies that were added, as Session.SignReply does one, and forgets them.
func (b *Signing) Sign() {
	if b.narrow || !wide || len(b.replies) < fewReplies {
		for i := range b.replies {
			b.alone(&b.replies[i])
		}
	} else {
		b.together()
	}
	clear(b.replies)
	b.replies = b.replies[:0]
}

// alone signs one reply.
func (b *Signing) alone(r *unsigned) {
	b.session.Use(r.secret)
	request := Authenticator(r.raw[4:HeaderLen])
	b.session.SignReply(r.raw, &request)
}

// together feeds the lanes until all is signed.
func (b *Signing) together() {
	b.begun, b.busy = 0, 0
	for i := range b.lane {
		b.next[i] = &b.lane[i].buf[0]
		b.begin(i)
	}
	for b.busy > 0 {
		md5Block(&b.state, &b.next)
		for i := range b.lane {
			b.advance(i)
		}
	}
}

// begin gives the lane its next reply.
func (b *Signing) begin(i int) {
	l := &b.lane[i]
	l.reply = nil
	for b.begun < len(b.replies) {
		r := &b.replies[b.begun]
		b.begun++
		if len(r.raw)+r.secret.Len()+padding > laneRoom || r.secret.Len() == 0 {
			b.alone(r)
			continue
		}
		l.reply, l.at = r, messageAuthenticatorAt(r.raw)
		b.busy++
		if l.at == 0 {
			b.response(i)
			return
		}
		l.stage = stageInner
		b.load(i, &r.secret.pads.inner)
		l.pad(copy(l.buf[:], r.raw), md5.BlockSize)
		return
	}
}

// response begins the Response Authenticator: the digest of the reply and the secret.
func (b *Signing) response(i int) {
	l := &b.lane[i]
	l.stage = stageResponse
	b.state[0][i], b.state[1][i], b.state[2][i], b.state[3][i] = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 // RFC 1321 s3.3
	n := copy(l.buf[:], l.reply.raw)
	n += copy(l.buf[n:], l.reply.secret.octets)
	l.pad(n, 0)
	b.next[i] = &l.buf[0]
}

// load sets the state of a lane.
func (b *Signing) load(i int, from *[md5.Size]byte) {
	for n := range b.state {
		b.state[n][i] = binary.BigEndian.Uint32(from[4*n:]) // as crypto/md5 keeps its state
	}
	b.next[i] = &b.lane[i].buf[0]
}

// pad ends a message of n octets that went on from before octets (RFC 1321 s3.1 and s3.2).
func (l *lane) pad(n, before int) {
	l.end = (n + padding + md5.BlockSize - 1) &^ (md5.BlockSize - 1)
	clear(l.buf[n:l.end])
	l.buf[n] = 0x80
	binary.LittleEndian.PutUint64(l.buf[l.end-8:], uint64(n+before)*8)
	l.here = 0
}

// advance goes on after a block.
func (b *Signing) advance(i int) {
	l := &b.lane[i]
	if l.reply == nil {
		return
	}
	if l.here += md5.BlockSize; l.here < l.end {
		b.next[i] = &l.buf[l.here]
		return
	}
	switch l.stage {
	case stageInner:
		l.stage = stageOuter
		b.digest(i, l.buf[:])
		b.load(i, &l.reply.secret.pads.outer)
		l.pad(md5.Size, md5.BlockSize)
	case stageOuter:
		b.digest(i, l.reply.raw[l.at+2:])
		b.response(i)
	case stageResponse:
		b.digest(i, l.reply.raw[4:HeaderLen])
		b.busy--
		b.next[i] = &l.buf[0]
		b.begin(i)
	}
}

// digest writes the digest that a lane has come to.
func (b *Signing) digest(i int, to []byte) {
	for n := range b.state {
		binary.LittleEndian.PutUint32(to[4*n:], b.state[n][i])
	}
}
