package server

import (
	"encoding/binary"

	"perilune/engine/radius"
	"perilune/engine/users"
)

// touch is a first pass over a batch. It computes the keys and reads the lines of memory that each packet
// will need, the duplicate cache's and the users table's, so that the misses overlap instead of adding up.
// Nothing is verified yet: all it does with a packet is to look where its answer might be.
func (ro *role) touch() {
	table := ro.generation.Users
	if ro.kind != "auth" || ro.n == 1 {
		table = nil
	}
	front := 0
	for i := range ro.n {
		s := &ro.slots[i]
		ro.order[i] = uint16(i)
		s.client = nil
		s.ahead.Reset()
		if s.n < radius.HeaderLen {
			continue
		}
		s.key = keyOf(s.source, s.local, s.buf)
		s.hash = ro.cache.hash(&s.key)
		ro.cache.touch(s.hash)
		if table != nil {
			ro.names[i] = table.Touch(userName(s.buf[:s.n]))
		}
		ro.lookAhead(s)
		if radius.Code(s.buf[0]) == radius.CodeStatusServer {
			// Status-Server goes to the front: it says whether the server lives (RFC 5997 s4.2).
			ro.order[i], ro.order[front] = ro.order[front], uint16(i)
			front++
		}
	}
	ro.digests.Run()
	if table != nil {
		ro.warm(table)
	}
}

// lookAhead finds the client of a datagram, and asks for the digests that verifying it will need.
func (ro *role) lookAhead(s *slot) {
	code := radius.Code(s.buf[0])
	if code != radius.CodeAccessRequest && code != radius.CodeAccountingRequest || ro.generation.Clients == nil {
		return
	}
	s.client = ro.generation.Clients.Lookup(s.source.Addr())
	n := int(binary.BigEndian.Uint16(s.buf[2:]))
	if s.client != nil && n >= radius.HeaderLen && n <= s.n {
		ro.digests.Request(s.buf[:n], s.client.Secret, &s.ahead)
	}
}

func (ro *role) warm(table *users.Table) {
	for i := range ro.n {
		ro.warmth += table.Warm(ro.names[i])
		ro.names[i] = users.Handle{}
	}
}

// userName gives the value of the first User-Name of a packet that nobody has checked yet; nil if there is
// none among the first few attributes.
func userName(datagram []byte) []byte {
	rest := datagram[radius.HeaderLen:]
	for range 4 {
		if len(rest) < 2 || int(rest[1]) < 2 || int(rest[1]) > len(rest) {
			return nil
		}
		if radius.Type(rest[0]) == radius.TypeUserName {
			return rest[2:rest[1]]
		}
		rest = rest[rest[1]:]
	}
	return nil
}
