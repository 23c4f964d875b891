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

// composer makes the requests of one shooter. It allocates nothing once its buffers have grown.
type composer struct {
	load     *Load
	session  radius.Session
	name     numbered
	password numbered
	user     int // number of the next one
	source   int // number of the next one
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
	if l.Sources > 0 {
		c.source = i % l.Sources
	}
	c.session.Use(l.Secret)
	rand.Read(c.nonce[:])
	rand.Read(c.sessions.nonce[:])
	return c
}

// nextUser gives the number of the user whose turn it is. Each has as many turns as the others, and none has a
// neighbour's number next: logins are not in the order of a file, and a server's caches should not gain by it.
func (c *composer) nextUser() int {
	const scatter = 1<<31 - 1 // prime, and no divisor of any number of users
	n := c.user
	c.user = (n + c.stride) % c.load.Users
	return int(uint64(n) * scatter % uint64(c.load.Users))
}

// nextSource gives the number of the source whose turn it is.
func (c *composer) nextSource() int32 {
	n := c.source
	if c.load.Sources > 0 {
		c.source = (n + c.stride) % c.load.Sources
	}
	return int32(n)
}

// compose appends the signed request of an identifier and notes in its slot what the reply is judged by.
func (c *composer) compose(dst []byte, id byte, at *slot) []byte {
	if c.load.Method == MethodAcct {
		dst = c.account(dst, id, at)
	} else {
		dst = c.access(dst, id, at)
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
func (c *composer) access(dst []byte, id byte, at *slot) []byte {
	at.from = c.nextSource()
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
	return c.appendNAS(dst, at.from, id)
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

// appendNAS says which client asks, by the IPv4 address that it asks from, and for which of its ports.
func (c *composer) appendNAS(dst []byte, from int32, port byte) []byte {
	nas := uint32(127<<24 | 1)
	if c.load.Sources > 0 && c.load.Source.Is4() {
		first := c.load.Source.As4()
		nas = binary.BigEndian.Uint32(first[:]) + uint32(from)
	}
	return appendInteger(appendInteger(dst, radius.TypeNASIPAddress, nas), typeNASPort, uint32(port))
}

// appendInteger appends an attribute of four octets.
func appendInteger(dst []byte, t radius.Type, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(t), 6), n)
}
