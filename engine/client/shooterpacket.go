package client

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"

	"perilune/engine/radius"
)

// Types of attributes that only a load needs (RFC 2865 s5).
const (
	typeNASPort         radius.Type = 5
	typeFramedIPAddress radius.Type = 8
)

// slot is one identifier of one socket and what its request was.
type slot struct {
	out     bool
	wrong   bool  // the password is not the user's
	due     int64 // nanoseconds since the run began
	auth    radius.Authenticator
	session session
}

// composer makes the requests of one shooter. It allocates nothing once its buffers have grown.
type composer struct {
	load     *Load
	session  radius.Session
	name     numbered
	password numbered
	user     int // number of the next one
	stride   int
	wrongs   int // grows by WrongPasswords, and 1000 of it are one wrong password
	nonce    radius.Authenticator
	clear    []byte
	digest   []byte
	sessions sessions
}

// composer makes the one of shooter i of n: users are dealt out in turns.
func (l *Load) composer(i, n int) composer {
	c := composer{load: l, name: parseNumbered(l.NameFormat), password: parseNumbered(l.Password), user: i % l.Users, stride: n}
	c.session.Use(l.Secret)
	rand.Read(c.nonce[:])
	rand.Read(c.sessions.nonce[:])
	return c
}

// nextUser gives the number of the user whose turn it is.
func (c *composer) nextUser() int {
	n := c.user
	c.user = (n + c.stride) % c.load.Users
	return n
}

// compose appends the signed request of an identifier and notes in its slot what the reply is judged by. from
// is the IPv4 address of the client.
func (c *composer) compose(dst []byte, id byte, at *slot, from [4]byte) []byte {
	if c.load.Method == MethodAcct {
		dst = c.account(dst, id, at, from)
	} else {
		dst = c.access(dst, id, at, from)
	}
	radius.PutLength(dst)
	if c.load.Sign || c.load.Method == MethodAcct {
		c.session.SignRequest(dst)
	}
	copy(at.auth[:], dst[4:])
	return dst
}

// begin appends the header and an empty Message-Authenticator if one is wanted. The authenticator was never
// used: a counter in random octets is unique, which is all that a measurement needs.
func (c *composer) begin(dst []byte, code radius.Code, id byte) []byte {
	dst = append(dst, byte(code), id, 0, 0)
	binary.BigEndian.PutUint64(c.nonce[8:], binary.BigEndian.Uint64(c.nonce[8:])+1)
	dst = append(dst, c.nonce[:]...)
	if c.load.Sign {
		dst = append(dst, byte(radius.TypeMessageAuthenticator), 2+md5.Size)
		dst = append(dst, make([]byte, md5.Size)...)
	}
	return dst
}

// access appends an Access-Request by PAP or CHAP.
func (c *composer) access(dst []byte, id byte, at *slot, from [4]byte) []byte {
	n := c.nextUser()
	dst = c.appendName(c.begin(dst, radius.CodeAccessRequest, id), n)
	c.clear = c.password.appendTo(c.clear[:0], n)
	if c.wrongs += c.load.WrongPasswords; c.wrongs >= 1000 {
		c.wrongs -= 1000
		c.spoil()
		at.wrong = true
	} else {
		at.wrong = false
	}
	if c.load.Method == MethodCHAP {
		dst = c.appendCHAP(dst, id)
	} else {
		hidden := len(dst)
		dst = c.session.HidePassword(append(dst, byte(radius.TypeUserPassword), 0), c.clear, &c.nonce)
		dst[hidden+1] = byte(len(dst) - hidden)
	}
	return appendNAS(dst, from, id)
}

// spoil makes the clear password a wrong one.
func (c *composer) spoil() {
	if len(c.clear) == 0 {
		c.clear = append(c.clear, 'x')
		return
	}
	c.clear[0] ^= 1
}

// appendCHAP answers the Request Authenticator as the challenge (RFC 2865 s2.2, s5.3).
func (c *composer) appendCHAP(dst []byte, id byte) []byte {
	c.digest = append(append(append(c.digest[:0], id), c.clear...), c.nonce[:]...)
	sum := md5.Sum(c.digest)
	dst = append(dst, byte(radius.TypeCHAPPassword), 3+md5.Size, id)
	return append(dst, sum[:]...)
}

func (c *composer) appendName(dst []byte, user int) []byte {
	from := len(dst)
	dst = c.name.appendTo(append(dst, byte(radius.TypeUserName), 0), user)
	dst[from+1] = byte(len(dst) - from)
	return dst
}

// appendNAS says which client asks, and for which of its ports.
func appendNAS(dst []byte, from [4]byte, port byte) []byte {
	dst = append(dst, byte(radius.TypeNASIPAddress), 6, from[0], from[1], from[2], from[3])
	return appendInteger(dst, typeNASPort, uint32(port))
}

// appendInteger appends an attribute of four octets.
func appendInteger(dst []byte, t radius.Type, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(t), 6), n)
}
