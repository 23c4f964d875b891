package users

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// minRules is the length of a list up to which its entries are quickly tried one by one.
const minRules = 8

// A ruleIndexer makes the ruleIndex of one list.
type ruleIndexer struct {
	t     *Table
	out   ruleIndex
	dims  []dimension
	used  [maxDimensions]bool
	asked map[int]struct{} // huntgroups that an earlier entry has surely asked
	found []ruleKey        // of the entry at hand
	count []uint32         // entries by key, roughly: in each half unlike keys may share a number
	keyed []keyedRule
	yield func()
	done  int
}

// A keyedRule is an entry with the key chosen for it.
type keyedRule struct {
	hash   uint64
	at     place
	bucket uint32
}

// maxRings bounds the users whose entries have an index.
const maxRings = 1 << 12

// rings notices users with many entries, if these stand together but for those of users with one.
type rings struct {
	last place // entry of the user seen last
	n    int   // entries in a row
	long []place
}

// joined is told of an entry that was put behind another of its user.
func (s *rings) joined(last, p place) {
	if s.n++; last != s.last {
		s.n = 2
	}
	if s.last = p; s.n == minRules+1 && len(s.long) < maxRings {
		s.long = append(s.long, p)
	}
}

// indexRules makes the indexes of all lists of more than min entries, of which half as many have keys: those of BEGIN,
// DEFAULT, the profiles, and the users whom some entries name. yield is called every now and then.
func (t *Table) indexRules(min int, users []place, yield func()) {
	lists := []place{t.begin, t.defaults}
	for _, p := range users {
		lists = append(lists, t.lookup(t.record(p).name()))
	}
	for i := range t.profiles {
		lists = append(lists, t.profiles[i].last)
	}
	slices.Sort(lists)
	t.rules = nil
	for _, last := range slices.Compact(lists) {
		x := ruleIndexer{t: t, out: ruleIndex{last: last, seed: maphash.MakeSeed()}, yield: yield}
		n := 0
		for range t.ring(last) {
			n++
			x.step()
		}
		if n <= min {
			continue
		}
		if x.build(n); len(x.keyed) > min/2 {
			t.rules = append(t.rules, x.out)
		}
	}
}

// build indexes a list of n entries.
func (x *ruleIndexer) build(n int) {
	size := 64
	for size < 2*n {
		size *= 2
	}
	x.count = make([]uint32, 2*size)
	x.walk(func(_ place, keys []ruleKey) {
		for _, k := range keys {
			a, b := x.counts(k.hash)
			*a++
			*b++
		}
	})
	x.out.places = append(make([]place, 0, n+1), 0)
	x.walk(x.choose)
	x.out.always = uint32(len(x.out.places))
	x.fill()
	for i, d := range x.dims {
		switch {
		case !x.used[i]:
		case d.attr == nil:
			x.out.name = append(x.out.name, d)
		default:
			x.out.pairs = append(x.out.pairs, d)
			x.out.control = x.out.control || d.control
		}
	}
}

// counts gives the two numbers of a key.
func (x *ruleIndexer) counts(h uint64) (a, b *uint32) {
	n := uint64(len(x.count) / 2)
	return &x.count[h&(n-1)], &x.count[n+(h>>32&(n-1))]
}

// few tells of a key how many entries have it, or some more.
func (x *ruleIndexer) few(k ruleKey) uint32 {
	a, b := x.counts(k.hash)
	return min(*a, *b)
}

// walk gives each entry with its keys.
func (x *ruleIndexer) walk(each func(place, []ruleKey)) {
	x.asked = map[int]struct{}{}
	for p, r := range x.t.ring(x.out.last) {
		x.step()
		each(p, x.keys(r))
	}
}

func (x *ruleIndexer) step() {
	if x.done++; x.done%yieldEvery == 0 {
		x.yield()
	}
}

// choose puts an entry into the bucket that seems to have the fewest, or among those tried always.
func (x *ruleIndexer) choose(p place, keys []ruleKey) {
	if len(keys) == 0 {
		x.out.places = append(x.out.places, p)
		return
	}
	k := slices.MinFunc(keys, func(a, b ruleKey) int { return cmp.Compare(x.few(a), x.few(b)) })
	if x.keyed = append(x.keyed, keyedRule{hash: k.hash, at: p}); k.dimension < 0 {
		x.out.groups = true
	} else {
		x.used[k.dimension] = true
	}
}

// fill makes the buckets of the entries that have a key. Keys whose hashes look alike in a slot share one.
func (x *ruleIndexer) fill() {
	out := &x.out
	size := 8
	for size < 2*len(x.keyed) {
		size *= 2
	}
	out.slots, out.mask = make([]uint64, size), uint64(size-1)
	buckets := x.count[:0] // first the entries of each, then where its next one goes
	for i := range x.keyed {
		x.step()
		b := x.bucket(x.keyed[i].hash, len(buckets))
		if b == len(buckets) {
			buckets = append(buckets, 0)
		}
		buckets[b]++
		x.keyed[i].bucket = uint32(b)
	}
	x.place(buckets)
}

// bucket gives the number of a key's bucket; a new one gets the next number.
func (x *ruleIndexer) bucket(h uint64, next int) int {
	for i := h; ; i++ {
		s := &x.out.slots[i&x.out.mask]
		if *s == 0 {
			*s = h>>32<<32 | uint64(next+1)
			return next
		}
		if *s>>32 == h>>32 {
			return int(uint32(*s)) - 1
		}
	}
}

// place lays the buckets down, and lets the slots tell where.
func (x *ruleIndexer) place(buckets []uint32) {
	out := &x.out
	at := out.always
	out.places = append(out.places, make([]place, len(x.keyed)+len(buckets))...)
	starts := make([]uint32, len(buckets))
	for i, n := range buckets {
		starts[i], buckets[i] = at, at+1
		out.places[at] = place(n)
		at += 1 + n
	}
	for _, k := range x.keyed {
		x.step()
		out.places[buckets[k.bucket]] = k.at
		buckets[k.bucket]++
	}
	for i, s := range out.slots {
		x.step()
		if s != 0 {
			out.slots[i] = s>>32<<32 | uint64(starts[uint32(s)-1])
		}
	}
}
