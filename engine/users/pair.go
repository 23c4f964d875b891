package users

import (
	"bytes"

	"perilune/engine/dictionary"
)

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

// number gives the value of a pair that holds a ref or an index of a side table.
func (p *pair) number() int { return int(order.Uint32(p.value)) }

// maxValue bounds a compiled value, in octets.
const maxValue = 1<<12 - 1

// A head is what pairs of a table have in common: all but their values or, where a pair stands in many entries, all.
// In a record a pair is the number of its head (1), unless that is whole the length of the value (1), and the value.
// Where one has no room: wide (1), number (4), length (2), value.
type head struct {
	pair
	of      *dictionary.Attribute
	listTag uint8 // the tag as a list has it
	whole   bool
	plain   bool // an order or a reply that is a pair more where its list was empty
}

const (
	wide       = 0xff
	wideHeader = 7
	maxWhole   = 192 // heads: while there are fewer, whole ones are made
)

// heads are those of a table, and what finds them while it is loaded.
type heads struct {
	list   []head
	common map[uint64]int  // numbers of those without a value
	whole  map[string]byte // numbers of those with one, by the pair as it stands in a record without
}

func newHeads() heads { return heads{common: map[uint64]int{}, whole: map[string]byte{}} }

// head gives the number of the head that pairs like p have.
func (t *Table) head(p *pair) int {
	key := uint64(p.kind)<<40 | uint64(p.rel)<<32 | uint64(p.attr)<<16 | uint64(uint8(p.tag))<<8 | uint64(p.flags)
	id, ok := t.heads.common[key]
	if !ok {
		id = len(t.heads.list)
		t.heads.common[key] = id
		h := head{pair: *p, listTag: uint8(max(p.tag, 0)), plain: t.plain(p)}
		if h.value = nil; len(t.attrs) > 0 { // a profile is of no attribute
			h.of = t.attrs[p.attr]
		}
		t.heads.list = append(t.heads.list, h)
	}
	return id
}

// plain reports whether a list takes the pair as it stands in the record, without a look at what it has.
func (t *Table) plain(p *pair) bool {
	if p.kind < firstEffect || p.kind == runRewrite || p.kind == runProfile || p.flags != 0 {
		return false
	}
	a := t.attrs[p.attr]
	merges := p.kind == replyMerge && a.Additivity != dictionary.Append
	return !merges && !a.IsField() && a.Index >= 0
}

// append appends a pair to a list of a record.
func (t *Table) append(dst []byte, p *pair) []byte { return appendPair(dst, t.head(p), p.value) }

func appendPair(dst []byte, head int, value []byte) []byte {
	n := len(value)
	if head < wide && n <= 0xff {
		dst = append(dst, byte(head), byte(n))
	} else {
		dst = append(dst, wide, byte(head), byte(head>>8), byte(head>>16), byte(head>>24), byte(n), byte(n>>8))
	}
	return append(dst, value...)
}

// share gives a list of one pair in its shortest form: for one that stands in many entries.
func (t *Table) share(list []byte) []byte {
	id, ok := t.heads.whole[string(list)]
	if !ok {
		if len(list) == 0 || len(t.heads.list) >= maxWhole {
			return list
		}
		h, value, rest := cut(t.heads.list, list)
		if len(rest) > 0 {
			return list
		}
		w := *h
		w.whole, w.value = true, bytes.Clone(value)
		id = byte(len(t.heads.list))
		t.heads.list = append(t.heads.list, w)
		t.heads.whole[string(list)] = id
	}
	return []byte{id}
}

// cut takes the first pair off a list: its head and its value.
func cut(heads []head, b []byte) (h *head, value, rest []byte) {
	if b[0] == wide {
		n := wideHeader + int(order.Uint16(b[5:]))
		return &heads[order.Uint32(b[1:])], b[wideHeader:n:n], b[n:]
	}
	h = &heads[b[0]]
	if h.whole {
		return h, h.value, b[1:]
	}
	n := 2 + int(b[1])
	return h, b[2:n:n], b[n:]
}

// nextPair takes the first pair off a list, decoded.
func (t *Table) nextPair(b []byte) (pair, []byte) {
	h, value, rest := cut(t.heads.list, b)
	p := h.pair
	p.value = value
	return p, rest
}
