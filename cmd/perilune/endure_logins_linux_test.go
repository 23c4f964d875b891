package main

import (
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"perilune/engine/radius"
)

// logins makes Access-Requests of all kinds. It serves one goroutine.
type logins struct {
	random  *rand.Rand
	session radius.Session
	n       uint64
}

func newLogins(seed uint64) *logins {
	g := &logins{random: rand.New(rand.NewPCG(seed, 1))}
	g.session.Use(radius.NewSecret(loopSecret))
	return g
}

// next deals the kinds out: of a hundred, 1 waits for the service and 5 go to a home server.
func (g *logins) next() (errand, bool) {
	g.n++
	user := fmt.Sprintf("u%04d", g.random.IntN(enduranceUsers))
	switch n := g.random.IntN(100); {
	case n < 1:
		return g.slow(), true
	case n < 6:
		return g.away(), true
	case n < 18:
		return g.refused(g.pap(user, "pw"+user[1:]+"x"), user), true
	case n < 21:
		return g.refused(g.chap(user, "PW"+user[1:]), user), true
	case n < 36:
		return g.accepted(g.chap(user, "pw"+user[1:]), user), true
	case n < 56:
		return g.accepted(g.pap(strings.ToUpper(user)+"@SITE", "pw"+user[1:]), user), true
	}
	return g.accepted(g.pap(user, "pw"+user[1:]), user), true
}

// head begins a packet whose authenticator was never used.
func (g *logins) head(user string) (packet []byte, auth radius.Authenticator) {
	for i := range auth {
		auth[i] = byte(g.random.Uint32())
	}
	packet = append(make([]byte, 0, 160), byte(radius.CodeAccessRequest), 0, 0, 0)
	packet = append(append(packet, auth[:]...), avp(1, user)...)
	packet = append(packet, avp(5, int(g.n&0xffff))...)
	// Each has a station of its own, so that nobody is slowed down for wrong passwords.
	return append(packet, avp(31, fmt.Sprintf("%016x", g.random.Uint64()))...), auth
}

func (g *logins) pap(user, password string) []byte {
	packet, auth := g.head(user)
	hidden := g.session.HidePassword(nil, []byte(password), &auth)
	packet = append(packet, avp(2, string(hidden))...)
	radius.PutLength(packet)
	return packet
}

func (g *logins) chap(user, password string) []byte {
	packet, auth := g.head(user)
	sum := md5.Sum(append([]byte("c"+password), auth[:]...))
	packet = append(packet, avp(3, "c"+string(sum[:]))...)
	radius.PutLength(packet)
	return packet
}

// accepted expects an accept with the user's own attributes, from one tree.
func (g *logins) accepted(packet []byte, user string) errand {
	return errand{packet: packet, cheap: true, judge: func(p *radius.Packet, low, high int64) wrong {
		if p.Code != radius.CodeAccessAccept {
			return wrongVerdict
		}
		if filter, _ := p.Attributes.Find(11); string(filter) != user {
			return wrongUser
		}
		users, script := treeOf(p, 35), treeOf(p, 34)
		if users != script {
			return wrongMixture
		}
		return activeTree(script, low, high)
	}}
}

// treeOf gives the number of the tree that wrote an attribute, -1 if it is not there.
func treeOf(p *radius.Packet, t radius.Type) int64 {
	value, _ := p.Attributes.Find(t)
	text, _ := strings.CutPrefix(string(value), "g")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func activeTree(n, low, high int64) wrong {
	if n < low || n > high {
		return wrongTree
	}
	return right
}

// refused expects a reject that tells nothing of the user.
func (g *logins) refused(packet []byte, user string) errand {
	return errand{packet: packet, cheap: true, judge: func(p *radius.Packet, _, _ int64) wrong {
		if p.Code != radius.CodeAccessReject {
			return wrongVerdict
		}
		if p.Attributes.Count(11)+p.Attributes.Count(34)+p.Attributes.Count(35) > 0 {
			return wrongUser
		}
		return right
	}}
}

// said expects an accept with a text that names the user, or nothing.
func said(packet []byte, text string, mute int) errand {
	return errand{packet: packet, mute: mute, judge: func(p *radius.Packet, low, high int64) wrong {
		if p.Code != radius.CodeAccessAccept {
			return wrongVerdict
		}
		if message, _ := p.Attributes.Find(18); string(message) != text {
			return wrongUser
		}
		return activeTree(treeOf(p, 34), low, high)
	}}
}

// slow is somebody whom a service knows, which takes its time, and sometimes too long.
func (g *logins) slow() errand {
	user := fmt.Sprintf("slow-%d", g.n)
	return said(g.pap(user, "x"), "hello "+user, mayBeMute)
}

// away is somebody of the home server, which is silent for some seconds at times, and to some users always.
func (g *logins) away() errand {
	user := fmt.Sprintf("%s%d@home.test", [...]string{"guest", "guest", "late", "guest"}[g.n%4], g.n)
	if g.n%97 == 0 {
		user = fmt.Sprintf("never%d@home.test", g.n)
		return said(g.pap(user, "x"), "", mustBeMute)
	}
	return said(g.pap(user, "x"), "home of "+user, mayBeMute)
}
