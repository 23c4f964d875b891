package users

import (
	"encoding/binary"
	"iter"

	"perilune/engine/raddb"
)

// A record is a compiled entry as it lies in the slab: a header, the label, the check pairs and the reply
// pairs, together so that one request touches one or two cache lines. Records lie in file order.
type record []byte

// The header: next record of the ring (4), line (4), file (2), lengths of checks (2), of reply (2) and of
// the label (1), which is never 0, and flags (1).
const recordHeader = 16

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
func (r record) line() int             { return int(order.Uint32(r[4:])) }
func (r record) file() int             { return int(order.Uint16(r[8:])) }
func (r record) has(f recordFlag) bool { return recordFlag(r[15])&f != 0 }
func (r record) set(f recordFlag)      { r[15] |= byte(f) }

func (r record) name() []byte { return r[recordHeader : recordHeader+int(r[14])] }

func (r record) checks() []byte {
	at := recordHeader + int(r[14])
	return r[at : at+int(order.Uint16(r[10:]))]
}

func (r record) reply() []byte {
	at := recordHeader + int(r[14]) + int(order.Uint16(r[10:]))
	return r[at : at+int(order.Uint16(r[12:]))]
}

func (r record) size() int {
	n := recordHeader + int(r[14]) + int(order.Uint16(r[10:])) + int(order.Uint16(r[12:]))
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
				if r[14] == 0 {
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
	p, b, err := t.slab.alloc(recordHeader + len(name) + len(checks) + len(reply))
	if err != nil {
		return 0, err
	}
	order.PutUint32(b[4:], uint32(h.line))
	order.PutUint16(b[8:], uint16(h.file))
	order.PutUint16(b[10:], uint16(len(checks)))
	order.PutUint16(b[12:], uint16(len(reply)))
	b[14], b[15] = byte(len(name)), byte(h.flags)
	n := recordHeader + copy(b[recordHeader:], name)
	n += copy(b[n:], checks)
	copy(b[n:], reply)
	return p, nil
}

// A pairKind says what a compiled pair does.
type pairKind uint8

const (
	checkCompare   pairKind = iota // with the request
	checkPresent                   // =*
	checkAbsent                    // !*
	checkRegexp                    // number of the expression
	checkWithin                    // address in a prefix: value is its bits and its address
	checkPorts                     // NAS-Port in ranges: pairs of numbers
	checkHint                      // any Hint of the request
	checkPrefix                    // the name begins so
	checkSuffix                    // the name ends so
	checkGroup                     // number of the Unix group
	checkUID                       // of the Unix account
	checkHuntgroup                 // ref of the policy
	checkProfile                   // number of the profile, which must match too
	firstEffect                    // all from here on act once the entry has matched
)

const (
	setMerge    = firstEffect + iota // control, by additivity
	setReplace                       // control, :=
	setAdd                           // control, +=
	setAbsent                        // control, = of FreeRADIUS
	runRewrite                       // ref of the policy
	replyMerge                       // by additivity
	replyAbsent                      // = of FreeRADIUS: unless an earlier entry gave it
	replySet                         // :=
	replyAdd                         // +=
	runProfile                       // number of the profile
)

// A relation is what a comparison asks.
type relation uint8

const (
	relEqual relation = iota
	relNotEqual
	relLess
	relGreater
	relLessEq
	relGreaterEq
)

// holds gives the truth of the relation for an order (-1, 0, 1) of request and rule.
func (r relation) holds(order int) bool {
	switch r {
	case relEqual:
		return order == 0
	case relNotEqual:
		return order != 0
	case relLess:
		return order < 0
	case relGreater:
		return order > 0
	case relLessEq:
		return order <= 0
	}
	return order >= 0
}

type pairFlag uint8

const (
	pairAny      pairFlag = 1 << iota // any of several values (FreeRADIUS), not the first alone
	pairExpand                        // the value is an expansion
	pairDeferred                      // the value is the ref of an expression
	pairAddPort                       // the value is an address to which NAS-Port is added
)

// A pair is one compiled check or reply pair, decoded.
type pair struct {
	kind  pairKind
	rel   relation
	attr  uint16 // index of Table.attrs
	tag   int8
	flags pairFlag
	value []byte
}

// A pair in a record: kind and relation (1), tag (1), attribute (2), length of the value with the flags in
// the upper bits (2), value.
const (
	pairHeader = 6
	maxValue   = 1<<12 - 1 // octets of a compiled value
)

func (p *pair) append(dst []byte) []byte {
	n := len(p.value) | int(p.flags)<<12
	dst = append(dst, byte(p.kind)|byte(p.rel)<<5, byte(p.tag), byte(p.attr), byte(p.attr>>8), byte(n), byte(n>>8))
	return append(dst, p.value...)
}

// nextPair takes the first pair off b.
func nextPair(b []byte) (pair, []byte) {
	flags := order.Uint16(b[4:])
	n := pairHeader + int(flags&maxValue)
	return pair{
		kind: pairKind(b[0] & 31), rel: relation(b[0] >> 5), tag: int8(b[1]), attr: order.Uint16(b[2:]),
		flags: pairFlag(flags >> 12), value: b[pairHeader:n:n],
	}, b[n:]
}

// number gives the value of a pair that holds a ref or an index of a side table.
func (p *pair) number() int { return int(order.Uint32(p.value)) }
