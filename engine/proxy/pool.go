package proxy

import (
	"math"
	"math/rand/v2"
)

// maxServers bounds the servers of one realm: what was asked is a word of bits.
const maxServers = 64

// A pool is the home servers of one realm for one kind of request. It is not changed once made.
type pool struct {
	homes   []*home
	weights []float64
	balance bool
}

// next gives the place of the server to ask next, -1 if there is none left: the one that a conversation began
// with; else, in the order of the list or spread by weight, the first that is ready; else one in doubt.
func (p *pool) next(x *Exchange, now int64) int {
	for {
		i, g := p.conversation(x, now), gradeReady
		if i < 0 && !x.bound {
			i, g = p.best(x, now)
		}
		x.trial = i >= 0 && g == gradeTrial
		if !x.trial || p.homes[i].claim(now) {
			return i
		}
	}
}

// conversation gives the server that the client's State came from: only that one can go on (RFC 2865 s5.24). If it
// stays silent no other is asked: that would only reject the user. Once it is dead another may try.
func (p *pool) conversation(x *Exchange, now int64) int {
	if x.state == 0 {
		return -1
	}
	for i, h := range p.homes {
		if x.tried&(1<<i) == 0 && h.talks.Load().has(x.state) && Health(h.health.Load()) != Down {
			x.bound = true
			return i
		}
	}
	return -1
}

func (p *pool) best(x *Exchange, now int64) (place int, g grade) {
	place = -1
	var most float64
	for i, h := range p.homes {
		if x.tried&(1<<i) != 0 || h.sent(x) {
			continue
		}
		of := h.grade(now)
		if of == gradeNone {
			continue
		}
		if !p.balance && of >= gradeReady {
			return i, of
		}
		if of == gradeTrial {
			return i, of
		}
		score := p.score(i, x)
		if place < 0 || of > g || of == g && score > most {
			place, g, most = i, of, score
		}
	}
	return place, g
}

// another reports whether there is a server to turn to.
func (p *pool) another(x *Exchange) bool {
	if x.bound {
		return false
	}
	for i, h := range p.homes {
		if x.tried&(1<<i) == 0 && Health(h.health.Load()) != Down && !h.sent(x) {
			return true
		}
	}
	return false
}

// sent reports whether the request came from this server: to send it back would be a circle. On one machine
// everything has the same address, so that says nothing.
func (h *home) sent(x *Exchange) bool {
	if !x.Source.IsValid() || x.Source != h.address.Addr() || x.Source.IsLoopback() || h.kind == KindDynamic {
		return false
	}
	x.looping = true
	return true
}

// score gives the place of a server in the request's own order: the highest random weight. Who has a Sticky
// meets the same order each time; a server that fails moves only its own share to others.
func (p *pool) score(i int, x *Exchange) float64 {
	if !p.balance {
		return -float64(i)
	}
	n := x.Sticky
	if n == 0 {
		n = rand.Uint64()
	}
	u := (float64(mix(n^p.homes[i].seed)>>11) + 0.5) / (1 << 53)
	return -p.weights[i] / math.Log(u)
}

// mix spreads a number over all its bits.
func mix(n uint64) uint64 {
	n ^= n >> 33
	n *= 0xff51afd7ed558ccd
	n ^= n >> 33
	n *= 0xc4ceb9fe1a85ec53
	return n ^ n>>33
}
