package users

import (
	"slices"

	"perilune/engine/dictionary"
)

// maxDimensions bounds what a request is looked up by in one list.
const maxDimensions = 64

// A ruleKey names a bucket that an entry may lie in.
type ruleKey struct {
	hash      uint64
	dimension int // index of ruleIndexer.dims; that of a huntgroup is -1
}

// keys gives the buckets that an entry may lie in, none if it must be tried always. Entries are to be given in their
// order. What stands behind a huntgroup that no entry before has surely asked is no key: leaving the entry out must
// not leave out the asking. The first entry that begins with a huntgroup asks it and is tried always for it.
func (x *ruleIndexer) keys(r record) []ruleKey {
	x.found = x.found[:0]
	var p pair
	first := true
	for rest := r.checks(); len(rest) > 0; {
		if p, rest = x.t.nextPair(rest); p.kind >= checkProfile {
			continue
		}
		if p.kind == checkHuntgroup {
			if !x.group(&p, first) {
				break
			}
		} else if d, part, ok := x.dimension(&p); ok {
			x.add(d, part)
		}
		first = false
	}
	return x.found
}

// group adds the key of a huntgroup; false if it may not have been asked before this entry.
func (x *ruleIndexer) group(p *pair, first bool) bool {
	_, asked := x.asked[p.number()]
	if !asked {
		if first && p.rel == relEqual {
			x.asked[p.number()] = struct{}{}
		}
		return false
	}
	if p.rel == relEqual {
		x.found = append(x.found, ruleKey{x.out.key(p.value, groupSalt), -1})
	}
	return true
}

// add adds the key of a part in a dimension.
func (x *ruleIndexer) add(d dimension, part []byte) {
	i := slices.Index(x.dims, d)
	if i < 0 {
		if len(x.dims) == maxDimensions {
			return
		}
		i = len(x.dims)
		x.dims = append(x.dims, d)
	}
	x.found = append(x.found, ruleKey{x.out.key(part, d.salt()), i})
}

// dimension gives what a check can be looked up by: it holds for no request that lacks that part of a value.
func (x *ruleIndexer) dimension(p *pair) (d dimension, part []byte, ok bool) {
	if p.rel != relEqual || p.flags&pairExpand != 0 {
		return d, nil, false
	}
	n := uint16(len(p.value))
	switch p.kind {
	case checkPrefix:
		return dimension{axis: axisBegin, length: n}, p.value, n > 0
	case checkSuffix:
		return dimension{axis: axisEnd, length: n}, p.value, n > 0
	case checkCompare, checkHint, checkWithin, checkRegexp:
	default:
		return d, nil, false
	}
	d.attr = x.t.attrs[p.attr]
	d.control = d.attr.Internal || p.kind == checkHint
	if d.attr.IsField() || d.attr.Index < 0 || d.attr == x.t.typed { // an absent User-Password is taken for equal
		return d, nil, false
	}
	switch {
	case p.kind == checkWithin:
		d.axis, d.length, d.wide = axisNetwork, uint16(p.value[0]), n > 5
		return d, p.value[1:], true
	case p.kind == checkRegexp:
		return x.ofRegexp(p, d)
	case d.attr.Type == dictionary.TypeIPv4Prefix || d.attr.Type == dictionary.TypeIPv6Prefix: // equal in several forms
		return d, nil, false
	}
	return d, p.value, true
}

// ofRegexp gives the dimension of an expression that looks for a text at one end of the value.
func (x *ruleIndexer) ofRegexp(p *pair, d dimension) (dimension, []byte, bool) {
	if d.attr.Type != dictionary.TypeString && d.attr.Type != dictionary.TypeOctets { // it is not the value that is searched
		return d, nil, false
	}
	end, text, ok := regexpText(x.t.regexps[p.number()].String())
	d.axis, d.length = end, uint16(len(text))
	return d, []byte(text), ok
}
