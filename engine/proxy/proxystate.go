package proxy

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"

	"perilune/engine/radius"
)

// A mark is the value of our own Proxy-State: a serial and a hash of it under a key of this process. It says
// nothing to others (RFC 2865 s5.33: opaque), differs in each request sent, and we know it again: one that comes
// in has gone in a circle. The key is never shared, or two servers of a fleet could not send requests on to
// one another.
type mark [16]byte

// marks makes marks. The zero value is not usable.
type marks struct {
	seed   maphash.Seed
	serial atomic.Uint64
}

func (m *marks) new() (v mark) {
	binary.BigEndian.PutUint64(v[:8], m.serial.Add(1))
	binary.BigEndian.PutUint64(v[8:], maphash.Bytes(m.seed, v[:8]))
	return v
}

// ours reports whether the value of a Proxy-State is a mark of this process.
func (m *marks) ours(value []byte) bool {
	return len(value) == len(mark{}) && binary.BigEndian.Uint64(value[8:]) == maphash.Bytes(m.seed, value[:8])
}

// maxProxyStates is how many servers a request may have passed. RADIUS has no count of hops; each proxy leaves
// one Proxy-State (RFC 2865 s5.33).
const maxProxyStates = 20

// loops reports whether a request goes in a circle.
func (m *marks) loops(attrs radius.Attributes) bool {
	n := 0
	for t, value := range attrs.All() {
		if t != radius.TypeProxyState {
			continue
		}
		if n++; n > maxProxyStates || m.ours(value) {
			return true
		}
	}
	return false
}

// hash gives a number for octets that is not zero.
func (f *Forwarder) hash(octets []byte) uint64 { return maphash.Bytes(f.marks.seed, octets) | 1 }

// lastProxyState gives the place of the last Proxy-State, type octet included; -1 if there is none.
func lastProxyState(attrs radius.Attributes) (at int) {
	at = -1
	for i := 0; i+2 <= len(attrs); {
		n := int(attrs[i+1])
		if n < 2 || i+n > len(attrs) {
			break
		}
		if radius.Type(attrs[i]) == radius.TypeProxyState {
			at = i
		}
		i += n
	}
	return at
}

// marked reports whether the last Proxy-State of a reply is the mark (RFC 2865 s2.3, s5.33: it comes back
// unmodified, the order kept).
func marked(attrs radius.Attributes, m *mark) bool {
	at := lastProxyState(attrs)
	return at >= 0 && string(attrs[at+2:at+int(attrs[at+1])]) == string(m[:])
}

// unmark takes the last Proxy-State off, in place (RFC 2865 s5.33: the forwarding server removes its own).
func unmark(attrs radius.Attributes) radius.Attributes {
	at := lastProxyState(attrs)
	if at < 0 {
		return attrs
	}
	return append(attrs[:at], attrs[at+int(attrs[at+1]):]...)
}
