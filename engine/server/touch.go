package server

import (
	"bytes"
	"encoding/binary"

	"perilune/engine/nas"
	"perilune/engine/radius"
	"perilune/engine/users"
)

// touch is a first pass over a batch. It computes the keys and reads the lines of memory that each packet
// will need, so that the misses overlap instead of adding up: those of the duplicate cache, of the client and of the
// users table. A processor looks some hundred instructions ahead, so the loops that read do nothing else.
// Nothing is verified yet: all it does with a packet is to look where its answer might be.
func (ro *role) touch() {
	users, clients := ro.generation.Users, ro.generation.Clients
	if ro.kind != "auth" || ro.n == 1 {
		users = nil
	}
	ro.keys(users)
	ro.first(users, clients)
	if clients != nil {
		ro.findClients(clients)
	}
	ro.second(users)
	ro.lookAhead()
}

// keys computes where to look, and the order in which the packets are handled.
func (ro *role) keys(table *users.Table) {
	front := 0
	for i := range ro.n {
		s := &ro.slots[i]
		ro.order[i] = uint16(i)
		s.client, s.hash, ro.names[i] = nil, 0, 0
		s.ahead.Reset()
		if s.n < radius.HeaderLen {
			continue
		}
		s.key = keyOf(s.source, s.local, s.buf)
		s.hash = ro.cache.hash(&s.key)
		if table != nil {
			ro.names[i] = table.Hash(userName(s.buf[:s.n]))
		}
		if radius.Code(s.buf[0]) == radius.CodeStatusServer {
			// Status-Server goes to the front: it says whether the server lives (RFC 5997 s4.2).
			ro.order[i], ro.order[front] = ro.order[front], uint16(i)
			front++
		}
	}
}

// first reads what a hash or an address leads to.
func (ro *role) first(table *users.Table, clients *nas.Table) {
	for i := range ro.n {
		ro.cache.touch(ro.slots[i].hash)
	}
	if clients != nil {
		for i := range ro.n {
			ro.warmth += uint64(clients.Touch(ro.slots[i].source.Addr()))
		}
	}
	if table != nil {
		for i := range ro.n {
			ro.warmth += table.Touch(ro.names[i])
		}
	}
}

// findClients finds the client of each datagram that may be answered.
func (ro *role) findClients(clients *nas.Table) {
	for i := range ro.n {
		if s := &ro.slots[i]; s.expected() {
			s.client = clients.Lookup(s.source.Addr())
		}
	}
}

// second reads what the places lead to that first has read.
func (ro *role) second(table *users.Table) {
	for i := range ro.n {
		if c := ro.slots[i].client; c != nil {
			ro.warmth += uint64(c.Touch())
		}
	}
	if table != nil {
		ro.warm(table)
	}
}

// warm reads the records of the names, as they came. Who has none is mostly known by the name without its realm: a handler
// or the realms file takes that off.
func (ro *role) warm(table *users.Table) {
	strange := 0
	for i := range ro.n {
		sum := table.Warm(ro.names[i])
		if s := &ro.slots[i]; sum == 0 && s.n >= radius.HeaderLen {
			if name, _, found := bytes.Cut(userName(s.buf[:s.n]), []byte{'@'}); found {
				ro.names[strange] = table.Hash(name)
				sum = table.Touch(ro.names[strange])
				strange++
			}
		}
		ro.warmth += sum
	}
	for _, name := range ro.names[:strange] {
		ro.warmth += table.Warm(name)
	}
}

// expected reports a datagram that looks like a request of the most frequent kinds.
func (s *slot) expected() bool {
	code := radius.Code(s.buf[0])
	return s.n >= radius.HeaderLen && (code == radius.CodeAccessRequest || code == radius.CodeAccountingRequest)
}

// lookAhead computes the digests that verifying will need.
func (ro *role) lookAhead() {
	for i := range ro.n {
		s := &ro.slots[i]
		if s.client == nil {
			continue
		}
		if n := int(binary.BigEndian.Uint16(s.buf[2:])); n >= radius.HeaderLen && n <= s.n {
			ro.digests.Request(s.buf[:n], s.client.Secret, &s.ahead)
		}
	}
	ro.digests.Run()
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
