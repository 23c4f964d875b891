package nas

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// hosts finds clients by exact address: two open-addressing tables, at most half full, so that a look-up of
// one among a hundred thousand touches one or two cache lines.
type hosts struct {
	v4     []slot4
	v6     []slot6
	n4, n6 int
}

// A slot holds the client's index plus 1; 0 is free.
type slot4 struct{ key, client uint32 }

type slot6 struct {
	hi, lo uint64
	client uint32
}

// find gives the index of the client with the address.
func (h *hosts) find(a netip.Addr) (uint32, bool) {
	if a.Is4() {
		return h.find4(key4(a))
	}
	hi, lo := key6(a)
	return h.find6(hi, lo)
}

func (h *hosts) find4(key uint32) (uint32, bool) {
	mask := len(h.v4) - 1
	if mask < 0 {
		return 0, false
	}
	for i := hash4(key) & mask; ; i = (i + 1) & mask {
		switch s := &h.v4[i]; {
		case s.client == 0:
			return 0, false
		case s.key == key:
			return s.client - 1, true
		}
	}
}

func (h *hosts) find6(hi, lo uint64) (uint32, bool) {
	mask := len(h.v6) - 1
	if mask < 0 {
		return 0, false
	}
	for i := hash6(hi, lo) & mask; ; i = (i + 1) & mask {
		switch s := &h.v6[i]; {
		case s.client == 0:
			return 0, false
		case s.lo == lo && s.hi == hi:
			return s.client - 1, true
		}
	}
}

// add puts an address in that is not there yet.
func (h *hosts) add(a netip.Addr, client uint32) {
	if a.Is4() {
		if 2*(h.n4+1) > len(h.v4) {
			h.grow4()
		}
		h.n4++
		h.put4(slot4{key4(a), client + 1})
		return
	}
	if 2*(h.n6+1) > len(h.v6) {
		h.grow6()
	}
	h.n6++
	hi, lo := key6(a)
	h.put6(slot6{hi, lo, client + 1})
}

func (h *hosts) put4(s slot4) {
	mask := len(h.v4) - 1
	i := hash4(s.key) & mask
	for h.v4[i].client != 0 {
		i = (i + 1) & mask
	}
	h.v4[i] = s
}

func (h *hosts) put6(s slot6) {
	mask := len(h.v6) - 1
	i := hash6(s.hi, s.lo) & mask
	for h.v6[i].client != 0 {
		i = (i + 1) & mask
	}
	h.v6[i] = s
}

func (h *hosts) grow4() {
	old := h.v4
	h.v4 = make([]slot4, max(16, 2*len(old)))
	for _, s := range old {
		if s.client != 0 {
			h.put4(s)
		}
	}
}

func (h *hosts) grow6() {
	old := h.v6
	h.v6 = make([]slot6, max(16, 2*len(old)))
	for _, s := range old {
		if s.client != 0 {
			h.put6(s)
		}
	}
}

func key4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func key6(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// hash4 and hash6 spread neighbouring addresses; they need no seed: the keys are the administrator's.
func hash4(key uint32) int {
	return int((uint64(key) * 0x9e3779b97f4a7c15) >> 33)
}

func hash6(hi, lo uint64) int {
	h, l := bits.Mul64(hi^0x9e3779b97f4a7c15, lo^0xbf58476d1ce4e5b9)
	return int((h ^ l) >> 1)
}
