package users

import (
	"encoding/binary"
	"iter"

	"perilune/engine/raddb"
)

// A record is a compiled entry as it lies in the slab: a header, the label, the check pairs and the reply
// pairs, together so that one request touches one or two cache lines. Records lie in file order.
type record []byte

// The header: next record of the ring (4), line (4), file, lengths of checks, of reply and of the label, which is
// never 0, and flags, an octet each. Where the file or a list has no room in that, file is long and the three stand
// behind the label, in two octets each.
const (
	atLine       = 4
	atFile       = 8
	atChecks     = 9
	atReply      = 10
	atLabel      = 11
	atFlags      = 12
	recordHeader = 13

	long     = 0xff
	longTail = 6
)

// maxList bounds the compiled check list and the compiled reply list of an entry, in octets.
const maxList = 0xffff

type recordFlag uint8

const (
	flagFreeRADIUS  recordFlag = 1 << iota // read in that dialect
	flagFallThrough                        // a match does not end the search
	flagAlways                             // no check can fail
	flagProfile                            // Match-Profile on either side
	flagListed                             // BEGIN or DEFAULT: not in the index
	flagCloses                             // no further entry of the name is reached
	flagOrders                             // the checks all order: before an empty control list each is a pair more
	flagPlain                              // before an empty reply each reply pair is a pair more
)

var order = binary.LittleEndian

func (r record) next() place           { return place(order.Uint32(r)) }
func (r record) setNext(p place)       { order.PutUint32(r, uint32(p)) }
func (r record) line() int             { return int(order.Uint32(r[atLine:])) }
func (r record) has(f recordFlag) bool { return recordFlag(r[atFlags])&f != 0 }
func (r record) set(f recordFlag)      { r[atFlags] |= byte(f) }
func (r record) name() []byte          { return r[recordHeader:r.tail()] }
func (r record) tail() int             { return recordHeader + int(r[atLabel]) }

func (r record) file() int {
	if r[atFile] != long {
		return int(r[atFile])
	}
	return int(order.Uint16(r[r.tail():]))
}

// bounds tells where the checks begin, where the reply does, and where the record ends.
func (r record) bounds() (checks, reply, end int) {
	h := (*[recordHeader]byte)(r)
	at := recordHeader + int(h[atLabel])
	if h[atFile] != long {
		reply = at + int(h[atChecks])
		return at, reply, reply + int(h[atReply])
	}
	checks = at + longTail
	reply = checks + int(order.Uint16(r[at+2:]))
	return checks, reply, reply + int(order.Uint16(r[at+4:]))
}

func (r record) checks() []byte {
	from, to, _ := r.bounds()
	return r[from:to]
}

func (r record) reply() []byte {
	_, from, to := r.bounds()
	return r[from:to]
}

func (r record) size() int {
	_, _, n := r.bounds()
	return (n + unit - 1) &^ (unit - 1)
}

func (r record) dialect() Dialect {
	if r.has(flagFreeRADIUS) {
		return FreeRADIUS
	}
	return GNU
}

func (t *Table) record(p place) record { return record(t.slab.from(p)) }

// records walks all records in file order.
func (t *Table) records() iter.Seq2[place, record] {
	return func(yield func(place, record) bool) {
		for i, chunk := range t.slab.chunks {
			at := 0
			if i == 0 {
				at = unit
			}
			for at+recordHeader <= len(chunk) {
				r := record(chunk[at:])
				if r[atLabel] == 0 {
					break
				}
				if !yield(place(i<<unitBits|at/unit), r) {
					return
				}
				at += r.size()
			}
		}
	}
}

// at gives the place of a record's label in its file.
func (t *Table) at(r record) raddb.Pos {
	return raddb.Pos{File: t.files[r.file()], Line: r.line(), Col: 1} // a label begins its line
}

// ring walks the records of one list from its first, given its last.
func (t *Table) ring(last place) iter.Seq2[place, record] {
	return func(yield func(place, record) bool) {
		if last == 0 {
			return
		}
		for p := t.record(last).next(); ; {
			r := t.record(p)
			if !yield(p, r) || p == last {
				return
			}
			p = r.next()
		}
	}
}

// A header holds what a new record begins with.
type header struct {
	line  int
	file  int
	flags recordFlag
}

// add writes a record into the slab. The lists have at most maxList octets.
func (t *Table) add(h header, name, checks, reply []byte) (place, error) {
	n := recordHeader + len(name) + len(checks) + len(reply)
	wide := h.file >= long || len(checks) > 0xff || len(reply) > 0xff
	if wide {
		n += longTail
	}
	p, b, err := t.slab.alloc(n)
	if err != nil {
		return 0, err
	}
	order.PutUint32(b[atLine:], uint32(h.line))
	b[atFile], b[atChecks], b[atReply] = byte(h.file), byte(len(checks)), byte(len(reply))
	b[atLabel], b[atFlags] = byte(len(name)), byte(h.flags)
	n = recordHeader + copy(b[recordHeader:], name)
	if wide {
		b[atFile] = long
		order.PutUint16(b[n:], uint16(h.file))
		order.PutUint16(b[n+2:], uint16(len(checks)))
		order.PutUint16(b[n+4:], uint16(len(reply)))
		n += longTail
	}
	n += copy(b[n:], checks)
	copy(b[n:], reply)
	return p, nil
}
